"""Review among applicants: arranged after the close, owed by everybody, with the own proposal at stake."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session

from allocations.kernel import audit, clock, outbox
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.errors import IllegalMove, Invalid
from allocations.kernel.events import Event
from allocations.kernel.states import move
from allocations.people.persons import Person
from allocations.people.roles import SYSTEM, Actor, Role
from allocations.programme import draws, progress, relations, runs
from allocations.programme.calls import Call, Reviewers
from allocations.programme.decisions import Decision, Outcome, ProposalDeclined
from allocations.programme.proposals import Proposal, State
from allocations.programme.reviews import OPEN, Review, ReviewState
from allocations.programme.runs import Run, RunKind, RunState
from allocations.programme.steps import StepKind

MOST = 5


@dataclass(frozen=True, slots=True)
class ReviewsOwed(Event):
    """One applicant has been given the proposals to review."""

    call_id: int
    person_id: int


@dataclass(frozen=True, slots=True)
class Owing:
    """One applicant's line: how many reviews are given, and how many of them are in."""

    proposal: Proposal
    person: Person
    given: int
    submitted: int


def may_arrange(actor: Actor, call: Call) -> Answer:
    return first_no(
        when(actor.has(Role.PROGRAMME_OFFICER), "Only a programme officer arranges the reviews."),
        when(call.reviewed_by == Reviewers.APPLICANTS, "In this call experts review, not applicants."),
        when(call.window == "closed", "Reviews are arranged when the call has closed."),
    )


def in_exchange(session: Session, call: Call) -> Sequence[Proposal]:
    """The proposals that take part: past the office's checks, not decided, not withdrawn."""
    query = select(Proposal).where(Proposal.call_id == call.id, Proposal.state == State.IN_REVIEW)
    return session.scalars(query.order_by(Proposal.id)).all()


def unchecked(session: Session, call: Call) -> int:
    """How many still wait for the office; they would be left out."""
    waiting = (Proposal.call_id == call.id, Proposal.state == State.SUBMITTED)
    return session.scalar(select(func.count()).where(*waiting)) or 0


def ask(session: Session, actor: Actor, call: Call, *, seed: int) -> Run:
    """Have the pairs computed."""
    require(may_arrange(actor, call))
    left = unchecked(session, call)
    if left:
        many = "proposal still waits" if left == 1 else "proposals still wait"
        raise IllegalMove(f"{left} {many} for the administrative check.")
    if _is_arranged(session, call):
        raise IllegalMove("The applicants have been asked already.")
    return runs.ask(session, actor, call, RunKind.EXCHANGE, seed=seed, most=MOST)


def _is_arranged(session: Session, call: Call) -> bool:
    duty = select(Review.id).join(Proposal).where(Proposal.call_id == call.id, Review.is_duty)
    return bool(session.scalar(select(duty.exists())))


def gather(session: Session, run: Run) -> dict[str, Any]:
    """Plain values for the computation: each applicant with what they must not see."""
    call = session.get_one(Call, run.call_id)
    listed = in_exchange(session, call)
    people = [proposal.pi for proposal in listed]
    barred: dict[int, list[int]] = {person.id: [] for person in people}
    for proposal in listed:
        related = relations.of_people(session, people, proposal)
        for person in people:
            if person.id != proposal.pi_id and relations.keeping(related[person.id]) is not None:
                barred[person.id].append(proposal.id)
    applicants = [
        {
            "person": proposal.pi_id,
            "proposal": proposal.id,
            "institution": str(proposal.pi.institution_id or ""),
            "barred": barred[proposal.pi_id],
        }
        for proposal in listed
    ]
    return {"applicants": applicants, "most": run.parameters["most"]}


def apply(session: Session, actor: Actor, call: Call, run: Run, *, due_at: datetime) -> int:
    """Give everybody their reviews, due at the same moment; how many reviews there are."""
    require(may_arrange(actor, call))
    if run.kind != RunKind.EXCHANGE or run.state != RunState.DONE:
        raise IllegalMove("Compute the pairs first.")
    if draws.of_call(session, call) is None:
        raise IllegalMove("Seal the secret of the draw first: once a review is in, it is too late.")
    if due_at <= clock.now():
        raise Invalid({"due_at": "The deadline must be in the future."})
    known = {proposal.id: proposal for proposal in in_exchange(session, call)}
    if {one["proposal"] for one in run.inputs["applicants"]} != set(known):
        raise IllegalMove("Proposals came or went since the pairs were computed. Compute them again.")
    for number, group in enumerate(run.result["groups"]):
        for proposal_id in group:
            known[proposal_id].review_group = number
    for proposal in known.values():
        proposal.step_due = due_at
    people = {proposal.pi_id: proposal.pi for proposal in known.values()}
    for proposal_id, person_id in run.result["pairs"]:
        review = Review(proposal=known[proposal_id], reviewer=people[person_id], is_duty=True, due_at=due_at)
        review.state = ReviewState.ACCEPTED
        session.add(review)
    session.flush()
    runs.apply(session, actor, run)
    audit.record(session, actor, "call.exchange", subject=call.ref, note=f"{run.ref}, due {due_at:%Y-%m-%d}")
    for person_id in sorted({person for _, person in run.result["pairs"]}):
        outbox.put(session, ReviewsOwed(call.id, person_id))
    return len(run.result["pairs"])


def owing(session: Session, call: Call) -> list[Owing]:
    """Every applicant of the exchange, whoever has most left to do first; two statements."""
    counted = (
        select(Review.reviewer_id, Review.state, func.count())
        .join(Proposal)
        .where(Proposal.call_id == call.id, Review.is_duty)
        .group_by(Review.reviewer_id, Review.state)
    )
    number: dict[int, dict[ReviewState, int]] = {}
    for person_id, state, count in session.execute(counted):
        number.setdefault(person_id, {})[state] = count
    query = select(Proposal).where(Proposal.call_id == call.id, Proposal.pi_id.in_(number))
    lines = [
        Owing(
            proposal=proposal,
            person=proposal.pi,
            given=sum(number[proposal.pi_id].values()),
            submitted=number[proposal.pi_id].get(ReviewState.SUBMITTED, 0),
        )
        for proposal in session.scalars(query)
    ]
    return sorted(lines, key=lambda line: (line.submitted - line.given, line.proposal.id))


def step(session: Session) -> bool:
    """One thing that the deadline brings: somebody late loses their proposal, or a proposal goes on."""
    return _reject_one(session) or _go_on_with_one(session)


def _reject_one(session: Session) -> bool:
    late = (Review.is_duty, Review.state.in_(OPEN), Review.due_at <= clock.now(), _could_be_written())
    query = select(Review).join(Proposal).where(*late).order_by(Review.id).limit(1)
    review = session.scalar(query.with_for_update(skip_locked=True, of=Review))
    if review is None:
        return False
    call = review.proposal.call
    mine = select(Review).join(Proposal).where(Proposal.call_id == call.id, Review.is_duty)
    owed = session.scalars(mine.where(Review.reviewer_id == review.reviewer_id)).all()
    left = list(session.scalars(mine.where(Review.reviewer_id == review.reviewer_id, *late)))
    for one in left:
        move(session, one, ReviewState.CANCELLED, SYSTEM, note="not submitted in time")
    own = select(Proposal).where(Proposal.call_id == call.id, Proposal.pi_id == review.reviewer_id)
    for proposal in session.scalars(own.where(Proposal.state == State.IN_REVIEW)).all():
        _reject(session, proposal, left=len(left), owed=len(owed))
    return True


def _could_be_written() -> ColumnElement[bool]:
    """Until the deadline: a review of what was withdrawn before it is owed by nobody."""
    return or_(Proposal.state == State.IN_REVIEW, Proposal.state_since >= Review.due_at)


def _reject(session: Session, proposal: Proposal, *, left: int, owed: int) -> None:
    summary = (
        f"{left} of the {owed} reviews that you owed under the rules of this call were not submitted in "
        "time. The rules say that this rejects your own proposal; it was not compared with the others."
    )
    for request in proposal.requests:
        request.recommended = request.awarded = 0
    decided = Decision(
        proposal_id=proposal.id, outcome=Outcome.DECLINE, summary=summary, decided_by="rule of the call"
    )
    session.add(decided)
    move(session, proposal, State.DECLINED, SYSTEM, note=summary)
    outbox.put(session, ProposalDeclined(proposal.id))


def _go_on_with_one(session: Session) -> bool:
    """Past the deadline, and nobody writes about it any more."""
    writing = exists().where(Review.proposal_id == Proposal.id, Review.state.in_(OPEN))
    done = (
        Proposal.review_group.is_not(None),
        Proposal.state == State.IN_REVIEW,
        Proposal.step == StepKind.REVIEW,
        Proposal.step_due <= clock.now(),
        ~writing,
    )
    query = select(Proposal).where(*done).order_by(Proposal.id).limit(1)
    proposal = session.scalar(query.with_for_update(skip_locked=True, of=Proposal))
    if proposal is None:
        return False
    progress.go_on(session, proposal)
    return True
