"""Pools: an amount of one resource that a call may award, and the general pool of what calls left over."""

from collections.abc import Sequence

from sqlalchemy import CheckConstraint, ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from allocations.accounts import ledger
from allocations.accounts.ledger import Movement, Purpose
from allocations.accounts.resources import Resource
from allocations.kernel.db import Amount, Base

# The name of the one pool of a resource that belongs to no call.
GENERAL = "General pool"


class Pool(Base):
    __tablename__ = "pool"
    __table_args__ = (CheckConstraint("amount > 0", "amount_positive"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    name: Mapped[str] = mapped_column(String(200))
    resource_id: Mapped[int] = mapped_column(ForeignKey("resource.id"), init=False, index=True)
    resource: Mapped[Resource] = relationship(lazy="joined", innerjoin=True)
    # What was put in; what is left is in the ledger.
    amount: Mapped[Amount]


def contribute(session: Session, pool: Pool) -> None:
    """Post the pool's amount, so that it can be awarded: from the general pool first, the rest is new.

    Once a pool.
    """
    session.flush()
    owner = ledger.pool(pool.id)
    known = _taken(session, pool)
    ledger.post(
        session,
        Movement.CONTRIBUTION,
        pool.amount - known,
        source=(owner, Purpose.CONTRIBUTED),
        target=(owner, Purpose.FREE),
        cause=pool.name,
    )


def _taken(session: Session, pool: Pool) -> int:
    """What the general pool holds goes into this one, as far as it is asked for."""
    kept = general(session, pool.resource)
    if kept is None:
        return 0
    source = ledger.pool(kept.id)
    ledger.lock(session, source)
    amount = min(pool.amount, ledger.balance(session, source, Purpose.FREE))
    free = (ledger.pool(pool.id), Purpose.FREE)
    ledger.post(
        session, Movement.CONTRIBUTION, amount, source=(source, Purpose.FREE), target=free, cause=pool.name
    )
    return amount


def general(session: Session, resource: Resource) -> Pool | None:
    return session.scalar(select(Pool).where(Pool.resource_id == resource.id, Pool.name == GENERAL))


def held_in_general(session: Session, resources: Sequence[int]) -> dict[int, int]:
    """What the general pools of these resources hold, by resource id; absent ones are empty."""
    query = select(Pool).where(Pool.resource_id.in_(resources), Pool.name == GENERAL)
    found = {ledger.pool(one.id): one.resource_id for one in session.scalars(query)}
    held = ledger.balances(session, list(found))
    return {resource: held.get(owner, {}).get(Purpose.FREE, 0) for owner, resource in found.items()}


def give_back(session: Session, pool: Pool, *, cause: str) -> int:
    """Move all that is free to the general pool of the resource; returns how much that was."""
    # One at a time for each resource: its general pool is opened once.
    mine = select(Resource.id).where(Resource.id == pool.resource_id)
    session.execute(mine.with_for_update(key_share=True))
    owner = ledger.pool(pool.id)
    ledger.lock(session, owner)
    amount = ledger.balance(session, owner, Purpose.FREE)
    if not amount:
        return 0
    kept = _opened(session, pool.resource, amount)
    target = (ledger.pool(kept.id), Purpose.FREE)
    ledger.post(session, Movement.RETURN, amount, source=(owner, Purpose.FREE), target=target, cause=cause)
    return amount


def _opened(session: Session, resource: Resource, amount: int) -> Pool:
    kept = general(session, resource)
    if kept is None:
        kept = Pool(name=GENERAL, resource=resource, amount=amount)
        session.add(kept)
        session.flush()
    else:
        session.refresh(kept, ["amount"])
        kept.amount += amount
    return kept
