"""A notebook's whole life on an embedded cluster with its agent: running, idle, lost, metered."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from sqlalchemy import select

from allocations.accounts import ledger
from allocations.accounts.ledger import Purpose
from allocations.accounts.reservations import Reservation
from allocations.accounts.usage import UsageRecord
from allocations.kernel import clock, units
from k8s import names, reconcile
from k8s.cluster import connect
from k8s.embedded.server import EmbeddedCluster
from k8s.notebooks import Notebook, Phase
from portal import links, worker
from tests.k8s.contract.waiting import eventually
from tests.k8s.stage import Played, played


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(tmp_path / "cluster") as running:
        yield running


@pytest.fixture
def stage(cluster: EmbeddedCluster, tmp_path: Path) -> Played:
    return played(tmp_path, cluster.kubeconfig)


def notebook(stage: Played) -> Notebook:
    with stage.session() as session:
        return session.scalars(select(Notebook)).one()


def reaches(stage: Played, phase: Phase) -> bool:
    stage.hurry()
    worker.once(stage.worker)
    return notebook(stage).phase == phase


def running(stage: Played) -> Notebook:
    stage.start_notebook()
    eventually(lambda: reaches(stage, Phase.RUNNING), what="a running notebook", within=60)
    return notebook(stage)


def ask(row: Notebook, stage: Played, method: str, path: str) -> Any:
    token = links.notebook_token(stage.settings.secret_key, row.pod)
    port = row.address.rsplit(":", 1)[1]
    request = Request(f"http://127.0.0.1:{port}{path}", method=method)
    request.add_header("Authorization", f"token {token}")
    with urlopen(request, timeout=10) as answer:
        return answer.read()


def test_an_idle_notebook_is_stopped_and_a_used_one_is_not(stage: Played) -> None:
    row = running(stage)
    ask(row, stage, "POST", "/api/kernels")
    eventually(lambda: reaches(stage, Phase.RUNNING), what="a look at the kernels", within=60)

    with clock.at(clock.now() + timedelta(minutes=59)):
        stage.hurry()
        worker.once(stage.worker)
        assert notebook(stage).wanted
    with clock.at(clock.now() + timedelta(minutes=62)):
        stage.hurry()
        worker.once(stage.worker)

    assert not notebook(stage).wanted
    assert "No kernel did anything for 60 minutes" in notebook(stage).reason
    eventually(lambda: reaches(stage, Phase.STOPPED), what="a stopped notebook", within=60)


# The journey sees a charge, and test_metering.py counts the seconds.
@pytest.mark.slow
def test_what_ran_is_charged_to_the_second_and_the_rest_comes_back(stage: Played) -> None:
    row = running(stage)
    stage.stop_notebook()
    eventually(lambda: reaches(stage, Phase.STOPPED), what="a stopped notebook", within=60)

    with stage.session() as session:
        record = session.scalars(select(UsageRecord).where(UsageRecord.cause == row.cause)).one()
        held = session.scalars(select(Reservation).where(Reservation.cause == row.cause)).one()
        reserved = ledger.balance(session, ledger.allocation(row.allocation_id), Purpose.RESERVED)
        assert ledger.recount(session) == {}
    assert record.gpu_seconds == int((record.measured_at - record.started_at).total_seconds())
    assert record.charged == units.gpu_micro(record.gpu_seconds)
    assert (held.settled, reserved) == (True, 0)


def test_a_server_that_ends_by_itself_is_charged_and_told(stage: Played) -> None:
    row = running(stage)
    ask(row, stage, "POST", "/api/shutdown")

    eventually(lambda: reaches(stage, Phase.STOPPED), what="a stopped notebook", within=60)

    assert notebook(stage).reason == "The server ended by itself."
    with stage.session() as session:
        assert session.scalars(select(UsageRecord).where(UsageRecord.cause == row.cause)).one().charged > 0


def test_a_cluster_that_was_away_loses_no_second(stage: Played, cluster: EmbeddedCluster) -> None:
    """The pod ends while the portal sees nothing; its finalizer keeps it until the portal is back."""
    row = running(stage)
    api = connect(str(cluster.kubeconfig))
    api.delete("Pod", row.pod, namespace=names.namespace(row.project))
    kept = lambda: api.get("Pod", row.pod, namespace=names.namespace(row.project))  # noqa: E731
    eventually(lambda: kept()["status"]["phase"] in ("Succeeded", "Failed"), what="an ended pod", within=60)

    eventually(
        lambda: reaches(stage, Phase.STOPPED) or reaches(stage, Phase.FAILED), what="the end", within=60
    )

    with stage.session() as session:
        record = session.scalars(select(UsageRecord).where(UsageRecord.cause == row.cause)).one()
    assert record.charged == units.gpu_micro(record.gpu_seconds) > 0
    eventually(lambda: kept() is None, what="the pod to be let go")


@pytest.mark.slow
def test_a_silent_server_is_no_reason_to_stop_a_notebook(stage: Played) -> None:
    row = running(stage)
    spec = replace(
        _spec(stage, row),
        token="wrong",  # the server refuses to answer about its kernels
    )

    assert reconcile.last_activity(connect(row.cluster.kubeconfig), spec) is None


def _spec(stage: Played, row: Notebook) -> Any:
    settings = reconcile.Settings(worker="test", idle=timedelta(hours=1), token=lambda pod: "")
    with stage.session() as session:
        return reconcile.notebook_spec(session, session.get_one(Notebook, row.id), settings)
