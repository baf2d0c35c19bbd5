"""The verbs of a panel's meeting: plan, open, go on, note amounts and minutes, leave the room, close."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.kernel import audit, clock, outbox, units
from allocations.kernel.answers import require, when
from allocations.kernel.errors import IllegalMove, Incomplete, Invalid, NotAllowed, Stale
from allocations.kernel.events import Event
from allocations.kernel.states import expect, move
from allocations.people.roles import Actor
from allocations.programme import (
    agendas,
    decisions,
    meetings,
    panel_list,
    reviewing,
    seating,
    standings,
    talking,
)
from allocations.programme.calls import Call
from allocations.programme.conflicts import Conflict
from allocations.programme.decisions import Decision
from allocations.programme.meetings import AgendaItem, Meeting, MeetingState, RoomCheck, Seat
from allocations.programme.proposals import TALKED_ABOUT, Proposal
from allocations.programme.relations import Kind
from allocations.programme.reviews import may_step_back
from allocations.programme.seating import MeetingInvited


@dataclass(frozen=True, slots=True)
class MeetingClosed(Event):
    meeting_id: int


@dataclass(frozen=True, slots=True)
class MeetingCalledOff(Event):
    meeting_id: int


@dataclass(frozen=True, slots=True)
class Plan:
    """`members`: numbers of people from the list."""

    title: str
    starts_at: datetime
    members: Collection[int]


def plan(session: Session, actor: Actor, call: Call, plan: Plan) -> Meeting:
    """With whoever plans it as a member, and everything undecided of their list on the agenda."""
    require(meetings.may_convene(actor, call))
    _check_start(plan)
    meeting = Meeting(call=call, title=plan.title, starts_at=plan.starts_at, created_by=actor.name)
    session.add(meeting)
    session.flush()
    audit.record(session, actor, "meeting.plan", subject=meeting.ref, note=call.ref)
    own = () if actor.person_id is None else (actor.person_id,)
    seating.seat(session, actor, meeting, {*plan.members, *own})
    agendas.fill(session, actor, meeting)
    return meeting


def _check_start(plan: Plan) -> None:
    if plan.starts_at <= clock.now():
        raise Invalid({"starts_at": "Choose a time that is still to come."})


def change(
    session: Session, actor: Actor, meeting: Meeting, plan: Plan, *, version: int | None = None
) -> None:
    """Title, time and members. Everybody gets a letter with a new time."""
    require(meetings.may_prepare(actor, meeting))
    expect(meeting, version)
    moved = plan.starts_at != meeting.starts_at
    if moved:
        _check_start(plan)
    before = {one.person_id for one in meetings.seats(session, meeting)}
    meeting.title, meeting.starts_at = plan.title, plan.starts_at
    known = seating.outside(session, meeting).keys()
    seating.seat(session, actor, meeting, plan.members)
    agendas.put_behind(session, meeting, known=known)
    stayed = [one for one in meetings.seats(session, meeting) if one.person_id in before]
    for one in stayed if moved else ():
        outbox.put(session, MeetingInvited(one.id))
    audit.record(session, actor, "meeting.change", subject=meeting.ref)


def open_it(session: Session, actor: Actor, meeting: Meeting) -> None:
    require(meetings.may_prepare(actor, meeting))
    move(session, meeting, MeetingState.OPEN, actor)
    _note_presence(session, actor, meeting)
    known = seating.outside(session, meeting).keys()
    seating.check(session, meeting)
    agendas.put_behind(session, meeting, known=known)


def _seat_of(session: Session, actor: Actor, meeting: Meeting) -> Seat | None:
    mine = select(Seat).where(Seat.meeting_id == meeting.id, Seat.person_id == actor.person_id)
    return session.scalar(mine)


def my_seat(session: Session, actor: Actor, meeting: Meeting) -> Seat:
    found = _seat_of(session, actor, meeting)
    if found is None:
        raise NotAllowed("You are not a member of this meeting.")
    return found


def _note_presence(session: Session, actor: Actor, meeting: Meeting) -> None:
    """Whoever leads the meeting or writes its minutes is there, with or without a word about it."""
    seat = _seat_of(session, actor, meeting)
    if seat is not None and not seat.is_in:
        seat.came_at, seat.left_at = seat.came_at or clock.now(), None


def enter(session: Session, actor: Actor, meeting: Meeting) -> None:
    """Into the attendance; coming back keeps the time of the first arrival."""
    seat = my_seat(session, actor, meeting)
    require(when(meeting.state == MeetingState.OPEN, "The meeting is not open."))
    if seat.is_in:
        raise IllegalMove("You are in the room already.")
    seat.came_at, seat.left_at = seat.came_at or clock.now(), None
    audit.record(session, actor, "meeting.enter", subject=meeting.ref)


def leave(session: Session, actor: Actor, meeting: Meeting) -> None:
    seat = my_seat(session, actor, meeting)
    require(when(meeting.state == MeetingState.OPEN, "The meeting is not open."))
    if not seat.is_in:
        raise IllegalMove("You have left the room already.")
    seat.left_at = clock.now()
    audit.record(session, actor, "meeting.leave", subject=meeting.ref)


def go_on(session: Session, actor: Actor, meeting: Meeting, *, leaving: int | None) -> None:
    """To the next item that can still be talked about; `leaving` is the item of the presser's screen."""
    require(meetings.may_run(actor, meeting))
    _check_is_there(meeting, leaving)
    items = list(meetings.agenda(session, meeting))
    numbers = [item.id for item in items]
    start = numbers.index(leaving) + 1 if leaving in numbers else 0
    known = panel_list.loaded(session, [item.proposal_id for item in items[start:]])
    coming = (item for item in items[start:] if known[item.proposal_id].state in TALKED_ABOUT)
    following = next(coming, None)
    if following is None:
        raise IllegalMove("This was the last item. Close the meeting when everything is said.")
    _take(session, actor, meeting, following, place=numbers.index(following.id) + 1)


def take(session: Session, actor: Actor, meeting: Meeting, item: AgendaItem, *, leaving: int | None) -> None:
    """To this very item."""
    require(meetings.may_run(actor, meeting))
    _check_is_there(meeting, leaving)
    if item.id == meeting.item_id:
        raise IllegalMove("The room is at this item already.")
    place = [each.id for each in meetings.agenda(session, meeting)].index(item.id) + 1
    _take(session, actor, meeting, item, place=place)


def _check_is_there(meeting: Meeting, leaving: int | None) -> None:
    """Two who press at the same moment go on by one item, not by two."""
    if meeting.item_id != leaving:
        raise IllegalMove("Somebody else has gone on already. This is where the room is now.")


def _take(session: Session, actor: Actor, meeting: Meeting, item: AgendaItem, *, place: int) -> None:
    meeting.item_id, meeting.item_since = item.id, clock.now()
    _note_presence(session, actor, meeting)
    # Before anything waits for another: whoever was quicker has gone on.
    session.flush()
    seating.check(session, meeting, only=item)
    standings.note(session, meeting, item)
    # No reference: whoever goes on may be outside for what comes.
    audit.record(session, actor, "meeting.take", subject=meeting.ref, note=f"item {place}")


def recommend(
    session: Session,
    actor: Actor,
    meeting: Meeting,
    item: AgendaItem,
    *,
    amounts: Mapping[str, int],
    version: int | None = None,
) -> None:
    """Note the panel's amounts, as `decisions` would on its own page."""
    require(when(meeting.state == MeetingState.OPEN, "Amounts are noted while the meeting is open."))
    proposal = session.get_one(Proposal, item.proposal_id)
    decisions.recommend(session, actor, proposal, amounts, version=version)
    noted = ", ".join(f"{slug} {units.written(amount)}" for slug, amount in sorted(amounts.items()))
    audit.record(session, actor, "meeting.recommend", subject=proposal.ref, note=f"{meeting.ref}: {noted}")


def write(
    session: Session, actor: Actor, meeting: Meeting, item: AgendaItem, *, text: str, seen: int | None
) -> None:
    """Keep the minutes of an item; Stale when somebody was quicker, and nothing of theirs is lost."""
    require(meetings.may_run(actor, meeting))
    if text == item.minutes:
        return
    if seen is not None and seen != item.version:
        raise Stale
    item.minutes, item.minutes_by = text, actor.name
    _note_presence(session, actor, meeting)
    proposal = session.get_one(Proposal, item.proposal_id)
    audit.record(session, actor, "meeting.write", subject=proposal.ref, note=meeting.ref)


def recuse(session: Session, actor: Actor, meeting: Meeting, item: AgendaItem, *, reason: str) -> None:
    """A member declares a conflict: from now on the item is closed to them, here and everywhere."""
    require(meetings.may_recuse(actor, meeting))
    if not reason.strip():
        raise Incomplete({"reason": "Say in a few words what the conflict is."})
    seat = my_seat(session, actor, meeting)
    proposal = session.get_one(Proposal, item.proposal_id)
    review = talking.own_review(session, actor, proposal)
    if review is not None and may_step_back(actor, review):
        reviewing.declare_conflict(session, actor, review, reason=reason)
    else:
        session.add(Conflict(person_id=seat.person_id, proposal_id=proposal.id, reason=reason))
    check = session.get_one(RoomCheck, (item.id, seat.person_id))
    check.kind, check.standing = str(Kind.DECLARED), {}
    audit.record(session, actor, "meeting.recuse", subject=proposal.ref, note=f"{meeting.ref}: {reason}")


def close(session: Session, actor: Actor, meeting: Meeting) -> None:
    """Freeze the minutes, with amounts and decisions as they stand; a planned meeting is called off."""
    require(meetings.may_prepare(actor, meeting))
    fact = MeetingClosed if meeting.state == MeetingState.OPEN else MeetingCalledOff
    move(session, meeting, MeetingState.CLOSED, actor)
    items = meetings.agenda(session, meeting)
    known = panel_list.loaded(session, [item.proposal_id for item in items])
    ids = list(known)
    decided = session.scalars(select(Decision).where(Decision.proposal_id.in_(ids)))
    words = {decision.proposal_id: decision.summary for decision in decided}
    for item in items:
        proposal = known[item.proposal_id]
        item.record = {"state": str(proposal.state), "words": words.get(proposal.id, "")} | _amounts(proposal)
    for seat in meetings.seats(session, meeting):
        seat.left_at = clock.now() if seat.is_in else seat.left_at
    outbox.put(session, fact(meeting.id))


def _amounts(proposal: Proposal) -> dict[str, Any]:
    lines = [
        {
            "name": wanted.resource.name,
            "unit": wanted.resource.unit,
            "requested": wanted.requested,
            "recommended": wanted.recommended,
        }
        for wanted in proposal.requests
    ]
    return {"amounts": lines}
