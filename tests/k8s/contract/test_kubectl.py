"""Behaviour 60: kubectl works; collected where there is one."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from . import objects
from .servers import Server


@pytest.fixture
def kubectl(server: Server, namespace: str, tmp_path: Path):
    """Runs kubectl in the namespace and answers its output."""

    def run(*arguments: str, given: object = None) -> str:
        done = subprocess.run(
            ["kubectl", f"--kubeconfig={server.kubeconfig}", f"--namespace={namespace}", *arguments],
            input=json.dumps(given) if given else None,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_kubectl_applies_on_the_server_and_reads_json(kubectl) -> None:
    """Behaviour 60."""
    said = kubectl("apply", "--server-side", "-f", "-", given=objects.config_map("a"))
    found = json.loads(kubectl("get", "configmap", "a", "-o", "json"))
    assert "configmap/a serverside-applied" in said
    assert found["data"] == {"colour": "blue"}


def test_kubectl_applies_on_the_client_too(kubectl) -> None:
    """Behaviour 60."""
    kubectl("apply", "-f", "-", given=objects.config_map("a"))
    said = kubectl("apply", "-f", "-", given=objects.config_map("a", {"colour": "red"}))
    found = json.loads(kubectl("get", "configmap", "a", "-o", "json"))
    assert "configmap/a configured" in said
    assert found["data"] == {"colour": "red"}


def test_kubectl_prints_tables(kubectl) -> None:
    """Behaviour 60."""
    kubectl("apply", "--server-side", "-f", "-", given=objects.config_map("a"))
    assert kubectl("get", "configmaps", "-o", "name").splitlines()[0].startswith("configmap/")
    header = kubectl("get", "configmaps").splitlines()[0]
    assert header.split()[0] == "NAME"
