"""Rows that a worker looks at when they are due, one worker at a time."""

from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import String, Text, or_, select, update
from sqlalchemy.orm import Mapped, MappedAsDataclass, Session, mapped_column

from allocations.kernel import clock

LEASE = timedelta(seconds=90)
FAR = timedelta(days=3650)


class Due(MappedAsDataclass, kw_only=True, repr=False, eq=False):
    """When to look next, and who is looking now."""

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    due_at: Mapped[datetime] = mapped_column(default_factory=clock.now, index=True)
    leased_until: Mapped[datetime | None] = mapped_column(default=None)
    leased_by: Mapped[str] = mapped_column(String(64), default="")
    attempts: Mapped[int] = mapped_column(default=0)
    # The last thing that went wrong, in words; empty when all is well.
    trouble: Mapped[str] = mapped_column(Text, default="")


Row = TypeVar("Row", bound=Due)


def take(session: Session, model: type[Row], worker: str) -> Row | None:
    """Lease the most overdue row; None when nothing is due or another worker was quicker."""
    now = clock.now()
    free = or_(model.leased_until.is_(None), model.leased_until <= now)
    row = session.scalar(select(model).where(model.due_at <= now, free).order_by(model.due_at).limit(1))
    if row is None:
        return None
    # Due at the end of the lease: if somebody makes the row due before, `settle` can tell.
    lease = {"leased_until": now + LEASE, "leased_by": worker, "due_at": now + LEASE}
    mine = update(model).where(model.id == row.id, free).values(**lease)
    done = session.execute(mine.execution_options(synchronize_session=False))
    if done.rowcount != 1:  # type: ignore[attr-defined]
        return None
    session.refresh(row)
    return row


def settle(row: Due, *, again: timedelta, trouble: str = "") -> None:
    """Give the lease back and say when to look again; with trouble the pauses grow to five minutes.

    A row that was made due while it was being looked at is due again at once.
    """
    asked_meanwhile = row.leased_until is not None and row.due_at < row.leased_until
    row.leased_until, row.leased_by, row.trouble = None, "", trouble
    row.attempts = row.attempts + 1 if trouble else 0
    backoff = timedelta(seconds=min(300, 2**row.attempts)) if trouble else timedelta()
    row.due_at = clock.now() + (timedelta() if asked_meanwhile else max(again, backoff))


def release(session: Session, model: type[Row], worker: str) -> None:
    """Free what a dead worker of this name still holds; called when it starts again."""
    again = {"leased_until": None, "leased_by": "", "due_at": clock.now()}
    held = update(model).where(model.leased_by == worker).values(**again)
    session.execute(held.execution_options(synchronize_session=False))
