"""The audit trail: who did what to which thing, appended in the transaction that did it."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from sqlalchemy import Index, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from allocations.kernel import clock
from allocations.kernel.db import Base


class Doer(Protocol):
    """Who acts: a person, or the system."""

    @property
    def person_id(self) -> int | None: ...

    @property
    def name(self) -> str: ...


class AuditEntry(Base):
    __tablename__ = "audit_entry"
    __table_args__ = (
        Index(None, "subject", "id"),
        Index(None, "actor_id", "id"),
        Index(None, "verb", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
    # No foreign key: the trail outlives the rows it speaks of.
    actor_id: Mapped[int | None]
    actor_name: Mapped[str] = mapped_column(String(200))
    verb: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(Text, default="")
    # The place in the chain and the digest of everything up to here; set once, soon after the commit.
    seal: Mapped[int | None] = mapped_column(unique=True, default=None)
    digest: Mapped[str] = mapped_column(String(64), default="")


def record(session: Session, actor: Doer, verb: str, *, subject: str, note: str = "") -> None:
    """`verb` is `noun.verb`; `subject` is the public reference of the thing."""
    entry = AuditEntry(actor_id=actor.person_id, actor_name=actor.name, verb=verb, subject=subject, note=note)
    session.add(entry)


def last_of(session: Session, verb: str) -> AuditEntry | None:
    """The newest entry of this verb."""
    mine = select(AuditEntry).where(AuditEntry.verb == verb)
    return session.scalar(mine.order_by(AuditEntry.id.desc()).limit(1))


def everything(session: Session) -> Iterator[AuditEntry]:
    """All entries, oldest first, without holding them all in memory."""
    yield from session.scalars(select(AuditEntry).order_by(AuditEntry.id).execution_options(yield_per=500))


def line(entry: AuditEntry) -> str:
    """One entry as one line of JSON."""
    values = {
        "id": entry.id,
        "at": entry.at.isoformat(),
        "actor_id": entry.actor_id,
        "actor": entry.actor_name,
        "verb": entry.verb,
        "subject": entry.subject,
        "note": entry.note,
        "seal": entry.seal,
        "digest": entry.digest,
    }
    return json.dumps(values, ensure_ascii=False)
