"""A whole competition through the verbs of the domain, among people whose names stand nowhere else."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.accounts.projects import ProjectRole
from allocations.kernel import clock, units
from allocations.people import roles
from allocations.people.institutions import Institution
from allocations.people.persons import Identity, Person
from allocations.people.roles import SYSTEM, Actor, Role
from allocations.programme import (
    answers,
    decisions,
    opening,
    progress,
    reviewing,
    screening,
    talking,
    teams,
    writing,
)
from allocations.programme.answers import Typed
from allocations.programme.calls import Call, Disclosure, Lane
from allocations.programme.opening import CallDraft, CriterionDraft
from allocations.programme.proposals import Proposal
from allocations.programme.reviewing import ReviewDraft
from allocations.programme.reviews import Review
from allocations.programme.steps import USUAL_DAYS, StepKind
from allocations.programme.writing import Invitee
from datasets import requests
from portal.auth.views import DEMO_ISSUER
from tests.portal import stage
from tests.portal.stage import Portal

ANCHORS = ("poor", "weak", "fair", "good", "excellent")
STEPS = {str(kind): USUAL_DAYS[kind] for kind in StepKind if kind != StepKind.TECHNICAL}
# Short name: first name, and whether they are at the PI's institution. The last name says which competition.
FIRST = {
    "pi": ("Wilhelmina", True),
    "copi": ("Thaddeus", False),
    "student": ("Ottoline", True),
    "one": ("Xanthippe", False),
    "two": ("Balthazar", False),
    "kin": ("Cornelius", False),
    "asked": ("Drusilla", False),
    "chair": ("Evangeline", True),
}
TEAM, REVIEWERS = ("pi", "copi", "student"), ("one", "two")
NOTE = "Between me and my diary."


@dataclass(frozen=True)
class Competition:
    """One call: `tag` is the last name of its people, who log in by `who`."""

    tag: str
    disclosure: Disclosure

    def who(self, short: str) -> str:
        return f"{short}-{self.tag.lower()}"

    def name(self, short: str) -> str:
        return f"{FIRST[short][0]} {self.tag}"

    def house(self, short: str) -> str:
        return f"{self.tag} Academy" if FIRST[short][1] else f"{FIRST[short][0]} Institute of {self.tag}"

    def marks(self, *shorts: str) -> set[str]:
        """All that would give these people away, but for the institutions of others."""
        named = {self.name(short) for short in shorts}
        return named | {self.who(short) for short in shorts} | {self.house(short) for short in shorts}

    def actor(self, session: Session, short: str) -> Actor:
        return stage.actor(session, self.who(short))


def gather(session: Session, held: Competition) -> Call:
    """Its people with their roles, and its call. Everybody has just logged in."""
    for identity in session.scalars(select(Identity).where(Identity.affiliated_at.is_not(None))):
        identity.affiliated_at = clock.now()
    houses = {held.house(short): Institution(name=held.house(short)) for short in FIRST}
    for short in FIRST:
        session.add(_identity(held, short, houses[held.house(short)]))
    session.flush()
    owen = stage.actor(session, "owen")
    call = opening.start(session, owen, _draft(held))
    opening.publish(session, owen, call)
    session.flush()
    for short in ("one", "two", "kin", "asked"):
        roles.grant(session, SYSTEM, stage.person(session, held.who(short)), role=Role.REVIEWER)
    # At the PI's institution; Chen chairs every call.
    chair = stage.person(session, held.who("chair"))
    roles.grant(session, SYSTEM, chair, role=Role.PANEL_CHAIR, scope_id=call.id)
    session.flush()
    return call


def _identity(held: Competition, short: str, house: Institution) -> Identity:
    who = held.who(short)
    person = Person(
        name=held.name(short), email=f"{who}@x.example", institution=house, welcomed_at=clock.now()
    )
    medium = ["https://refeds.org/assurance/IAP/medium"]
    return Identity(
        issuer=DEMO_ISSUER,
        subject=who,
        person=person,
        affiliations=["faculty@x.example"],
        affiliated_at=clock.now(),
        assurance=medium,
    )


def _draft(held: Competition) -> CallDraft:
    now = clock.now()
    return CallDraft(
        title=f"Competition {held.disclosure}",
        lane=Lane.STANDARD,
        summary="Everything in it.",
        opens_at=now - timedelta(days=1),
        closes_at=now + timedelta(days=30),
        reviewers=2,
        max_months=12,
        criteria=(CriterionDraft("Merit", 60, ANCHORS), CriterionDraft("Plan", 40, ANCHORS)),
        pools={"h100": 5000 * units.MICRO},
        disclosure=held.disclosure,
        steps=dict(STEPS),
    )


def submitted(session: Session, held: Competition, call: Call, *, title: str, pi: str = "") -> Proposal:
    """With the team joined, and a controlled dataset asked for; by the PI of the competition or by `pi`."""
    author = stage.actor(session, pi) if pi else held.actor(session, "pi")
    proposal = writing.start(session, author, call)
    writing.save_text(session, author, proposal, writing.Summary(title, "We look.", ("Biology",), "look"))
    told = [Typed(question, text="Because.") for question in call.questions]
    answers.save(session, author, proposal, told)
    asks = (writing.Ask("h100", 100 * units.MICRO, "To train."),)
    writing.save_resources(session, author, proposal, writing.Wanted(asks, clock.today(), 6))
    if not pi:
        requests.save(session, author, proposal, {"clinical-imaging": "To train."})
        _bring_team(session, held, proposal)
    session.flush()
    annex = requests.snapshot(requests.of_proposal(session, proposal))
    writing.submit(session, author, proposal, annex=annex)
    session.flush()
    return proposal


def _bring_team(session: Session, held: Competition, proposal: Proposal) -> None:
    given = {"copi": ProjectRole.CO_PI, "student": ProjectRole.USER}
    invited = [Invitee(f"{held.who(short)}@x.example", role) for short, role in given.items()]
    writing.save_team(session, held.actor(session, "pi"), proposal, invited)
    session.flush()
    for member, short in zip(proposal.team, given, strict=True):
        teams.accept(session, held.actor(session, short), member)


def forward(session: Session, proposal: Proposal) -> Proposal:
    screening.forward(session, stage.actor(session, "owen"), proposal)
    session.flush()
    return proposal


def asked(session: Session, held: Competition, proposal: Proposal, short: str) -> Review:
    person = stage.person(session, held.who(short))
    review = reviewing.assign(session, stage.actor(session, "owen"), proposal, person=person)
    session.flush()
    return review


def judged(session: Session, held: Competition, proposal: Proposal, short: str) -> Review:
    """A submitted review; its words name nobody."""
    review, reviewer = asked(session, held, proposal, short), held.actor(session, short)
    reviewing.accept(session, reviewer, review)
    marks = {criterion.id: 4 for criterion in proposal.call.criteria}
    reviewing.save(session, reviewer, review, ReviewDraft(marks, 4, "A sound plan.", "Fund it.", NOTE))
    session.flush()
    reviewing.submit(session, reviewer, review)
    session.flush()
    return review


def in_rebuttal(session: Session, held: Competition, call: Call, *, title: str) -> Proposal:
    """Reviewed by two; a third has declared a conflict."""
    proposal = forward(session, submitted(session, held, call, title=title))
    review = asked(session, held, proposal, "kin")
    reviewing.declare_conflict(session, held.actor(session, "kin"), review, reason="We are cousins.")
    for short in REVIEWERS:
        judged(session, held, proposal, short)
    assert proposal.step == StepKind.REBUTTAL
    return proposal


def in_discussion(session: Session, held: Competition, call: Call, *, title: str) -> Proposal:
    """The PI has replied, and a reviewer and the chair have written."""
    proposal = in_rebuttal(session, held, call, title=title)
    talking.reply(session, held.actor(session, "pi"), proposal, text="We have checked it twice.")
    session.flush()
    talking.say(session, held.actor(session, "one"), proposal, text="I am convinced.")
    talking.say(session, stage.actor(session, "chen"), proposal, text="Then we go on.")
    session.flush()
    return proposal


def awarded(session: Session, held: Competition, call: Call, *, title: str) -> Proposal:
    proposal = in_discussion(session, held, call, title=title)
    owen, chen = stage.actor(session, "owen"), stage.actor(session, "chen")
    progress.advance(session, owen, proposal)
    session.flush()
    amounts = {request.resource.slug: request.requested for request in proposal.requests}
    decisions.award(session, chen, proposal, amounts=amounts, summary="Fund it.")
    session.flush()
    return proposal


def held_in(portal: Portal, held: Competition) -> int:
    """Gathered and committed; the call's id."""
    with portal.sessions() as session, session.begin():
        return gather(session, held).id
