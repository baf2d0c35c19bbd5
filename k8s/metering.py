"""Metering: pods' own times become usage records; a finished pod waits until its record is committed.

The finalizer makes polling exact: a pod that carries it cannot vanish between two looks. Replays,
restarts and second workers are harmless because a record is brought up to a total, never added to.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.accounts import lifecycle, reservations, usage
from allocations.accounts.awards import Allocation, AllocationState
from allocations.accounts.projects import Project
from allocations.accounts.usage import UsageRecord
from allocations.kernel import clock
from k8s import names, notebooks, pods
from k8s.cluster import Api, Manifest
from k8s.clusters import Cluster, Product
from k8s.namespaces import ProjectNamespace
from k8s.notebooks import Notebook

# How often pods are looked at, and how often one that runs on is charged: an entry every few
# minutes keeps the ledger readable; the first and the last look are always charged.
EVERY = timedelta(seconds=10)
CHARGE_EVERY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Measured:
    """One pod that holds or held GPUs. Times are the pod's; `until` is now while it runs."""

    uid: str
    name: str
    namespace: str
    priority_class: str
    notebook: str
    gpus: int
    started_at: datetime
    until: datetime
    over: bool
    failed: bool
    told: str
    waits_for_us: bool

    @property
    def gpu_seconds(self) -> int:
        return self.gpus * max(0, int((self.until - self.started_at).total_seconds()))


def look(api: Api, now: datetime) -> list[Measured]:
    """Every pod on the cluster that was ever scheduled with GPUs and is still to be seen."""
    return [seen for pod in api.list("Pod") if (seen := measure(pod, now)) is not None]


def measure(pod: Manifest, now: datetime) -> Measured | None:
    """None for a pod without GPUs of ours; one that was never scheduled costs nothing."""
    metadata, spec, status = pod["metadata"], pod["spec"], pod.get("status", {})
    gpus = _gpus(spec)
    held = names.FINALIZER in metadata.get("finalizers", [])
    if not gpus and not held:
        return None
    scheduled = pods.condition(pod, "PodScheduled")
    began = pods.moment(scheduled.get("lastTransitionTime")) if scheduled.get("status") == "True" else None
    over = status.get("phase") in ("Succeeded", "Failed")
    unborn = began is None and bool(metadata.get("deletionTimestamp"))
    until = (_finished(status) or now) if over else now
    return Measured(
        uid=metadata["uid"],
        name=metadata["name"],
        namespace=metadata["namespace"],
        priority_class=spec.get("priorityClassName", ""),
        notebook=metadata.get("labels", {}).get(names.NOTEBOOK, ""),
        gpus=gpus if began else 0,
        started_at=began or until,
        until=until,
        over=over or unborn,
        failed=pods.has_failed(pod),
        told=pods.why_ended(pod) if over else "",
        waits_for_us=held,
    )


def _gpus(spec: dict[str, Any]) -> int:
    """The effective request: the sum of the containers, or one init container when that is more."""

    def count(container: dict[str, Any]) -> int:
        requests = container.get("resources", {}).get("requests", {})
        return sum(int(v) for k, v in requests.items() if k.startswith("nvidia.com/"))

    init = max((count(c) for c in spec.get("initContainers", [])), default=0)
    return max(init, sum(count(c) for c in spec.get("containers", [])))


def _finished(status: dict[str, Any]) -> datetime | None:
    ended = [
        pods.moment(container.get("state", {}).get("terminated", {}).get("finishedAt"))
        for container in status.get("containerStatuses", [])
    ]
    return max((at for at in ended if at is not None), default=None)


def record(session: Session, cluster_id: int, seen: Sequence[Measured]) -> None:
    """Charge what was measured; one statement a batch to find what is known, then a pod at a time."""
    spaces = select(ProjectNamespace).where(ProjectNamespace.cluster_id == cluster_id)
    projects = {space.name: space.project for space in session.scalars(spaces)}
    cluster = session.get_one(Cluster, cluster_id)
    by_class = {product.priority_class: product for product in cluster.products}
    for pod in seen:
        project, product = projects.get(pod.namespace), by_class.get(pod.priority_class)
        if project is not None and product is not None:
            _record(session, cluster, project, product, pod)


def _record(session: Session, cluster: Cluster, project: Project, product: Product, pod: Measured) -> None:
    notebook = _notebook(session, pod)
    usage_record = _usage_record(session, f"{cluster.name}/{pod.uid}", pod, notebook, project, product)
    if usage_record is None:
        return
    waited = pod.until - usage_record.measured_at
    if pod.over or not usage_record.charged or waited >= CHARGE_EVERY:
        usage.charge(session, usage_record, gpu_seconds=pod.gpu_seconds, until=pod.until)
    if pod.over:
        reservations.settle(session, usage_record.cause)
        _end_run(session, notebook, pod)
    lifecycle.suspend_if_empty(session, session.get_one(Allocation, usage_record.allocation_id))


def _end_run(session: Session, notebook: Notebook | None, pod: Measured) -> None:
    """In the transaction that lets the pod go: afterwards nobody could tell that this run ever was."""
    if notebook is None or not notebook.wanted or pod.name != notebook.pod:
        return
    notebooks.end(session, notebook, reason=pod.told or "The server ended by itself.")
    if pod.failed:
        notebook.phase = notebooks.Phase.FAILED


def _usage_record(
    session: Session,
    source: str,
    pod: Measured,
    notebook: Notebook | None,
    project: Project,
    product: Product,
) -> UsageRecord | None:
    known = session.scalar(select(UsageRecord).where(UsageRecord.source == source))
    if known is not None:
        if known.gpu_seconds == 0:
            # Until now it may have waited for a place; its time starts when it got one.
            known.started_at = pod.started_at
        return known
    allocation_id = notebook.allocation_id if notebook else _allocation(session, project, product)
    if allocation_id is None:
        return None
    fresh = UsageRecord(
        source=source,
        allocation_id=allocation_id,
        cause=_cause(pod, notebook),
        started_at=pod.started_at,
        measured_at=pod.started_at,
        person_id=notebook.person_id if notebook else None,
    )
    session.add(fresh)
    session.flush()
    return fresh


def _cause(pod: Measured, notebook: Notebook | None) -> str:
    """The run that this pod is: its name says which, also when the notebook has gone on to the next."""
    if notebook is None:
        return f"pod {pod.name}"[:120]
    # Cut like the other: the name of a pod that a member made could be longer than the column.
    return f"{notebook.ref} run {pod.name.rpartition('-r')[2]}"[:120]


def _notebook(session: Session, pod: Measured) -> Notebook | None:
    """A pod's label is its author's word: it counts only for a pod of our own name in the right namespace."""
    number = pod.notebook.rpartition("-")[2]
    if not pod.waits_for_us or not number.isdecimal() or len(number) > 9:
        return None
    notebook = session.get(Notebook, int(number))
    if notebook is None or notebook.ref.lower() != pod.notebook:
        return None
    ours = pod.name.rpartition("-r")[0] == pod.notebook
    return notebook if ours and names.namespace(notebook.project) == pod.namespace else None


def _allocation(session: Session, project: Project, product: Product) -> int | None:
    """Which allocation pays for a pod that a member started without the portal: the oldest active one."""
    query = select(Allocation.id).where(
        Allocation.project_id == project.id,
        Allocation.resource_id == product.resource_id,
        Allocation.state.in_([AllocationState.ACTIVE, AllocationState.SUSPENDED, AllocationState.ENDED]),
    )
    return session.scalar(query.order_by(Allocation.state, Allocation.ends_at, Allocation.id).limit(1))


def let_go(api: Api, seen: Sequence[Measured]) -> None:
    """After the commit: finished pods may vanish now."""
    for pod in seen:
        if pod.over and pod.waits_for_us:
            api.drop_finalizer("Pod", pod.name, namespace=pod.namespace, finalizer=names.FINALIZER)


def measured_at() -> datetime:
    """Whole seconds, as the API server's own times are."""
    return clock.now().replace(microsecond=0)
