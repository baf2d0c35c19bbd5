"""Where a proposal stands in the steps of its call, and how it gets on to the next."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from allocations.kernel import audit, clock, outbox
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.errors import IllegalMove
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


def advance(
    session: Session, actor: Actor, proposal: Proposal, *, ending: StepKind | None = None
) -> StepKind:
    """On to the next step, by hand; the step it is in now.

    `ending` is the step that the actor saw: a second click must not end the next one as well.
    """
    if ending is not None and proposal.step != ending:
        raise IllegalMove("This step is over already: somebody has just ended it.")
    require(may_advance(actor, proposal))
    ended = steps.NAMES[here(proposal)][0]
    kind = go_on(session, proposal, actor=actor)
    audit.record(session, actor, "proposal.advance", subject=proposal.ref, note=f"{ended} is over")
    return kind


def here(proposal: Proposal) -> StepKind:
    """The step of a proposal that is on its way."""
    assert proposal.step is not None  # noqa: S101 - submitting sets it, nothing clears it
    return proposal.step


def go_on(session: Session, proposal: Proposal, *, actor: Actor = SYSTEM) -> StepKind:
    """The step is done: into the next one."""
    kind = following(proposal.call, proposal.step)
    _enter(session, proposal, kind, actor=actor)
    return kind


def go_back(session: Session, actor: Actor, proposal: Proposal) -> None:
    """A decision does not stand: before the panel again, or whoever decides."""
    move(session, proposal, State.IN_REVIEW, actor)
    again = StepKind.PANEL if proposal.call.has_step(StepKind.PANEL) else StepKind.DECISION
    _enter(session, proposal, again, actor=actor)


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


@dataclass(frozen=True, slots=True)
class Stop:
    """One step on a proposal's way: `state` is done, current or todo; `due` is known of the current one."""

    kind: StepKind
    state: str
    due: datetime | None = None


def way(proposal: Proposal) -> list[Stop]:
    """The steps of the call as this proposal has met them; empty before submission and after a withdrawal."""
    if proposal.step is None or proposal.state not in {*UNDECIDED, State.AWARDED, State.DECLINED}:
        return []
    if proposal.state in UNDECIDED:
        return [_stop(proposal, kind, proposal.step.place) for kind in kinds(proposal.call)]
    judged = [kind for kind in kinds(proposal.call) if kind != StepKind.ACCEPTANCE]
    return [Stop(kind, "done") for kind in judged]


def _stop(proposal: Proposal, kind: StepKind, here: int) -> Stop:
    if kind.place == here:
        return Stop(kind, "current", proposal.step_due)
    return Stop(kind, "done" if kind.place < here else "todo")


def late() -> ColumnElement[bool]:
    """Of proposals, as SQL: those that `is_late` finds late."""
    return and_(Proposal.state.in_(UNDECIDED), Proposal.step_due < clock.now())


def is_late(proposal: Proposal) -> bool:
    """Past the response-time target of its step."""
    due = proposal.step_due
    return proposal.state in UNDECIDED and due is not None and due < clock.now()
