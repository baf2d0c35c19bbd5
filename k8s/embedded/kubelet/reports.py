"""What scheduler and kubelet say about a pod: conditions, container states, events."""

import uuid
from typing import Any

from k8s.embedded.store import Store, timestamp

Object = dict[str, Any]

READINESS = ("PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready")
FINISHED = frozenset({"Succeeded", "Failed"})


def finished(pod: Object) -> bool:
    """Whether no container of the pod will run again."""
    return pod.get("status", {}).get("phase") in FINISHED


def set_condition(pod: Object, kind: str, *, holds: bool, reason: str = "", message: str = "") -> None:
    """Set one condition; `lastTransitionTime` moves only when the answer changes."""
    conditions = pod.setdefault("status", {}).setdefault("conditions", [])
    known = next((each for each in conditions if each["type"] == kind), None)
    if known is None:
        known = {"type": kind}
        conditions.append(known)
    answer = "True" if holds else "False"
    if known.get("status") != answer:
        known |= {"status": answer, "lastProbeTime": None, "lastTransitionTime": timestamp()}
    for key, text in (("reason", reason), ("message", message)):
        known.pop(key, None)
        if text:
            known[key] = text


def waiting(pod: Object, *, reason: str, message: str = "") -> None:
    """The node has taken the pod; its containers have not started."""
    status = pod.setdefault("status", {})
    status.setdefault("startTime", timestamp())
    status |= {"phase": "Pending", "hostIP": "127.0.0.1", "qosClass": status.get("qosClass", "Burstable")}
    state = {"reason": reason} | ({"message": message} if message else {})
    _containers(pod, {"waiting": state}, started=False, ready=False)
    set_condition(pod, "Initialized", holds=True)
    for kind in ("PodReadyToStartContainers", "ContainersReady", "Ready"):
        set_condition(pod, kind, holds=False, reason="ContainersNotReady")


def running(pod: Object, *, ready: bool) -> None:
    """The containers run; `ready` says whether they answer."""
    status = pod.setdefault("status", {})
    now = timestamp()
    status |= {"phase": "Running", "podIP": "127.0.0.1", "podIPs": [{"ip": "127.0.0.1"}]}
    began = _state(pod).get("running", {}).get("startedAt", now)
    _containers(pod, {"running": {"startedAt": began}}, started=True, ready=ready)
    set_condition(pod, "PodReadyToStartContainers", holds=True)
    for kind in ("ContainersReady", "Ready"):
        set_condition(pod, kind, holds=ready, reason="" if ready else "ContainersNotReady")


def terminated(pod: Object, *, exit_code: int, reason: str = "", message: str = "", at: str = "") -> None:
    """The containers have ended, with `reason` on the pod when somebody else ended them."""
    status = pod.setdefault("status", {})
    succeeded = exit_code == 0 and not reason
    status["phase"] = "Succeeded" if succeeded else "Failed"
    if reason:
        status |= {"reason": reason, "message": message}
    state = {
        "exitCode": exit_code,
        "reason": "Completed" if exit_code == 0 else "Error",
        "finishedAt": at or timestamp(),
    }
    began = _state(pod).get("running", {}).get("startedAt")
    if began:
        # A pod lost between two heartbeats must not end before it began.
        state |= {"startedAt": began, "finishedAt": max(began, state["finishedAt"])}
    _containers(pod, {"terminated": state}, started=False, ready=False)
    word = "PodCompleted" if succeeded else "PodFailed"
    for kind in ("PodReadyToStartContainers", "ContainersReady", "Ready"):
        set_condition(pod, kind, holds=False, reason=word)


def record(store: Store, pod: Object, *, component: str, reason: str, message: str) -> None:
    """Write an Event about the pod; a warning where the reason says that something failed."""
    meta, now = pod["metadata"], timestamp()
    warns = reason.startswith("Failed") or reason in {"DeadlineExceeded", "NodeLost"}
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{meta['name']}.{uuid.uuid4().hex[:16]}", "namespace": meta["namespace"]},
        "involvedObject": {"apiVersion": "v1", "kind": "Pod"}
        | {key: meta[key] for key in ("namespace", "name", "uid")},
        "type": "Warning" if warns else "Normal",
        "reason": reason,
        "message": message,
        "source": {"component": component},
        "reportingComponent": component,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
    store.create("events", meta["namespace"], event)


def _state(pod: Object) -> dict[str, Any]:
    statuses = pod.get("status", {}).get("containerStatuses") or [{}]
    state: dict[str, Any] = statuses[0].get("state", {})
    return state


def _containers(pod: Object, state: Object, *, started: bool, ready: bool) -> None:
    uid = pod["metadata"]["uid"]
    pod["status"]["containerStatuses"] = [
        {
            "name": container["name"],
            "image": container["image"],
            "imageID": "" if "waiting" in state else f"embedded://{container['image']}",
            "containerID": "" if "waiting" in state else f"embedded://{uid}/{container['name']}",
            "restartCount": 0,
            "started": started,
            "ready": ready,
            "state": dict(state),
            "lastState": {},
        }
        for container in pod["spec"]["containers"]
    ]
