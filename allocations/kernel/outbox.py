"""The outbox: an event row in the verb's own transaction, later one delivery a handler."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, false, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from allocations.kernel import clock
from allocations.kernel.db import Base
from allocations.kernel.events import Event, decode, encode

ATTEMPTS = 8
LEASE = timedelta(minutes=2)


class EventRow(Base):
    __tablename__ = "event"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
    type: Mapped[str] = mapped_column(String(64))
    payload: Mapped[dict[str, Any]]
    expanded: Mapped[bool] = mapped_column(default=False, index=True)


class DeliveryState(enum.StrEnum):
    DUE = "due"
    DONE = "done"
    STUCK = "stuck"


class Delivery(Base):
    __tablename__ = "delivery"
    __table_args__ = (UniqueConstraint("event_id", "handler"), Index(None, "state", "due_at"))

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"))
    event: Mapped[EventRow] = relationship(init=False, lazy="joined", innerjoin=True)
    handler: Mapped[str] = mapped_column(String(120))
    state: Mapped[DeliveryState] = mapped_column(default=DeliveryState.DUE)
    due_at: Mapped[datetime] = mapped_column(default_factory=clock.now)
    leased_until: Mapped[datetime | None] = mapped_column(default=None)
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(Text, default="")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this worker holds until its lease ends."""

    id: int
    event_id: int
    handler: str
    event: Event


def put(session: Session, event: Event) -> None:
    name, payload = encode(event)
    session.add(EventRow(type=name, payload=payload))


def expand(session: Session, handlers: dict[str, Sequence[str]]) -> bool:
    """Make the deliveries of the oldest event that has none yet; false when there is no such event."""
    oldest = select(EventRow).where(EventRow.expanded == false()).order_by(EventRow.id).limit(1)
    row = session.scalar(oldest)
    if row is None:
        return False
    mine = update(EventRow).where(EventRow.id == row.id, EventRow.expanded == false()).values(expanded=True)
    if session.execute(mine).rowcount == 1:  # type: ignore[attr-defined]
        session.add_all(Delivery(event_id=row.id, handler=name) for name in handlers.get(row.type, ()))
    return True


def claim(session: Session) -> Claimed | None:
    """Take the delivery that is due longest; None when nothing is due, or another worker was quicker."""
    now = clock.now()
    free = or_(Delivery.leased_until.is_(None), Delivery.leased_until <= now)
    due = (Delivery.state == DeliveryState.DUE, Delivery.due_at <= now, free)
    delivery = session.scalar(select(Delivery).where(*due).order_by(Delivery.due_at, Delivery.id).limit(1))
    if delivery is None:
        return None
    mine = update(Delivery).where(Delivery.id == delivery.id, *due).values(leased_until=now + LEASE)
    if session.execute(mine.execution_options(synchronize_session=False)).rowcount != 1:  # type: ignore[attr-defined]
        return None
    try:
        event = decode(delivery.event.type, delivery.event.payload)
    except (KeyError, TypeError) as error:
        # Written by another release: it must not stand in the way of what follows.
        delivery.state, delivery.error = DeliveryState.STUCK, f"cannot be read here: {error!r}"
        return None
    return Claimed(id=delivery.id, event_id=delivery.event_id, handler=delivery.handler, event=event)


def settle(
    session: Session, claimed: Claimed, *, error: str = "", retry_after: timedelta | None = None
) -> None:
    """Record the outcome. With an error: try again with growing pauses, and after `ATTEMPTS` stay stuck."""
    delivery = session.get_one(Delivery, claimed.id)
    delivery.leased_until = None
    delivery.attempts += 1
    delivery.error = error
    if not error:
        delivery.state = DeliveryState.DONE
    elif delivery.attempts >= ATTEMPTS:
        delivery.state = DeliveryState.STUCK
    else:
        delivery.due_at = clock.now() + (retry_after or timedelta(seconds=2**delivery.attempts))


def retry(session: Session, delivery_id: int) -> None:
    """An operator's word: a stuck delivery gets a full set of attempts again."""
    again = {"state": DeliveryState.DUE, "attempts": 0, "due_at": clock.now(), "leased_until": None}
    stuck = (Delivery.id == delivery_id, Delivery.state == DeliveryState.STUCK)
    session.execute(update(Delivery).where(*stuck).values(**again))
