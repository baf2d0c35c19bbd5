"""The chain over the audit trail: each sealed entry carries a digest of itself and of all before it.

The worker seals entries a moment after they were committed. Sealing in the writing transaction
would make every verb of the portal wait for every other one.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from allocations.kernel import clock
from allocations.kernel.audit import AuditEntry
from allocations.kernel.db import Base

BATCH = 200
# An entry without a seal for longer than this was not written by the portal.
PATIENCE = timedelta(minutes=15)


class ChainHead(Base):
    """How long the chain is and how it ends: one row, so that a cut-off tail is noticed."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True)
    length: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))


@dataclass(frozen=True, slots=True)
class Broken:
    """Where the trail is not what was written, and in which way."""

    entry_id: int | None
    seal: int | None
    what: str


def link(previous: str, entry: AuditEntry) -> str:
    """SHA-256 over the digest before and the entry as canonical JSON."""
    body = [
        previous,
        entry.id,
        entry.at.isoformat(),
        entry.actor_id,
        entry.actor_name,
        entry.verb,
        entry.subject,
        entry.note,
    ]
    return hashlib.sha256(json.dumps(body, ensure_ascii=False).encode()).hexdigest()


def _head(session: Session) -> ChainHead:
    head = session.get(ChainHead, 1, with_for_update=True)
    if head is None:
        head = ChainHead(id=1, length=0, digest="")
        session.add(head)
    return head


def end(session: Session) -> tuple[int, str]:
    """How many entries are sealed, and the digest over them all."""
    head = session.get(ChainHead, 1)
    return (head.length, head.digest) if head else (0, "")


def step(session: Session) -> bool:
    """Seal what has no seal yet, oldest first; false when there was nothing."""
    fresh = select(AuditEntry).where(AuditEntry.seal.is_(None)).order_by(AuditEntry.id).limit(BATCH)
    entries = session.scalars(fresh).all()
    if not entries:
        return False
    head = _head(session)
    for entry in session.scalars(fresh.execution_options(populate_existing=True)):
        head.length, head.digest = head.length + 1, link(head.digest, entry)
        entry.seal, entry.digest = head.length, head.digest
    return True


def verify(session: Session) -> Broken | None:
    """The first place where an entry was edited, removed or inserted; None when the trail is whole."""
    previous, expected = "", 1
    for entry in _sealed(session):
        if entry.seal != expected:
            return Broken(entry.id, expected, "an entry was removed before this one")
        if entry.digest != link(previous, entry):
            return Broken(entry.id, entry.seal, "this entry was edited or put in")
        previous, expected = entry.digest, expected + 1
    length, digest = end(session)
    if length != expected - 1 or digest != previous:
        return Broken(None, expected, "entries were removed from the end")
    return _stray(session)


def _sealed(session: Session) -> Iterator[AuditEntry]:
    """All sealed entries in the order of the chain, a batch at a time."""
    last = 0
    while True:
        query = select(AuditEntry).where(AuditEntry.seal > last).order_by(AuditEntry.seal).limit(BATCH)
        batch = session.scalars(query).all()
        if not batch:
            return
        yield from batch
        last = batch[-1].seal or 0
        session.expunge_all()


def _stray(session: Session) -> Broken | None:
    late = (AuditEntry.seal.is_(None), AuditEntry.at < clock.now() - PATIENCE)
    found = session.scalar(select(func.min(AuditEntry.id)).where(*late))
    return Broken(found, None, "this entry was put in without a seal") if found is not None else None
