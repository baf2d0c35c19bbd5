"""Runs each behaviour against the embedded cluster, and against a real API server when one is offered."""

import os
import secrets
import shutil
from collections.abc import Iterator

import pytest
from kubernetes.config import new_client_from_config

from k8s.embedded.server import EmbeddedCluster

from . import objects, servers
from .api import Api, path
from .servers import Server
from .waiting import eventually

collect_ignore = [] if shutil.which("kubectl") else ["test_kubectl.py"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "controllers: leans on more than an API server by itself")
    if os.environ.get("REQUIRE_REAL_API") == "1" and servers.real_kind() is None:
        raise pytest.UsageError("REQUIRE_REAL_API is set, and neither a cluster nor binaries are offered")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "server" not in metafunc.fixturenames:
        return
    real = servers.real_kind()
    leans = metafunc.definition.get_closest_marker("controllers") is not None
    kinds = ["embedded"]
    if real and (servers.real_has_controllers() or not leans):
        kinds.append(real)
    metafunc.parametrize("server", kinds, indirect=True, scope="session")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    real = servers.real_kind()
    said = f"{real} server" if real else "none offered (KUBECONFIG_UNDER_TEST, KUBEBUILDER_ASSETS)"
    kubectl = "" if shutil.which("kubectl") else "; kubectl: not found"
    terminalreporter.write_line(f"Kubernetes contract: embedded cluster; real API: {said}{kubectl}")


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with servers.running(request.param, tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture(scope="session")
def api(server: Server) -> Iterator[Api]:
    client = new_client_from_config(str(server.kubeconfig))
    yield Api(client)
    client.close()


def is_furnished(api: Api, namespace: str) -> bool:
    certificates = "kube-root-ca.crt" in api.names(path("configmaps", namespace))
    return certificates and "default" in api.names(path("serviceaccounts", namespace))


@pytest.fixture
def namespace(api: Api, server: Server) -> Iterator[str]:
    """A fresh namespace, with what controllers put there."""
    name = f"contract-{secrets.token_hex(4)}"
    labels = {"contract.test/suite": "true"}
    api.create(path("namespaces"), objects.namespace(name, labels))
    if server.has_controllers:
        eventually(lambda: is_furnished(api, name), what="a default account and certificates")
    yield name
    api.delete(path("namespaces", name=name))


@pytest.fixture(scope="session")
def lab_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An embedded cluster with simulated machines and its agent."""
    cluster = EmbeddedCluster(tmp_path_factory.mktemp("lab"))
    cluster.start()
    client = new_client_from_config(str(cluster.kubeconfig))
    yield Api(client)
    client.close()
    cluster.stop()


@pytest.fixture
def lab_namespace(lab_api: Api) -> Iterator[str]:
    """A fresh namespace there, whose pods are gone afterwards."""
    name = f"lab-{secrets.token_hex(4)}"
    lab_api.create(path("namespaces"), objects.namespace(name, {}))
    yield name
    lab_api.delete(path("namespaces", name=name))
    eventually(lambda: not lab_api.names(path("pods", name)), what="an empty namespace")


@pytest.fixture(scope="module")
def lab_project(lab_api: Api) -> Iterator[str]:
    """A namespace for all tests of a module."""
    name = f"project-{secrets.token_hex(4)}"
    lab_api.create(path("namespaces"), objects.namespace(name, {}))
    yield name
    lab_api.delete(path("namespaces", name=name))
    eventually(lambda: not lab_api.names(path("pods", name)), what="an empty namespace")
