"""What one member's screen shows of a meeting: the item of the room, or that they are outside for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, joinedload

from allocations.kernel import clock
from allocations.kernel.refs import spelt
from allocations.people.roles import Actor
from allocations.programme import meetings, readiness
from allocations.programme.calls import Criterion
from allocations.programme.conflicts import Conflict
from allocations.programme.meetings import AgendaItem, Meeting, MeetingState, RoomCheck, Seat
from allocations.programme.proposals import TALKED_ABOUT, Proposal, ResourceRequest, State
from allocations.programme.reviews import OPEN, READING, Review, ReviewState, Score


@dataclass(frozen=True, slots=True)
class Line:
    """An item that the viewer stays for, as the agenda lists it; `notice` says what is still to come, and is
    for those who plan the meeting."""

    item: int
    ref: str
    title: str
    state: State
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Current:
    """The item of the room, for those who stay. `scores` is None while the viewer's own review is due.

    `taken_out` is how many reviews a conflict has taken out after they were written.
    """

    item: AgendaItem
    proposal: Proposal
    standing: dict[str, Any]
    scores: tuple[float, ...] | None
    taken_out: int

    @property
    def is_gone(self) -> bool:
        """Withdrawn, or sent back: nothing to talk about any more."""
        return self.proposal.state not in TALKED_ABOUT


@dataclass(frozen=True, slots=True)
class Room:
    """`number` of `total` is all that somebody outside learns; it counts every item."""

    meeting: Meeting
    seats: Sequence[Seat]
    lines: Sequence[Line]
    number: int
    total: int
    is_member: bool
    current: Current | None = None
    # Who is outside for the current item.
    outside: Sequence[str] = ()
    # Recommended so far, of the items that the viewer stays for: micro-units by resource id.
    noted: dict[int, int] | None = None

    @property
    def is_outside(self) -> bool:
        return self.number > 0 and self.current is None and self.is_member

    @property
    def minutes(self) -> int:
        """Whole minutes at this item."""
        since = self.meeting.item_since
        return int((clock.now() - since).total_seconds() // 60) if since else 0


def look(session: Session, actor: Actor, meeting: Meeting) -> Room:
    """Six statements at most, however many sit there: everybody asks every few seconds."""
    number, total, lines = _agenda(session, actor, meeting)
    found = _seats(session, meeting)
    seats = [seat for seat, *_ in found]
    is_member = any(actor.is_person(seat.person_id) for seat in seats)
    here = meeting.item_id if meeting.state == MeetingState.OPEN else None
    if not any(line.item == here for line in lines):
        return Room(meeting, seats, lines, number, total, is_member)
    outside = [seat.person.name for seat, kind, declared in found if kind != "" or declared is not None]
    current = _current(session, actor, meeting)
    return Room(
        meeting, seats, lines, number, total, is_member, current, outside, _noted(session, actor, meeting)
    )


def _agenda(session: Session, actor: Actor, meeting: Meeting) -> tuple[int, int, list[Line]]:
    """The number of the current item (0 for none) among how many, and those that the viewer stays for."""
    stays = meetings.inside(actor)
    shown = (Proposal.id, Proposal.created_at, Proposal.title, Proposal.state)
    query = (
        select(AgendaItem.id, *shown, Proposal.step, Proposal.step_due, readiness.given(), stays)
        .join(Proposal, Proposal.id == AgendaItem.proposal_id)
        .where(AgendaItem.meeting_id == meeting.id)
        .order_by(AgendaItem.position, AgendaItem.id)
    )
    rows = session.execute(query).all()
    numbers = {row[0]: number for number, row in enumerate(rows, start=1)}
    lines = [_line(meeting, row) for row in rows if row[-1]]
    here = meeting.item_id if meeting.state == MeetingState.OPEN else None
    return numbers.get(here or 0, 0), len(rows), lines


def _line(meeting: Meeting, row: Any) -> Line:
    item, key, at, title, state, step, due, reviews, _ = row
    waits = state == State.IN_REVIEW
    notice = readiness.sentence(meeting.call, reviews, step=step, due=due) if waits else ""
    return Line(item, spelt(Proposal, key, at), title or "Untitled proposal", state, notice)


def _seats(session: Session, meeting: Meeting) -> Sequence[Any]:
    """Each seat, with what the last check says of the current item and whether a conflict was declared.

    Whoever is not checked counts as outside.
    """
    checked = and_(RoomCheck.item_id == meeting.item_id, RoomCheck.person_id == Seat.person_id)
    proposal = select(AgendaItem.proposal_id).where(AgendaItem.id == meeting.item_id).scalar_subquery()
    declared = and_(Conflict.proposal_id == proposal, Conflict.person_id == Seat.person_id)
    query = (
        select(Seat, RoomCheck.kind, Conflict.id)
        .outerjoin(RoomCheck, checked)
        .outerjoin(Conflict, declared)
        .where(Seat.meeting_id == meeting.id)
    )
    rows = session.execute(query).all()
    return sorted(rows, key=lambda row: (row[0].person.name, row[0].person_id))


def _current(session: Session, actor: Actor, meeting: Meeting) -> Current:
    mine = and_(RoomCheck.item_id == AgendaItem.id, RoomCheck.person_id == actor.person_id)
    query = (
        select(AgendaItem, Proposal, RoomCheck)
        .join(Proposal, Proposal.id == AgendaItem.proposal_id)
        .join(RoomCheck, mine)
        .where(AgendaItem.id == meeting.item_id)
        .options(joinedload(Proposal.requests), joinedload(Proposal.team))
    )
    item, proposal, check = session.execute(query).unique().one()
    return Current(item, proposal, check.standing, *_scores(session, actor, proposal))


def _scores(session: Session, actor: Actor, proposal: Proposal) -> tuple[tuple[float, ...] | None, int]:
    """The weighted scores of the submitted reviews, the lowest first, without names; and how many were
    taken out."""
    written = and_(Review.state == ReviewState.CONFLICTED, Review.confidence.is_not(None))
    points, weights = func.sum(Score.value * Criterion.weight), func.sum(Criterion.weight)
    query = (
        select(Review.reviewer_id, Review.state, points, weights)
        .outerjoin(Score, Score.review_id == Review.id)
        .outerjoin(Criterion, Criterion.id == Score.criterion_id)
        .where(Review.proposal_id == proposal.id, or_(Review.state.in_(READING), written))
        .group_by(Review.id)
    )
    rows = session.execute(query).all()
    taken_out = sum(row[1] == ReviewState.CONFLICTED for row in rows)
    if any(actor.is_person(reviewer) and state in OPEN for reviewer, state, *_ in rows):
        return None, taken_out
    done = [row for row in rows if row[1] == ReviewState.SUBMITTED and row[3]]
    return tuple(sorted(round(float(row[2]) / float(row[3]), 4) for row in done)), taken_out


def _noted(session: Session, actor: Actor, meeting: Meeting) -> dict[int, int]:
    query = (
        select(ResourceRequest.resource_id, func.sum(ResourceRequest.recommended))
        .join(Proposal, Proposal.id == ResourceRequest.proposal_id)
        .join(AgendaItem, AgendaItem.proposal_id == Proposal.id)
        .where(AgendaItem.meeting_id == meeting.id, Proposal.state.in_(TALKED_ABOUT), meetings.inside(actor))
        .group_by(ResourceRequest.resource_id)
    )
    return {resource: int(total or 0) for resource, total in session.execute(query)}
