"""Where a proposal stands in the steps of its call, and how it gets on to the next."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from allocations.kernel import audit, clock, outbox
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.events import Event
from allocations.kernel.states import move
from allocations.people.roles import SYSTEM, Actor, Role
from allocations.programme import steps
from allocations.programme.calls import Call, Reviewers
from allocations.programme.proposals import (
    UNDECIDED,
    Proposal,
    ProposalForwarded,
    State,
    on_team,
    same_house,
)
from allocations.programme.reviews import OPEN, Review, ReviewState
from allocations.programme.steps import StepKind

# These come before the first reviewer reads.
AT_THE_OFFICE = frozenset({StepKind.ADMIN_CHECK, StepKind.TECHNICAL})
# Somebody of the office may end these by hand.
ENDED_BY_HAND = frozenset(
    {StepKind.TECHNICAL, StepKind.REVIEW, StepKind.REBUTTAL, StepKind.DISCUSSION, StepKind.PANEL}
)


@dataclass(frozen=True, slots=True)
class StepBegun(Event):
    proposal_id: int
    kind: str


def kinds(call: Call) -> list[StepKind]:
    """The steps of this call, in order."""
    return [kind for kind in StepKind if call.has_step(kind)]


def following(call: Call, kind: StepKind | None) -> StepKind:
    """What comes after this step; the first one after none. Every call has a decision."""
    place = -1 if kind is None else kind.place
    return next(one for one in kinds(call) if one.place > place)


def begin(session: Session, proposal: Proposal) -> None:
    """After submission: into the first step of the call."""
    _enter(session, proposal, following(proposal.call, None))


def _enter(session: Session, proposal: Proposal, kind: StepKind, *, actor: Actor = SYSTEM) -> None:
    now = clock.now()
    proposal.step, proposal.step_since = kind, now
    proposal.step_due = now + timedelta(days=proposal.call.steps[str(kind)])
    if kind not in AT_THE_OFFICE and proposal.state == State.SUBMITTED:
        move(session, proposal, State.IN_REVIEW, actor)
        outbox.put(session, ProposalForwarded(proposal.id))
    outbox.put(session, StepBegun(proposal.id, str(kind)))


def may_advance(actor: Actor, proposal: Proposal) -> Answer:
    """To end a step by hand, before its time or after it."""
    return first_no(
        when(actor.has(Role.PROGRAMME_OFFICER), "Only a programme officer moves a proposal on."),
        when(not on_team(actor, proposal), "Nobody moves on a proposal of their own team."),
        when(not same_house(actor, proposal), "Nobody moves on a proposal of their own institution."),
        when(proposal.state in UNDECIDED, "This proposal is not on its way."),
        when(
            proposal.step in ENDED_BY_HAND,
            "This step ends with an answer of whoever has to act, not by hand.",
        ),
    )


def advance(session: Session, actor: Actor, proposal: Proposal) -> StepKind:
    """On to the next step, by hand; the step it is in now."""
    require(may_advance(actor, proposal))
    assert proposal.step is not None  # noqa: S101 - may_advance has seen to it
    ended = steps.NAMES[proposal.step][0]
    kind = go_on(session, proposal, actor=actor)
    audit.record(session, actor, "proposal.advance", subject=proposal.ref, note=f"{ended} is over")
    return kind


def go_on(session: Session, proposal: Proposal, *, actor: Actor = SYSTEM) -> StepKind:
    """The step is done: into the next one."""
    kind = following(proposal.call, proposal.step)
    _enter(session, proposal, kind, actor=actor)
    return kind


def review_is_in(session: Session, proposal: Proposal) -> None:
    """Experts' reviews end their step when there are enough and nobody is still writing.

    Applicants' reviews end by their deadline: whoever is late loses the own proposal.
    """
    if proposal.step != StepKind.REVIEW or proposal.call.reviewed_by == Reviewers.APPLICANTS:
        return
    counted = select(Review.state, func.count()).where(Review.proposal_id == proposal.id)
    number = dict(session.execute(counted.group_by(Review.state)).all())
    writing = sum(number.get(state, 0) for state in OPEN)
    if number.get(ReviewState.SUBMITTED, 0) >= proposal.call.reviewers and not writing:
        go_on(session, proposal)


def step(session: Session) -> bool:
    """One proposal whose reply or discussion has had its time; true if there was one."""
    due = (Proposal.step.in_(steps.TIMED), Proposal.step_due <= clock.now(), Proposal.state.in_(UNDECIDED))
    query = select(Proposal).where(*due).order_by(Proposal.step_due, Proposal.id).limit(1)
    proposal = session.scalar(query.with_for_update(skip_locked=True, of=Proposal))
    if proposal is None:
        return False
    go_on(session, proposal)
    return True


def is_late(proposal: Proposal) -> bool:
    """Past the response-time target of its step."""
    due = proposal.step_due
    return proposal.state in UNDECIDED and due is not None and due < clock.now()
