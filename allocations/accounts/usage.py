"""Usage records: measured consumption that becomes a charge, once."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, func, select
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from allocations.accounts import ledger, reservations
from allocations.accounts.awards import Allocation
from allocations.accounts.ledger import Account, Entry, Movement, Owner, Purpose
from allocations.kernel import clock, units
from allocations.kernel.db import Amount, Base


class UsageRecord(Base):
    """Consumption of one measured thing (a pod), known by its source; grows while the thing runs."""

    __tablename__ = "usage_record"
    __table_args__ = (
        CheckConstraint("charged >= 0 AND gpu_seconds >= 0", "not_negative"),
        Index("ix_usage_record_allocation", "allocation_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    source: Mapped[str] = mapped_column(String(160), unique=True)
    allocation_id: Mapped[int] = mapped_column(ForeignKey("allocation.id"))
    cause: Mapped[str] = mapped_column(String(120))
    started_at: Mapped[datetime]
    measured_at: Mapped[datetime]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), default=None)
    gpu_seconds: Mapped[Amount] = mapped_column(default=0)
    charged: Mapped[Amount] = mapped_column(default=0)


def charge(session: Session, record: UsageRecord, *, gpu_seconds: int, until: datetime) -> int:
    """Bring the record up to `gpu_seconds` in all and charge the difference; micro-units charged now.

    The same or an older measurement charges nothing, so replays and late reports are harmless.
    Paid from the reservation of the same cause, then from what is available, then as overrun.
    """
    # Two workers may have read the same record: the second one waits, and sees what the first charged.
    session.flush()
    session.refresh(record, ["gpu_seconds", "charged"], with_for_update=True)
    due = units.gpu_micro(gpu_seconds) - record.charged
    if gpu_seconds <= record.gpu_seconds:
        return 0
    owner = ledger.allocation(record.allocation_id)
    left = due - _from_reservation(session, record.cause, owner, due)
    ledger.lock(session, owner)
    available = min(left, ledger.balance(session, owner, Purpose.AVAILABLE))
    _pay(session, owner, Purpose.AVAILABLE, available, record.cause)
    _pay(session, owner, Purpose.OVERRUN, left - available, record.cause)
    record.gpu_seconds, record.measured_at = gpu_seconds, until
    record.charged += due
    return due


def _pay(session: Session, owner: Owner, purpose: Purpose, amount: int, cause: str) -> None:
    used = (owner, Purpose.USED)
    ledger.post(session, Movement.CHARGE, amount, source=(owner, purpose), target=used, cause=cause)


def _from_reservation(session: Session, cause: str, owner: Owner, due: int) -> int:
    held = reservations.by_cause(session, cause)
    if held is None or held.settled:
        return 0
    amount = min(held.remaining, due)
    _pay(session, owner, Purpose.RESERVED, amount, cause)
    held.remaining -= amount
    return amount


def recent(session: Session, allocation: Allocation, *, size: int = 50) -> Sequence[UsageRecord]:
    query = select(UsageRecord).where(UsageRecord.allocation_id == allocation.id)
    return session.scalars(query.order_by(UsageRecord.id.desc()).limit(size)).all()


def entries(
    session: Session, allocation: Allocation, *, before: int | None = None, size: int = 50
) -> Sequence[Entry]:
    """The allocation's ledger, newest first, by keyset."""
    mine = select(Account.id).where(Account.allocation_id == allocation.id)
    query = select(Entry).where(Entry.source_id.in_(mine) | Entry.target_id.in_(mine))
    if before is not None:
        query = query.where(Entry.id < before)
    return session.scalars(query.order_by(Entry.id.desc()).limit(size)).all()


def by_day(session: Session, allocation_ids: Sequence[int]) -> dict[int, dict[date, int]]:
    """Micro-units charged on each (UTC) day, an allocation; days without charges are absent."""
    used = aliased(Account)
    day = func.date(Entry.at)
    query = (
        select(used.allocation_id, day, func.sum(Entry.amount))
        .join(used, Entry.target_id == used.id)
        .where(used.allocation_id.in_(allocation_ids), used.purpose == Purpose.USED)
        .group_by(used.allocation_id, day)
    )
    days: dict[int, dict[date, int]] = {}
    for allocation_id, when, amount in session.execute(query):
        on = when if isinstance(when, date) else date.fromisoformat(when)
        days.setdefault(allocation_id or 0, {})[on] = int(amount)
    return days


def remaining_by_day(allocation: Allocation, charged: dict[date, int]) -> list[tuple[date, int]]:
    """The burn-down: what was left when each day began, from the start on; for today, what is left now."""
    day, left = allocation.starts_at.date(), allocation.amount
    points = {day: left}
    last = min(clock.today(), allocation.ends_at.date())
    while day <= last:
        left -= charged.get(day, 0)
        points[min(day + timedelta(days=1), clock.today())] = left
        day += timedelta(days=1)
    return sorted(points.items())


def charged_for(session: Session, allocation_id: int, ref: str) -> int:
    """Micro-units charged to the allocation for all runs of the notebook with this reference."""
    runs = UsageRecord.cause.startswith(f"{ref} ", autoescape=True)
    mine = (UsageRecord.allocation_id == allocation_id, runs)
    return int(session.scalar(select(func.sum(UsageRecord.charged)).where(*mine)) or 0)
