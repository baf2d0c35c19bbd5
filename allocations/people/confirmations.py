"""Confirmations: an institution's representative says what somebody is there, when its log-in does not."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import ClassVar

from sqlalchemy import ColumnElement, ForeignKey, Index, Text, select, text, true
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from allocations.kernel import audit, clock, outbox
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.db import Base
from allocations.kernel.errors import IllegalMove, Incomplete, Invalid
from allocations.kernel.events import Event
from allocations.kernel.refs import Referenced, checked, id_of
from allocations.kernel.states import Moves, move
from allocations.people.institutions import Institution
from allocations.people.persons import Person, Place
from allocations.people.roles import Actor, Role

LONGEST = timedelta(days=366)


class ConfirmationState(enum.StrEnum):
    ASKED = "asked"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class ConfirmationAsked(Event):
    confirmation_id: int


@dataclass(frozen=True, slots=True)
class ConfirmationAnswered(Event):
    confirmation_id: int


class Confirmation(Referenced, Base):
    """One question of a person to one institution, and its answer."""

    __tablename__ = "confirmation"
    __table_args__ = (
        Index(
            "uq_confirmation_open",
            "person_id",
            unique=True,
            sqlite_where=text("state = 'asked'"),
            postgresql_where=text("state = 'asked'"),
        ),
    )
    PREFIX: ClassVar[str] = "CNF"
    NOUN: ClassVar[str] = "confirmation"
    MOVES: ClassVar[Moves] = {
        ConfirmationState.ASKED: frozenset(
            {ConfirmationState.CONFIRMED, ConfirmationState.REFUSED, ConfirmationState.WITHDRAWN}
        )
    }

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    institution_id: Mapped[int] = mapped_column(ForeignKey("institution.id"), init=False, index=True)
    institution: Mapped[Institution] = relationship(lazy="joined", innerjoin=True)
    # What the person says of themselves: department, position, who knows them.
    note: Mapped[str] = mapped_column(Text)
    state: Mapped[ConfirmationState] = mapped_column(default=ConfirmationState.ASKED)
    state_since: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
    place: Mapped[Place | None] = mapped_column(default=None)
    until: Mapped[datetime | None] = mapped_column(default=None)
    message: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column(init=False)
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


@dataclass(frozen=True, slots=True)
class Finding:
    """What a representative confirms: the place, and the last day on which this holds."""

    place: Place
    until: date


def visible(actor: Actor) -> ColumnElement[bool]:
    """A person's own, and those that a representative answers."""
    mine = Confirmation.person_id == actor.person_id
    return mine | Confirmation.institution_id.in_(sorted(actor.scopes(Role.REPRESENTATIVE)))


def get(session: Session, actor: Actor, ref: str) -> Confirmation:
    query = select(Confirmation).where(Confirmation.id == id_of(Confirmation, ref), visible(actor))
    return checked(session.scalar(query), ref)


def page(
    session: Session, actor: Actor, *, before: int | None = None, size: int = 50
) -> Sequence[Confirmation]:
    """For a representative: those of their institutions, newest first, by keyset."""
    theirs = Confirmation.institution_id.in_(sorted(actor.scopes(Role.REPRESENTATIVE)))
    older = Confirmation.id < before if before is not None else true()
    query = select(Confirmation).where(theirs, older)
    return session.scalars(query.order_by(Confirmation.id.desc()).limit(size)).all()


def latest(session: Session, actor: Actor) -> Confirmation | None:
    """The actor's own last question."""
    mine = select(Confirmation).where(Confirmation.person_id == actor.person_id)
    return session.scalar(mine.order_by(Confirmation.id.desc()).limit(1))


def may_answer(actor: Actor, confirmation: Confirmation) -> Answer:
    represents = confirmation.institution_id in actor.scopes(Role.REPRESENTATIVE)
    return first_no(
        when(represents, "Only a representative of the institution answers."),
        when(not actor.is_person(confirmation.person_id), "Nobody confirms themselves."),
        when(confirmation.state == ConfirmationState.ASKED, f"This has been answered: {confirmation.state}."),
    )


def ask(session: Session, actor: Actor, institution: Institution, *, note: str) -> Confirmation:
    require(when(actor.person_id is not None, "Log in first."))
    person = session.get_one(Person, actor.person_id)
    last = latest(session, actor)
    if last is not None and last.state == ConfirmationState.ASKED:
        waits = f"{last.institution.name} has not answered yet. Take that question back to ask again."
        raise IllegalMove(waits)
    if person.institution not in (None, institution):
        moved = f"Your log-in is that of {person.affiliation}. Write to us if you have moved."
        raise Invalid({"institution": moved})
    if institution.suspended_at is not None:
        raise Invalid({"institution": "This institution does not take part at the moment."})
    if not note.strip():
        raise Incomplete({"note": "Say who you are there, so that the representative can find you."})
    confirmation = Confirmation(person=person, institution=institution, note=note)
    session.add(confirmation)
    session.flush()
    audit.record(session, actor, "confirmation.ask", subject=confirmation.ref, note=institution.name)
    outbox.put(session, ConfirmationAsked(confirmation.id))
    return confirmation


def confirm(
    session: Session, actor: Actor, confirmation: Confirmation, finding: Finding, *, message: str = ""
) -> None:
    """From now on the person counts as this, at this institution, until the day is over."""
    require(may_answer(actor, confirmation))
    person = confirmation.person
    if person.institution not in (None, confirmation.institution):
        raise IllegalMove(f"By now this is somebody of {person.affiliation}. Refuse, and say so.")
    until = datetime.combine(finding.until, time.max, tzinfo=UTC)
    if not clock.now() < until <= clock.now() + LONGEST:
        raise Invalid({"until": "Choose a day from today on, and within a year."})
    move(session, confirmation, ConfirmationState.CONFIRMED, actor, note=f"{finding.place}")
    confirmation.place, confirmation.until, confirmation.message = finding.place, until, message
    person.institution = confirmation.institution
    person.confirmed_as, person.confirmed_until = finding.place, until
    outbox.put(session, ConfirmationAnswered(confirmation.id))


def refuse(session: Session, actor: Actor, confirmation: Confirmation, *, message: str) -> None:
    require(may_answer(actor, confirmation))
    if not message.strip():
        raise Incomplete({"message": "Write why; the person reads it."})
    move(session, confirmation, ConfirmationState.REFUSED, actor, note=message)
    confirmation.message = message
    outbox.put(session, ConfirmationAnswered(confirmation.id))


def withdraw(session: Session, actor: Actor, confirmation: Confirmation) -> None:
    """The person takes the question back, to ask another institution."""
    require(when(actor.is_person(confirmation.person_id), "Only the person who asked withdraws."))
    move(session, confirmation, ConfirmationState.WITHDRAWN, actor)
