"""Starts the container of a pod: finds its volumes, settings and software and runs it."""

import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from k8s.embedded.kubelet import environment, images, processes, sandbox, volumes
from k8s.embedded.kubelet.processes import LocalProcess, Pretence, Process
from k8s.embedded.kubelet.sandbox import CannotStart
from k8s.embedded.store import Store

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Container:
    """A started container; `readiness` is the path that answers once it is ready, empty for at once."""

    process: Process
    port: int | None = None
    readiness: str = ""
    layout: volumes.Layout | None = None


class Images:
    """Which images this machine has seen, so that the first start of each takes a moment longer."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, image: str) -> bool:
        """Whether the image was pulled before."""
        return self._marker(image).exists()

    def keep(self, image: str) -> None:
        """Note the image as pulled."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._marker(image).write_text(image)

    def _marker(self, image: str) -> Path:
        return self._folder / sha256(image.encode()).hexdigest()[:32]


def start_container(store: Store, pod: Object, *, data: Path, others: Iterable[volumes.Layout]) -> Container:
    """Run the pod's first container; `others` are the layouts of those running now. Raises CannotStart."""
    container = pod["spec"]["containers"][0]
    layout = volumes.layout(store, pod, data=data)
    variables = environment.declared(store, pod)
    if images.software_in(container["image"]) is images.Software.NOTHING:
        return Container(Pretence(_seconds_of_sleep(container)))
    arguments = [environment.expand(each, variables) for each in container.get("args") or []]
    clear_home(layout, [*others, layout], data=data)
    sandbox.place(layout.mounts, home=layout.home, room=layout.room, on=sandbox.rung())
    port = processes.free_port()
    images.configure_jupyter(layout, port=port)
    plan = sandbox.Plan(
        images.jupyter_command(arguments, layout),
        layout.mounts,
        layout.local(container.get("workingDir") or volumes.HOME),
        # Other projects' files and the cluster's own credentials are no business of a notebook.
        hidden=None if Path(sys.prefix).is_relative_to(data) else data,
        kept=(layout.room, layout.home),
    )
    command = sandbox.launch(plan, room=layout.room, on=sandbox.rung())
    node = store.get("nodes", None, pod["spec"]["nodeName"])
    variables = images.process_environment(layout, variables) | images.gpu_environment(pod, node)
    process = _spawn(command, variables | {processes.MARK_DATA: str(data)}, pod, layout)
    return Container(process, port, _readiness(container, arguments), layout)


def _spawn(command: list[str], variables: Mapping[str, str], pod: Object, layout: volumes.Layout) -> Process:
    uid = pod["metadata"]["uid"]
    try:
        return LocalProcess(command, variables, uid=uid, room=layout.room, directory=layout.home)
    except OSError as error:
        raise CannotStart(str(error), reason="RunContainerError") from error


def clear_home(layout: volumes.Layout, running: Iterable[volumes.Layout], *, data: Path) -> None:
    """Leave in the home folder only the mount points of those that run on it."""
    keep = [place for each in running if each.home == layout.home for place in each.places_in_home()]
    ledger = data / "mounts" / f"{sha256(str(layout.home).encode()).hexdigest()[:32]}.json"
    sandbox.clear_stale(layout.home, keep=keep, ledger=ledger)


def _readiness(container: Object, arguments: Iterable[str]) -> str:
    probe = (container.get("readinessProbe") or {}).get("httpGet") or {}
    bases = [each.partition("=")[2] for each in arguments if each.startswith("--ServerApp.base_url=")]
    fallback = f"{(bases[-1] if bases else '').rstrip('/')}/api"
    path = str(probe.get("path") or fallback)
    return path if path.startswith("/") else f"/{path}"


def _seconds_of_sleep(container: Object) -> float | None:
    words = [*(container.get("command") or []), *(container.get("args") or [])]
    if len(words) == 2 and words[0].endswith("sleep") and words[1].replace(".", "", 1).isdigit():
        return float(words[1])
    return None


def deadline_of(pod: Object, *, started: float) -> float | None:
    """The monotonic time at which the pod must end, `started` being the wall-clock time it began."""
    seconds = pod["spec"].get("activeDeadlineSeconds")
    return None if seconds is None else time.monotonic() + started + seconds - time.time()
