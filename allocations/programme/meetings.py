"""Meetings of a panel: rows, states, and the items that each member may know of, as SQL.

An item is closed to everybody for whom nobody has checked whether they must leave the room for it.
"""

import enum
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    Select,
    String,
    Text,
    UniqueConstraint,
    and_,
    exists,
    false,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Mapped, Session, joinedload, mapped_column, relationship

from allocations.kernel import clock
from allocations.kernel.answers import Answer, first_no, when
from allocations.kernel.db import Base
from allocations.kernel.refs import Referenced, checked, id_of
from allocations.kernel.states import Moves
from allocations.people.persons import Person
from allocations.people.roles import Actor, Role
from allocations.programme import bars
from allocations.programme.calls import Call, CallState
from allocations.programme.steps import StepKind

SITTING = (Role.REVIEWER, Role.PANEL_CHAIR, Role.PROGRAMME_OFFICER)


class MeetingState(enum.StrEnum):
    PLANNED = "planned"
    OPEN = "open"
    CLOSED = "closed"


LIVE = (MeetingState.PLANNED, MeetingState.OPEN)


class Meeting(Referenced, Base):
    __tablename__ = "meeting"
    PREFIX: ClassVar[str] = "MTG"
    NOUN: ClassVar[str] = "meeting"
    # A planned one that is closed was called off.
    MOVES: ClassVar[Moves] = {
        MeetingState.PLANNED: frozenset({MeetingState.OPEN, MeetingState.CLOSED}),
        MeetingState.OPEN: frozenset({MeetingState.CLOSED}),
    }

    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"), init=False, index=True)
    call: Mapped[Call] = relationship(lazy="joined", innerjoin=True)
    title: Mapped[str] = mapped_column(String(200))
    starts_at: Mapped[datetime]
    # The item that the room is at. No foreign key: the items point here already.
    item_id: Mapped[int | None] = mapped_column(default=None)
    item_since: Mapped[datetime | None] = mapped_column(default=None)
    created_by: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[MeetingState] = mapped_column(default=MeetingState.PLANNED)
    state_since: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
    version: Mapped[int] = mapped_column(init=False)
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class Seat(Base):
    """A member of the meeting, and when they came and left."""

    __tablename__ = "seat"
    __table_args__ = (UniqueConstraint("meeting_id", "person_id"), Index(None, "person_id"))

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meeting.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    came_at: Mapped[datetime | None] = mapped_column(default=None)
    left_at: Mapped[datetime | None] = mapped_column(default=None)

    @property
    def is_in(self) -> bool:
        return self.came_at is not None and self.left_at is None


class AgendaItem(Base):
    """A proposal on the agenda. `record` is what stood at the close: amounts and decision."""

    __tablename__ = "agenda_item"
    __table_args__ = (UniqueConstraint("meeting_id", "proposal_id"), Index(None, "proposal_id"))

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meeting.id"))
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"))
    position: Mapped[int]
    minutes: Mapped[str] = mapped_column(Text, default="")
    minutes_by: Mapped[str] = mapped_column(String(200), default="")
    record: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    version: Mapped[int] = mapped_column(init=False)
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class RoomCheck(Base):
    """What was found about one member and one item: `kind` says why they leave, empty that they stay.

    `standing` is the calibrated score that this member may read: computed without what is kept from them.
    """

    __tablename__ = "room_check"
    __table_args__ = (Index(None, "person_id"),)

    item_id: Mapped[int] = mapped_column(ForeignKey("agenda_item.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(24))
    standing: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)


def _sits(actor: Actor) -> ColumnElement[bool]:
    """Of meetings: the actor has a seat, and still a role in the call that members are picked from."""
    if actor.person_id is None:
        return false()
    everywhere = any(actor.has(role) for role in SITTING)
    calls = frozenset[int]().union(*(actor.scopes(role) for role in SITTING))
    mine = exists().where(Seat.meeting_id == Meeting.id, Seat.person_id == actor.person_id)
    return and_(true() if everywhere else Meeting.call_id.in_(calls), mine)


def _found(actor: Actor, *kinds: ColumnElement[bool]) -> Select[Any]:
    """Items of meetings with what was found about this actor."""
    mine = and_(RoomCheck.item_id == AgendaItem.id, RoomCheck.person_id == actor.person_id)
    here = select(AgendaItem.proposal_id).join(Meeting, Meeting.id == AgendaItem.meeting_id)
    return here.join(RoomCheck, mine).where(*kinds)


def read_by_seat(actor: Actor) -> Select[Any]:
    """Proposals that a member reads because they are on the agenda of a meeting that is not over."""
    return _found(actor, RoomCheck.kind == "", Meeting.state.in_(LIVE), _sits(actor))


def shut_to(actor: Actor) -> Select[Any]:
    """Proposals for which this member leaves the room; closed to them in every office meanwhile."""
    return _found(actor, RoomCheck.kind != "", Meeting.state.in_(LIVE))


def inside(actor: Actor) -> ColumnElement[bool]:
    """Of agenda items: the actor stays in the room, by the last check and by what is on record now."""
    stays = exists().where(
        RoomCheck.item_id == AgendaItem.id, RoomCheck.person_id == actor.person_id, RoomCheck.kind == ""
    )
    sits = exists().where(Meeting.id == AgendaItem.meeting_id, _sits(actor))
    return and_(
        stays,
        sits,
        AgendaItem.proposal_id.not_in(bars.related(actor)),
        AgendaItem.proposal_id.not_in(bars.declared(actor)),
    )


def visible(actor: Actor) -> ColumnElement[bool]:
    """Its members, the chair of the call and the programme office; its items are another matter."""
    office = actor.has(Role.PROGRAMME_OFFICER) or actor.has(Role.PANEL_CHAIR)
    chaired = true() if office else Meeting.call_id.in_(actor.scopes(Role.PANEL_CHAIR))
    return or_(chaired, _sits(actor))


def get(session: Session, actor: Actor, ref: str) -> Meeting:
    # Pools are few: joined, they cost nothing more on a page that thirty people ask for again and again.
    query = select(Meeting).where(Meeting.id == id_of(Meeting, ref), visible(actor))
    with_pools = joinedload(Meeting.call).joinedload(Call.pools)
    return checked(session.scalars(query.options(with_pools)).unique().one_or_none(), ref)


def of_call(session: Session, call: Call) -> Sequence[Meeting]:
    """The newest first; for those who run the call."""
    query = select(Meeting).where(Meeting.call_id == call.id)
    return session.scalars(query.order_by(Meeting.id.desc()).limit(50)).all()


def own(session: Session, actor: Actor, *, before: int | None = None, size: int = 50) -> Sequence[Meeting]:
    """Those in which the actor sits, the newest first, by keyset."""
    older = Meeting.id < before if before is not None else true()
    query = select(Meeting).where(_sits(actor), older)
    return session.scalars(query.order_by(Meeting.id.desc()).limit(size)).all()


def seats(session: Session, meeting: Meeting) -> Sequence[Seat]:
    query = select(Seat).join(Person, Person.id == Seat.person_id).where(Seat.meeting_id == meeting.id)
    return session.scalars(query.order_by(Person.name, Person.id)).all()


def agenda(session: Session, meeting: Meeting) -> Sequence[AgendaItem]:
    """All items in their order; for verbs, which show them to nobody."""
    query = select(AgendaItem).where(AgendaItem.meeting_id == meeting.id)
    return session.scalars(query.order_by(AgendaItem.position, AgendaItem.id)).all()


def _is_office(actor: Actor, call: Call) -> Answer:
    office = actor.has(Role.PANEL_CHAIR, call.id) or actor.has(Role.PROGRAMME_OFFICER)
    return when(office, "Only the panel chair and the programme office run the panel’s meetings.")


def may_convene(actor: Actor, call: Call) -> Answer:
    """To plan a meeting of the call's panel."""
    return first_no(
        _is_office(actor, call),
        when(call.has_step(StepKind.PANEL), "This call has no panel."),
        when(call.state != CallState.DRAFT, "The call is not published yet."),
    )


def may_prepare(actor: Actor, meeting: Meeting) -> Answer:
    """To change time, members and agenda, to open the meeting and to end it."""
    return first_no(
        _is_office(actor, meeting.call),
        when(meeting.state in LIVE, "The meeting is over, and its minutes stay as they are."),
    )


def may_recuse(actor: Actor, meeting: Meeting) -> Answer:
    """To declare a conflict with an item that the actor was found to stay for."""
    return first_no(
        when(actor.person_id is not None, "Only people declare a conflict."),
        when(meeting.state in LIVE, "The meeting is over. Tell the programme office of the conflict."),
    )


def may_run(actor: Actor, meeting: Meeting) -> Answer:
    """To go on to another item, and to write the minutes."""
    return first_no(
        may_prepare(actor, meeting),
        when(meeting.state == MeetingState.OPEN, "The meeting has not begun."),
    )
