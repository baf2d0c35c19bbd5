"""Who sits in a meeting of the panel, and who leaves the room for which item."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from allocations.kernel import audit, outbox
from allocations.kernel.answers import require
from allocations.kernel.errors import Incomplete, Invalid
from allocations.kernel.events import Event
from allocations.kernel.states import expect
from allocations.people.persons import Person
from allocations.people.roles import Actor, RoleGrant, live
from allocations.programme import meetings, panel_list, relations
from allocations.programme.calls import Call
from allocations.programme.meetings import SITTING, AgendaItem, Meeting, RoomCheck, Seat
from allocations.programme.relations import keeping


@dataclass(frozen=True, slots=True)
class MeetingInvited(Event):
    """To one member: a new one, or everybody when the time has changed."""

    seat_id: int


def candidates(session: Session, call: Call) -> Sequence[Person]:
    """Whom members are picked from: reviewers and chairs of the call, and the programme office, by name."""
    scope = or_(RoleGrant.scope_id.is_(None), RoleGrant.scope_id == call.id)
    held = select(RoleGrant.person_id).where(RoleGrant.role.in_(SITTING), live(), scope)
    people = select(Person).where(Person.id.in_(held), Person.disabled_at.is_(None))
    return session.scalars(people.order_by(Person.name, Person.id)).all()


def seat(
    session: Session, actor: Actor, meeting: Meeting, people: Collection[int], *, version: int | None = None
) -> None:
    """Let exactly these people sit. Who is new gets a letter; who is gone reads the agenda no more."""
    require(meetings.may_prepare(actor, meeting))
    expect(meeting, version)
    known = {person.id: person for person in candidates(session, meeting.call)}
    sitting = {one.person_id: one for one in meetings.seats(session, meeting)}
    if not people:
        raise Incomplete({"members": "Choose at least one member."})
    if not set(people) <= known.keys() | sitting.keys():
        raise Invalid({"members": "Choose members from the list."})
    gone, new = sitting.keys() - set(people), sorted(set(people) - sitting.keys())
    _take_seats(session, meeting, [sitting[one] for one in gone])
    made = [Seat(meeting_id=meeting.id, person=known[one]) for one in new]
    session.add_all(made)
    touch(meeting)
    session.flush()
    for one in made:
        outbox.put(session, MeetingInvited(one.id))
    if made or gone:
        note = f"{len(made)} new, {len(gone)} gone"
        audit.record(session, actor, "meeting.seat", subject=meeting.ref, note=note)
    check(session, meeting)


def _take_seats(session: Session, meeting: Meeting, gone: Iterable[Seat]) -> None:
    items = select(AgendaItem.id).where(AgendaItem.meeting_id == meeting.id)
    for one in gone:
        mine = (RoomCheck.person_id == one.person_id, RoomCheck.item_id.in_(items))
        session.execute(delete(RoomCheck).where(*mine))
        session.delete(one)


def touch(meeting: Meeting) -> None:
    """What hangs on the meeting changes: a second one who changes it at this moment is told so."""
    flag_modified(meeting, "state_since")


def check(session: Session, meeting: Meeting, *, only: AgendaItem | None = None) -> None:
    """Find anew who leaves the room for which item; whatever is not checked is open to nobody."""
    items = [only] if only is not None else list(meetings.agenda(session, meeting))
    people = [one.person for one in meetings.seats(session, meeting)]
    kept = _checks(session, items)
    for item, kinds in _kinds(session, people, items):
        for person in people:
            kind, found = kinds.get(person.id, ""), kept.get((item.id, person.id))
            if found is None:
                session.add(RoomCheck(item_id=item.id, person_id=person.id, kind=kind))
            elif found.kind != kind:
                found.kind, found.standing = kind, {}
    session.flush()


def _checks(session: Session, items: Sequence[AgendaItem]) -> dict[tuple[int, int], RoomCheck]:
    """By item and person."""
    query = select(RoomCheck).where(RoomCheck.item_id.in_([item.id for item in items]))
    return {(found.item_id, found.person_id): found for found in session.scalars(query)}


def _kinds(
    session: Session, people: Sequence[Person], items: Sequence[AgendaItem]
) -> Iterable[tuple[AgendaItem, Mapping[int, str]]]:
    """Per item: the kind of relation for which somebody leaves, by person."""
    proposals = panel_list.loaded(session, [item.proposal_id for item in items])
    of_proposal = {item.proposal_id: item for item in items}
    for proposal, related in relations.of_proposals(session, people, list(proposals.values())):
        keepers = {person: keeping(found) for person, found in related.items()}
        kinds = {person: str(found.kind) for person, found in keepers.items() if found is not None}
        yield of_proposal[proposal.id], kinds


def outside(session: Session, meeting: Meeting) -> dict[int, frozenset[int]]:
    """Item id -> the members who leave the room for it; for verbs, which show it to nobody."""
    query = (
        select(RoomCheck.item_id, RoomCheck.person_id)
        .join(AgendaItem, AgendaItem.id == RoomCheck.item_id)
        .where(AgendaItem.meeting_id == meeting.id, RoomCheck.kind != "")
    )
    grouped: dict[int, set[int]] = {}
    for item, person in session.execute(query):
        grouped.setdefault(item, set()).add(person)
    return {item: frozenset(people) for item, people in grouped.items()}


def names_outside(session: Session, meeting: Meeting) -> dict[int, list[str]]:
    """The same by name, for whoever is shown the item."""
    query = (
        select(RoomCheck.item_id, Person.name)
        .join(Person, Person.id == RoomCheck.person_id)
        .join(AgendaItem, AgendaItem.id == RoomCheck.item_id)
        .where(AgendaItem.meeting_id == meeting.id, RoomCheck.kind != "")
        .order_by(Person.name, Person.id)
    )
    grouped: dict[int, list[str]] = {}
    for item, name in session.execute(query):
        grouped.setdefault(item, []).append(name)
    return grouped
