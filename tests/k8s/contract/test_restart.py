"""The embedded cluster is stopped, killed and started again."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from kubernetes.config import new_client_from_config

from k8s.embedded.server import EmbeddedCluster

from . import notebook as notebooks
from . import objects
from .api import Api, path
from .notebook import notebook_pod, processes_of, start_notebook
from .waiting import eventually

SERVE = """
import sys, threading
from pathlib import Path
from k8s.embedded.server import EmbeddedCluster
cluster = EmbeddedCluster(Path(sys.argv[1]))
cluster.start()
print(cluster.kubeconfig, flush=True)
threading.Event().wait()
"""


def api_of(kubeconfig: Path | str) -> Api:
    return Api(new_client_from_config(str(kubeconfig)))


def create_project(api: Api) -> None:
    api.create(path("namespaces"), objects.namespace("project", {}))
    notebooks.create_home(api, "project")


def test_stopping_ends_notebooks_and_keeps_objects(tmp_path: Path) -> None:
    threads = threading.active_count()
    cluster = EmbeddedCluster(tmp_path)
    cluster.start()
    api = api_of(cluster.kubeconfig)
    create_project(api)
    notebook = start_notebook(api, "project", notebook_pod("nb"))
    api.client.close()
    cluster.stop()
    assert processes_of(notebook.uid) == []
    # At most: a thread that an earlier test left may end meanwhile.
    assert threading.active_count() <= threads

    again = EmbeddedCluster(tmp_path)
    again.start()
    api = api_of(again.kubeconfig)
    found = api.get(path("pods", "project", "nb"))
    claims = api.names(path("persistentvolumeclaims", "project"))
    api.client.close()
    again.stop()
    assert found["metadata"]["uid"] == notebook.uid
    assert (found["status"]["phase"], found["status"]["reason"]) == ("Failed", "NodeShutdown")
    assert found["status"]["containerStatuses"][0]["state"]["terminated"]["finishedAt"]
    assert claims == ["home"]


def test_killing_it_leaves_no_process_and_the_pod_is_lost(tmp_path: Path) -> None:
    served = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with served:
        api = api_of(served.stdout.readline().strip())
        create_project(api)
        notebook = start_notebook(api, "project", notebook_pod("nb"))
        notebook.run("print('a kernel too')")
        assert len(processes_of(notebook.uid)) >= 2
        api.client.close()
        served.send_signal(signal.SIGKILL)
    eventually(lambda: not processes_of(notebook.uid), what="no process of the notebook")

    again = EmbeddedCluster(tmp_path)
    again.start()
    api = api_of(again.kubeconfig)
    status = api.get(path("pods", "project", "nb"))["status"]
    api.client.close()
    again.stop()
    assert (status["phase"], status["reason"]) == ("Failed", "NodeLost")
    state = status["containerStatuses"][0]["state"]["terminated"]
    assert state["startedAt"] <= state["finishedAt"]
