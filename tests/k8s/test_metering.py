"""Metering: pods' own times become charges, once, whatever is replayed."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.accounts import ledger
from allocations.accounts.awards import AllocationState
from allocations.accounts.projects import Project
from allocations.accounts.usage import UsageRecord
from allocations.kernel import units
from k8s import metering, names, namespaces, notebooks
from k8s.cluster import Manifest
from k8s.clusters import Cluster
from k8s.notebooks import Notebook, Order
from tests import cast as stage
from tests.cast import Cast

T0 = datetime(2026, 5, 1, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Shape:
    """What a pod of these tests is like."""

    namespace: str = "ns"
    gpus: int = 2
    init_gpus: int = 0
    began: datetime | None = T0
    ended: datetime | None = None
    ours: bool = False
    label: str = ""
    product: str = "gpu-h100"


def gpu_pod(name: str = "job", **shape: Any) -> Manifest:
    """A pod of this `Shape`, as the API server shows it."""
    like = Shape(**shape)

    def container(count: int) -> Manifest:
        return {"resources": {"requests": {"cpu": "1", "nvidia.com/gpu": str(count)} if count else {}}}

    metadata = {"name": name, "namespace": like.namespace, "uid": str(uuid5(NAMESPACE_DNS, name))}
    metadata |= {"finalizers": [names.FINALIZER]} if like.ours else {}
    metadata |= {"labels": {names.NOTEBOOK: like.label}} if like.label else {}
    status: Manifest = {"phase": "Pending"}
    if like.began:
        condition = {"type": "PodScheduled", "status": "True", "lastTransitionTime": text(like.began)}
        status = {"phase": "Running", "conditions": [condition]}
    if like.ended:
        status["phase"] = "Succeeded"
        status["containerStatuses"] = [{"state": {"terminated": {"finishedAt": text(like.ended)}}}]
    spec = {
        "priorityClassName": like.product,
        "containers": [container(like.gpus)],
        "initContainers": [container(like.init_gpus)],
    }
    return {"metadata": metadata, "spec": spec, "status": status}


@pytest.mark.parametrize(
    ("pod", "seconds", "over"),
    [
        (gpu_pod(), 7200, False),
        (gpu_pod(gpus=1, init_gpus=4), 4 * 3600, False),
        (gpu_pod(ended=T0 + HOUR / 2), 3600, True),
        (gpu_pod(ended=T0 - HOUR), 0, True),
        (gpu_pod(began=None), 0, False),
        (gpu_pod(began=None, ours=True), 0, False),
    ],
)
def test_a_pod_is_measured_by_its_own_times(pod: Manifest, seconds: int, over: bool) -> None:
    seen = metering.measure(pod, T0 + HOUR)

    assert (seen.gpu_seconds, seen.over) == (seconds, over)


def test_a_pod_without_gpus_is_none_of_our_business() -> None:
    assert metering.measure(gpu_pod(gpus=0), T0) is None


def test_a_pod_deleted_before_it_was_ever_placed_is_over_and_free() -> None:
    pod = gpu_pod(began=None, ours=True)
    pod["metadata"]["deletionTimestamp"] = text(T0)

    seen = metering.measure(pod, T0 + HOUR)

    assert (seen.gpu_seconds, seen.over, seen.waits_for_us) == (0, True, True)


@given(looks=st.lists(st.integers(0, 10**6), min_size=1))
def test_a_running_pod_never_costs_less_at_a_later_look(looks: list[int]) -> None:
    measured = [metering.measure(gpu_pod(), T0 + timedelta(seconds=s)).gpu_seconds for s in sorted(looks)]

    assert measured == sorted(measured)


@pytest.fixture
def cluster(cast: Cast) -> Cluster:
    return stage.cluster(cast)


@pytest.fixture
def project(session: Session, cast: Cast, cluster: Cluster) -> Project:
    """With its namespace, and 100 GPU-hours on the H100."""
    made = stage.active(cast)
    namespaces.make_due(session, made.id)
    session.flush()
    return made


def look(session: Session, cluster: Cluster, *pods: Manifest, at: datetime) -> None:
    seen = [found for pod in pods if (found := metering.measure(pod, at))]
    metering.record(session, cluster.id, seen)
    session.commit()


def held(cast: Cast, project: Project) -> dict[str, int]:
    owner = ledger.allocation(stage.allocation_of(cast, project).id)
    found = ledger.balances(cast.session, [owner])[owner]
    return {str(purpose): amount // units.MICRO for purpose, amount in found.items() if amount}


def notebook_of(cast: Cast, project: Project, *, gpus: int = 2, hours: int = 4) -> Notebook:
    order = Order(stage.allocation_of(cast, project).ref, "scipy", gpus, hours, ())
    made = notebooks.start(cast.session, cast.uma, project, order)
    cast.session.flush()
    return made


def pod_of(notebook: Notebook, **more: object) -> Manifest:
    space = names.namespace(notebook.project)
    return gpu_pod(notebook.pod, namespace=space, ours=True, label=notebook.ref.lower(), **more)


def test_a_notebook_is_paid_from_its_reservation_and_the_rest_returns(
    session: Session, cast: Cast, cluster: Cluster, project: Project
) -> None:
    notebook = notebook_of(cast, project)

    look(session, cluster, pod_of(notebook), at=T0 + HOUR)
    assert held(cast, project) == {"available": 92, "reserved": 6, "used": 2}
    look(session, cluster, pod_of(notebook, ended=T0 + 2 * HOUR), at=T0 + 3 * HOUR)

    assert held(cast, project) == {"available": 96, "used": 4}
    assert session.scalars(select(UsageRecord.person_id)).all() == [cast.uma.person_id]


def test_the_same_look_again_after_a_crash_charges_nothing_more(
    session: Session, cast: Cast, cluster: Cluster, project: Project
) -> None:
    notebook = notebook_of(cast, project)
    gone = pod_of(notebook, ended=T0 + 2 * HOUR)
    look(session, cluster, pod_of(notebook), at=T0 + HOUR)
    metering.record(session, cluster.id, [metering.measure(gone, T0 + 3 * HOUR)])
    session.rollback()

    for _ in range(3):
        look(session, cluster, gone, pod_of(notebook), at=T0 + HOUR)

    assert held(cast, project) == {"available": 96, "used": 4}
    assert ledger.recount(session) == {}


def test_a_late_look_at_the_first_run_is_not_paid_by_the_second(
    session: Session, cast: Cast, cluster: Cluster, project: Project
) -> None:
    notebook = notebook_of(cast, project)
    first = pod_of(notebook, ended=T0 + HOUR)
    notebooks.stop(session, cast.uma, notebook)
    notebook.phase = notebooks.Phase.STOPPED
    session.flush()
    notebooks.restart(session, cast.uma, notebook)
    session.flush()

    look(session, cluster, first, at=T0 + HOUR)

    assert held(cast, project) == {"available": 90, "reserved": 8, "used": 2}


def test_a_pod_that_a_member_made_is_paid_from_the_projects_allocation(
    session: Session, cast: Cast, cluster: Cluster, project: Project
) -> None:
    look(session, cluster, gpu_pod(namespace=names.namespace(project)), at=T0 + HOUR)

    assert held(cast, project) == {"available": 98, "used": 2}


@pytest.mark.parametrize(
    "more", [{"namespace": "kube-system"}, {"product": ""}, {"product": "gpu-v100"}, {"product": "gpu-a100"}]
)
def test_pods_that_nobody_here_answers_for_cost_nothing(
    session: Session, cast: Cast, cluster: Cluster, project: Project, more: dict[str, str]
) -> None:
    look(session, cluster, gpu_pod(**{"namespace": names.namespace(project)} | more), at=T0 + HOUR)

    assert held(cast, project) == {"available": 100}
    assert session.scalars(select(UsageRecord)).all() == []


@pytest.mark.parametrize("forged", ["name", "namespace", "finalizer", "number"])
def test_a_forged_label_does_not_reach_somebody_elses_reservation(
    session: Session, cast: Cast, cluster: Cluster, project: Project, forged: str
) -> None:
    notebook, other = notebook_of(cast, project), stage.active(cast)
    namespaces.make_due(session, other.id)
    session.flush()
    pod = pod_of(notebook)
    if forged == "name":
        pod["metadata"]["name"] = "innocent"
    elif forged == "namespace":
        pod["metadata"]["namespace"] = names.namespace(other)
    elif forged == "finalizer":
        pod["metadata"]["finalizers"] = []
    else:
        pod["metadata"]["labels"] = {names.NOTEBOOK: "nb26-" + "9" * 40}

    look(session, cluster, pod, at=T0 + HOUR)

    assert held(cast, project)["reserved"] == 8


def test_a_pod_with_a_very_long_name_does_not_stop_the_meter(
    session: Session, cast: Cast, cluster: Cluster, project: Project
) -> None:
    notebook = notebook_of(cast, project)
    pod = pod_of(notebook)
    pod["metadata"]["name"] = f"{notebook.ref.lower()}-r" + "1" * 230

    look(session, cluster, pod, gpu_pod("x" * 250, namespace=names.namespace(project)), at=T0 + HOUR)

    assert held(cast, project)["used"] == 4


def test_the_last_unit_suspends_the_allocation(
    session: Session, cast: Cast, cluster: Cluster, project: Project
) -> None:
    look(session, cluster, gpu_pod(namespace=names.namespace(project)), at=T0 + 60 * HOUR)

    assert held(cast, project) == {"used": 120, "overrun": -20}
    assert stage.allocation_of(cast, project).state == AllocationState.SUSPENDED


def test_a_record_starts_when_its_pod_was_placed_not_when_it_was_first_seen(
    session: Session, cast: Cast, cluster: Cluster, project: Project
) -> None:
    notebook = notebook_of(cast, project)
    look(session, cluster, pod_of(notebook, began=None), at=T0 - HOUR)
    look(session, cluster, pod_of(notebook), at=T0 + HOUR)

    assert session.scalars(select(UsageRecord.started_at)).all() == [T0]
