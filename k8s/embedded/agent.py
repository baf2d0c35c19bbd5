"""The kubelet of every simulated machine: runs pods as local processes and reports on them.

All pods are attended to by one thread, in steps that hardly block, so a pod needs no lock.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from k8s.embedded.kubelet import processes, reports, sandbox, volumes
from k8s.embedded.kubelet.containers import Container, Images, clear_home, deadline_of, start_container
from k8s.embedded.kubelet.sandbox import CannotStart
from k8s.embedded.store import Store, timestamp

Object = dict[str, Any]
Key = tuple[str, str]

ADDRESS = "embedded.cluster/address"
LONGEST_GRACE_SECONDS = 5.0
BUSY_SECONDS, QUIET_SECONDS = 0.05, 0.25
PULL_SECONDS, RETRY_SECONDS = 0.3, 1.0

log = logging.getLogger(__name__)


class Stage(StrEnum):
    """How far the agent has come with a pod."""

    CREATING = "creating"
    RUNNING = "running"
    READY = "ready"
    ENDING = "ending"


@dataclass(slots=True)
class Run:
    """A pod on a machine. Times are monotonic: `due` is its next step, when it ends the time to kill it."""

    uid: str
    stage: Stage = Stage.CREATING
    due: float = 0.0
    container: Container | None = None
    deadline: float | None = None
    reason: str = ""
    message: str = ""

    def needs_a_look(self) -> bool:
        """Whether something may be to do although nobody changed the pod."""
        now = time.monotonic()
        if self.deadline is not None and now >= self.deadline:
            return True
        if self.container and self.container.process.exit_code() is not None:
            return True
        return self.stage is not Stage.READY and now >= self.due


class Agent:
    """Runs the pods of `store`, with volumes, logs and pulled images below `data`."""

    def __init__(self, store: Store, data: Path) -> None:
        self._store = store
        self._data = data.absolute()
        self._images = Images(self._data / "images")
        self._runs: dict[Key, Run] = {}
        # Pods to look at, folders to delete, None to end.
        self._inbox: queue.SimpleQueue[Key | Path | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="embedded-agent", daemon=True)
        self._unsubscribe: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Settle what an earlier agent left, then attend to pods until `stop`."""
        self._kill_leftovers()
        self._unsubscribe = self._store.subscribe(self._noticed)
        last_seen = self._last_beat()
        pods = self._store.list("pods")
        for pod in pods:
            if pod.get("status", {}).get("startTime") and not reports.finished(pod):
                self._report_lost(pod, last_seen)
            self._inbox.put((pod["metadata"]["namespace"], pod["metadata"]["name"]))
        known = {pod["metadata"]["uid"] for pod in pods}
        for room in self._data.glob("pods/*"):
            if room.name not in known:
                sandbox.discard(room)
        self._beat()
        self._thread.start()

    def stop(self) -> None:
        """End every process and report the pods as failed by the node's shutdown."""
        self._unsubscribe()
        self._inbox.put(None)
        if self._thread.is_alive():
            self._thread.join()

    def port_of(self, namespace: str, name: str, container_port: int) -> int | None:
        """The local port that stands for any port of the container; None while nothing listens there."""
        run = self._runs.get((namespace, name))
        return run.container.port if run and run.container and run.stage is not Stage.ENDING else None

    def log_of(self, namespace: str, name: str) -> str:
        """What the pod's process has written so far, also after its end."""
        pod = self._store.get("pods", namespace, name)
        file = self._room(pod["metadata"]["uid"]) / "log" if pod else None
        return file.read_text(errors="replace") if file and file.exists() else ""

    # -- the thread

    def _noticed(self, change: str, changed: Object) -> None:
        meta = changed["metadata"]
        if changed.get("kind") == "Pod":
            self._inbox.put((meta["namespace"], meta["name"]))
            if change == "DELETED":
                self._inbox.put(self._room(meta["uid"]))
        elif changed.get("kind") == "PersistentVolumeClaim" and change == "DELETED":
            self._inbox.put(volumes.claim_folder(self._data, meta["namespace"], meta["name"]))

    def _work(self) -> None:
        next_beat = 0.0
        while self._take_mail():
            for key, run in list(self._runs.items()):
                if run.needs_a_look():
                    self._attend_or_fail(key)
            if time.monotonic() >= next_beat:
                self._beat()
                next_beat = time.monotonic() + 1.0
        self._shut_down()

    def _take_mail(self) -> bool:
        """Act on one item, or wait a little for one; False when it says to end."""
        quiet = all(run.stage is Stage.READY for run in self._runs.values())
        try:
            item = self._inbox.get(timeout=QUIET_SECONDS if quiet else BUSY_SECONDS)
        except queue.Empty:
            return True
        if isinstance(item, Path):
            sandbox.discard(item)
        elif item is not None:
            self._attend_or_fail(item)
        return item is not None

    def _attend_or_fail(self, key: Key) -> None:
        try:
            self._attend(key)
        except Exception as error:
            # One odd pod must not end the thread: all processes would go with it.
            log.exception("the agent failed on pod %s/%s", *key)
            pod, why = self._store.get("pods", *key), str(error)
            if pod:
                self._report(
                    pod, lambda now: reports.terminated(now, exit_code=128, reason="AgentError", message=why)
                )

    def _attend(self, key: Key) -> None:
        """Take the pod one step further, from whatever state it is in."""
        pod = self._store.get("pods", *key)
        run = self._runs.get(key)
        if run and (pod is None or pod["metadata"]["uid"] != run.uid):
            self._release(key)
            run = None
        if pod is None or not pod["spec"].get("nodeName"):
            return
        if reports.finished(pod):
            self._release(key)
            if pod["metadata"].get("deletionTimestamp"):
                self._store.remove("pods", *key)
            return
        run = run or self._accept(key, pod)
        if "startTime" not in pod.get("status", {}):
            return  # deleted between reading and accepting
        run.deadline = deadline_of(pod, started=_seconds(pod["status"]["startTime"]))
        try:
            self._step(pod, run)
        except CannotStart as error:
            run.due = time.monotonic() + RETRY_SECONDS
            reason, message = error.reason, str(error)
            self._report(pod, lambda now: reports.waiting(now, reason=reason, message=message))

    def _accept(self, key: Key, pod: Object) -> Run:
        run = self._runs[key] = Run(pod["metadata"]["uid"])
        self._report(pod, lambda now: reports.waiting(now, reason="ContainerCreating"))
        pod["status"] = (self._store.get("pods", *key) or {}).get("status", {})
        image = pod["spec"]["containers"][0]["image"]
        if not self._images.has(image):
            self._record(pod, "Pulling", f'Pulling image "{image}"')
            run.due = time.monotonic() + PULL_SECONDS
        return run

    def _step(self, pod: Object, run: Run) -> None:
        if run.stage is not Stage.ENDING and _must_end(pod, run):
            self._begin_end(pod, run)
        if run.stage is Stage.ENDING:
            self._finish_end(pod, run)
        elif run.stage is Stage.CREATING:
            if time.monotonic() >= run.due:
                self._create(pod, run)
        elif not self._finish_exited(pod, run) and run.stage is Stage.RUNNING:
            self._probe(pod, run)

    def _create(self, pod: Object, run: Run) -> None:
        image = pod["spec"]["containers"][0]["image"]
        run.container = start_container(self._store, pod, data=self._data, others=self._layouts())
        if not self._images.has(image):
            self._images.keep(image)
            self._record(pod, "Pulled", f'Successfully pulled image "{image}"')
        self._record(pod, "Started", f"Started container {pod['spec']['containers'][0]['name']}")
        run.stage = Stage.RUNNING
        self._report(pod, lambda now: reports.running(now, ready=False))
        self._probe(pod, run)

    def _probe(self, pod: Object, run: Run) -> None:
        container = run.container
        assert container is not None  # noqa: S101 - a running pod has one
        port = container.port
        if port is not None and not processes.answers(port, container.readiness):
            run.due = time.monotonic() + BUSY_SECONDS
            return

        def change(now: Object) -> None:
            reports.running(now, ready=True)
            if port is not None:
                address = f"http://{now['metadata']['name']}.localhost:{port}"
                now["metadata"].setdefault("annotations", {})[ADDRESS] = address

        run.stage = Stage.READY
        self._report(pod, change)

    def _finish_exited(self, pod: Object, run: Run) -> bool:
        code = run.container.process.exit_code() if run.container else None
        if code is not None:
            self._report_end(pod, run, code)
        return code is not None

    def _begin_end(self, pod: Object, run: Run) -> None:
        run.stage = Stage.ENDING
        self._record(pod, run.reason or "Killing", run.message or "Stopping container")
        grace = pod["metadata"].get("deletionGracePeriodSeconds")
        if grace is None:
            grace = pod["spec"].get("terminationGracePeriodSeconds", 30)
        run.due = time.monotonic() + min(float(grace), LONGEST_GRACE_SECONDS)
        if run.container:
            run.container.process.terminate()

    def _finish_end(self, pod: Object, run: Run) -> None:
        process = run.container.process if run.container else None
        code = process.exit_code() if process else 143
        if process and code is None and time.monotonic() >= run.due:
            process.kill()
            code = process.exit_code()
        if code is not None:
            self._report_end(pod, run, code)

    # -- reports and housekeeping

    def _report_end(self, pod: Object, run: Run, code: int) -> None:
        # Kernels and terminals go before the pod is said to have ended.
        if run.container:
            run.container.process.kill()
        reason, message = run.reason, run.message
        self._report(pod, lambda now: reports.terminated(now, exit_code=code, reason=reason, message=message))

    def _report(self, pod: Object, change: Callable[[Object], None]) -> None:
        """Write the pod's status, unless the name belongs to another pod by now or this one has ended."""
        meta = pod["metadata"]

        def guarded(now: Object) -> None:
            if now["metadata"]["uid"] == meta["uid"] and not reports.finished(now):
                change(now)

        self._store.modify("pods", meta["namespace"], meta["name"], guarded)

    def _record(self, pod: Object, reason: str, message: str) -> None:
        reports.record(self._store, pod, component="kubelet", reason=reason, message=message)

    def _release(self, key: Key) -> None:
        run = self._runs.pop(key, None)
        if run is None or run.container is None:
            return
        run.container.process.kill()
        if run.container.layout:
            clear_home(run.container.layout, self._layouts(), data=self._data)

    def _layouts(self) -> list[volumes.Layout]:
        containers = [run.container for run in self._runs.values() if run.container]
        return [container.layout for container in containers if container.layout]

    def _shut_down(self) -> None:
        running = [run.container.process for run in self._runs.values() if run.container]
        for process in running:
            process.terminate()
        give_up = time.monotonic() + LONGEST_GRACE_SECONDS
        while time.monotonic() < give_up and any(process.exit_code() is None for process in running):
            time.sleep(BUSY_SECONDS)
        for key, run in list(self._runs.items()):
            pod = self._store.get("pods", *key)
            run.reason, run.message = "NodeShutdown", "the embedded cluster was stopped"
            if pod:
                self._report_end(pod, run, 143)
            self._release(key)

    def _report_lost(self, pod: Object, last_seen: str) -> None:
        message = "the embedded cluster ended without stopping the pod"
        self._report(
            pod,
            lambda now: reports.terminated(
                now, exit_code=137, reason="NodeLost", message=message, at=last_seen
            ),
        )

    def _kill_leftovers(self) -> None:
        processes.kill_marked(processes.MARK_DATA, str(self._data))
        for pid_file in self._data.glob("pods/*/pid"):
            processes.kill_recorded(pid_file)
            pid_file.unlink()

    def _room(self, uid: str) -> Path:
        return self._data / "pods" / uid

    def _beat(self) -> None:
        self._data.mkdir(parents=True, exist_ok=True)
        (self._data / "heartbeat").touch()

    def _last_beat(self) -> str:
        file = self._data / "heartbeat"
        return timestamp(file.stat().st_mtime if file.exists() else None)


def _must_end(pod: Object, run: Run) -> bool:
    if pod["metadata"].get("deletionTimestamp"):
        return True
    if run.deadline is None or time.monotonic() < run.deadline:
        return False
    run.reason = "DeadlineExceeded"
    run.message = "Pod was active on the node longer than the specified deadline"
    return True


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
