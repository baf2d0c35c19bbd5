"""Pools: an amount of one resource that a call may award."""

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from allocations.accounts import ledger
from allocations.accounts.ledger import Movement, Purpose
from allocations.accounts.resources import Resource
from allocations.kernel.db import Amount, Base


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
    """Post the pool's amount, so that it can be awarded. Once a pool."""
    session.flush()
    owner = ledger.pool(pool.id)
    ledger.post(
        session,
        Movement.CONTRIBUTION,
        pool.amount,
        source=(owner, Purpose.CONTRIBUTED),
        target=(owner, Purpose.FREE),
        cause=pool.name,
    )
