"""A call whose applicants review each other, brought to its stages by verbs and the worker's own steps."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.kernel import clock
from allocations.people.roles import Actor
from allocations.programme import drawing, draws, exchanging, jobs, reviewing, runs, screening, writing
from allocations.programme.calls import Call, Decider, Reviewers
from allocations.programme.draws import Draw
from allocations.programme.proposals import Proposal
from allocations.programme.reviewing import ReviewDraft
from allocations.programme.reviews import OPEN, Review
from allocations.programme.runs import Run, RunKind
from tests import cast as stage
from tests.cast import Cast

APPLICANTS = ("priya", "ruth", "ravi", "rosa", "sam", "dana", "pat")
SECRET = "5c" * 32
STEPS = {"admin_check": 5, "review": 14, "decision": 7, "acceptance": 14}


def call(cast: Cast, **changes: object) -> Call:
    given: dict[str, object] = {
        "reviewed_by": Reviewers.APPLICANTS,
        "decided_by": Decider.OFFICER,
        "per_person": 1,
        "steps": dict(STEPS),
    }
    return stage.open_call(cast, **(given | changes))


def applied(cast: Cast, call: Call, names: tuple[str, ...] = APPLICANTS) -> dict[str, Proposal]:
    """One checked proposal each."""
    made = {}
    for name in names:
        author: Actor = getattr(cast, name)
        proposal = stage.draft(cast, call=call, pi=author)
        writing.submit(cast.session, author, proposal)
        screening.forward(cast.session, cast.owen, proposal)
        made[name] = proposal
    cast.session.flush()
    return made


@contextmanager
def after_close(cast: Cast, call: Call, *, days: float = 1) -> Iterator[datetime]:
    """So many days after the close, with everybody's log-in fresh."""
    moment = call.closes_at + timedelta(days=days)
    with clock.at(moment):
        cast.log_in_again()
        yield moment


def computed(session: Session, run: Run) -> Run:
    """What the worker and its child do, in this process."""
    job = runs.claim(session, {RunKind.EXCHANGE: exchanging.gather})
    assert job is not None
    assert job.run_id == run.id
    try:
        result, message = jobs.COMPUTE[job.kind](job.inputs, job.seed), ""
    except runs.Unsolvable as why:
        result, message = None, str(why)
    runs.record(session, job, result=result, message=message)
    session.flush()
    return run


def sealed(cast: Cast, call: Call) -> Draw:
    return draws.of_call(cast.session, call) or drawing.seal(cast.session, cast.owen, call, secret=SECRET)


def asked(cast: Cast, call: Call, *, due_at: datetime, seed: int = 7) -> None:
    """Secret sealed, pairs computed, applicants asked."""
    sealed(cast, call)
    run = computed(cast.session, exchanging.ask(cast.session, cast.owen, call, seed=seed))
    exchanging.apply(cast.session, cast.owen, call, run, due_at=due_at)
    cast.session.flush()


def owed(cast: Cast, call: Call, name: str) -> list[Review]:
    mine = (Proposal.call_id == call.id, Review.reviewer_id == cast.people[name].id, Review.state.in_(OPEN))
    return list(cast.session.scalars(select(Review).join(Proposal).where(*mine).order_by(Review.id)))


def write(cast: Cast, review: Review, name: str, *, score: int) -> None:
    numbers = {criterion.id: score for criterion in review.proposal.call.criteria}
    text = ReviewDraft(scores=numbers, confidence=3, to_pi="Words.", to_panel="")
    author: Actor = getattr(cast, name)
    reviewing.save(cast.session, author, review, text)
    reviewing.submit(cast.session, author, review)


def written(cast: Cast, call: Call, *, but: tuple[str, ...] = ()) -> None:
    """Everybody's reviews, but for those of some; the best proposal is the first applicant's."""
    order = list(exchanging.in_exchange(cast.session, call))
    for name in APPLICANTS:
        for review in [] if name in but else owed(cast, call, name):
            place = [one.id for one in order].index(review.proposal_id)
            write(cast, review, name, score=max(1, 5 - place // 2))
    cast.session.flush()


def write_each(cast: Cast, call: Call, wanted: Callable[[str, Review], bool]) -> None:
    """Of everybody's reviews those that are wanted, given the reviewer's name and the review."""
    for name in APPLICANTS:
        for review in [one for one in owed(cast, call, name) if wanted(name, one)]:
            write(cast, review, name, score=3)
    cast.session.flush()


def time_passes(session: Session) -> None:
    """The worker's turn, until nothing is due."""
    while exchanging.step(session):
        session.flush()
