"""The ways into a pod: its log, its ports, and putting it on a node."""

import http.client
from collections.abc import Mapping
from typing import Any

from k8s.embedded.api.calls import Call, Cluster, Reply, encode
from k8s.embedded.api.reads import find
from k8s.embedded.objects.errors import ApiError, bad_request, conflict
from k8s.embedded.store import Object

SECONDS = 30
# Belong to one connection, or would hand the cluster's own token to the pod.
NOT_PASSED_ON = frozenset(
    ("authorization", "connection", "content-length", "host", "keep-alive", "transfer-encoding", "upgrade")
)


def log(cluster: Cluster, call: Call) -> Reply:
    pod = find(cluster, call).object
    status = pod.get("status", {})
    if status.get("phase") == "Pending" and not status.get("containerStatuses"):
        name = call.query.get("container") or pod["spec"]["containers"][0]["name"]
        raise bad_request(f'container "{name}" in pod "{call.name}" is waiting to start: ContainerCreating')
    text = cluster.runner.log_of(call.namespace, call.name) if cluster.runner else ""
    lines = text.splitlines(keepends=True)
    tail = call.query.get("tailLines", "")
    if tail.isdigit():
        lines = lines[-int(tail) :] if int(tail) else []
    body = "".join(lines).encode()
    limit = call.query.get("limitBytes", "")
    return Reply(
        raw=body[: int(limit)] if limit.isdigit() else body, content_type="text/plain; charset=utf-8"
    )


def bind(cluster: Cluster, call: Call) -> Reply:
    """Assigns the pod to a node, once."""
    body: Any = call.parsed() or {}
    node = (body.get("target") or {}).get("name")
    if not node:
        raise bad_request("target.name: Required value")

    def assign(pod: Object) -> None:
        if pod["spec"].get("nodeName"):
            why = f'pod {call.name} is already assigned to node "{pod["spec"]["nodeName"]}"'
            raise conflict("pods/binding", call.name, why=why)
        pod["spec"]["nodeName"] = node

    find(cluster, call)
    cluster.store.modify("pods", call.namespace, call.name, assign)
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
    return Reply(201, encode(status))


def proxy(cluster: Cluster, call: Call, headers: Mapping[str, str]) -> Reply:
    """Passes one request on to the pod's process. Raises a 503 when nothing listens."""
    name, port = _pod_and_port(call.name)
    pod = find(cluster, Call(call.kind, call.method, call.namespace, name)).object
    wanted = port or _first_port(pod)
    running = pod.get("status", {}).get("phase") == "Running"
    local = cluster.runner.port_of(call.namespace, name, wanted) if cluster.runner and running else None
    if local is None:
        raise ApiError(503, f'no endpoints available for pod "{name}": it is not running')
    target = call.rest if call.rest.startswith("/") else f"/{call.rest}"
    passed = {key: value for key, value in headers.items() if key.lower() not in NOT_PASSED_ON}
    connection = http.client.HTTPConnection("127.0.0.1", local, timeout=SECONDS)
    try:
        connection.request(call.method, target, call.body or None, passed)
        answer = connection.getresponse()
        kept = {key: value for key, value in answer.getheaders() if key.lower() not in NOT_PASSED_ON}
        media = kept.pop("Content-Type", "application/octet-stream")
        return Reply(answer.status, raw=answer.read(), content_type=media, headers=kept)
    except (OSError, http.client.HTTPException) as problem:
        raise ApiError(503, f"error trying to reach service: {problem}") from None
    finally:
        connection.close()


def _pod_and_port(name: str) -> tuple[str, int]:
    """`name`, `name:port` or `scheme:name:port`."""
    parts = name.split(":")
    if len(parts) == 3:
        parts = parts[1:]
    port = parts[1] if len(parts) == 2 else "0"
    if not port.isdigit():
        raise bad_request(f'invalid pod request "{name}"')
    return parts[0], int(port)


def _first_port(pod: Object) -> int:
    ports = [port["containerPort"] for c in pod["spec"]["containers"] for port in c.get("ports", ())]
    return int(ports[0]) if ports else 80
