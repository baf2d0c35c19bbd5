"""What the embedded cluster runs instead of a container image."""

import json
import os
import sys
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from k8s.embedded.kubelet.volumes import HOME, Layout
from k8s.embedded.nodes import GPU, GPU_PRODUCT

Object = dict[str, Any]


class Software(StrEnum):
    """What an image holds, as far as it can be run here."""

    JUPYTERLAB = "jupyterlab"
    NOTHING = "nothing"


IMAGES: Mapping[str, Software] = {
    "quay.io/jupyter/": Software.JUPYTERLAB,
    "quay.io/jupyterhub/": Software.JUPYTERLAB,
    "docker.io/jupyter/": Software.JUPYTERLAB,
    "jupyter/": Software.JUPYTERLAB,
}

# What the pod's own arguments may not decide, because here the server is a process among others.
_OURS = frozenset({"ip", "port", "port_retries", "open_browser", "allow_root", "allow_remote_access"})
_FLAGS = frozenset({"--no-browser", "--allow-root", "--autoreload"})


def software_in(image: str) -> Software:
    """JupyterLab for the known notebook images; everything else only pretends to run."""
    return next((held for prefix, held in IMAGES.items() if image.startswith(prefix)), Software.NOTHING)


def jupyter_command(arguments: Iterable[str], layout: Layout) -> list[str]:
    """JupyterLab with the pod's arguments, paths of the container turned into paths of this machine."""
    kept = [each for each in arguments if each not in _FLAGS and _trait(each) not in _OURS]
    # -P: a user's file named like a module must not be imported by the server.
    return [sys.executable, "-P", "-m", "jupyterlab", *(_localised(each, layout) for each in kept)]


def _trait(argument: str) -> str:
    return argument.partition("=")[0].lstrip("-").removeprefix("ServerApp.")


def _localised(argument: str, layout: Layout) -> str:
    key, equals, value = argument.partition("=")
    if equals and (value == HOME or value.startswith(f"{HOME}/")):
        return f"{key}={layout.local(value)}"
    return argument


def configure_jupyter(layout: Layout, *, port: int) -> None:
    """Write the server's settings: loopback only, nothing that asks the internet, quick to start."""
    folder = layout.room / "jupyter" / "config"
    (folder / "labconfig").mkdir(parents=True, exist_ok=True)
    server = {
        "ip": "127.0.0.1",
        "port": port,
        "port_retries": 0,
        "open_browser": False,
        "allow_root": os.geteuid() == 0,
        "allow_remote_access": True,  # the browser comes by <pod>.localhost
        "root_dir": str(layout.home),
        "jpserver_extensions": {"jupyter_lsp": False},  # looks for language servers, with nodejs
    }
    lab = {"extension_manager": "readonly", "check_for_updates_class": "jupyterlab.NeverCheckForUpdate"}
    news = {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True}
    settings = {"ServerApp": server, "LabApp": lab}
    (folder / "jupyter_server_config.json").write_text(json.dumps(settings))
    overrides = {"@jupyterlab/apputils-extension:notification": news}
    (folder / "labconfig" / "default_setting_overrides.json").write_text(json.dumps(overrides))


def process_environment(layout: Layout, declared: Mapping[str, str]) -> dict[str, str]:
    """A small environment of its own, so that nothing of the portal's reaches a notebook."""
    jupyter = layout.room / "jupyter"
    own = {
        "HOME": str(layout.home),
        "PATH": f"{os.path.dirname(sys.executable)}:/usr/local/bin:/usr/bin:/bin",
        "JUPYTER_CONFIG_DIR": str(jupyter / "config"),
        "JUPYTER_DATA_DIR": str(jupyter / "data"),
        "JUPYTER_RUNTIME_DIR": str(jupyter / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(jupyter / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(jupyter / "workspaces"),
        "IPYTHONDIR": str(jupyter / "ipython"),
    }
    return {"LANG": "C.UTF-8", "SHELL": "/bin/sh"} | dict(declared) | own


def gpu_environment(pod: Object, node: Object | None) -> dict[str, str]:
    """Say in the notebook which GPUs it was given, and that they are not there."""
    resources = pod["spec"]["containers"][0].get("resources") or {}
    count = (resources.get("limits") or {}).get(GPU, "0")
    product = node["metadata"].get("labels", {}).get(GPU_PRODUCT, "GPU") if node else "GPU"
    said = f"{count} x {product}" if str(count) != "0" else "none"
    return {"NVIDIA_VISIBLE_DEVICES": "none", "SIMULATED_GPUS": said}
