"""Reconciling: plan (lease, build from rows), converge (network, no session), record (phase, next look).

Every step handles one row and says whether there was one. If every event were lost, the sweep
would still bring each cluster to what the rows ask for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session, selectinload

from allocations.accounts import reservations
from allocations.accounts.projects import Project
from allocations.kernel import clock
from k8s import bundle, clusters, clusterwide, metering, names, namespaces, notebooks, pods
from k8s.bundle import NamespaceSpec
from k8s.cluster import Api, ClusterError, GiveUp, Manifest, Retry, connect
from k8s.clusters import Cluster, Site
from k8s.due import settle, take
from k8s.images import BY_SLUG
from k8s.namespaces import ProjectNamespace, Wanted
from k8s.notebooks import Notebook
from k8s.pods import NotebookSpec, Observed

PRUNED = ("RoleBinding", "NetworkPolicy", "ResourceQuota", "LimitRange", "ServiceAccount")
IDLE_LOOK = timedelta(seconds=30)
RUNNING_LOOK = timedelta(seconds=10)
MOVING_LOOK = timedelta(milliseconds=500)

Sessions = Callable[[], Session]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a worker brings along: its name, how long idle is, and the token of a notebook's server."""

    worker: str
    idle: timedelta
    token: Callable[[str], str]


def namespace_step(sessions: Sessions, worker: str) -> bool:
    """Bring one project namespace to what its rows ask for."""
    with sessions() as session, session.begin():
        row = take(session, ProjectNamespace, worker)
        if row is None:
            return False
        key, uid = row.id, row.uid
        site = clusters.site(row.cluster)
        wish, spec = namespaces.spec(session, row)
    trouble, seen, seen_uid = "", "", uid
    try:
        seen, seen_uid = converge_namespace(connect(site.kubeconfig), wish, spec, site=site, uid=uid)
    except ClusterError as error:
        trouble = error.reason
    with sessions() as session, session.begin():
        row = session.get_one(ProjectNamespace, key, with_for_update={"of": ProjectNamespace})
        if not trouble:
            row.phase = namespaces.phase(wish, applied=True, observed=seen)
            row.uid = seen_uid
        if row.phase == namespaces.Phase.READY:
            row.ready_at = row.ready_at or clock.now()
        settled = row.phase in (namespaces.Phase.READY, namespaces.Phase.FROZEN)
        closed = row.phase == namespaces.Phase.CLOSED
        again = timedelta(days=1) if closed else namespaces.SWEEP if settled else namespaces.SOON
        settle(row, again=again, trouble=trouble)
    return True


def converge_namespace(
    api: Api, wish: Wanted, spec: NamespaceSpec, *, site: Site, uid: str
) -> tuple[str, str]:
    """Apply, prune, observe: the namespace's phase on the cluster and its uid."""
    if wish == Wanted.GONE:
        return _remove_namespace(api, spec, uid)
    wanted = bundle.for_namespace(spec, site)
    namespace = api.apply(wanted[0])
    if namespace["metadata"].get("deletionTimestamp"):
        raise Retry("The namespace is being deleted; waiting for it to go.")
    for manifest in wanted[1:]:
        api.apply(manifest)
    _prune(api, spec, wanted)
    return str(namespace.get("status", {}).get("phase", "")), str(namespace["metadata"]["uid"])


def _remove_namespace(api: Api, spec: NamespaceSpec, uid: str) -> tuple[str, str]:
    """Delete the very namespace that we made for this project, and nothing else of that name."""
    found = api.get("Namespace", spec.name)
    if found is None:
        _prune_volumes(api, spec, wanted=set())
        return "", uid
    ours = found["metadata"].get("annotations", {}).get(names.PROJECT) == spec.project_ref
    if not uid or found["metadata"]["uid"] != uid or not ours:
        raise GiveUp("A namespace of this name exists that is not the one the portal made.")
    if not found["metadata"].get("deletionTimestamp"):
        api.delete("Namespace", spec.name, uid=uid)
    return "Terminating", uid


def _prune(api: Api, spec: NamespaceSpec, wanted: list[Manifest]) -> None:
    """Delete what carries our label and is not wanted. Storage is never pruned, but for dataset claims."""
    keep = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in wanted}
    for kind in PRUNED:
        for found in api.list(kind, namespace=spec.name, labels=names.SELECTOR):
            name = found["metadata"]["name"]
            if (kind, name) not in keep:
                api.delete(kind, name, namespace=spec.name, uid=found["metadata"]["uid"])
    mounted = f"{names.SELECTOR},{names.DATASET}"
    for found in api.list("PersistentVolumeClaim", namespace=spec.name, labels=mounted):
        name = found["metadata"]["name"]
        if ("PersistentVolumeClaim", name) not in keep:
            api.delete("PersistentVolumeClaim", name, namespace=spec.name)
    _prune_volumes(api, spec, wanted={name for kind, name in keep if kind == "PersistentVolume"})


def _prune_volumes(api: Api, spec: NamespaceSpec, *, wanted: set[str]) -> None:
    ours = f"{names.PROJECT}={spec.project_ref.lower()},{names.DATASET}"
    for found in api.list("PersistentVolume", labels=ours):
        if found["metadata"]["name"] not in wanted:
            api.delete("PersistentVolume", found["metadata"]["name"])


def notebook_step(sessions: Sessions, settings: Settings) -> bool:
    """Bring one notebook to running or stopped, and look whether it is used."""
    with sessions() as session, session.begin():
        row = take(session, Notebook, settings.worker)
        if row is None:
            return False
        key, run, wanted = row.id, row.run, row.wanted
        site = clusters.site(row.cluster)
        spec = notebook_spec(session, row, settings)
        looked_at, made = row.active_at, row.started_at is not None
    trouble, seen, active = "", None, None
    try:
        api = connect(site.kubeconfig)
        seen = converge_notebook(api, spec, site=site, wanted=wanted, made=made)
        if wanted and seen.phase == notebooks.Phase.RUNNING:
            active = last_activity(api, spec)
    except ClusterError as error:
        trouble = error.reason
    with sessions() as session, session.begin():
        loaded = selectinload(Notebook.project, Project.members)
        row = session.get_one(Notebook, key, options=[loaded], with_for_update={"of": Notebook})
        if row.run == run:
            _record_notebook(session, row, seen, active=active or looked_at, idle=settings.idle)
        settle(row, again=_next_look(row), trouble=trouble)
    return True


def notebook_spec(session: Session, row: Notebook, settings: Settings) -> NotebookSpec:
    home = clusters.of_resource(session, row.allocation.resource_id)
    if home is None:
        raise GiveUp("No cluster serves this resource.")
    product = home[1]
    return NotebookSpec(
        pod=row.pod,
        namespace=names.namespace(row.project),
        project_ref=row.project.ref,
        ref=row.ref,
        person_id=row.person_id,
        image=BY_SLUG[row.image].reference,
        priority_class=product.priority_class,
        label=product.label,
        extended_resource=product.extended_resource,
        gpus=row.gpus,
        seconds=row.hours * 3600,
        idle_seconds=int(settings.idle.total_seconds()),
        datasets=tuple(row.datasets),
        token=settings.token(row.pod),
    )


def converge_notebook(api: Api, spec: NotebookSpec, *, site: Site, wanted: bool, made: bool) -> Observed:
    """A pod is made once a run and never changed; stopping deletes it and what belongs to it.

    `made`: this run's pod was seen before. When it is gone it is lost, and not made again.
    """
    pod = api.get("Pod", spec.pod, namespace=spec.namespace)
    if wanted and made and pod is None:
        return pods.LOST
    if wanted:
        if pod is None:
            for manifest in pods.for_notebook(spec, site):
                pod = api.apply(manifest)
        return pods.observe(pod, site)
    for kind in ("Secret", "Service"):
        api.delete(kind, spec.pod, namespace=spec.namespace)
    if pod is not None and not pod["metadata"].get("deletionTimestamp"):
        api.delete("Pod", spec.pod, namespace=spec.namespace, uid=pod["metadata"]["uid"])
        return Observed(notebooks.Phase.STOPPING)
    return pods.observe(pod, site)


def last_activity(api: Api, spec: NotebookSpec) -> datetime | None:
    """When a kernel last did something; now while one is busy; None when the server cannot be asked."""
    try:
        query = f"api/kernels?token={spec.token}"
        kernels = api.ask_pod(spec.pod, namespace=spec.namespace, port=names.NOTEBOOK_PORT, path=query)
    except ClusterError:
        # Not a reason to stop anything: the hard end and Jupyter's own culling still hold.
        return None
    if any(kernel.get("execution_state") == "busy" for kernel in kernels):
        return clock.now()
    times = [pods.moment(kernel.get("last_activity")) for kernel in kernels]
    return max((at for at in times if at is not None), default=None)


def _record_notebook(
    session: Session, row: Notebook, seen: Observed | None, *, active: datetime | None, idle: timedelta
) -> None:
    if seen is None:
        return
    if not seen.present and not row.wanted:
        # Metering has settled a pod that ended; this is for a run that never had one.
        reservations.settle(session, row.cause)
    if seen.present and (seen.over or not row.wanted):
        # Its use has to be in the ledger before the pod can go: meter now, not at the next look.
        row.cluster.due_at = clock.now()
    row.phase = _phase(row, seen)
    row.message = seen.message
    row.address = seen.address
    row.started_at = seen.scheduled_at or row.started_at
    if row.started_at is not None:
        row.ends_at = row.started_at + timedelta(hours=row.hours)
    if row.wanted and seen.over:
        notebooks.end(session, row, reason=seen.message or "The server ended by itself.")
    if row.wanted and seen.phase == notebooks.Phase.RUNNING:
        row.active_at = max(filter(None, (active, row.active_at, row.started_at)), default=clock.now())
        if clock.now() - row.active_at >= idle:
            minutes = int(idle.total_seconds() // 60)
            notebooks.end(session, row, reason=f"No kernel did anything for {minutes} minutes.")


def _phase(row: Notebook, seen: Observed) -> notebooks.Phase:
    if row.wanted:
        return seen.phase
    if row.phase == notebooks.Phase.FAILED:
        return notebooks.Phase.FAILED
    return notebooks.Phase.STOPPING if seen.present else notebooks.Phase.STOPPED


def _next_look(row: Notebook) -> timedelta:
    over = row.phase in (notebooks.Phase.STOPPED, notebooks.Phase.FAILED)
    if over and not row.wanted:
        return timedelta(days=3650)
    return RUNNING_LOOK if row.phase == notebooks.Phase.RUNNING and row.wanted else MOVING_LOOK


def cluster_step(sessions: Sessions, worker: str) -> bool:
    """Per cluster: keep what stands once, then meter its pods."""
    with sessions() as session, session.begin():
        row = take(session, Cluster, worker)
        if row is None:
            return False
        key, site = row.id, clusters.site(row)
        standing = clusterwide.for_cluster(row.products) if row.attempts or _stale(row) else []
    trouble, seen, api = "", [], None
    try:
        api = connect(site.kubeconfig)
        for manifest in standing:
            api.apply(manifest)
        seen = metering.look(api, metering.measured_at())
    except ClusterError as error:
        trouble = error.reason
    with sessions() as session, session.begin():
        row = session.get_one(Cluster, key, with_for_update={"of": Cluster})
        row.unreachable_since = (row.unreachable_since or clock.now()) if trouble else None
        if standing and not trouble:
            row.prepared_at = clock.now()
        if not trouble:
            metering.record(session, key, seen)
        settle(row, again=metering.EVERY, trouble=trouble)
    if api is not None and not trouble:
        _let_go(api, seen)
    return True


def _stale(row: Cluster) -> bool:
    return row.prepared_at is None or clock.now() - row.prepared_at > namespaces.SWEEP


def _let_go(api: Api, seen: list[metering.Measured]) -> None:
    try:
        metering.let_go(api, seen)
    except ClusterError:
        # The record is committed; the next look takes the finalizer off.
        return
