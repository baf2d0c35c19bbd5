"""A notebook as Kubernetes objects, and what its pod tells: pure functions both ways."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from k8s import names
from k8s.bundle import CPU_PER_GPU, HOME_GIB, MEMORY_PER_GPU, claim
from k8s.cluster import Manifest
from k8s.clusters import Site
from k8s.notebooks import Phase

HOME = "/home/jovyan"


@dataclass(frozen=True, slots=True)
class NotebookSpec:
    """One run. `token` opens the server; `idle_seconds` ends it when the portal does not."""

    pod: str
    namespace: str
    project_ref: str
    ref: str
    person_id: int
    image: str
    priority_class: str
    label: str
    extended_resource: str
    gpus: int
    seconds: int
    idle_seconds: int
    datasets: tuple[str, ...]
    token: str


@dataclass(frozen=True, slots=True)
class Observed:
    """What the cluster shows of a run."""

    phase: Phase
    message: str = ""
    address: str = ""
    scheduled_at: datetime | None = None
    over: bool = False
    present: bool = True


ABSENT = Observed(Phase.QUEUED, present=False)
LOST = Observed(Phase.FAILED, "It is gone from the cluster.", over=True, present=False)


def for_notebook(spec: NotebookSpec, site: Site) -> list[Manifest]:
    """Home, secret and service first: the pod needs them."""
    home = claim(spec.namespace, spec.project_ref, names.home(spec.person_id), gib=HOME_GIB, site=site)
    return [home, _secret(spec), _service(spec), _pod(spec)]


def _labels(spec: NotebookSpec) -> dict[str, str]:
    return names.labels(spec.project_ref, **{names.NOTEBOOK: spec.ref.lower()})


def _metadata(spec: NotebookSpec) -> Manifest:
    return {"name": spec.pod, "namespace": spec.namespace, "labels": _labels(spec)}


def _secret(spec: NotebookSpec) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": _metadata(spec),
        "type": "Opaque",
        "stringData": {"token": spec.token},
    }


def _service(spec: NotebookSpec) -> Manifest:
    port = {"name": "http", "port": 80, "targetPort": names.NOTEBOOK_PORT, "protocol": "TCP"}
    body = {"selector": {names.NOTEBOOK: spec.ref.lower()}, "ports": [port]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": _metadata(spec), "spec": body}


def _pod(spec: NotebookSpec) -> Manifest:
    # The finalizer keeps a finished pod until its use is in the ledger.
    metadata = _metadata(spec) | {"finalizers": [names.FINALIZER]}
    body = {
        "restartPolicy": "Never",
        "activeDeadlineSeconds": spec.seconds,
        "terminationGracePeriodSeconds": 20,
        "serviceAccountName": "notebook",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "priorityClassName": spec.priority_class,
        "nodeSelector": {names.GPU_PRODUCT: spec.label},
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 1000,
            "fsGroup": 100,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(spec)],
        "volumes": [volume for volume, _ in _mounts(spec)],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": body}


def _container(spec: NotebookSpec) -> Manifest:
    amounts = {
        "cpu": str(CPU_PER_GPU * spec.gpus),
        "memory": f"{MEMORY_PER_GPU * spec.gpus}Gi",
        "ephemeral-storage": "10Gi",
        spec.extended_resource: str(spec.gpus),
    }
    return {
        "name": "notebook",
        "image": spec.image,
        "imagePullPolicy": "Always",
        "command": ["jupyter", "lab"],
        "args": _arguments(spec),
        "workingDir": HOME,
        "env": [
            {"name": "HOME", "value": HOME},
            {
                "name": "JUPYTER_TOKEN",
                "valueFrom": {"secretKeyRef": {"name": spec.pod, "key": "token"}},
            },
        ],
        "ports": [{"name": "http", "containerPort": names.NOTEBOOK_PORT, "protocol": "TCP"}],
        "resources": {"requests": amounts, "limits": amounts},
        "readinessProbe": {
            "httpGet": {"path": "/api", "port": names.NOTEBOOK_PORT},
            "periodSeconds": 2,
        },
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [mount for _, mount in _mounts(spec)],
    }


def _arguments(spec: NotebookSpec) -> list[str]:
    """Jupyter's own culling is the second line; the portal stops an idle notebook first."""
    late = spec.idle_seconds + 600
    return [
        "--ServerApp.ip=0.0.0.0",
        f"--ServerApp.port={names.NOTEBOOK_PORT}",
        f"--ServerApp.root_dir={HOME}",
        "--ServerApp.allow_remote_access=True",
        f"--MappingKernelManager.cull_idle_timeout={late}",
        "--MappingKernelManager.cull_connected=True",
        f"--ServerApp.shutdown_no_activity_timeout={late}",
    ]


def _mounts(spec: NotebookSpec) -> list[tuple[Manifest, Manifest]]:
    """Volumes with their mounts; the home comes first because the others lie inside it."""
    pairs = [
        _claimed("home", names.home(spec.person_id), HOME),
        _claimed("project", "project", f"{HOME}/project"),
    ]
    pairs += [
        _claimed(f"dataset-{slug}", names.dataset_claim(slug), f"{HOME}/datasets/{slug}", read_only=True)
        for slug in spec.datasets
    ]
    shared = {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "8Gi"}}
    return [*pairs, (shared, {"name": "shm", "mountPath": "/dev/shm"})]  # noqa: S108 - a mount, no file


def _claimed(
    volume: str, claim_name: str, path: str, *, read_only: bool = False
) -> tuple[Manifest, Manifest]:
    source: Manifest = {"claimName": claim_name}
    mount: Manifest = {"name": volume, "mountPath": path}
    if read_only:
        source["readOnly"] = mount["readOnly"] = True
    return {"name": volume, "persistentVolumeClaim": source}, mount


def observe(pod: Manifest | None, site: Site) -> Observed:
    """The phase of a run whose pod is this."""
    if pod is None:
        return ABSENT
    status = pod.get("status", {})
    scheduled = condition(pod, "PodScheduled")
    begun = moment(scheduled.get("lastTransitionTime")) if scheduled.get("status") == "True" else None
    if status.get("phase") in ("Succeeded", "Failed"):
        phase = Phase.FAILED if has_failed(pod) else Phase.STOPPED
        return Observed(phase, why_ended(pod), scheduled_at=begun, over=True)
    if pod["metadata"].get("deletionTimestamp"):
        return Observed(Phase.STOPPING, scheduled_at=begun)
    if begun is None:
        return Observed(Phase.QUEUED, str(scheduled.get("message", "")))
    if condition(pod, "Ready").get("status") == "True":
        return Observed(Phase.RUNNING, address=_address(pod, site), scheduled_at=begun)
    waiting = _state(pod, "waiting")
    phase = Phase.STARTING if _state(pod, "running") else Phase.PULLING
    return Observed(phase, str(waiting.get("message", "")), scheduled_at=begun)


def condition(pod: Manifest, kind: str) -> dict[str, Any]:
    found = pod.get("status", {}).get("conditions", [])
    return next((c for c in found if c.get("type") == kind), {})


def _state(pod: Manifest, word: str) -> dict[str, Any]:
    for container in pod.get("status", {}).get("containerStatuses", []):
        state = container.get("state", {}).get(word)
        if state is not None:
            return dict(state)
    return {}


def has_failed(pod: Manifest) -> bool:
    """Ended badly: not because its time was over, and not because it was asked to end."""
    deadline = pod.get("status", {}).get("reason") == "DeadlineExceeded"
    asked = bool(pod["metadata"].get("deletionTimestamp"))
    return pod.get("status", {}).get("phase") == "Failed" and not deadline and not asked


def why_ended(pod: Manifest) -> str:
    reason = str(pod.get("status", {}).get("reason") or _state(pod, "terminated").get("reason") or "")
    words = {
        "DeadlineExceeded": "The hours that were booked are over.",
        "Completed": "The server ended by itself.",
        "OOMKilled": "It used more memory than it had.",
        "NodeShutdown": "The machine it ran on was shut down.",
        "NodeLost": "The machine it ran on was lost.",
    }
    told = str(pod.get("status", {}).get("message") or _state(pod, "terminated").get("message") or "")
    return words.get(reason, told or reason)


def moment(text: str | None) -> datetime | None:
    """An RFC 3339 time of the API as aware UTC."""
    return datetime.fromisoformat(text) if text else None


def _address(pod: Manifest, site: Site) -> str:
    """Only the embedded cluster's pods say where they answer: elsewhere members write annotations."""
    metadata = pod["metadata"]
    if not site.notebook_url:
        return str(metadata.get("annotations", {}).get(names.EMBEDDED_ADDRESS, "")) if site.simulated else ""
    return site.notebook_url.format(pod=metadata["name"], namespace=metadata["namespace"])
