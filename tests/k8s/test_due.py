"""Rows that are looked at when they are due, by one worker at a time."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session, sessionmaker

from allocations.kernel import clock
from k8s import due
from k8s.clusters import Cluster
from k8s.due import LEASE
from tests import cast as stage
from tests.cast import Cast
from tests.threads import at_once

MINUTE = timedelta(minutes=1)


@pytest.fixture
def row(session: Session, cast: Cast) -> Cluster:
    made = stage.cluster(cast)
    session.commit()
    return made


def test_a_row_that_is_due_is_leased_by_one_worker(session: Session, row: Cluster) -> None:
    assert due.take(session, Cluster, "first") is row
    assert row.leased_by == "first"
    assert due.take(session, Cluster, "second") is None


def test_a_row_that_is_not_due_is_left_alone(session: Session, row: Cluster) -> None:
    row.due_at = clock.now() + MINUTE

    assert due.take(session, Cluster, "w") is None
    with clock.at(row.due_at):
        assert due.take(session, Cluster, "w") is row


def test_the_most_overdue_row_comes_first(session: Session, row: Cluster) -> None:
    older = Cluster(name="beta", kubeconfig="", due_at=clock.now() - MINUTE)
    session.add(older)

    assert due.take(session, Cluster, "w") is older
    assert due.take(session, Cluster, "w") is row
    assert due.take(session, Cluster, "w") is None


def test_after_the_lease_another_worker_takes_over(session: Session, row: Cluster) -> None:
    now = clock.now()
    with clock.at(now):
        due.take(session, Cluster, "dead")
    with clock.at(now + LEASE - timedelta(seconds=1)):
        assert due.take(session, Cluster, "second") is None
    with clock.at(now + LEASE):
        assert due.take(session, Cluster, "second") is row


def test_a_worker_that_starts_again_frees_what_it_held(session: Session, row: Cluster) -> None:
    due.take(session, Cluster, "dead")
    session.commit()

    due.release(session, Cluster, "another")
    assert due.take(session, Cluster, "w") is None
    due.release(session, Cluster, "dead")
    session.commit()
    with clock.at(clock.now() + timedelta(seconds=1)):
        assert due.take(session, Cluster, "w") is row


@pytest.mark.parametrize("seconds", [0, 10, 300])
def test_a_settled_row_is_looked_at_again_after_its_pause(
    session: Session, row: Cluster, seconds: int
) -> None:
    with clock.at(clock.now()):
        due.take(session, Cluster, "w")
        due.settle(row, again=timedelta(seconds=seconds))
        assert row.due_at == clock.now() + timedelta(seconds=seconds)
    assert (row.leased_until, row.leased_by, row.attempts, row.trouble) == (None, "", 0, "")


def test_trouble_is_kept_in_words_and_the_pauses_grow_to_five_minutes(session: Session, row: Cluster) -> None:
    pauses = []
    moment = clock.now()
    for _ in range(10):
        with clock.at(moment):
            assert due.take(session, Cluster, "w") is row
            due.settle(row, again=timedelta(seconds=2), trouble="The cluster does not answer.")
            session.commit()
        pauses.append((row.due_at - moment).total_seconds())
        moment = row.due_at

    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert row.trouble == "The cluster does not answer."


def test_the_first_success_forgets_the_trouble(session: Session, row: Cluster) -> None:
    due.take(session, Cluster, "w")
    due.settle(row, again=MINUTE, trouble="No.")
    due.settle(row, again=MINUTE)

    assert (row.attempts, row.trouble) == (0, "")


def test_a_row_made_due_while_it_was_looked_at_is_looked_at_again_at_once(
    session: Session, sessions: sessionmaker[Session], row: Cluster
) -> None:
    due.take(session, Cluster, "w")
    session.commit()
    with sessions() as web, web.begin():
        web.get_one(Cluster, row.id).due_at = clock.now()
    session.expire_all()

    due.settle(row, again=timedelta(hours=1))
    session.commit()

    assert due.take(session, Cluster, "w") is row


def test_of_six_workers_at_once_one_gets_the_row(sessions: sessionmaker[Session], row: Cluster) -> None:
    def worker(number: int) -> bool:
        with sessions() as mine, mine.begin():
            return due.take(mine, Cluster, f"worker-{number}") is not None

    assert sorted(at_once(6, worker)) == [False] * 5 + [True]
