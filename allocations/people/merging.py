"""Merge requests: somebody has two accounts, and staff join them by hand; never a silent move."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sqlalchemy import ForeignKey, Index, Text, func, literal, select, text, union_all
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from allocations.kernel import audit, clock, outbox
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.db import Base
from allocations.kernel.errors import IllegalMove, Incomplete, NotFound
from allocations.kernel.events import Event
from allocations.kernel.refs import Referenced, checked, id_of
from allocations.kernel.states import Moves, move
from allocations.people.personal_relations import PersonalRelation
from allocations.people.persons import OF_LOG_IN, Identity, Person
from allocations.people.roles import Actor, Role


class MergeState(enum.StrEnum):
    ASKED = "asked"
    MERGED = "merged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class MergeAsked(Event):
    merge_id: int


@dataclass(frozen=True, slots=True)
class MergeAnswered(Event):
    merge_id: int


class MergeRequest(Referenced, Base):
    """`person` proved, in one browser, to be also whoever logs in with `identity` of `other`."""

    __tablename__ = "merge_request"
    __table_args__ = (
        Index(
            "uq_merge_request_open",
            "person_id",
            "other_id",
            unique=True,
            sqlite_where=text("state = 'asked'"),
            postgresql_where=text("state = 'asked'"),
        ),
    )
    PREFIX: ClassVar[str] = "MRG"
    NOUN: ClassVar[str] = "merge_request"
    MOVES: ClassVar[Moves] = {MergeState.ASKED: frozenset({MergeState.MERGED, MergeState.REFUSED})}

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, info=OF_LOG_IN)
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True, foreign_keys=person_id)
    other_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, info=OF_LOG_IN)
    other: Mapped[Person] = relationship(lazy="joined", innerjoin=True, foreign_keys=other_id)
    identity_id: Mapped[int] = mapped_column(ForeignKey("identity.id"))
    state: Mapped[MergeState] = mapped_column(default=MergeState.ASKED)
    state_since: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
    message: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column(init=False)
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


def ask(session: Session, actor: Actor, person: Person, identity: Identity) -> MergeRequest:
    """Asked once: a second time answers the request that waits."""
    waiting = select(MergeRequest).where(
        MergeRequest.person_id == person.id,
        MergeRequest.other_id == identity.person_id,
        MergeRequest.state == MergeState.ASKED,
    )
    found = session.scalar(waiting)
    if found is not None:
        return found
    request = MergeRequest(person=person, other=identity.person, identity_id=identity.id)
    session.add(request)
    session.flush()
    for subject in (person.id, identity.person_id):
        audit.record(session, actor, "merge_request.ask", subject=f"person-{subject}", note=request.ref)
    outbox.put(session, MergeAsked(request.id))
    return request


def may_see(actor: Actor) -> Answer:
    return when(actor.has(Role.ADMINISTRATOR), "Only administrators see merge requests.")


def get(session: Session, actor: Actor, ref: str) -> MergeRequest:
    if not may_see(actor):
        raise NotFound
    return checked(session.get(MergeRequest, id_of(MergeRequest, ref)), ref)


def waiting(session: Session, actor: Actor, *, size: int = 100) -> Sequence[MergeRequest]:
    """The oldest first."""
    require(may_see(actor))
    query = select(MergeRequest).where(MergeRequest.state == MergeState.ASKED)
    return session.scalars(query.order_by(MergeRequest.id).limit(size)).all()


def may_answer(actor: Actor, request: MergeRequest) -> Answer:
    own = actor.is_person(request.person_id) or actor.is_person(request.other_id)
    return first_no(
        when(actor.has(Role.ADMINISTRATOR), "Only an administrator merges accounts."),
        when(not own, "Nobody merges accounts of their own."),
        when(request.state == MergeState.ASKED, f"This request is {request.state} already."),
    )


def holdings(session: Session, person: Person) -> dict[str, int]:
    """What hangs on an account besides its log-ins: rows by table, in every package."""
    pointing = [
        column
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if any(key.column is Person.__table__.c.id for key in column.foreign_keys)
        and not column.info.get("of_log_in")
    ]
    each = [
        select(literal(column.table.name), func.count()).where(column == person.id) for column in pointing
    ]
    found: dict[str, int] = {}
    for name, count in session.execute(union_all(*each)):
        if count:
            found[name] = found.get(name, 0) + count
    return found


def merge(session: Session, actor: Actor, request: MergeRequest, *, message: str = "") -> None:
    """All log-ins of `other` become log-ins of `person`, and the empty account is closed.

    An account with work on it is not moved: whose proposal, role or vote it was stays as it is on record.
    """
    require(may_answer(actor, request))
    _check_still_so(session, request)
    held = holdings(session, request.other)
    if held:
        things = ", ".join(f"{count} × {name.replace('_', ' ')}" for name, count in sorted(held.items()))
        raise IllegalMove(f"The other account holds {things}. Hand these over or end them first.")
    move(session, request, MergeState.MERGED, actor)
    for identity in session.scalars(select(Identity).where(Identity.person_id == request.other_id)):
        identity.person = request.person
    _rename(session, request)
    request.other.disabled_at, request.message = clock.now(), message
    audit.record(session, actor, "person.merge", subject=f"person-{request.other_id}", note=request.ref)
    audit.record(session, actor, "person.merge", subject=f"person-{request.person_id}", note=request.ref)
    outbox.put(session, MergeAnswered(request.id))


def _rename(session: Session, request: MergeRequest) -> None:
    """Whoever has named the other account, as a supervisor or relative, means this person."""
    naming = select(PersonalRelation).where(
        PersonalRelation.other_id == request.other_id, PersonalRelation.person_id != request.person_id
    )
    for stated in session.scalars(naming):
        stated.other_id = request.person_id


def _check_still_so(session: Session, request: MergeRequest) -> None:
    """Since it was asked, an account may have been closed, or the log-in that proved it taken off."""
    for person in (request.person, request.other):
        if person.disabled_at is not None:
            raise IllegalMove(f"The account of {person.name} is closed.")
    proof = session.get_one(Identity, request.identity_id)
    if proof.person_id != request.other_id or proof.unlinked_at is not None or proof.held_at is not None:
        raise IllegalMove("The log-in that proved it no longer opens the other account.")


def refuse(session: Session, actor: Actor, request: MergeRequest, *, message: str) -> None:
    require(may_answer(actor, request))
    if not message.strip():
        raise Incomplete({"message": "Write why; the person reads it."})
    move(session, request, MergeState.REFUSED, actor, note=message)
    request.message = message
    outbox.put(session, MergeAnswered(request.id))
