"""Reservations: a hold on units that no two can have."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from allocations.accounts import ledger, reservations
from allocations.accounts.awards import Allocation, AllocationState
from allocations.accounts.ledger import Purpose
from allocations.accounts.reservations import Reservation
from allocations.kernel import units
from allocations.kernel.errors import Invalid
from tests import cast as stage
from tests.cast import Cast
from tests.threads import at_once


def balances(session: Session, allocation: Allocation) -> tuple[int, int]:
    """Available and reserved, in whole units."""
    owner = ledger.allocation(allocation.id)
    held = ledger.balances(session, [owner])[owner]
    return held[Purpose.AVAILABLE] // units.MICRO, held.get(Purpose.RESERVED, 0) // units.MICRO


def test_a_reservation_holds_units_until_it_is_settled(session: Session, cast: Cast) -> None:
    allocation = stage.allocation_of(cast, stage.active(cast))

    reservations.reserve(session, allocation, 40 * units.MICRO, cause="NB run 1")
    assert balances(session, allocation) == (60, 40)

    reservations.settle(session, "NB run 1")
    reservations.settle(session, "NB run 1")
    assert balances(session, allocation) == (100, 0)
    assert ledger.recount(session) == {}


def test_more_than_is_left_cannot_be_reserved(session: Session, cast: Cast) -> None:
    allocation = stage.allocation_of(cast, stage.active(cast))
    reservations.reserve(session, allocation, 90 * units.MICRO, cause="first")

    with pytest.raises(Invalid) as refused:
        reservations.reserve(session, allocation, 11 * units.MICRO, cause="second")

    assert refused.value.fields == {
        "hours": "This needs 11 GPU-hours, but 10 are left. Choose fewer hours or GPUs."
    }
    assert balances(session, allocation) == (10, 90)


@pytest.mark.parametrize("state", [s for s in AllocationState if s != AllocationState.ACTIVE])
def test_nothing_starts_on_an_allocation_that_is_not_active(
    session: Session, cast: Cast, state: AllocationState
) -> None:
    allocation = stage.allocation_of(cast, stage.active(cast))
    allocation.state = state

    with pytest.raises(Invalid, match=f"This allocation is {state}"):
        reservations.reserve(session, allocation, 1, cause="x")


def test_settling_what_was_never_reserved_changes_nothing(session: Session, cast: Cast) -> None:
    reservations.settle(session, "unheard of")

    assert session.scalar(select(func.count()).select_from(Reservation)) == 0


def test_fifty_reservations_at_once_for_the_last_ten_units_give_exactly_ten(
    session: Session, sessions: sessionmaker[Session], cast: Cast
) -> None:
    key = stage.allocation_of(cast, stage.active(cast, asks={"h100": 10})).id
    session.commit()

    def reserve(number: int) -> str:
        with sessions() as mine, mine.begin():
            allocation = mine.get_one(Allocation, key)
            reservations.reserve(mine, allocation, units.MICRO, cause=f"notebook {number}")
        return "reserved"

    outcomes = at_once(50, reserve)

    lost = [outcome for outcome in outcomes if outcome != "reserved"]
    assert len(lost) == 40, lost
    assert {type(error) for error in lost} == {Invalid}, lost
    session.expire_all()
    assert balances(session, session.get_one(Allocation, key)) == (0, 10)
    assert session.scalar(select(func.count()).select_from(Reservation)) == 10
    assert ledger.recount(session) == {}


def test_starting_and_stopping_at_once_wait_for_each_other(
    session: Session, sessions: sessionmaker[Session], cast: Cast
) -> None:
    key = stage.allocation_of(cast, stage.active(cast)).id
    session.commit()

    def start_and_stop(number: int) -> str:
        for turn in range(15):
            cause = f"notebook {number} run {turn}"
            with sessions() as mine, mine.begin():
                reservations.reserve(mine, mine.get_one(Allocation, key), units.MICRO, cause=cause)
            with sessions() as mine, mine.begin():
                reservations.settle(mine, cause)
        return "done"

    assert at_once(6, start_and_stop) == ["done"] * 6
    session.expire_all()
    assert balances(session, session.get_one(Allocation, key)) == (100, 0)
    assert ledger.recount(session) == {}
