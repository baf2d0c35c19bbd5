"""Two proposals of the demo programme after their reviews: one waits for the reply, one is discussed."""

from datetime import timedelta

from sqlalchemy.orm import Session

from allocations.kernel import clock, units
from allocations.people.persons import Person, by_identity
from allocations.people.roles import Actor, actor_of
from allocations.programme import answers, opening, reviewing, talking, writing
from allocations.programme.answers import Typed
from allocations.programme.calls import Call, Lane
from allocations.programme.opening import CallDraft, CriterionDraft
from allocations.programme.proposals import Proposal
from allocations.programme.reviewing import ReviewDraft
from allocations.programme.steps import USUAL_DAYS, StepKind
from allocations.programme.writing import Ask, Summary, Wanted
from portal.auth.views import DEMO_ISSUER

REPLYING, TALKING = "Where the tides turn", "How dunes wander"
PI, REVIEWER = "ibrahim", "ruth"
STEPS = (StepKind.REVIEW, StepKind.REBUTTAL, StepKind.DISCUSSION, StepKind.DECISION)
ANCHORS = ("poor", "weak", "fair", "good", "excellent")


def begin(session: Session) -> None:
    """The call has no screening; Ruth alone reviews, Ibrahim writes."""
    call = _call(session)
    _reviewed(session, call, REPLYING)
    talked = _reviewed(session, call, TALKING)
    talking.reply(session, _actor(session, PI), talked, text="Thank you. We have looked at the wind again.")
    session.flush()
    talking.say(session, _actor(session, REVIEWER), talked, text="The wind was my only doubt.")


def _actor(session: Session, who: str) -> Actor:
    return actor_of(session, _person(session, who))


def _person(session: Session, who: str) -> Person:
    found = by_identity(session, DEMO_ISSUER, who)
    assert found is not None
    return found


def _call(session: Session) -> Call:
    now, owen = clock.now(), _actor(session, "owen")
    draft = CallDraft(
        title="Earth and sea",
        lane=Lane.STANDARD,
        summary="With a reply and a discussion.",
        opens_at=now - timedelta(days=1),
        closes_at=now + timedelta(days=30),
        reviewers=1,
        max_months=12,
        criteria=(CriterionDraft("Merit", 100, ANCHORS),),
        pools={"l4": 500 * units.MICRO},
        steps={str(kind): USUAL_DAYS[kind] for kind in STEPS},
    )
    call = opening.start(session, owen, draft)
    opening.publish(session, owen, call)
    session.flush()
    return call


def _reviewed(session: Session, call: Call, title: str) -> Proposal:
    pi, owen, reviewer = (_actor(session, who) for who in (PI, "owen", REVIEWER))
    proposal = writing.start(session, pi, call)
    writing.save_text(session, pi, proposal, Summary(title, "We look.", ("Geology",), "sand"))
    answers.save(session, pi, proposal, [Typed(question, text="Because.") for question in call.questions])
    asks = (Ask("l4", 10 * units.MICRO, "To train."),)
    writing.save_resources(session, pi, proposal, Wanted(asks, clock.today(), 6))
    session.flush()
    writing.submit(session, pi, proposal)
    session.flush()
    review = reviewing.assign(session, owen, proposal, person=_person(session, REVIEWER))
    reviewing.accept(session, reviewer, review)
    marks = {criterion.id: 4 for criterion in call.criteria}
    words = ReviewDraft(marks, 4, "What of the wind?", "Fund it.")
    reviewing.save(session, reviewer, review, words)
    session.flush()
    reviewing.submit(session, reviewer, review)
    session.flush()
    return proposal
