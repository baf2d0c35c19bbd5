"""The agenda of a panel's meeting: what is on it, and in which order."""

from collections.abc import Mapping, Sequence, Set

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from allocations.kernel import audit
from allocations.kernel.answers import require
from allocations.kernel.errors import IllegalMove, NotFound
from allocations.people.roles import Actor
from allocations.programme import calibrated, meetings, panel_list, runs, seating
from allocations.programme.calls import Call
from allocations.programme.meetings import AgendaItem, Meeting, RoomCheck
from allocations.programme.panel_list import Entry
from allocations.programme.proposals import Proposal, State
from allocations.programme.runs import RunKind


def panel_order(session: Session, actor: Actor, call: Call) -> list[Entry]:
    """The actor's own list of what is undecided, the best first: by calibrated means where there are some."""
    listed = panel_list.entries(session, actor, call)
    reading = calibrated.read(runs.newest_and_done(session, call, RunKind.CALIBRATION)[1], listed)
    by = "calibrated" if reading and reading.levels else "raw"
    lines = calibrated.ordered(listed, reading, by=by)
    return [line.entry for line in lines if line.entry.state == State.IN_REVIEW]


def fill(session: Session, actor: Actor, meeting: Meeting) -> int:
    """Put what is undecided on the agenda, as far as the actor sees it, and everything in order."""
    require(meetings.may_prepare(actor, meeting))
    there = {item.proposal_id for item in meetings.agenda(session, meeting)}
    ranked = panel_order(session, actor, meeting.call)
    # In the order of their references: the numbers of items stand in addresses, and ranks must not.
    new = sorted(entry.proposal for entry in ranked if entry.proposal not in there)
    for proposal in new:
        session.add(AgendaItem(meeting_id=meeting.id, proposal_id=proposal, position=len(there) + len(new)))
    session.flush()
    seating.check(session, meeting)
    _arrange(session, meeting, [entry.proposal for entry in ranked])
    audit.record(session, actor, "meeting.agenda", subject=meeting.ref, note=f"{len(new)} put on it")
    return len(new)


def put_behind(session: Session, meeting: Meeting, *, known: Set[int]) -> None:
    """When somebody leaves the room for an item that is not among the `known` ones: set those apart anew."""
    if not seating.outside(session, meeting).keys() <= known:
        _arrange(session, meeting)


def _arrange(session: Session, meeting: Meeting, ranked: Sequence[int] = ()) -> None:
    """Of what is still to come, first what nobody leaves the room for: as the panel's list has it, or else
    as it stood. Then the rest, so that few people get up: each time the item whose people outside differ
    least from those who are outside already.

    There, references decide between equals and never ranks: whoever is outside hears “item 9 of 12”, and
    must not read from it how a proposal stands.
    """
    place = {proposal: number for number, proposal in enumerate(ranked)}
    items, outside = list(meetings.agenda(session, meeting)), seating.outside(session, meeting)
    numbers = [item.id for item in items]
    start = numbers.index(meeting.item_id) + 1 if meeting.item_id in numbers else 0
    free = [item for item in items[start:] if item.id not in outside]
    free.sort(key=lambda item: place.get(item.proposal_id, len(place)))
    rest = grouped([item for item in items[start:] if item.id in outside], outside)
    number_them(meeting, [*items[:start], *free, *rest])


def grouped(items: Sequence[AgendaItem], outside: Mapping[int, frozenset[int]]) -> list[AgendaItem]:
    """Greedy: the next is always the one for which the fewest people get up or come back."""
    left, out = sorted(items, key=lambda item: item.proposal_id), frozenset[int]()
    ordered: list[AgendaItem] = []
    while left:
        nearest = min(left, key=lambda item: len(outside[item.id] ^ out))
        left.remove(nearest)
        ordered.append(nearest)
        out = outside[nearest.id]
    return ordered


def number_them(meeting: Meeting, ordered: Sequence[AgendaItem]) -> None:
    for number, item in enumerate(ordered, start=1):
        item.position = number
    seating.touch(meeting)


def item_of(session: Session, actor: Actor, meeting: Meeting, item_id: int) -> AgendaItem:
    """An item for which the actor stays in the room; NotFound for any other."""
    mine = (AgendaItem.id == item_id, AgendaItem.meeting_id == meeting.id, meetings.inside(actor))
    found = session.scalar(select(AgendaItem).where(*mine))
    if found is None:
        raise NotFound
    return found


def shift(session: Session, actor: Actor, meeting: Meeting, item: AgendaItem, *, up: bool) -> None:
    """Before or behind the neighbour that the actor sees; what stands between them stays unnamed."""
    require(meetings.may_prepare(actor, meeting))
    shown = session.scalars(
        select(AgendaItem.id)
        .where(AgendaItem.meeting_id == meeting.id, meetings.inside(actor))
        .order_by(AgendaItem.position, AgendaItem.id)
    ).all()
    place = shown.index(item.id) + (-1 if up else 1)
    if not 0 <= place < len(shown):
        raise IllegalMove("This item is first already." if up else "This item is last already.")
    others = [one for one in meetings.agenda(session, meeting) if one is not item]
    beside = [one.id for one in others].index(shown[place])
    others.insert(beside if up else beside + 1, item)
    number_them(meeting, others)
    audit.record(session, actor, "meeting.agenda", subject=meeting.ref, note="put in another order")


def take_off(session: Session, actor: Actor, meeting: Meeting, item: AgendaItem) -> None:
    require(meetings.may_prepare(actor, meeting))
    if item.id == meeting.item_id:
        raise IllegalMove("The room is at this item. Go on to another one first.")
    if item.minutes:
        raise IllegalMove("There are minutes of this item; it stays on the agenda.")
    session.execute(delete(RoomCheck).where(RoomCheck.item_id == item.id))
    session.delete(item)
    session.flush()
    number_them(meeting, meetings.agenda(session, meeting))
    proposal = session.get_one(Proposal, item.proposal_id)
    audit.record(session, actor, "meeting.agenda", subject=meeting.ref, note=f"{proposal.ref} taken off")
