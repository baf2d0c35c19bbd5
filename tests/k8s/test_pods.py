"""A notebook as a pod, and what its pod tells."""

from datetime import UTC, datetime
from typing import Any

import pytest

from k8s import names, pods
from k8s.cluster import Manifest
from k8s.clusters import Site
from k8s.notebooks import Phase
from k8s.pods import NotebookSpec

T0 = "2026-05-01T10:00:00Z"
MOMENT = datetime(2026, 5, 1, 10, tzinfo=UTC)
SITE = Site("alpha", "", "https://hub/{namespace}/{pod}/", {}, "", simulated=False)
EMBEDDED = Site("toy", "", "", {}, "", simulated=True)
SPEC = NotebookSpec(
    pod="nb26-0001-r2",
    namespace="commons-prj26-0001",
    project_ref="PRJ26-0001",
    ref="NB26-0001",
    person_id=7,
    image="jupyter:1",
    priority_class="gpu-h100",
    label="H100",
    extended_resource="nvidia.com/gpu",
    gpus=2,
    seconds=7200,
    idle_seconds=1800,
    datasets=("climate",),
    token="secret",
)


def pod(*, deleting: bool = False, annotations: dict[str, str] | None = None, **status: Any) -> Manifest:
    metadata: Manifest = {"name": "nb26-0001-r2", "namespace": "commons-prj26-0001"}
    if deleting:
        metadata["deletionTimestamp"] = T0
    if annotations:
        metadata["annotations"] = annotations
    return {"metadata": metadata, "spec": {}, "status": status}


def conditions(*kinds: str) -> list[dict[str, str]]:
    return [{"type": kind, "status": "True", "lastTransitionTime": T0} for kind in kinds]


UNPLACED = [{"type": "PodScheduled", "status": "False", "message": "0/4 nodes: Insufficient nvidia.com/gpu"}]
PLACED, READY = conditions("PodScheduled"), conditions("PodScheduled", "Ready")
PULLING = [{"state": {"waiting": {"reason": "ContainerCreating"}}}]
BACKOFF = [{"state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}}}]
RUNNING = [{"state": {"running": {"startedAt": T0}}}]


def ended(reason: str, **more: str) -> list[dict[str, Any]]:
    return [{"state": {"terminated": {"reason": reason, **more}}}]


TABLE = [
    ("nothing yet", pod(), Phase.QUEUED, "", False),
    ("no room", pod(phase="Pending", conditions=UNPLACED), Phase.QUEUED, UNPLACED[0]["message"], False),
    ("placed", pod(phase="Pending", conditions=PLACED), Phase.PULLING, "", False),
    ("pulling", pod(conditions=PLACED, containerStatuses=PULLING), Phase.PULLING, "", False),
    (
        "bad image",
        pod(conditions=PLACED, containerStatuses=BACKOFF),
        Phase.PULLING,
        "Back-off pulling image",
        False,
    ),
    (
        "starting",
        pod(phase="Running", conditions=PLACED, containerStatuses=RUNNING),
        Phase.STARTING,
        "",
        False,
    ),
    ("running", pod(phase="Running", conditions=READY, containerStatuses=RUNNING), Phase.RUNNING, "", False),
    ("deleting", pod(deleting=True, phase="Running", conditions=READY), Phase.STOPPING, "", False),
    ("deleting, never placed", pod(deleting=True, phase="Pending"), Phase.STOPPING, "", False),
    (
        "time over",
        pod(phase="Failed", reason="DeadlineExceeded", conditions=PLACED),
        Phase.STOPPED,
        "The hours that were booked are over.",
        True,
    ),
    (
        "shut down by itself",
        pod(phase="Succeeded", conditions=PLACED, containerStatuses=ended("Completed")),
        Phase.STOPPED,
        "The server ended by itself.",
        True,
    ),
    (
        "out of memory",
        pod(phase="Failed", conditions=PLACED, containerStatuses=ended("OOMKilled")),
        Phase.FAILED,
        "It used more memory than it had.",
        True,
    ),
    (
        "stopped by us",
        pod(deleting=True, phase="Failed", conditions=PLACED, containerStatuses=ended("Error")),
        Phase.STOPPED,
        "Error",
        True,
    ),
    (
        "evicted",
        pod(phase="Failed", reason="Evicted", message="The node was low on memory.", conditions=PLACED),
        Phase.FAILED,
        "The node was low on memory.",
        True,
    ),
    (
        "crashed",
        pod(phase="Failed", conditions=PLACED, containerStatuses=ended("Error", message="no module")),
        Phase.FAILED,
        "no module",
        True,
    ),
    (
        "node gone",
        pod(phase="Failed", reason="NodeLost", conditions=PLACED),
        Phase.FAILED,
        "The machine it ran on was lost.",
        True,
    ),
]


@pytest.mark.parametrize(
    ("manifest", "phase", "message", "over"), [r[1:] for r in TABLE], ids=[r[0] for r in TABLE]
)
def test_a_pods_status_gives_the_phase(manifest: Manifest, phase: Phase, message: str, over: bool) -> None:
    seen = pods.observe(manifest, SITE)

    assert (seen.phase, seen.message, seen.over, seen.present) == (phase, message, over, True)
    placed = pods.condition(manifest, "PodScheduled").get("status") == "True"
    assert seen.scheduled_at == (MOMENT if placed else None)


def test_without_a_pod_a_notebook_is_queued() -> None:
    assert pods.observe(None, SITE) == pods.ABSENT


@pytest.mark.parametrize(
    ("site", "annotations", "address"),
    [
        (SITE, None, "https://hub/commons-prj26-0001/nb26-0001-r2/"),
        (SITE, {names.EMBEDDED_ADDRESS: "http://evil"}, "https://hub/commons-prj26-0001/nb26-0001-r2/"),
        (EMBEDDED, {names.EMBEDDED_ADDRESS: "http://127.0.0.1:5000"}, "http://127.0.0.1:5000"),
        (EMBEDDED, None, ""),
        (Site("x", "", "", {}, "", simulated=False), {names.EMBEDDED_ADDRESS: "http://evil"}, ""),
    ],
)
def test_only_the_embedded_clusters_pods_say_where_they_answer(site: Site, annotations, address: str) -> None:
    assert pods.observe(pod(conditions=READY, annotations=annotations), site).address == address


def made() -> dict[str, Manifest]:
    return {manifest["kind"]: manifest for manifest in pods.for_notebook(SPEC, SITE)}


def test_what_the_pod_needs_is_made_before_it() -> None:
    assert list(made()) == ["PersistentVolumeClaim", "Secret", "Service", "Pod"]
    assert made()["PersistentVolumeClaim"]["metadata"]["name"] == "home-p7"


def test_the_pod_asks_for_its_gpus_on_its_product_and_ends_by_itself() -> None:
    body = made()["Pod"]["spec"]
    resources = body["containers"][0]["resources"]

    assert resources["requests"] == resources["limits"]
    assert resources["limits"]["nvidia.com/gpu"] == "2"
    assert (body["priorityClassName"], body["nodeSelector"]) == ("gpu-h100", {names.GPU_PRODUCT: "H100"})
    assert body["activeDeadlineSeconds"] == 7200
    assert made()["Pod"]["metadata"]["finalizers"] == [names.FINALIZER]


def test_the_pod_meets_the_restricted_standard() -> None:
    body = made()["Pod"]["spec"]
    container = body["containers"][0]["securityContext"]

    assert body["securityContext"]["runAsNonRoot"] is True
    assert body["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert body["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(body)


def test_the_token_stands_in_the_secret_and_nowhere_else() -> None:
    holders = [kind for kind, manifest in made().items() if "secret" in str(manifest).split("'")]

    assert holders == ["Secret"]


def test_datasets_are_mounted_read_only_inside_the_home() -> None:
    body = made()["Pod"]["spec"]
    mounts = {mount["name"]: mount for mount in body["containers"][0]["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in body["volumes"]}

    assert mounts["dataset-climate"]["readOnly"] is True
    assert mounts["dataset-climate"]["mountPath"] == "/home/jovyan/datasets/climate"
    assert volumes["dataset-climate"]["persistentVolumeClaim"] == {
        "claimName": "dataset-climate",
        "readOnly": True,
    }
    assert list(mounts) == list(volumes)
    assert next(iter(mounts)) == "home"
