"""Reservations: units held before something starts, charged while it runs, released when it ends."""

from collections.abc import Sequence

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from allocations.accounts import ledger
from allocations.accounts.awards import Allocation, AllocationState
from allocations.accounts.ledger import Insufficient, Movement, Purpose
from allocations.kernel import units
from allocations.kernel.db import Amount, Base
from allocations.kernel.errors import Invalid


class Reservation(Base):
    __tablename__ = "reservation"
    __table_args__ = (
        CheckConstraint("remaining >= 0", "remaining_not_negative"),
        Index("ix_reservation_open", "allocation_id", "settled"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    allocation_id: Mapped[int] = mapped_column(ForeignKey("allocation.id"))
    # What the units are held for; one reservation a cause.
    cause: Mapped[str] = mapped_column(String(120), unique=True)
    amount: Mapped[Amount]
    remaining: Mapped[Amount]
    settled: Mapped[bool] = mapped_column(default=False)


def reserve(session: Session, allocation: Allocation, amount: int, *, cause: str) -> Reservation:
    """Hold units of an active allocation; Invalid (field `hours`) when there are not enough."""
    if allocation.state != AllocationState.ACTIVE:
        raise Invalid({"allocation": f"This allocation is {allocation.state}; nothing can be started on it."})
    owner = ledger.allocation(allocation.id)
    try:
        ledger.post(
            session,
            Movement.RESERVATION,
            amount,
            source=(owner, Purpose.AVAILABLE),
            target=(owner, Purpose.RESERVED),
            cause=cause,
        )
    except Insufficient:
        left = units.shown(ledger.balance(session, owner, Purpose.AVAILABLE))
        needed = f"This needs {units.shown(amount)} {allocation.resource.unit}, but {left} are left."
        raise Invalid({"hours": f"{needed} Choose fewer hours or GPUs."}) from None
    held = Reservation(allocation_id=allocation.id, cause=cause, amount=amount, remaining=amount)
    session.add(held)
    return held


def by_cause(session: Session, cause: str) -> Reservation | None:
    return session.scalar(select(Reservation).where(Reservation.cause == cause).with_for_update())


def held(session: Session, causes: Sequence[str]) -> int:
    """Micro-units still held for these causes together."""
    mine = select(func.sum(Reservation.remaining)).where(Reservation.cause.in_(causes))
    return int(session.scalar(mine.where(~Reservation.settled)) or 0)


def settle(session: Session, cause: str) -> None:
    """Give back what was held and not used. Settling twice changes nothing."""
    held = by_cause(session, cause)
    if held is None or held.settled:
        return
    owner = ledger.allocation(held.allocation_id)
    ledger.post(
        session,
        Movement.RELEASE,
        held.remaining,
        source=(owner, Purpose.RESERVED),
        target=(owner, Purpose.AVAILABLE),
        cause=cause,
    )
    held.remaining = 0
    held.settled = True
