"""Calls whose applicants review each other, at each stage that a page or form of the portal needs."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.accounts import courses
from allocations.accounts.courses import CourseDraft
from allocations.accounts.projects import Project
from allocations.kernel import clock, units
from allocations.people.persons import by_identity
from allocations.people.roles import Actor, actor_of
from allocations.programme import drawing, exchanging, jobs, opening, reviewing, runs, screening, writing
from allocations.programme.calls import Call, Decider, Disclosure, Lane, Reviewers
from allocations.programme.draws import Draw
from allocations.programme.opening import CallDraft, CriterionDraft
from allocations.programme.proposals import Proposal
from allocations.programme.reviewing import ReviewDraft
from allocations.programme.reviews import Review
from allocations.programme.runs import RunKind
from portal.demo.cast import ISSUER

TITLES = {
    "exchange": "Ideas of spring, judged by applicants",
    "paired": "Ideas of summer, judged by applicants",
    "tiered": "Ideas of autumn, judged by applicants",
    "frozen": "Ideas of winter, judged by applicants",
}
APPLICANTS = ("priya", "carlos", "ruth", "sam")
WEEK = timedelta(days=7)
DRAFT = CallDraft(
    title="",
    lane=Lane.STANDARD,
    summary="Small projects with a new idea.",
    opens_at=clock.now(),
    closes_at=clock.now(),
    reviewers=3,
    max_months=6,
    criteria=(CriterionDraft("Idea", 100, ("Old", "Known", "Good", "New", "Bold")),),
    pools={"a100": 250 * units.MICRO},
    questions=(),
    reviewed_by=Reviewers.APPLICANTS,
    decided_by=Decider.OFFICER,
    disclosure=Disclosure.DOUBLE_BLIND,
    per_person=1,
    steps={"admin_check": 5, "review": 14, "decision": 7, "acceptance": 14},
)


def hold(session: Session) -> None:
    """One call for each stage; the weeks are counted back from now."""
    _call(session, "exchange")
    paired = _call(session, "paired")
    _seal(session, paired)
    _apply(session, paired)
    _pair(session, paired)
    for key in ("tiered", "frozen"):
        call = _call(session, key)
        draw = _seal(session, call)
        _apply(session, call)
        with clock.at(clock.now() - 4 * WEEK):
            _pair(session, call)
            _ask_and_review(session, call)
        while exchanging.step(session):
            session.flush()
        if key == "frozen":
            drawing.freeze(session, _actor(session, "owen"), call, draw, drawing.Terms("Lottery of Saturday"))


def assess(session: Session) -> None:
    """A proposal of Mei's waits for the word of the computing centre."""
    owen, now, mei = _actor(session, "owen"), clock.now(), _actor(session, "mei")
    steps = {"admin_check": 5, "technical": 7, "review": 21, "decision": 7, "acceptance": 30}
    dates = {"opens_at": now - WEEK, "closes_at": now + WEEK}
    whole = replace(DRAFT, title="Large machines", reviewed_by=Reviewers.EXPERTS, steps=steps, **dates)
    call = opening.start(session, owen, whole)
    opening.publish(session, owen, call)
    session.flush()
    proposal = writing.start(session, mei, call)
    summary = writing.Summary("Ice sheets at full resolution", "Few words.", ("Physics",), "")
    writing.save_text(session, mei, proposal, summary)
    asks = (writing.Ask("a100", 100 * units.MICRO, "Ten runs."),)
    writing.save_resources(session, mei, proposal, writing.Wanted(asks, clock.today() + WEEK, 3))
    session.flush()
    writing.submit(session, mei, proposal)
    screening.forward(session, owen, proposal)


def teach(session: Session, teacher: Actor, project: Project) -> None:
    """A course that nobody has joined yet."""
    ends_at = clock.now() + timedelta(days=20)
    courses.hold(session, teacher, project, CourseDraft(seats=40, cap=5 * units.MICRO, ends_at=ends_at))


def _actor(session: Session, who: str) -> Actor:
    person = by_identity(session, ISSUER, who)
    assert person is not None
    return actor_of(session, person)


def _call(session: Session, key: str) -> Call:
    """Open from week 8 to week 5 ago."""
    now = clock.now()
    with clock.at(now - 9 * WEEK):
        owen = _actor(session, "owen")
        dates = {"opens_at": now - 8 * WEEK, "closes_at": now - 5 * WEEK}
        call = opening.start(session, owen, replace(DRAFT, title=TITLES[key], **dates))
        opening.publish(session, owen, call)
    session.flush()
    return call


def _seal(session: Session, call: Call) -> Draw:
    return drawing.seal(session, _actor(session, "owen"), call, secret="5c" * 32)


def _apply(session: Session, call: Call) -> None:
    with clock.at(call.opens_at + WEEK):
        for who in APPLICANTS:
            author = _actor(session, who)
            proposal = writing.start(session, author, call)
            summary = writing.Summary(f"An idea of {who}", "Few words.", ("Biology",), "")
            writing.save_text(session, author, proposal, summary)
            asks = (writing.Ask("a100", 100 * units.MICRO, "Ten runs."),)
            writing.save_resources(
                session, author, proposal, writing.Wanted(asks, clock.today() + 9 * WEEK, 3)
            )
            session.flush()
            writing.submit(session, author, proposal)
            screening.forward(session, _actor(session, "owen"), proposal)
    session.flush()


def _pair(session: Session, call: Call) -> None:
    exchanging.ask(session, _actor(session, "owen"), call, seed=3)
    job = runs.claim(session, {RunKind.EXCHANGE: exchanging.gather})
    assert job is not None
    runs.record(session, job, result=jobs.exchange(job.inputs, job.seed))
    session.flush()


def _ask_and_review(session: Session, call: Call) -> None:
    run = runs.latest(session, call, RunKind.EXCHANGE)
    assert run is not None
    exchanging.apply(session, _actor(session, "owen"), call, run, due_at=clock.now() + 2 * WEEK)
    duties = select(Review).join(Proposal).where(Proposal.call_id == call.id).order_by(Review.id)
    for place, review in enumerate(session.scalars(duties).all()):
        author = actor_of(session, review.reviewer)
        scores = {criterion.id: 1 + place % 5 for criterion in call.criteria}
        reviewing.save(session, author, review, ReviewDraft(scores, 3, "Thank you.", ""))
        session.flush()
        reviewing.submit(session, author, review)
    session.flush()
