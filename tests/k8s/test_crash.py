"""A worker killed at any moment of provisioning leaves nothing that the next one does not put right."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from allocations.accounts import ledger
from k8s import cluster, names
from k8s.cluster import connect
from k8s.embedded.server import EmbeddedCluster
from k8s.namespaces import Phase, ProjectNamespace
from portal import worker
from tests.k8s.stage import Played, played

KINDS = (*(kind for kind in cluster.KINDS if kind not in ("Node", "Pod")), "Pod")
ROOT = Path(__file__).resolve().parents[2]
# What one worker writes from an empty cluster to a notebook's pod; the last test holds it to that.
WRITES = 28


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Played]:
    with EmbeddedCluster(tmp_path / "cluster", agent=False) as running:
        yield played(tmp_path, running.kubeconfig)


def run_killed(stage: Played, number: int, when: str) -> bool:
    """Whether the worker got as far as its `number`-th write, and so was killed there."""
    chosen = stage.settings
    environment = os.environ | {
        "COMMONS_MODE": "test",
        "COMMONS_DATABASE_URL": chosen.database_url,
        "COMMONS_SECRET_KEY": chosen.secret_key,
        "COMMONS_DATA_DIR": chosen.data_dir,
    }
    command = [sys.executable, "-m", "tests.k8s.crashing_worker", str(number), when]
    ended = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, timeout=60)
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr.decode()
    return ended.returncode == -signal.SIGKILL


def on_cluster(kubeconfig: str) -> dict[tuple[str, str, str], Any]:
    """Everything of ours, by kind, namespace and name: what was asked for, without versions and times."""
    api = connect(kubeconfig)
    found: dict[tuple[str, str, str], Any] = {}
    for kind in KINDS:
        for item in api.list(kind, labels=names.SELECTOR):
            meta = item["metadata"]
            wanted = {key: item.get(key) for key in ("spec", "rules", "subjects", "roleRef", "value")}
            _forget_addresses(wanted)
            found[kind, meta.get("namespace", ""), meta["name"]] = wanted
    return found


def _forget_addresses(wanted: dict[str, Any]) -> None:
    spec = wanted.get("spec") or {}
    for given_by_server in ("clusterIP", "clusterIPs", "claimRef", "hostPath", "volumeName"):
        spec.pop(given_by_server, None)


def settled(stage: Played) -> dict[tuple[str, str, str], Any]:
    """A worker comes, everything is looked at twice more, and this is what the cluster holds."""
    for _ in range(2):
        stage.hurry()
        worker.once(stage.worker)
    with stage.session() as session:
        spaces = session.scalars(select(ProjectNamespace)).all()
        assert [space.phase for space in spaces] == [Phase.READY]
        assert ledger.recount(session) == {}
        return on_cluster(spaces[0].cluster.kubeconfig)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str, str], Any]:
    folder = tmp_path_factory.mktemp("undisturbed")
    with EmbeddedCluster(folder / "cluster", agent=False) as running:
        stage = played(folder, running.kubeconfig)
        stage.start_notebook()
        return settled(stage)


def test_the_undisturbed_run_makes_what_the_crash_tests_compare_with(
    undisturbed: dict[tuple[str, str, str], Any],
) -> None:
    kinds = [kind for kind, _, _ in undisturbed]
    assert {"Namespace", "ResourceQuota", "NetworkPolicy", "PersistentVolumeClaim", "Pod"} <= set(kinds)
    assert kinds.count("Namespace") == kinds.count("Pod") == 1


def survives(stage: Played, undisturbed: dict[tuple[str, str, str], Any], number: int, when: str) -> bool:
    stage.start_notebook()
    killed = run_killed(stage, number, when)
    assert settled(stage) == undisturbed
    return killed


@pytest.mark.parametrize(("number", "when"), [(1, "after"), (12, "before")])
def test_a_killed_worker_leaves_no_orphan_and_no_duplicate(
    stage: Played, undisturbed: dict[tuple[str, str, str], Any], number: int, when: str
) -> None:
    assert survives(stage, undisturbed, number, when)


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(1, WRITES + 1))
def test_every_write_of_provisioning_can_be_the_last_one(
    stage: Played, undisturbed: dict[tuple[str, str, str], Any], number: int, when: str
) -> None:
    assert survives(stage, undisturbed, number, when)


@pytest.mark.parametrize("number", [2])
def test_a_worker_killed_while_stopping_a_notebook_leaves_nothing_of_it(stage: Played, number: int) -> None:
    stage.start_notebook()
    before = settled(stage)
    stage.stop_notebook()

    run_killed(stage, number, "after")
    after = settled(stage)

    gone = {kind for kind, _, _ in before} - {kind for kind, _, _ in after}
    assert gone == {"Pod", "Service", "Secret"}


@pytest.mark.slow
def test_guard_rails_stand_before_anything_that_can_run(stage: Played) -> None:
    """Killed before each write in turn, the namespace never holds a pod or a claim without its quotas."""
    stage.start_notebook()
    for number in range(1, WRITES + 1):
        run_killed(stage, number, "before")
        with stage.session() as session:
            kubeconfig = session.scalars(select(ProjectNamespace)).one().cluster.kubeconfig
        kinds = {kind for kind, _, _ in on_cluster(kubeconfig)}
        usable = kinds & {"Pod", "PersistentVolumeClaim", "RoleBinding"}
        assert not usable or {"ResourceQuota", "LimitRange", "NetworkPolicy"} <= kinds
        stage.hurry()


def test_there_is_no_write_that_the_tests_above_leave_out(stage: Played) -> None:
    stage.start_notebook()

    assert not run_killed(stage, WRITES + 1, "before")
