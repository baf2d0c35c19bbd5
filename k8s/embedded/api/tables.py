"""Lists as `kubectl get` prints them: the columns of the kinds one looks at most."""

import calendar
import time
from collections.abc import Callable, Iterable
from typing import Any

from k8s.embedded.objects.kinds import Kind
from k8s.embedded.store import Object, Record

Cell = Callable[[Object], Any]

ACCEPTED = "as=Table"
ACCESS = {"ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOnce": "RWO", "ReadWriteOncePod": "RWOP"}
UNITS = (("d", 86400), ("h", 3600), ("m", 60))


def render(kind: Kind, records: Iterable[Record], meta: Object) -> Object:
    """A `Table` of the records."""
    columns = (("Name", _name), *COLUMNS.get(kind.key, ()), ("Age", _age))
    shown = [
        {"name": name, "type": "string", "format": "name" if name == "Name" else "", "description": name}
        | {"priority": 1 if name in WIDE else 0}
        for name, _ in columns
    ]
    rows = [{"cells": [cell(r.object) for _, cell in columns], "object": _partial(r.object)} for r in records]
    head = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": meta}
    return {**head, "columnDefinitions": shown, "rows": rows}


def _partial(obj: Object) -> Object:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def _name(obj: Object) -> str:
    return str(obj["metadata"]["name"])


def _age(obj: Object) -> str:
    born = calendar.timegm(time.strptime(obj["metadata"]["creationTimestamp"], "%Y-%m-%dT%H:%M:%SZ"))
    seconds = max(0, int(time.time() - born))
    # As kubectl does: one unit, once there are two of it.
    return next((f"{seconds // size}{unit}" for unit, size in UNITS if seconds >= 2 * size), f"{seconds}s")


def _at(*path: str) -> Cell:
    def read(obj: Object) -> Any:
        value: Any = obj
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        return "<none>" if value in (None, "") else value

    return read


def _count(*fields: str) -> Cell:
    return lambda obj: sum(len(obj.get(field, ())) for field in fields)


def _ready(pod: Object) -> str:
    states = pod.get("status", {}).get("containerStatuses", ())
    ready = sum(1 for state in states if state.get("ready"))
    return f"{ready}/{len(pod['spec']['containers'])}"


def _pod_status(pod: Object) -> str:
    if "deletionTimestamp" in pod["metadata"]:
        return "Terminating"
    status = pod.get("status", {})
    for one in status.get("containerStatuses", ()):
        for state in ("waiting", "terminated"):
            if one.get("state", {}).get(state, {}).get("reason"):
                return str(one["state"][state]["reason"])
    return str(status.get("reason") or status.get("phase", "Unknown"))


def _restarts(pod: Object) -> int:
    return sum(one.get("restartCount", 0) for one in pod.get("status", {}).get("containerStatuses", ()))


def _node_status(node: Object) -> str:
    conditions = node.get("status", {}).get("conditions", ())
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    cordoned = ",SchedulingDisabled" if node.get("spec", {}).get("unschedulable") else ""
    return ("Ready" if ready else "NotReady") + cordoned


def _ports(service: Object) -> str:
    ports = service["spec"].get("ports", ())
    return ",".join(f"{port['port']}/{port['protocol']}" for port in ports) or "<none>"


def _modes(obj: Object) -> str:
    modes = obj.get("status", {}).get("accessModes") or obj["spec"].get("accessModes", ())
    return ",".join(ACCESS.get(mode, mode) for mode in modes)


def _claim(volume: Object) -> str:
    ref = volume["spec"].get("claimRef")
    return f"{ref['namespace']}/{ref['name']}" if ref else ""


def _used(quota: Object) -> str:
    status = quota.get("status", {})
    pairs = status.get("hard", {}).items()
    return ", ".join(f"{name}: {status.get('used', {}).get(name, '0')}/{hard}" for name, hard in pairs)


def _about(event: Object) -> str:
    thing = event.get("involvedObject", {})
    return f"{thing.get('kind', '').lower()}/{thing.get('name', '')}"


WIDE = frozenset(("IP", "Node"))
COLUMNS: dict[str, tuple[tuple[str, Cell], ...]] = {
    "pods": (
        ("Ready", _ready),
        ("Status", _pod_status),
        ("Restarts", _restarts),
        ("IP", _at("status", "podIP")),
        ("Node", _at("spec", "nodeName")),
    ),
    "nodes": (("Status", _node_status), ("Version", _at("status", "nodeInfo", "kubeletVersion"))),
    "namespaces": (("Status", _at("status", "phase")),),
    "services": (
        ("Type", _at("spec", "type")),
        ("Cluster-IP", _at("spec", "clusterIP")),
        ("Port(s)", _ports),
    ),
    "persistentvolumeclaims": (
        ("Status", _at("status", "phase")),
        ("Volume", _at("spec", "volumeName")),
        ("Capacity", _at("status", "capacity", "storage")),
        ("Access Modes", _modes),
        ("StorageClass", _at("spec", "storageClassName")),
    ),
    "persistentvolumes": (
        ("Capacity", _at("spec", "capacity", "storage")),
        ("Access Modes", _modes),
        ("Reclaim Policy", _at("spec", "persistentVolumeReclaimPolicy")),
        ("Status", _at("status", "phase")),
        ("Claim", _claim),
        ("StorageClass", _at("spec", "storageClassName")),
    ),
    "resourcequotas": (("Used", _used),),
    "priorityclasses": (("Value", _at("value")),),
    "secrets": (("Type", _at("type")), ("Data", _count("data"))),
    "configmaps": (("Data", _count("data", "binaryData")),),
    "rolebindings": (("Role", _at("roleRef", "name")),),
    "events": (
        ("Type", _at("type")),
        ("Reason", _at("reason")),
        ("Object", _about),
        ("Message", _at("message")),
    ),
}
