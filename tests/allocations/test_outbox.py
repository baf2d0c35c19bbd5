"""The outbox: an event becomes a delivery a handler; a delivery is tried until it is done or stuck."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from allocations.kernel import clock, outbox
from allocations.kernel.events import Event, decode, encode, known
from allocations.kernel.outbox import ATTEMPTS, LEASE, Claimed, Delivery, DeliveryState
from tests.threads import at_once


@dataclass(frozen=True, slots=True)
class SomethingHappened(Event):
    thing_id: int


HANDLERS = {"SomethingHappened": ("mail", "cluster")}


def put(session: Session, count: int = 1) -> None:
    for number in range(count):
        outbox.put(session, SomethingHappened(number))
    session.commit()


def expand_all(session: Session) -> None:
    while outbox.expand(session, HANDLERS):
        session.commit()


def claimed(session: Session) -> Claimed:
    found = outbox.claim(session)
    assert found is not None
    session.commit()
    return found


def only(session: Session) -> Delivery:
    session.expire_all()
    return session.scalars(select(Delivery).order_by(Delivery.id)).first()


def test_an_event_that_is_rolled_back_never_happened(session: Session) -> None:
    outbox.put(session, SomethingHappened(1))
    session.rollback()

    assert not outbox.expand(session, HANDLERS)


def test_an_event_becomes_one_delivery_a_handler_and_only_once(session: Session) -> None:
    put(session)

    assert outbox.expand(session, HANDLERS)
    assert not outbox.expand(session, HANDLERS)

    assert session.scalars(select(Delivery.handler).order_by(Delivery.id)).all() == ["mail", "cluster"]


def test_an_event_without_handlers_is_done(session: Session) -> None:
    put(session)

    assert outbox.expand(session, {})
    assert not outbox.expand(session, {})
    assert outbox.claim(session) is None


def test_a_delivery_is_claimed_run_and_settled(session: Session) -> None:
    put(session)
    expand_all(session)

    first = claimed(session)
    assert (first.handler, first.event) == ("mail", SomethingHappened(0))
    outbox.settle(session, first)
    session.commit()

    assert only(session).state == DeliveryState.DONE
    assert claimed(session).handler == "cluster"


def test_what_one_worker_holds_no_other_takes_until_the_lease_ends(session: Session) -> None:
    put(session)
    outbox.expand(session, {"SomethingHappened": ("mail",)})
    now = clock.now()
    with clock.at(now):
        first = claimed(session)
    with clock.at(now + LEASE - timedelta(seconds=1)):
        assert outbox.claim(session) is None
    with clock.at(now + LEASE):
        assert claimed(session).id == first.id


def test_a_failed_delivery_waits_longer_each_time_and_then_stays_stuck(session: Session) -> None:
    put(session)
    outbox.expand(session, {"SomethingHappened": ("mail",)})
    session.commit()
    moment, pauses = clock.now(), []
    for _ in range(ATTEMPTS):
        with clock.at(moment):
            outbox.settle(session, claimed(session), error="no answer")
            session.commit()
        pauses.append((only(session).due_at - moment).total_seconds())
        moment = only(session).due_at

    assert pauses[:-1] == [2.0**attempt for attempt in range(1, ATTEMPTS)]
    assert (only(session).state, only(session).error) == (DeliveryState.STUCK, "no answer")
    with clock.at(moment + timedelta(days=30)):
        assert outbox.claim(session) is None


def test_a_handler_may_say_when_to_come_again(session: Session) -> None:
    put(session)
    outbox.expand(session, {"SomethingHappened": ("mail",)})
    now = clock.now()
    with clock.at(now):
        outbox.settle(session, claimed(session), error="busy", retry_after=timedelta(minutes=9))
    session.commit()

    assert only(session).due_at == now + timedelta(minutes=9)


def test_an_operator_gives_a_stuck_delivery_a_full_set_of_attempts(session: Session) -> None:
    put(session)
    outbox.expand(session, {"SomethingHappened": ("mail",)})
    session.commit()
    with clock.at(clock.now() + timedelta(hours=1)):
        for _ in range(ATTEMPTS):
            outbox.settle(session, claimed(session), error="no", retry_after=timedelta(microseconds=-1))
            session.commit()
    key = only(session).id

    outbox.retry(session, key)
    session.commit()

    assert (only(session).state, only(session).attempts) == (DeliveryState.DUE, 0)
    assert claimed(session).id == key


def test_retrying_what_is_not_stuck_changes_nothing(session: Session) -> None:
    put(session)
    outbox.expand(session, {"SomethingHappened": ("mail",)})
    outbox.settle(session, claimed(session))
    session.commit()

    outbox.retry(session, only(session).id)
    session.commit()

    assert only(session).state == DeliveryState.DONE


def test_four_workers_at_once_expand_and_deliver_everything_exactly_once(
    session: Session, sessions: sessionmaker[Session]
) -> None:
    put(session, 6)

    def worker(number: int) -> list[tuple[str, int]]:
        delivered, idle = [], 0
        while idle < 5:
            with sessions() as mine, mine.begin():
                expanded = outbox.expand(mine, HANDLERS)
            with sessions() as mine, mine.begin():
                taken = outbox.claim(mine)
            if taken is not None:
                delivered.append((taken.handler, taken.event.thing_id))
                with sessions() as mine, mine.begin():
                    outbox.settle(mine, taken)
            idle = 0 if expanded or taken else idle + 1
        return delivered

    every = [one for found in at_once(4, worker) for one in found]

    assert sorted(every) == sorted(
        (handler, n) for handler in HANDLERS["SomethingHappened"] for n in range(6)
    )


@pytest.mark.parametrize("name", sorted(known()))
def test_every_event_comes_back_from_its_wire_form(name: str) -> None:
    event = known()[name](*range(1, 1 + len(known()[name].__slots__)))

    assert decode(*encode(event)) == event


@given(number=st.integers())
def test_encoding_names_the_class_and_its_fields(number: int) -> None:
    assert encode(SomethingHappened(number)) == ("SomethingHappened", {"thing_id": number})
