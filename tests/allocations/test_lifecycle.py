"""What time and use do to an allocation."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.accounts import ledger, lifecycle, reservations
from allocations.accounts.awards import Allocation, AllocationState
from allocations.accounts.ledger import Movement, Purpose
from allocations.kernel import clock, units
from allocations.kernel.outbox import EventRow
from tests import cast as stage
from tests.cast import Cast

DAY = timedelta(days=1)


def drained(session: Session) -> int:
    """How many steps there were until nothing was due."""
    count = 0
    while lifecycle.step(session):
        session.flush()
        count += 1
        assert count < 50
    return count


def used_up(session: Session, allocation: Allocation, amount: int) -> None:
    owner = ledger.allocation(allocation.id)
    paid = {"source": (owner, Purpose.AVAILABLE), "target": (owner, Purpose.USED)}
    ledger.post(session, Movement.CHARGE, amount, **paid, cause="test")


def test_nothing_is_due_in_the_middle_of_an_allocation(session: Session, cast: Cast) -> None:
    allocation = stage.allocation_of(cast, stage.active(cast))

    assert drained(session) == 0
    assert allocation.state == AllocationState.ACTIVE


def test_an_allocation_starts_by_the_clock(session: Session, cast: Cast) -> None:
    with clock.at(clock.now() - 400 * DAY):
        cast.call = stage.open_call(cast)
        stage.roles.grant(session, stage.SYSTEM, cast.people["chen"], role=stage.Role.PANEL_CHAIR)
        cast.refresh_roles()
        award = stage.awarded(cast)
        award.allocations[0].starts_at = later = clock.now() + 3 * DAY
        stage.awards.accept(session, cast.priya, stage.consented(cast, award))
        assert drained(session) == 0
    with clock.at(later):
        assert drained(session) == 1

    assert award.allocations[0].state == AllocationState.ACTIVE


@pytest.mark.parametrize(
    ("after", "state"),
    [
        (-timedelta(seconds=1), AllocationState.ACTIVE),
        (timedelta(), AllocationState.ENDED),
        (lifecycle.GRACE - timedelta(seconds=1), AllocationState.ENDED),
        (lifecycle.GRACE, AllocationState.CLOSED),
    ],
)
def test_an_allocation_ends_and_after_the_grace_it_is_closed(
    session: Session, cast: Cast, after: timedelta, state: AllocationState
) -> None:
    allocation = stage.allocation_of(cast, stage.active(cast))

    with clock.at(allocation.ends_at + after):
        drained(session)

    assert allocation.state == state


def test_closing_lapses_what_was_not_used(session: Session, cast: Cast) -> None:
    allocation = stage.allocation_of(cast, stage.active(cast))
    used_up(session, allocation, 30 * units.MICRO)

    with clock.at(allocation.ends_at + lifecycle.GRACE):
        assert drained(session) == 2

    owner = ledger.allocation(allocation.id)
    held = ledger.balances(session, [owner])[owner]
    assert (held[Purpose.AVAILABLE], held[Purpose.USED], held[Purpose.LAPSED]) == (
        0,
        30 * units.MICRO,
        70 * units.MICRO,
    )
    assert ledger.recount(session) == {}


def test_an_allocation_with_nothing_left_is_suspended_and_says_so(session: Session, cast: Cast) -> None:
    allocation = stage.allocation_of(cast, stage.active(cast))
    used_up(session, allocation, allocation.amount)

    assert lifecycle.suspend_if_empty(session, allocation)
    assert not lifecycle.suspend_if_empty(session, allocation)

    session.flush()
    assert allocation.state == AllocationState.SUSPENDED
    assert (
        session.scalars(select(EventRow.type).order_by(EventRow.id.desc())).first() == "AllocationSuspended"
    )


def test_units_that_are_reserved_keep_an_allocation_going(session: Session, cast: Cast) -> None:
    allocation = stage.allocation_of(cast, stage.active(cast))
    reservations.reserve(session, allocation, allocation.amount, cause="x")

    assert not lifecycle.suspend_if_empty(session, allocation)


def test_storage_is_never_used_up(session: Session, cast: Cast) -> None:
    project = stage.active(cast, asks={"h100": 1, "scratch": 10})
    storage = stage.allocation_of(cast, project, cast.scratch)
    used_up(session, storage, storage.amount)

    assert not lifecycle.suspend_if_empty(session, storage)


def test_a_suspended_allocation_ends_all_the_same(session: Session, cast: Cast) -> None:
    allocation = stage.allocation_of(cast, stage.active(cast))
    used_up(session, allocation, allocation.amount)
    lifecycle.suspend_if_empty(session, allocation)

    with clock.at(allocation.ends_at):
        assert drained(session) == 1

    assert allocation.state == AllocationState.ENDED
