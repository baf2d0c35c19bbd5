"""Runs each behaviour against the embedded cluster, and against a real API server when one is offered."""

import os
import secrets
import shutil
from collections.abc import Iterator

import pytest
from kubernetes.config import new_client_from_config

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


@pytest.fixture
def namespace(api: Api, server: Server) -> Iterator[str]:
    """A fresh namespace, with the ServiceAccount that a controller puts there."""
    name = f"contract-{secrets.token_hex(4)}"
    labels = {"contract.test/suite": "true"}
    api.create(path("namespaces"), objects.namespace(name, labels))
    if server.has_controllers:
        eventually(lambda: "default" in api.names(path("serviceaccounts", name)), what="a default account")
    yield name
    api.delete(path("namespaces", name=name))
