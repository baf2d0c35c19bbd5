"""What operators look at: deliveries that are stuck, clusters, namespaces, the worker's heartbeat."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from allocations.kernel import clock, outbox
from allocations.kernel.answers import Answer, require, when
from allocations.kernel.db import Base
from allocations.kernel.outbox import Delivery, DeliveryState
from allocations.people.roles import Actor, Role

SILENCE = timedelta(minutes=2)


class Heartbeat(Base):
    """One row a worker, renewed while it lives."""

    __tablename__ = "heartbeat"

    worker: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]


def may_see(actor: Actor) -> Answer:
    allowed = actor.has(Role.ADMINISTRATOR) or actor.has(Role.PROGRAMME_OFFICER)
    return when(allowed, "Only administrators and programme officers see operations.")


def beat(session: Session, worker: str) -> None:
    session.merge(Heartbeat(worker=worker, at=clock.now()))


def last_beat(session: Session) -> datetime | None:
    return session.scalar(select(func.max(Heartbeat.at)))


def is_alive(at: datetime | None) -> bool:
    """Whether a worker that was last heard of then still counts as working."""
    return at is not None and clock.now() - at < SILENCE


def stuck(session: Session, actor: Actor) -> Sequence[Delivery]:
    require(may_see(actor))
    query = select(Delivery).where(Delivery.state == DeliveryState.STUCK)
    return session.scalars(query.order_by(Delivery.id).limit(200)).all()


def waiting(session: Session) -> int:
    return session.scalar(select(func.count()).where(Delivery.state == DeliveryState.DUE)) or 0


def retry(session: Session, actor: Actor, delivery_id: int) -> None:
    require(may_see(actor))
    outbox.retry(session, delivery_id)
