"""Usage records: each measured second is charged once."""

from datetime import UTC, date, datetime, timedelta
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session, sessionmaker

from allocations.accounts import ledger, reservations, usage
from allocations.accounts.awards import Allocation
from allocations.accounts.ledger import Purpose
from allocations.accounts.usage import UsageRecord
from allocations.kernel import clock, units
from tests import cast as stage
from tests.cast import Cast

HOUR = 3600


def record_of(session: Session, allocation: Allocation, *, cause: str = "NB run 1") -> UsageRecord:
    now = clock.now()
    record = UsageRecord(
        source=f"alpha/{cause}", allocation_id=allocation.id, cause=cause, started_at=now, measured_at=now
    )
    session.add(record)
    session.flush()
    return record


def held(session: Session, allocation: Allocation) -> dict[str, int]:
    """Whole units that are not zero, by purpose."""
    owner = ledger.allocation(allocation.id)
    found = ledger.balances(session, [owner])[owner]
    return {str(purpose): amount // units.MICRO for purpose, amount in found.items() if amount}


def charge(session: Session, record: UsageRecord, hours: int) -> int:
    return usage.charge(session, record, gpu_seconds=hours * HOUR, until=clock.now()) // units.MICRO


def test_use_is_paid_from_the_reservation_of_the_same_cause(session: Session, cast: Cast) -> None:
    allocation = stage.allocation_of(cast, stage.active(cast))
    reservations.reserve(session, allocation, 10 * units.MICRO, cause="NB run 1")
    record = record_of(session, allocation)

    assert charge(session, record, 4) == 4
    assert held(session, allocation) == {"available": 90, "reserved": 6, "used": 4}


@pytest.mark.parametrize(("repeated", "in_all"), [([4, 4], 4), ([4, 1], 4), ([4, 6, 4, 6], 6), ([0], 0)])
def test_the_same_or_an_older_measurement_charges_nothing(
    session: Session, cast: Cast, repeated: list[int], in_all: int
) -> None:
    allocation = stage.allocation_of(cast, stage.active(cast))
    record = record_of(session, allocation)

    charged = [charge(session, record, hours) for hours in repeated]

    assert sum(charged) == in_all == held(session, allocation).get("used", 0)
    assert record.gpu_seconds == in_all * HOUR


def test_use_beyond_the_reservation_takes_what_is_left_and_then_overruns(
    session: Session, cast: Cast
) -> None:
    allocation = stage.allocation_of(cast, stage.active(cast))
    reservations.reserve(session, allocation, 10 * units.MICRO, cause="NB run 1")
    reservations.reserve(session, allocation, 70 * units.MICRO, cause="another")
    record = record_of(session, allocation)

    assert charge(session, record, 35) == 35
    assert held(session, allocation) == {"reserved": 70, "used": 35, "overrun": -5}
    assert ledger.recount(session) == {}


def test_use_reported_after_settling_is_paid_from_what_is_available(session: Session, cast: Cast) -> None:
    allocation = stage.allocation_of(cast, stage.active(cast))
    reservations.reserve(session, allocation, 10 * units.MICRO, cause="NB run 1")
    record = record_of(session, allocation)
    charge(session, record, 2)
    reservations.settle(session, "NB run 1")

    charge(session, record, 3)

    assert held(session, allocation) == {"available": 97, "used": 3}


@given(seconds=st.lists(st.integers(0, 500_000), max_size=12))
def test_however_use_is_reported_the_largest_total_is_charged_once(
    session: Session, cast: Cast, seconds: list[int]
) -> None:
    with session.begin_nested() as example:
        allocation = stage.allocation_of(cast, stage.active(cast))
        record = record_of(session, allocation)

        for total in seconds:
            usage.charge(session, record, gpu_seconds=total, until=clock.now())

        expected = units.gpu_micro(max(seconds, default=0))
        owner = ledger.allocation(allocation.id)
        assert ledger.balance(session, owner, Purpose.USED) == record.charged == expected
        assert sum(ledger.balances(session, [owner])[owner].values()) == allocation.amount
        assert ledger.recount(session) == {}
        example.rollback()


def test_a_charge_and_a_reservation_at_the_same_moment_both_succeed(
    session: Session, sessions: sessionmaker[Session], cast: Cast
) -> None:
    allocation = stage.allocation_of(cast, stage.active(cast))
    record = record_of(session, allocation)
    reservations.reserve(session, allocation, units.MICRO, cause="opens the account")
    session.commit()
    failed: list[Exception] = []

    def charge_meanwhile() -> None:
        try:
            with sessions() as mine, mine.begin():
                charge(mine, mine.get_one(UsageRecord, record.id), 50)
        except Exception as error:
            failed.append(error)

    reservations.reserve(session, allocation, 90 * units.MICRO, cause="NB run 2")
    session.flush()
    meanwhile = Thread(target=charge_meanwhile)
    meanwhile.start()
    meanwhile.join(timeout=0.4)
    session.commit()
    meanwhile.join(timeout=30)

    assert failed == []
    session.expire_all()
    assert held(session, allocation) == {"reserved": 91, "used": 50, "overrun": -41}


def test_two_workers_with_the_same_measurement_charge_it_once(
    session: Session, sessions: sessionmaker[Session], cast: Cast
) -> None:
    allocation = stage.allocation_of(cast, stage.active(cast))
    record = record_of(session, allocation)
    session.commit()
    charged: list[int] = []

    def second_worker() -> None:
        with sessions() as mine, mine.begin():
            charged.append(charge(mine, mine.get_one(UsageRecord, record.id), 5))

    charge(session, record, 5)
    session.flush()
    second = Thread(target=second_worker)
    second.start()
    second.join(timeout=0.4)
    session.commit()
    second.join(timeout=30)

    assert charged == [0]
    session.expire_all()
    assert held(session, allocation) == {"available": 95, "used": 5}


def test_days_are_counted_in_utc(session: Session, cast: Cast) -> None:
    allocation = stage.allocation_of(cast, stage.active(cast))
    record = record_of(session, allocation)
    for hours, moment in enumerate(("2026-03-01T23:30", "2026-03-02T00:30", "2026-03-02T11:00"), start=1):
        with clock.at(datetime.fromisoformat(moment).replace(tzinfo=UTC)):
            charge(session, record, hours)
    session.flush()

    days = usage.by_day(session, [allocation.id])

    assert days == {
        allocation.id: {date(2026, 3, 1): units.MICRO, date(2026, 3, 2): 2 * units.MICRO},
    }


def test_the_burn_down_ends_where_the_balance_is(session: Session, cast: Cast) -> None:
    allocation = stage.allocation_of(cast, stage.active(cast))
    record = record_of(session, allocation)
    first = allocation.starts_at.date()
    for day, hours in ((1, 10), (3, 25)):
        with clock.at(allocation.starts_at + timedelta(days=day)):
            charge(session, record, hours)
    session.flush()

    with clock.at(allocation.starts_at + timedelta(days=4)):
        charged = usage.by_day(session, [allocation.id])[allocation.id]
        points = usage.remaining_by_day(allocation, charged)

    assert [(day - first).days for day, _ in points] == [0, 1, 2, 3, 4]
    assert [left // units.MICRO for _, left in points] == [100, 100, 90, 90, 75]


def test_what_was_used_today_is_in_todays_point_of_the_burn_down(session: Session, cast: Cast) -> None:
    allocation = stage.allocation_of(cast, stage.active(cast))
    record = record_of(session, allocation)
    with clock.at(allocation.starts_at + timedelta(hours=1)):
        charge(session, record, 10)
        session.flush()

        charged = usage.by_day(session, [allocation.id])[allocation.id]
        points = usage.remaining_by_day(allocation, charged)
        today = clock.today()

    assert points[-1] == (today, allocation.amount - 10 * units.MICRO)


def test_entries_are_read_newest_first_page_by_page(session: Session, cast: Cast) -> None:
    allocation = stage.allocation_of(cast, stage.active(cast))
    record = record_of(session, allocation)
    for hours in range(1, 6):
        charge(session, record, hours)
    session.flush()

    every = usage.entries(session, allocation)
    first = usage.entries(session, allocation, size=4)
    rest = usage.entries(session, allocation, before=first[-1].id)

    assert [*first, *rest] == list(every)
    assert [str(entry.movement) for entry in every] == ["charge"] * 5 + ["grant", "award"]
    assert list(usage.recent(session, allocation)) == [record]
