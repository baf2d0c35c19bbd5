"""The API servers the contract is held against: the embedded one, and a real one when there is one."""

import base64
import http.client
import json
import os
import secrets
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from k8s.embedded.server import EmbeddedCluster

BINARIES = Path(os.environ.get("KUBEBUILDER_ASSETS", "/usr/local/kubebuilder/bin"))
OFFERED = os.environ.get("KUBECONFIG_UNDER_TEST", "")


@dataclass(frozen=True, slots=True)
class Server:
    """A running API server; `forget` compacts its history and answers a version from before."""

    kubeconfig: Path
    forget: Callable[[], str]
    has_controllers: bool = True


def real_kind() -> str | None:
    """Which real server is offered: a cluster, binaries to start one from, or none."""
    if OFFERED:
        return "offered"
    programs = ("etcd", "kube-apiserver")
    return "envtest" if all((BINARIES / program).exists() for program in programs) else None


def real_has_controllers() -> bool:
    """Whether quotas are counted, owners followed and namespaces emptied there."""
    return real_kind() == "offered" or (BINARIES / "kube-controller-manager").exists()


@contextmanager
def running(kind: str, folder: Path) -> Iterator[Server]:
    """The server of that kind, for the time of the block."""
    if kind == "offered":
        yield Server(Path(OFFERED), forget=lambda: "1")
        return
    with embedded(folder) if kind == "embedded" else envtest(folder) as server:
        yield server


@contextmanager
def embedded(folder: Path) -> Iterator[Server]:
    """Without nodes and agent: as the real one here, an API server and controllers."""
    cluster = EmbeddedCluster(folder, agent=False)
    cluster.start()

    def forget() -> str:
        cluster.store.compact()
        return "1"

    try:
        yield Server(cluster.kubeconfig, forget)
    finally:
        cluster.stop()


@contextmanager
def envtest(folder: Path) -> Iterator[Server]:
    """etcd, kube-apiserver and, if present, kube-controller-manager on the loopback."""
    etcd_port, peer_port, port = (_free_port() for _ in range(3))
    token = secrets.token_hex(16)
    _write_credentials(folder, token)
    kubeconfig = _write_kubeconfig(folder, port, token)
    has_controllers = (BINARIES / "kube-controller-manager").exists()
    with ExitStack() as stack:
        stack.enter_context(_process(folder, "etcd", *_etcd_flags(folder, etcd_port, peer_port)))
        _await_http(lambda: _get(etcd_port, "/health"))
        flags = _server_flags(folder, port, etcd_port, controllers=has_controllers)
        stack.enter_context(_process(folder, "kube-apiserver", *flags))
        _await_http(lambda: _get(port, "/readyz", token=token))
        if has_controllers:
            flags = _controller_flags(folder, kubeconfig)
            stack.enter_context(_process(folder, "kube-controller-manager", *flags))
        yield Server(kubeconfig, lambda: _compact(etcd_port), has_controllers)


def _etcd_flags(folder: Path, port: int, peer_port: int) -> tuple[str, ...]:
    url, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer_port}"
    return (
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",
    )


def _server_flags(folder: Path, port: int, etcd_port: int, *, controllers: bool) -> tuple[str, ...]:
    # Without its controller no namespace gets the ServiceAccount that the plugin asks of each pod.
    unwanted = [] if controllers else ["--disable-admission-plugins=ServiceAccount"]
    return (
        f"--etcd-servers=http://127.0.0.1:{etcd_port}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={folder / 'certs'}",
        "--authorization-mode=RBAC",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={folder / 'sa.pub'}",
        f"--service-account-signing-key-file={folder / 'sa.key'}",
        "--service-cluster-ip-range=10.0.0.0/24",
        # So that compacting etcd is enough for a version to be gone.
        "--watch-cache=false",
        *unwanted,
    )


def _controller_flags(folder: Path, kubeconfig: Path) -> tuple[str, ...]:
    return (
        f"--kubeconfig={kubeconfig}",
        f"--service-account-private-key-file={folder / 'sa.key'}",
        "--use-service-account-credentials=true",
        "--leader-elect=false",
        "--secure-port=0",
    )


def _write_credentials(folder: Path, token: str) -> None:
    (folder / "tokens.csv").write_text(f'{token},admin,admin,"system:masters"\n')
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (folder / "sa.key").write_bytes(private)
    (folder / "sa.pub").write_bytes(public)


def _write_kubeconfig(folder: Path, port: int, token: str) -> Path:
    cluster = {"server": f"https://127.0.0.1:{port}", "insecure-skip-tls-verify": True}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "envtest", "cluster": cluster}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "envtest", "context": {"cluster": "envtest", "user": "admin"}}],
        "current-context": "envtest",
    }
    file = folder / "kubeconfig"
    file.write_text(yaml.safe_dump(config))
    return file


@contextmanager
def _process(folder: Path, program: str, *flags: str) -> Iterator[None]:
    with (folder / f"{program}.log").open("wb") as log:
        process = subprocess.Popen([BINARIES / program, *flags], stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(timeout=30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _get(port: int, at: str, *, token: str = "") -> bool:
    context = ssl._create_unverified_context()
    connection = (
        http.client.HTTPSConnection("127.0.0.1", port, timeout=2, context=context)
        if token
        else http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    )
    try:
        connection.request("GET", at, headers={"Authorization": f"Bearer {token}"} if token else {})
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _await_http(answers: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 60
    while not answers():
        assert time.monotonic() < give_up, "the real API server did not start; see its log"
        time.sleep(0.2)


def _compact(etcd_port: int) -> str:
    """Compact etcd up to now by its HTTP gateway; "1" is then older than what is left."""
    everything = {"key": base64.b64encode(b"/").decode(), "count_only": True}
    revision = _etcd(etcd_port, "/v3/kv/range", everything)["header"]["revision"]
    _etcd(etcd_port, "/v3/kv/compaction", {"revision": revision})
    return "1"


def _etcd(port: int, at: str, body: dict[str, object]) -> dict[str, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("POST", at, json.dumps(body))
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()
