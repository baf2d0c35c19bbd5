"""A notebook pod as the portal makes it, and what a person does inside."""

import http.client
import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import websocket

from .api import Api, path
from .waiting import eventually

Object = dict[str, Any]

ADDRESS = "embedded.cluster/address"
IMAGE = "quay.io/jupyter/scipy-notebook:2026-11-02"
TOKEN = "t0ken-of-priya"
H100 = "NVIDIA-H100-80GB-HBM3"


def create_home(api: Api, namespace: str) -> None:
    """The home claim and the Secret with the token."""
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "nb"},
        "stringData": {"token": TOKEN},
    }
    api.create(path("secrets", namespace), secret)
    api.create(path("persistentvolumeclaims", namespace), _claim("home", mode="ReadWriteOnce"))


def create_dataset(api: Api, namespace: str, name: str, folder: Path) -> None:
    """A claim on a folder that many may read and nobody may write."""
    unique = f"{name}-{namespace}"
    spec = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadOnlyMany"],
        "hostPath": {"path": str(folder)},
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": "",
        "claimRef": {"namespace": namespace, "name": name},
    }
    volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": unique}, "spec": spec}
    api.create(path("persistentvolumes"), volume)
    claim = _claim(name, mode="ReadOnlyMany")
    claim["spec"] |= {"volumeName": unique, "storageClassName": ""}
    api.create(path("persistentvolumeclaims", namespace), claim)


def _claim(name: str, *, mode: str) -> Object:
    spec = {"accessModes": [mode], "resources": {"requests": {"storage": "1Gi"}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


def notebook_pod(name: str, *, datasets: tuple[str, ...] = (), gpus: int = 0) -> Object:
    claims = {"home": "/home/jovyan"} | {each: f"/home/jovyan/datasets/{each}" for each in datasets}
    token = {"name": "JUPYTER_TOKEN", "valueFrom": {"secretKeyRef": {"name": "nb", "key": "token"}}}
    container = {
        "name": "notebook",
        "image": IMAGE,
        "command": ["jupyter", "lab"],
        "args": ["--ServerApp.base_url=/", "--ServerApp.ip=0.0.0.0", "--ServerApp.port=8888"],
        "workingDir": "/home/jovyan",
        "env": [token],
        "ports": [{"containerPort": 8888}],
        "readinessProbe": {"httpGet": {"path": "/api", "port": 8888}},
        "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
        "volumeMounts": [{"name": claim, "mountPath": place} for claim, place in claims.items()],
    }
    volumes = [{"name": each, "persistentVolumeClaim": {"claimName": each}} for each in claims]
    spec = {"restartPolicy": "Never", "containers": [container], "volumes": volumes}
    if gpus:
        container["resources"]["limits"]["nvidia.com/gpu"] = str(gpus)
        spec["nodeSelector"] = {"nvidia.com/gpu.product": H100}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


@dataclass(frozen=True, slots=True)
class Notebook:
    """A running notebook, reached by its local port."""

    pod: Object
    port: int

    @property
    def uid(self) -> str:
        return self.pod["metadata"]["uid"]

    def ask(self, at: str, *, method: str = "GET", token: str = TOKEN, body: Object | None = None) -> Any:
        """The decoded answer, or the number of the refusal."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        # The name that the browser will use; the address may not resolve outside a browser.
        host = self.pod["metadata"]["annotations"][ADDRESS].removeprefix("http://")
        headers = {"Host": host} | ({"Authorization": f"token {token}"} if token else {})
        try:
            connection.request(method, at, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            content = answer.read()
            return json.loads(content or b"null") if answer.status < 400 else answer.status
        finally:
            connection.close()

    def run(self, code: str) -> str:
        """What the code prints, or the name of the error it ends with, in a kernel of its own."""
        kernel = self.ask("/api/kernels", method="POST", body={"name": "python3"})["id"]
        url = f"ws://127.0.0.1:{self.port}/api/kernels/{kernel}/channels?token={TOKEN}"
        channel = websocket.create_connection(url, timeout=20)
        try:
            request = _execute(code)
            channel.send(json.dumps(request))
            return _printed(channel, request["header"]["msg_id"])
        finally:
            channel.close()


def _execute(code: str) -> Object:
    header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "version": "5.3"}
    header |= {"session": uuid.uuid4().hex, "username": "priya"}
    content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False}
    return {
        "header": header,
        "parent_header": {},
        "metadata": {},
        "content": content,
        "channel": "shell",
        "buffers": [],
    }


def _printed(channel: websocket.WebSocket, request: str) -> str:
    """The reply and the end of the output come on two channels, in either order."""
    printed = ""
    awaited = {"execute_reply", "idle"}
    while awaited:
        message = json.loads(channel.recv())
        kind, content = message["msg_type"], message["content"]
        if message["parent_header"].get("msg_id") != request:
            continue
        printed += content.get("text", "") if kind == "stream" else ""
        printed += content["ename"] if kind == "error" else ""
        awaited -= {kind, content.get("execution_state", "")}
    return printed.strip()


def is_ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def start_notebook(api: Api, namespace: str, pod: Object) -> Notebook:
    """Create the pod and wait until it is ready and has its address."""
    at = path("pods", namespace, pod["metadata"]["name"])
    api.create(path("pods", namespace), pod)

    def ready() -> Object | None:
        found = api.get(at)
        assert found["status"]["phase"] not in {"Failed", "Succeeded"}, found["status"]
        return found if is_ready(found) and ADDRESS in found["metadata"].get("annotations", {}) else None

    found = eventually(ready, within=30, what="the notebook to be ready")
    return Notebook(found, int(found["metadata"]["annotations"][ADDRESS].rpartition(":")[2]))


def processes_of(uid: str) -> list[str]:
    """Command lines of all processes that were started in the pod, by the mark in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"EMBEDDED_CLUSTER_POD={uid}".encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found
