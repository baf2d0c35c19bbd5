"""Who may be PI, co-PI, reviewer or user: one table of standings, held against the verbs that ask."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from allocations.accounts import projects
from allocations.accounts.projects import Membership, Project, ProjectRole
from allocations.kernel import clock
from allocations.kernel.answers import Answer
from allocations.kernel.errors import NotAllowed
from allocations.people import eligibility, roles
from allocations.people.persons import Place, latest_identity
from allocations.people.roles import SYSTEM, VISITOR, Actor, Role, actor_of
from allocations.people.standing import Level, Standing
from allocations.programme import reviewing, teams, writing
from allocations.programme.calls import Call
from allocations.programme.proposals import Proposal
from allocations.programme.reviews import Review
from allocations.programme.teams import TeamMember
from allocations.programme.writing import Invitee
from datasets import grants
from k8s import notebooks
from k8s.notebooks import Order
from tests import cast as stage
from tests.cast import Cast

DAY = timedelta(days=1)
RAF = "https://refeds.org/assurance/"
# Parts of the reasons that people read.
UNKNOWN, CLOSED = "do not know your institution", "does not take part"
STUDENT, UNSPONSORED, LAPSED = "Students work in the project of a PI", "need a sponsor", "sponsorship ended"
SILENT, STALE = "does not say what you are", "last spoke for you"
ENDED = "confirmation of Somewhere Else ended"
OTHER, LOW = "not as a researcher or student", "proofed at level"


@dataclass(frozen=True)
class Row:
    """What is known of Sam, and what is answered: nothing when he is allowed, or part of the reason."""

    words: str
    says: str = "faculty"
    # Days since the log-in that said so.
    days: int = 0
    home: str = "registered"
    assurance: str = ""
    # Of the call: how well its PIs have to be proofed.
    wanted: Level = Level.ANY
    confirmed: Place | None = None
    # Days that are left of the confirmation and of the sponsorship; a minus: it has ended.
    confirmed_for: int = 30
    sponsored_for: int | None = None
    pi: str = ""
    co_pi: str = ""
    reviewer: str = ""
    user: str = ""

    def __str__(self) -> str:
        return self.words


def _no_leader(reason: str, *, user: str = "", reviewer: str = "") -> dict[str, str]:
    return {"pi": reason, "co_pi": reason, "user": user, "reviewer": reviewer}


NOBODY = _no_leader(SILENT, user=SILENT)
LEARNS = _no_leader(STUDENT, user=UNSPONSORED)
NOT_ENOUGH = _no_leader(OTHER, user=OTHER)
TOO_OLD = _no_leader(STALE, user=STALE)
NOWHERE = _no_leader(UNKNOWN, user=SILENT, reviewer=UNKNOWN)
SHUT = _no_leader(CLOSED, user=CLOSED, reviewer=CLOSED)
RESEARCHER, LEARNER = Place.RESEARCHER, Place.STUDENT
MANAGER = ProjectRole.ALLOCATION_MANAGER

TABLE = (
    Row("faculty", "faculty"),
    Row("staff", "staff"),
    Row("employee", "employee"),
    Row("member", "member"),
    Row("in capitals", "FACULTY"),
    Row("student", "student", **LEARNS),
    Row("student and staff", "student staff"),
    Row("student and member", "student member", **LEARNS),
    Row("alum", "alum", **NOT_ENOUGH),
    Row("affiliate", "affiliate", **NOT_ENOUGH),
    Row("a guest by word", "faculty-guest", **NOT_ENOUGH),
    Row("nothing is said", "", **NOBODY),
    Row("faculty 29 days ago", "faculty", 29),
    Row("faculty 31 days ago", "faculty", 31, **TOO_OLD),
    Row("student 31 days ago", "student", 31, **TOO_OLD),
    Row("alum 31 days ago", "alum", 31, **TOO_OLD),
    Row("no institution", "", home="none", **NOWHERE),
    Row("suspended, faculty", home="suspended", **SHUT),
    Row("suspended, student", "student", home="suspended", **SHUT),
    Row("suspended, nothing is said", "", home="suspended", **SHUT),
    Row("suspended, confirmed", "", home="suspended", confirmed=RESEARCHER, **SHUT),
    Row("suspended, sponsored", "student", home="suspended", sponsored_for=9, **SHUT),
    Row("proofing is not asked for", assurance="IAP/low"),
    Row("nothing said, low wanted", wanted=Level.LOW, pi=LOW),
    Row("low, low wanted", assurance="IAP/low", wanted=Level.LOW),
    Row("low, medium wanted", assurance="IAP/low", wanted=Level.MEDIUM, pi=LOW),
    Row("medium, medium wanted", assurance="IAP/medium", wanted=Level.MEDIUM),
    Row("cappuccino, medium wanted", assurance="profile/cappuccino", wanted=Level.MEDIUM),
    Row("cappuccino, high wanted", assurance="profile/cappuccino", wanted=Level.HIGH, pi=LOW),
    Row("medium, high wanted", assurance="IAP/medium", wanted=Level.HIGH, pi=LOW),
    Row("high, high wanted", assurance="IAP/high", wanted=Level.HIGH),
    Row("espresso, high wanted", assurance="profile/espresso", wanted=Level.HIGH),
    Row("a word that is none of ours", assurance="IAP/HIGH", wanted=Level.LOW, pi=LOW),
    Row("high, but a student", "student", assurance="IAP/high", wanted=Level.HIGH, **LEARNS),
    Row("confirmed as researcher", "", confirmed=RESEARCHER),
    Row("confirmed, high wanted", "", confirmed=RESEARCHER, wanted=Level.HIGH),
    Row("confirmation makes up for a low level", confirmed=RESEARCHER, wanted=Level.HIGH),
    Row("confirmation ended", "", confirmed=RESEARCHER, confirmed_for=-1, **_no_leader(ENDED, user=ENDED)),
    Row("confirmation ended, faculty again", "faculty", confirmed=RESEARCHER, confirmed_for=-1),
    Row("confirmation ended, low wanted", confirmed=RESEARCHER, confirmed_for=-1, wanted=Level.LOW, pi=LOW),
    Row("confirmed as student", "", confirmed=LEARNER, **LEARNS),
    Row("confirmed as student, by now faculty", "faculty", confirmed=LEARNER),
    Row("confirmed as researcher, a student by word", "student", confirmed=RESEARCHER),
    Row("confirmed, though long not seen", "faculty", 31, confirmed=RESEARCHER),
    Row("sponsored student", "student", sponsored_for=9, pi=STUDENT, co_pi=STUDENT),
    Row("sponsored guest", "", sponsored_for=9, pi=SILENT, co_pi=SILENT),
    Row("sponsored guest of nowhere", "", home="none", sponsored_for=9, **(NOWHERE | {"user": ""})),
    Row("sponsored alum", "alum", sponsored_for=9, **(NOT_ENOUGH | {"user": ""})),
    Row("sponsorship ended", "student", sponsored_for=-1, **_no_leader(STUDENT, user=LAPSED)),
    Row("sponsorship of a guest ended", "", sponsored_for=-1, **_no_leader(SILENT, user=LAPSED)),
    Row("sponsorship ended, staff by now", "staff", sponsored_for=-1),
)
# Verb -> the role that it is for.
VERBS = {
    "start a proposal": "pi",
    "submit a proposal": "pi",
    "accept as co-PI": "co_pi",
    "accept as allocation manager": "co_pi",
    "start a notebook": "user",
    "add a dataset": "user",
    "accept a review": "reviewer",
}


@dataclass
class Sam:
    """Before everything that he could do, were he allowed to."""

    cast: Cast
    project: Project
    member: Membership
    call: Call
    draft: Proposal
    invitations: list[TeamMember]
    review: Review

    @property
    def actor(self) -> Actor:
        return actor_of(self.cast.session, self.cast.people["sam"])

    def verbs(self) -> dict[str, Callable[[Session, Actor], object]]:
        order = Order(stage.allocation_of(self.cast, self.project).ref, "pytorch", 1, 1, ())
        ends, climate = clock.now() + 9 * DAY, self.cast.climate
        co_pi, manager = self.invitations
        return {
            "start a proposal": lambda s, sam: writing.start(s, sam, self.call),
            "submit a proposal": lambda s, sam: writing.submit(s, sam, self.draft),
            "accept as co-PI": lambda s, sam: teams.accept(s, sam, co_pi),
            "accept as allocation manager": lambda s, sam: teams.accept(s, sam, manager),
            "start a notebook": lambda s, sam: notebooks.start(s, sam, self.project, order),
            "add a dataset": lambda s, sam: grants.add_open(s, sam, self.project, climate, until=ends),
            "accept a review": lambda s, sam: reviewing.accept(s, sam, self.review),
        }


@pytest.fixture
def sam(session: Session, cast: Cast) -> Sam:
    """Arranged while he is a researcher."""
    stage.cluster(cast)
    project, person = stage.active(cast), cast.person(cast.sam)
    judged = stage.in_review(cast)
    roles.grant(session, SYSTEM, person, role=Role.REVIEWER)
    review = reviewing.assign(session, cast.owen, judged, person=person)
    # Afterwards: members of one project are not asked to review each other.
    projects.add_member(session, cast.priya, project, person=person, role=ProjectRole.USER)
    team = [Invitee(f"{role}@example.edu", role) for role in (ProjectRole.CO_PI, MANAGER)]
    theirs = stage.draft(cast)
    writing.save_team(session, cast.priya, theirs, team)
    call = stage.open_call(cast)
    draft = stage.draft(cast, call=call, pi=cast.sam)
    session.flush()
    member = project.membership_of(cast.sam)
    assert member is not None
    return Sam(cast, project, member, call, draft, theirs.team, review)


def _arrange(session: Session, sam: Sam, row: Row) -> None:
    now, person = clock.now(), sam.cast.people["sam"]
    identity = latest_identity(session, person)
    assert identity is not None
    identity.affiliations = [f"{word}@example.edu" for word in row.says.split()]
    identity.affiliated_at = now - row.days * DAY if row.says else None
    identity.assurance = [RAF + row.assurance] if row.assurance else []
    sam.call.assurance = row.wanted
    if row.home == "none":
        person.institution = None
    if row.home == "suspended" and person.institution:
        person.institution.suspended_at = now
    if row.confirmed:
        person.confirmed_as, person.confirmed_until = row.confirmed, now + row.confirmed_for * DAY
    if row.sponsored_for is not None:
        sam.member.sponsor = sam.cast.people["priya"]
        sam.member.sponsored_until = now + row.sponsored_for * DAY
    session.flush()


@pytest.mark.parametrize("verb", VERBS)
def test_what_each_standing_lets_somebody_do(session: Session, sam: Sam, verb: str) -> None:
    act, wrong = sam.verbs()[verb], {}
    for row in TABLE:
        with session.begin_nested() as undone:
            _arrange(session, sam, row)
            told = _answer(act, session, sam.actor)
            undone.rollback()
        expected = getattr(row, VERBS[verb])
        if not _fits(expected, told):
            wrong[row.words] = f"expected {expected!r}, told {told!r}"

    assert wrong == {}


def _answer(act: Callable[..., object], *given: object) -> str:
    """Nothing when it was done; otherwise the reason."""
    try:
        act(*given)
    except NotAllowed as refusal:
        return refusal.reason
    return ""


def _fits(part: str, reason: str) -> bool:
    return part in reason if part else reason == ""


def test_a_visitor_is_asked_to_log_in() -> None:
    assert not eligibility.may_use(VISITOR)
    assert not eligibility.may_review(VISITOR)
    assert eligibility.may_be_pi(VISITOR).reason == "Log in first."


NOW = clock.now()
WORDS = ("faculty", "staff", "employee", "member", "student", "alum", "affiliate", "library-walk-in")
MOMENTS = st.one_of(st.none(), st.integers(-400, 400).map(lambda days: NOW + days * DAY))
STANDINGS = st.builds(
    Standing,
    institution=st.sampled_from(["", "A college"]),
    is_suspended=st.booleans(),
    affiliations=st.lists(st.sampled_from(WORDS), max_size=3).map(lambda w: tuple(f"{x}@a.edu" for x in w)),
    affiliated_at=MOMENTS,
    level=st.sampled_from(Level),
    confirmed_as=st.sampled_from(Place),
    confirmed_until=MOMENTS,
)


def _may(standing: Standing, level: Level, sponsored: datetime | None) -> dict[str, Answer]:
    actor = Actor(person_id=1, standing=standing)
    return {
        "pi": eligibility.may_be_pi(actor, level),
        "co_pi": eligibility.may_be_co_pi(actor),
        "reviewer": eligibility.may_review(actor),
        "user": eligibility.may_use(actor, sponsored),
    }


@given(standing=STANDINGS, level=st.sampled_from(Level), sponsored=MOMENTS, data=st.data())
def test_more_evidence_never_takes_a_right_away(
    standing: Standing, level: Level, sponsored: datetime | None, data: st.DataObject
) -> None:
    unconfirmed = replace(standing, confirmed_as=None, confirmed_until=None)
    confirmed = replace(standing, confirmed_until=NOW + 30 * DAY)
    better = data.draw(st.sampled_from([each for each in Level if each.rank >= standing.level.rank]))
    later = NOW + 365 * DAY
    with clock.at(NOW):
        steps = {
            "assurance": (
                _may(standing, level, sponsored),
                _may(replace(standing, level=better), level, sponsored),
            ),
            "confirmation": (_may(unconfirmed, level, sponsored), _may(confirmed, level, sponsored)),
            "sponsorship": (_may(standing, level, None), _may(standing, level, later)),
            "of the call": (_may(standing, level, sponsored), _may(standing, Level.ANY, sponsored)),
        }

    lost = [
        (step, role) for step, (less, more) in steps.items() for role in less if less[role] and not more[role]
    ]
    assert lost == []


@given(standing=STANDINGS, level=st.sampled_from(Level), sponsored=MOMENTS)
def test_every_no_has_a_reason_that_names_no_empty_thing(
    standing: Standing, level: Level, sponsored: datetime | None
) -> None:
    with clock.at(NOW):
        reasons = [answer.reason for answer in _may(standing, level, sponsored).values() if not answer]

    assert [text for text in reasons if not text or text != text.strip() or "  " in text] == []
    assert [text for text in reasons if "None" in text] == []
