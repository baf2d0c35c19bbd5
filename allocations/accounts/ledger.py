"""The ledger: append-only double entry in micro-units, one account a purpose.

Every entry moves an amount from one account to another, so all balances sum to zero. A balance is
kept beside the entries only because one conditional UPDATE on it decides races; `recount` proves it.
"""

import enum
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Text,
    and_,
    case,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from allocations.kernel import clock
from allocations.kernel.db import Amount, Base
from allocations.kernel.errors import DomainError


class Purpose(enum.StrEnum):
    CONTRIBUTED = "contributed"  # of a pool: the source, so its balance is never positive
    FREE = "free"  # of a pool: not awarded yet
    OFFERED = "offered"  # of an allocation: awarded, not active yet
    AVAILABLE = "available"
    RESERVED = "reserved"
    USED = "used"
    LAPSED = "lapsed"
    OVERRUN = "overrun"  # ran longer than what was left could pay; never positive


class Movement(enum.StrEnum):
    CONTRIBUTION = "contribution"
    AWARD = "award"
    RETURN = "return"
    GRANT = "grant"
    RESERVATION = "reservation"
    RELEASE = "release"
    CHARGE = "charge"
    REFUND = "refund"
    LAPSE = "lapse"


class Account(Base):
    __tablename__ = "ledger_account"
    __table_args__ = (
        CheckConstraint("(pool_id IS NULL) <> (allocation_id IS NULL)", "one_owner"),
        CheckConstraint("balance >= 0 OR purpose IN ('contributed', 'overrun')", "never_overdrawn"),
        Index("uq_ledger_account_pool", "pool_id", "purpose", unique=True),
        Index("uq_ledger_account_allocation", "allocation_id", "purpose", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    purpose: Mapped[Purpose]
    pool_id: Mapped[int | None] = mapped_column(ForeignKey("pool.id"), default=None)
    allocation_id: Mapped[int | None] = mapped_column(ForeignKey("allocation.id"), default=None)
    balance: Mapped[Amount] = mapped_column(default=0)


class Entry(Base):
    __tablename__ = "ledger_entry"
    __table_args__ = (
        CheckConstraint("amount > 0", "amount_positive"),
        CheckConstraint("source_id <> target_id", "two_accounts"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
    movement: Mapped[Movement]
    source_id: Mapped[int] = mapped_column(ForeignKey("ledger_account.id"), index=True)
    target_id: Mapped[int] = mapped_column(ForeignKey("ledger_account.id"), index=True)
    amount: Mapped[Amount]
    # What this entry is about, such as a notebook's reference.
    cause: Mapped[str] = mapped_column(String(120))
    note: Mapped[str] = mapped_column(Text, default="")


class Insufficient(DomainError):
    """The source account does not hold the amount."""


class Owner(NamedTuple):
    """Whose account: a pool's or an allocation's."""

    pool_id: int | None = None
    allocation_id: int | None = None


def pool(pool_id: int) -> Owner:
    return Owner(pool_id=pool_id)


def allocation(allocation_id: int) -> Owner:
    return Owner(allocation_id=allocation_id)


def _of(owner: Owner) -> ColumnElement[bool]:
    return and_(
        Account.pool_id.is_not_distinct_from(owner.pool_id),
        Account.allocation_id.is_not_distinct_from(owner.allocation_id),
    )


def account(session: Session, owner: Owner, purpose: Purpose) -> Account:
    """The account, opened when it does not exist yet."""
    mine = select(Account).where(_of(owner), Account.purpose == purpose)
    found = session.scalar(mine)
    if found is not None:
        return found
    try:
        with session.begin_nested():
            session.add(Account(pool_id=owner.pool_id, allocation_id=owner.allocation_id, purpose=purpose))
    except IntegrityError:
        # Somebody else opened it at the same moment: theirs is there now.
        return session.scalars(mine).one()
    return session.scalars(mine).one()


def lock(session: Session, *owners: Owner) -> None:
    """Wait until nobody else moves anything of these owners; always in one order, so nobody deadlocks."""
    theirs = select(Account.id).where(or_(*(_of(owner) for owner in owners)))
    session.execute(theirs.order_by(Account.id).with_for_update())


def post(
    session: Session,
    movement: Movement,
    amount: int,
    *,
    source: tuple[Owner, Purpose],
    target: tuple[Owner, Purpose],
    cause: str,
) -> None:
    """Move `amount` micro-units; raises Insufficient, and then nothing has moved. Zero is no entry."""
    if amount == 0:
        return
    if amount < 0:
        raise ValueError("an amount is never negative: post the opposite movement")
    if source == target:
        raise ValueError("a movement needs two accounts")
    lock(session, source[0], target[0])
    debited, credited = account(session, *source), account(session, *target)
    covered = debited.purpose in (Purpose.CONTRIBUTED, Purpose.OVERRUN)
    enough = (Account.id == debited.id,) if covered else (Account.id == debited.id, Account.balance >= amount)
    take = update(Account).where(*enough).values(balance=Account.balance - amount)
    if session.execute(take.execution_options(synchronize_session=False)).rowcount != 1:  # type: ignore[attr-defined]
        raise Insufficient("There is not enough left for this amount.")
    give = update(Account).where(Account.id == credited.id).values(balance=Account.balance + amount)
    session.execute(give.execution_options(synchronize_session=False))
    session.expire(debited, ["balance"])
    session.expire(credited, ["balance"])
    session.add(
        Entry(movement=movement, source_id=debited.id, target_id=credited.id, amount=amount, cause=cause)
    )


def balance(session: Session, owner: Owner, purpose: Purpose) -> int:
    return balances(session, [owner]).get(owner, {}).get(purpose, 0)


def balances(session: Session, owners: Sequence[Owner]) -> dict[Owner, dict[Purpose, int]]:
    """Balances of many owners in one statement; owners without accounts are absent."""
    pools = [owner.pool_id for owner in owners if owner.pool_id is not None]
    allocations = [owner.allocation_id for owner in owners if owner.allocation_id is not None]
    wanted = select(Account.pool_id, Account.allocation_id, Account.purpose, Account.balance).where(
        Account.pool_id.in_(pools) | Account.allocation_id.in_(allocations)
    )
    found: dict[Owner, dict[Purpose, int]] = {}
    for pool_id, allocation_id, purpose, amount in session.execute(wanted):
        found.setdefault(Owner(pool_id, allocation_id), {})[purpose] = amount
    return found


def recount(session: Session) -> dict[int, tuple[int, int]]:
    """Accounts whose kept balance differs from their entries: id -> (kept, summed). Empty when sound."""
    signed = case((Entry.target_id == Account.id, Entry.amount), else_=-Entry.amount)
    touched = (Entry.target_id == Account.id) | (Entry.source_id == Account.id)
    summed = select(func.coalesce(func.sum(signed), 0)).where(touched).correlate(Account).scalar_subquery()
    rows = session.execute(select(Account.id, Account.balance, summed))
    return {key: (kept, int(total)) for key, kept, total in rows if kept != total}
