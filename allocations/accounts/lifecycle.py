"""What time and use do to an allocation: activate, suspend, end, close. One allocation a step."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from allocations.accounts import awards, ledger
from allocations.accounts.awards import Allocation, AllocationState, Award, AwardState, Consent
from allocations.accounts.ledger import Movement, Purpose
from allocations.accounts.resources import Kind
from allocations.kernel import clock, outbox
from allocations.kernel.events import Event
from allocations.kernel.states import move
from allocations.people.roles import SYSTEM

GRACE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class AllocationSuspended(Event):
    allocation_id: int
    project_id: int


@dataclass(frozen=True, slots=True)
class AllocationEnded(Event):
    allocation_id: int
    project_id: int


@dataclass(frozen=True, slots=True)
class AllocationClosed(Event):
    allocation_id: int
    project_id: int


def step(session: Session) -> bool:
    """Do what the clock asks of the most overdue allocation; false when nothing is due."""
    now = clock.now()
    live = Allocation.state.in_([AllocationState.ACTIVE, AllocationState.SUSPENDED])
    agreed = Allocation.consent.in_([Consent.GIVEN, Consent.REDUCED])
    starts = and_(
        Allocation.state == AllocationState.OFFERED,
        agreed,
        Award.state == AwardState.ACCEPTED,
        Allocation.starts_at <= now,
    )
    ends = and_(live, Allocation.ends_at <= now)
    closes = and_(Allocation.state == AllocationState.ENDED, Allocation.ends_at <= now - GRACE)
    query = select(Allocation).join(Award).where(or_(starts, ends, closes))
    allocation = session.scalar(query.order_by(Allocation.ends_at, Allocation.id).limit(1))
    if allocation is None:
        return False
    _advance(session, allocation)
    return True


def _advance(session: Session, allocation: Allocation) -> None:
    if allocation.state == AllocationState.OFFERED:
        awards.activate_if_due(session, allocation)
    elif allocation.state == AllocationState.ENDED:
        _close(session, allocation)
    else:
        move(session, allocation, AllocationState.ENDED, SYSTEM, note="The end date has passed.")
        outbox.put(session, AllocationEnded(allocation.id, allocation.project_id))


def _close(session: Session, allocation: Allocation) -> None:
    owner = ledger.allocation(allocation.id)
    left = ledger.balance(session, owner, Purpose.AVAILABLE)
    lapsed = (owner, Purpose.LAPSED)
    ledger.post(
        session, Movement.LAPSE, left, source=(owner, Purpose.AVAILABLE), target=lapsed, cause=allocation.ref
    )
    move(session, allocation, AllocationState.CLOSED, SYSTEM, note="The grace period is over.")
    outbox.put(session, AllocationClosed(allocation.id, allocation.project_id))


def suspend_if_empty(session: Session, allocation: Allocation) -> bool:
    """Suspend an active GPU allocation with nothing available and nothing reserved."""
    if allocation.state != AllocationState.ACTIVE or allocation.resource.kind != Kind.GPU:
        return False
    held = ledger.balances(session, [ledger.allocation(allocation.id)]).get(
        ledger.allocation(allocation.id), {}
    )
    if held.get(Purpose.AVAILABLE, 0) > 0 or held.get(Purpose.RESERVED, 0) > 0:
        return False
    move(session, allocation, AllocationState.SUSPENDED, SYSTEM, note="Everything is used.")
    outbox.put(session, AllocationSuspended(allocation.id, allocation.project_id))
    return True
