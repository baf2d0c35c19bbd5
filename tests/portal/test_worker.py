"""The worker: drains, ends when it is told to, is heard of, and keeps trying what fails until it is stuck."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from allocations.kernel import clock, outbox
from allocations.kernel.outbox import ATTEMPTS, Delivery, DeliveryState, EventRow
from allocations.programme.opening import CallPublished
from allocations.programme.proposals import ProposalSubmitted
from portal import operations, wiring, worker
from portal.mail import Letter
from portal.operations import Heartbeat
from portal.wiring import Delivered
from tests.portal import stage
from tests.portal.stage import SECRET, Portal

ROOT = Path(__file__).resolve().parents[2]


def _environment(portal: Portal) -> dict[str, str]:
    return os.environ | {
        "FLASK_APP": "wsgi",
        "PYTHONPATH": str(ROOT),
        "COMMONS_MODE": "test",
        "COMMONS_SECRET_KEY": SECRET,
        "COMMONS_DATABASE_URL": portal.settings.database_url,
        "COMMONS_DATA_DIR": portal.settings.data_dir,
    }


def _spawn(portal: Portal, *arguments: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "flask", "worker", *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=_environment(portal), stderr=subprocess.PIPE)


def _put(portal: Portal, event: object) -> None:
    with portal.sessions() as session, session.begin():
        outbox.put(session, event)  # type: ignore[arg-type]


def _states(portal: Portal) -> list[tuple[DeliveryState, int]]:
    """Of the newest event's deliveries."""
    with portal.sessions() as session:
        newest = select(func.max(EventRow.id)).scalar_subquery()
        found = session.scalars(select(Delivery).where(Delivery.event_id == newest).order_by(Delivery.id))
        return [(delivery.state, delivery.attempts) for delivery in found]


def test_once_drains_what_is_due_and_ends(portal: Portal) -> None:
    with portal.sessions() as session:
        language = stage.proposal(session, "language").id
    _put(portal, ProposalSubmitted(language))

    with _spawn(portal, "--once") as process:
        _, errors = process.communicate(timeout=60)

    assert process.returncode == 0, errors.decode()
    assert {state for state, _ in _states(portal)} == {DeliveryState.DONE}
    with portal.sessions() as session:
        assert operations.is_alive(operations.last_beat(session))


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_worker_quickly(portal: Portal, how: signal.Signals) -> None:
    with _spawn(portal) as process:
        _wait_for_beat(portal)
        started = time.monotonic()
        process.send_signal(how)
        process.communicate(timeout=15)

    assert process.returncode == 0
    assert time.monotonic() - started < 5


def _wait_for_beat(portal: Portal) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with portal.sessions() as session:
            if operations.is_alive(operations.last_beat(session)):
                return
        time.sleep(0.1)
    raise AssertionError("the worker was never heard of")


def test_ready_means_that_a_worker_was_heard_of_lately(portal: Portal) -> None:
    visitor = portal.visitor()
    silent = visitor.get("/readyz").status_code
    portal.worker().beat()
    alive = visitor.get("/readyz").status_code
    with portal.sessions() as session, session.begin():
        session.scalars(select(Heartbeat)).one().at = clock.now() - timedelta(minutes=10)
    dead = visitor.get("/readyz").status_code

    assert (silent, alive, dead) == (503, 200, 503)
    assert visitor.get("/healthz").status_code == 200
    assert "Work is waiting" in visitor.get("/status").text


def test_a_handler_that_fails_once_is_tried_again(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def flaky(_delivered: Delivered, _event: object) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise LookupError("not there yet")

    monkeypatch.setattr(wiring, "HANDLERS", {CallPublished: (flaky,)})
    monkeypatch.setitem(wiring.BY_NAME, "flaky", flaky)
    _put(portal, CallPublished(1))
    portal.deliver()
    first = _states(portal)
    with clock.at(clock.now() + timedelta(minutes=1)):
        portal.deliver()

    assert first == [(DeliveryState.DUE, 1)]
    assert _states(portal) == [(DeliveryState.DONE, 2)]
    assert len(calls) == 2


def test_what_keeps_failing_is_stuck_shown_and_tried_again_by_hand(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = True

    def fail(delivered: Delivered, _event: object) -> None:
        row = Letter(cause=f"half-done-{broken}", recipient="x@y.example", subject="Half", body="")
        delivered.session.add(row)
        delivered.session.flush()
        if broken:
            raise LookupError("the printer is on fire")

    monkeypatch.setattr(wiring, "HANDLERS", {CallPublished: (fail,)})
    monkeypatch.setitem(wiring.BY_NAME, "fail", fail)
    _put(portal, CallPublished(1))
    for attempt in range(ATTEMPTS + 2):
        with clock.at(clock.now() + attempt * timedelta(hours=1)):
            portal.deliver()
    owen = portal.log_in("owen")
    shown = owen.get("/operations").text

    assert _states(portal) == [(DeliveryState.STUCK, ATTEMPTS)]
    assert "the printer is on fire" in shown

    broken = False
    with portal.sessions() as session:
        stuck = session.scalars(select(Delivery.id).order_by(Delivery.id.desc()).limit(1)).one()
        assert session.scalar(select(func.count()).where(Letter.cause.startswith("half-done"))) == 0
    answer = owen.post("/operations/retry", data={"delivery": str(stuck)})
    portal.deliver()

    assert answer.status_code == 303
    assert [state for state, _ in _states(portal)] == [DeliveryState.DONE]
    assert "the printer is on fire" not in owen.get("/operations").text


def test_a_second_worker_delivers_nothing_twice(portal: Portal) -> None:
    with portal.sessions() as session:
        language = stage.proposal(session, "language").id
        before = session.scalar(select(func.count()).select_from(Letter)) or 0
    _put(portal, ProposalSubmitted(language))
    processes = [_spawn(portal, "--once") for _ in range(2)]
    for process in processes:
        process.communicate(timeout=60)

    assert [process.returncode for process in processes] == [0, 0]
    with portal.sessions() as session:
        # One to the PI, one to the officer.
        assert (session.scalar(select(func.count()).select_from(Letter)) or 0) - before == 2


def test_a_database_that_is_away_does_not_end_the_worker(portal: Portal) -> None:
    """Every step of the loop survives it; the heartbeat stops, and /readyz says so."""
    with portal.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE event RENAME TO elsewhere")

    assert worker._guarded(portal.worker().expand) is False
