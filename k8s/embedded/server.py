"""The embedded cluster as one thing to start and stop."""

import base64
import errno
import json
import secrets
import threading
from collections.abc import Sequence
from pathlib import Path

import yaml

from k8s.embedded.access import tls
from k8s.embedded.access.roles import bootstrap
from k8s.embedded.access.tokens import Tokens
from k8s.embedded.admission.quota import recount
from k8s.embedded.agent import Agent
from k8s.embedded.api.calls import Cluster
from k8s.embedded.api.http import Server
from k8s.embedded.controllers.furnishing import furnish
from k8s.embedded.controllers.loop import Controllers
from k8s.embedded.nodes import DEFAULT_NODES, NodeSpec, as_object
from k8s.embedded.objects import defaults
from k8s.embedded.objects.kinds import Kinds
from k8s.embedded.scheduler import Scheduler
from k8s.embedded.store import Object, Store

__all__ = ["EmbeddedCluster", "Store"]

NAMESPACES = ("default", "kube-system", "kube-public")
CONTEXT = "embedded"
PRIORITIES = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
STANDARD = "standard"
# How long stopping waits for the accepting thread, at most.
POLL_SECONDS = 0.05


class EmbeddedCluster:
    """A Kubernetes API on the loopback interface, with its state in one folder.

    With `agent`, pods are scheduled on `nodes` and run as processes; without, they stay Pending.
    A restart on the same folder finds the same objects, port, certificates and token.
    """

    def __init__(
        self, data: Path, *, port: int = 0, nodes: Sequence[NodeSpec] | None = None, agent: bool = True
    ) -> None:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._data = data
        self._port = port
        self._nodes = DEFAULT_NODES if nodes is None else nodes
        self._context = tls.server_context(data)
        self.kubeconfig = data / "kubeconfig"
        self.store = Store(data / "cluster.db")
        kinds = Kinds(self.store)
        tokens = Tokens(self.store, tls.signing_key(data), self._admin_token())
        self._scheduler = Scheduler(self.store) if agent else None
        self._agent = Agent(self.store, data) if agent else None
        self._controllers = Controllers(self.store, kinds)
        certificate = (data / "ca.crt").read_text()
        self._cluster = Cluster(self.store, kinds, tokens, certificate, self._agent)
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Lock()
        self.url = ""

    def start(self) -> None:
        """Serves in threads of its own; returns once requests are answered."""
        self._furnish()
        self._server = self._listen()
        port = self._server.server_address[1]
        self.url = f"https://127.0.0.1:{port}"
        (self._data / "port").write_text(str(port))
        self._write_kubeconfig()
        self._controllers.start()
        if self._agent and self._scheduler:
            self._agent.start()
            self._scheduler.start()
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            name="embedded-api",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        """Ends the pods' processes, the threads and the open watches; safe to call again."""
        with self._stopping:
            server, self._server = self._server, None
            if server is not None:
                if self._agent and self._scheduler:
                    self._scheduler.stop()
                    self._agent.stop()
                self._controllers.stop()
                server.shutdown()
                server.server_close()
            self.store.close()
            if server is not None:
                server.close_connections()

    def __enter__(self) -> "EmbeddedCluster":
        self.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self.stop()

    def _listen(self) -> Server:
        """On the port asked for; else on the last one, as clients know it; else on any."""
        kept = self._data / "port"
        last = int(kept.read_text()) if kept.exists() else 0
        try:
            return Server(self._cluster, self._context, self._port or last)
        except OSError as problem:
            if self._port or problem.errno != errno.EADDRINUSE:
                raise
            return Server(self._cluster, self._context, 0)

    def _admin_token(self) -> str:
        path = self._data / "admin.token"
        if not path.exists():
            _write_private(path, secrets.token_urlsafe(32))
        return path.read_text()

    def _write_kubeconfig(self) -> None:
        # Inline, so that the file can be handed on alone; the same data serves any client.
        cluster = {"server": self.url, "certificate-authority-data": _base64(self._cluster.certificate)}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": CONTEXT, "cluster": cluster}],
            "users": [{"name": "admin", "user": {"token": self._cluster.tokens.admin}}],
            "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": "admin"}}],
            "current-context": CONTEXT,
        }
        _write_private(self.kubeconfig, yaml.safe_dump(config, sort_keys=False))

    def _furnish(self) -> None:
        """What every cluster has from the start; what is there already stays as it is."""
        for resource, obj in [*bootstrap(), *_standing(), *(("nodes", as_object(n)) for n in self._nodes)]:
            self._add(resource, obj)
        for name in NAMESPACES:
            namespace: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            defaults.fill(namespace)
            self._add("namespaces", namespace)
            furnish(self.store, name, certificate=self._cluster.certificate)
        for record in self.store.records("namespaces"):
            recount(self.store, record.object["metadata"]["name"])

    def _add(self, resource: str, obj: Object) -> None:
        with self.store.lock:
            if self.store.find(resource, None, obj["metadata"]["name"]) is None:
                self.store.create(resource, None, json.loads(json.dumps(obj)))


def _standing() -> list[tuple[str, Object]]:
    storage: Object = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": STANDARD,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "embedded.cluster/folders",
        "allowVolumeExpansion": True,
    }
    defaults.fill(storage)
    found: list[tuple[str, Object]] = [("storageclasses", storage)]
    for name, value in PRIORITIES.items():
        priority: Object = {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": name},
            "value": value,
        }
        defaults.fill(priority)
        found.append(("priorityclasses", priority))
    return found


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text)
