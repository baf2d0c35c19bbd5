"""The people desk: who is here and with which log-ins; disabling people, settling held identities."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from allocations.kernel import audit, clock, outbox
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.errors import Incomplete, NotFound
from allocations.kernel.events import Event
from allocations.kernel.refs import checked, id_of
from allocations.people.persons import Identity, Person
from allocations.people.roles import Actor, Role


@dataclass(frozen=True, slots=True)
class PersonDisabled(Event):
    person_id: int


@dataclass(frozen=True, slots=True)
class PersonEnabled(Event):
    person_id: int


@dataclass(frozen=True, slots=True)
class IdentityReleased(Event):
    identity_id: int


@dataclass(frozen=True, slots=True)
class IdentityRejected(Event):
    identity_id: int


def may_see(actor: Actor) -> Answer:
    allowed = actor.has(Role.ADMINISTRATOR) or actor.has(Role.PROGRAMME_OFFICER)
    return when(allowed, "Only administrators and programme officers see people.")


def may_administer(actor: Actor) -> Answer:
    return when(actor.has(Role.ADMINISTRATOR), "Only an administrator changes accounts.")


def page(
    session: Session, actor: Actor, *, text: str = "", before: int | None = None, size: int = 50
) -> Sequence[Person]:
    """People whose name or address holds the text, newest first, by keyset."""
    require(may_see(actor))
    query = select(Person)
    if text:
        found = (column.icontains(text, autoescape=True) for column in (Person.name, Person.email))
        query = query.where(or_(*found))
    if before is not None:
        query = query.where(Person.id < before)
    return session.scalars(query.order_by(Person.id.desc()).limit(size)).all()


def get(session: Session, actor: Actor, ref: str) -> Person:
    person = session.get(Person, id_of(Person, ref)) if may_see(actor) else None
    return checked(person, ref)


def identities(session: Session, person: Person) -> Sequence[Identity]:
    mine = select(Identity).where(Identity.person_id == person.id)
    return session.scalars(mine.order_by(Identity.id).limit(50)).all()


def identity(session: Session, person: Person, identity_id: int) -> Identity:
    found = session.get(Identity, identity_id)
    if found is None or found.person_id != person.id:
        raise NotFound
    return found


def waiting(session: Session) -> Sequence[Identity]:
    """Held identities that nobody has looked at, the oldest first."""
    held = (Identity.held_at.is_not(None), Identity.rejected_at.is_(None))
    return session.scalars(
        select(Identity).where(*held).order_by(Identity.held_at, Identity.id).limit(50)
    ).all()


def may_disable(actor: Actor, person: Person) -> Answer:
    return first_no(
        may_administer(actor),
        when(not actor.is_person(person.id), "Nobody disables themselves."),
        when(person.disabled_at is None, "This person is disabled already."),
    )


def may_enable(actor: Actor, person: Person) -> Answer:
    return first_no(
        may_administer(actor), when(person.disabled_at is not None, "This person is not disabled.")
    )


def disable(session: Session, actor: Actor, person: Person, *, reason: str) -> None:
    """No log-in from now on. Whoever keeps sessions ends them in the same transaction."""
    require(may_disable(actor, person))
    _need(reason)
    person.disabled_at, person.disabled_reason = clock.now(), reason
    audit.record(session, actor, "person.disable", subject=f"person-{person.id}", note=reason)
    outbox.put(session, PersonDisabled(person.id))


def enable(session: Session, actor: Actor, person: Person, *, reason: str) -> None:
    require(may_enable(actor, person))
    _need(reason)
    person.disabled_at, person.disabled_reason = None, ""
    audit.record(session, actor, "person.enable", subject=f"person-{person.id}", note=reason)
    outbox.put(session, PersonEnabled(person.id))


def may_release(actor: Actor, held: Identity) -> Answer:
    return first_no(
        may_administer(actor),
        when(not actor.is_person(held.person_id), "Nobody settles an identity of their own."),
        when(held.held_at is not None, "This identity is not held."),
    )


def may_reject(actor: Actor, held: Identity) -> Answer:
    return first_no(
        may_release(actor, held), when(held.rejected_at is None, "This identity has been rejected already.")
    )


def release(session: Session, actor: Actor, held: Identity, *, reason: str) -> None:
    """It is the same human after all: the next log-in may bring another name, address and eppn."""
    require(may_release(actor, held))
    _need(reason)
    held.held_at = held.rejected_at = None
    # With nothing known there is nothing to differ from.
    held.name = held.mail = held.eppn = ""
    audit.record(session, actor, "identity.release", subject=f"person-{held.person_id}", note=reason)
    outbox.put(session, IdentityReleased(held.id))


def reject(session: Session, actor: Actor, held: Identity, *, reason: str) -> None:
    """It is somebody else: the identity stays held, and is off the list of what waits."""
    require(may_reject(actor, held))
    _need(reason)
    held.rejected_at = clock.now()
    audit.record(session, actor, "identity.reject", subject=f"person-{held.person_id}", note=reason)
    outbox.put(session, IdentityRejected(held.id))


def _need(reason: str) -> None:
    if not reason.strip():
        raise Incomplete({"reason": "Give the reason; it goes on the audit trail."})
