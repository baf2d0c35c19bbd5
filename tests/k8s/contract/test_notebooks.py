"""A notebook pod of the embedded cluster is a JupyterLab on this machine."""

import os
from pathlib import Path

import pytest

from k8s.embedded.kubelet.sandbox import Rung, rung

from . import notebook as notebooks
from .api import Api, path
from .notebook import ADDRESS, TOKEN, Notebook, notebook_pod, processes_of, start_notebook
from .waiting import eventually

# Elsewhere a notebook sees what its user sees; datasets are then read-only copies.
walled = pytest.mark.skipif(rung() not in {Rung.ROOT, Rung.USER}, reason="no private mounts on this machine")


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset's folder."""
    folder = tmp_path_factory.mktemp("faces")
    (folder / "table.csv").write_text("1,2,3")
    return folder


@pytest.fixture(scope="module")
def project(lab_api: Api, lab_project: str, faces: Path) -> str:
    """A namespace with a home, a token and a dataset."""
    notebooks.create_home(lab_api, lab_project)
    notebooks.create_dataset(lab_api, lab_project, "faces", faces)
    return lab_project


@pytest.fixture(scope="module")
def notebook(lab_api: Api, project: str) -> Notebook:
    os.environ["PORTAL_SECRET_OF_TEST"] = "leaked"
    try:
        made = notebook_pod("nb-shared", datasets=("faces",), gpus=2)
        return start_notebook(lab_api, project, made)
    finally:
        del os.environ["PORTAL_SECRET_OF_TEST"]


def test_it_answers_at_its_address_with_the_token_only(notebook: Notebook) -> None:
    address = notebook.pod["metadata"]["annotations"][ADDRESS]
    assert address == f"http://nb-shared.localhost:{notebook.port}"
    assert notebook.ask("/api/kernels", token="") == 403
    assert notebook.ask("/api/kernels", token="wrong") == 403
    assert notebook.ask("/api/kernels") == []


def test_it_is_reported_as_a_running_container(notebook: Notebook) -> None:
    status = notebook.pod["status"]
    container = status["containerStatuses"][0]
    assert (status["phase"], status["podIP"]) == ("Running", "127.0.0.1")
    assert (container["ready"], container["started"], container["restartCount"]) == (True, True, 0)
    assert container["state"]["running"]["startedAt"] >= status["startTime"]


@walled
def test_the_token_is_not_in_the_process_list(notebook: Notebook) -> None:
    lines = processes_of(notebook.uid)
    assert any("jupyterlab" in line for line in lines)
    assert not any(TOKEN in line for line in lines)


def test_a_dataset_is_read_and_not_written(notebook: Notebook, faces: Path) -> None:
    read = "import os; print(open(os.path.expanduser('~/datasets/faces/table.csv')).read())"
    write = "import os; open(os.path.expanduser('~/datasets/faces/new'), 'w')"
    assert notebook.run(read) == "1,2,3"
    assert notebook.run(write) in {"OSError", "PermissionError"}
    assert [each.name for each in faces.iterdir()] == ["table.csv"]


@walled
def test_there_is_no_way_around_a_read_only_dataset(notebook: Notebook, faces: Path) -> None:
    remount = (
        "import os, subprocess; where = os.path.expanduser('~/datasets/faces');"
        "subprocess.run(['mount', '-o', 'remount,bind,rw', where], capture_output=True);"
        "open(where + '/new', 'w')"
    )
    assert notebook.run(remount) in {"OSError", "PermissionError"}
    assert notebook.run(f"open({str(faces / 'new')!r}, 'w')") in {"OSError", "PermissionError"}
    assert [each.name for each in faces.iterdir()] == ["table.csv"]


@walled
def test_it_sees_nothing_else_of_the_cluster(notebook: Notebook, project: str) -> None:
    seen = notebook.run(
        "import os, pathlib; home = pathlib.Path.home();"
        "print(*sorted(os.listdir(home.parents[2]) + os.listdir(home.parents[1]) + os.listdir(home.parent)))"
    )
    assert seen.split() == sorted(["pods", "volumes", project, "home"])


def test_it_knows_its_simulated_gpus_and_no_secret_of_ours(notebook: Notebook) -> None:
    told = notebook.run(
        "import os; e = os.environ; print(e['SIMULATED_GPUS'], e['NVIDIA_VISIBLE_DEVICES'], sep='|');"
        "print(e.get('PORTAL_SECRET_OF_TEST'), os.path.basename(os.getcwd()))"
    )
    assert told.splitlines() == ["2 x NVIDIA-H100-80GB-HBM3|none", "None home"]


def test_the_pod_proxy_reaches_it(lab_api: Api, project: str, notebook: Notebook) -> None:
    at = path("pods", project, "nb-shared:8888", sub="proxy/api/status")
    assert "last_activity" in lab_api.get(at, token=TOKEN)


def test_its_log_is_read_through_the_api(lab_api: Api, project: str, notebook: Notebook) -> None:
    log = lab_api.text("GET", path("pods", project, "nb-shared", sub="log"))
    assert "Jupyter Server" in log
    assert TOKEN not in log


def test_home_survives_the_pod_and_a_revoked_dataset_does_not(lab_api: Api, project: str) -> None:
    first = start_notebook(lab_api, project, notebook_pod("nb-again", datasets=("faces",)))
    first.run("open('kept.txt', 'w').write('still here')")
    lab_api.delete(path("pods", project, "nb-again"))
    eventually(lambda: "nb-again" not in lab_api.names(path("pods", project)), what="the pod gone")
    assert processes_of(first.uid) == []
    second = start_notebook(lab_api, project, notebook_pod("nb-again"))
    assert second.run("print(open('kept.txt').read())") == "still here"
    assert second.ask("/api/contents/datasets/faces/table.csv") == 404
    lab_api.delete(path("pods", project, "nb-again"))
    eventually(lambda: "nb-again" not in lab_api.names(path("pods", project)), what="the pod gone")


def test_a_missing_secret_is_said_and_waited_for(lab_api: Api, lab_namespace: str) -> None:
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    body = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "home"}, "spec": claim}
    lab_api.create(path("persistentvolumeclaims", lab_namespace), body)
    lab_api.create(path("pods", lab_namespace), notebook_pod("nb"))
    at = path("pods", lab_namespace, "nb")

    def complaint() -> str:
        statuses = lab_api.get(at)["status"].get("containerStatuses") or [{}]
        return statuses[0].get("state", {}).get("waiting", {}).get("message", "")

    assert eventually(complaint, what="a complaint") == 'secret "nb" not found'
    assert lab_api.get(at)["status"]["phase"] == "Pending"
