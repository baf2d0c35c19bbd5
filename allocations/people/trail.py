"""Reading the audit trail: one's own part of it, and all of it for auditors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from allocations.kernel.answers import Answer, require, when
from allocations.kernel.audit import AuditEntry
from allocations.people.roles import Actor, Role

BATCH = 500
PERSON = "person-"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries; what is empty does not narrow the choice. Days are whole, both ends included, in UTC."""

    # A part of the name of whoever acted, or `person-12` for all that concerns this account.
    person: str = ""
    verb: str = ""
    subject: str = ""
    since: date | None = None
    until: date | None = None


def may_see(actor: Actor) -> Answer:
    allowed = actor.has(Role.AUDITOR) or actor.has(Role.ADMINISTRATOR)
    return when(allowed, "Only auditors and administrators see the audit trail of everybody.")


def of_actor(
    session: Session, actor: Actor, *, before: int | None = None, size: int = 50
) -> Sequence[AuditEntry]:
    """What the actor did, and what was done to the actor's account; newest first."""
    if actor.person_id is None:
        return []
    query = select(AuditEntry).where(_about(actor.person_id))
    if before is not None:
        query = query.where(AuditEntry.id < before)
    return session.scalars(query.order_by(AuditEntry.id.desc()).limit(size)).all()


def entries(
    session: Session, actor: Actor, wanted: Wanted, *, before: int | None = None, size: int = 50
) -> Sequence[AuditEntry]:
    """Of everybody, newest first."""
    require(may_see(actor))
    query = select(AuditEntry).where(*_conditions(wanted))
    if before is not None:
        query = query.where(AuditEntry.id < before)
    return session.scalars(query.order_by(AuditEntry.id.desc()).limit(size)).all()


def all_entries(session: Session, actor: Actor, wanted: Wanted) -> Iterator[AuditEntry]:
    """Of everybody, oldest first, a batch at a time: never all of them in memory."""
    require(may_see(actor))
    query = select(AuditEntry).where(*_conditions(wanted)).order_by(AuditEntry.id).limit(BATCH)
    last = 0
    while batch := session.scalars(query.where(AuditEntry.id > last)).all():
        yield from batch
        last = batch[-1].id
        session.expunge_all()


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.person:
        found.append(_by(wanted.person))
    if wanted.verb:
        found.append(AuditEntry.verb == wanted.verb)
    if wanted.subject:
        found.append(AuditEntry.subject == wanted.subject)
    if wanted.since:
        found.append(AuditEntry.at >= _midnight(wanted.since))
    if wanted.until:
        found.append(AuditEntry.at < _midnight(wanted.until) + timedelta(days=1))
    return found


def _by(person: str) -> ColumnElement[bool]:
    key = person.removeprefix(PERSON)
    if person.startswith(PERSON) and key.isascii() and key.isdecimal() and len(key) < 10:
        return _about(int(key))
    return AuditEntry.actor_name.icontains(person, autoescape=True)


def _about(person_id: int) -> ColumnElement[bool]:
    return or_(AuditEntry.actor_id == person_id, AuditEntry.subject == f"{PERSON}{person_id}")


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
