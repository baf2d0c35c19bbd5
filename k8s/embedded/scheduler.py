"""Puts waiting pods on simulated machines, the fullest that still has room."""

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from k8s.embedded.kubelet.reports import finished, record, set_condition
from k8s.embedded.nodes import GPU
from k8s.embedded.objects.quantities import parse
from k8s.embedded.store import Store

Object = dict[str, Any]
Amounts = dict[str, Decimal]

RESYNC_SECONDS = 2.0
WATCHED = frozenset({"Pod", "Node", "PersistentVolumeClaim"})


def requested(pod: Object) -> Amounts:
    """What the pod takes of a machine: the greater of its containers together and any init container."""
    spec = pod["spec"]
    total: Amounts = defaultdict(Decimal, pods=Decimal(1))
    for container in spec.get("containers", []):
        for name, amount in _requests(container).items():
            total[name] += amount
    for container in spec.get("initContainers") or []:
        for name, amount in _requests(container).items():
            total[name] = max(total[name], amount)
    return dict(total)


def _requests(container: Object) -> Amounts:
    resources = container.get("resources") or {}
    wanted = (resources.get("limits") or {}) | (resources.get("requests") or {})
    return {name: parse(text) for name, text in wanted.items()}


@dataclass(slots=True)
class Machine:
    """A node and what is still free on it."""

    name: str
    labels: dict[str, str]
    cordoned: bool
    size: Amounts
    free: Amounts = field(default_factory=dict)

    def refusals(self, selector: dict[str, str], wanted: Amounts) -> list[str]:
        """Why the pod cannot go here, in the words of the real scheduler; empty when it can."""
        if self.cordoned:
            return ["node(s) were unschedulable"]
        if any(self.labels.get(key) != value for key, value in selector.items()):
            return ["node(s) didn't match Pod's node affinity/selector"]
        short = [name for name, amount in wanted.items() if amount > self.free.get(name, Decimal(0))]
        return ["Too many pods" if name == "pods" else f"Insufficient {name}" for name in short]

    def take(self, wanted: Amounts) -> None:
        """Count the pod as being here."""
        for name, amount in wanted.items():
            self.free[name] = self.free.get(name, Decimal(0)) - amount

    def tightness(self, wanted: Amounts) -> tuple[Decimal, Decimal, Decimal, str]:
        """Smallest is best: few GPUs left over, and machines without GPUs before idle GPU machines."""
        none = Decimal(0)
        gpus_left = self.free.get(GPU, none) - wanted.get(GPU, none)
        cpu_left = self.free.get("cpu", none) - wanted.get("cpu", none)
        return gpus_left, self.size.get(GPU, none), cpu_left, self.name


def machines(nodes: Iterable[Object], pods: Iterable[Object]) -> list[Machine]:
    """All machines, with the pods that are on them and not finished taken off."""
    found = {}
    for node in nodes:
        size = {name: parse(text) for name, text in node["status"]["allocatable"].items()}
        meta = node["metadata"]
        cordoned = bool(node.get("spec", {}).get("unschedulable"))
        found[meta["name"]] = Machine(meta["name"], meta.get("labels", {}), cordoned, size, dict(size))
    for pod in pods:
        machine = found.get(pod["spec"].get("nodeName", ""))
        if machine and not finished(pod):
            machine.take(requested(pod))
    return list(found.values())


def choose(pod: Object, among: list[Machine]) -> tuple[Machine | None, str]:
    """The machine for the pod, or None and the message that says why there is none."""
    wanted, selector = requested(pod), pod["spec"].get("nodeSelector") or {}
    refusals = {machine.name: machine.refusals(selector, wanted) for machine in among}
    fitting = [machine for machine in among if not refusals[machine.name]]
    if fitting:
        return min(fitting, key=lambda machine: machine.tightness(wanted)), ""
    counts = Counter(reason for reasons in refusals.values() for reason in reasons)
    said = ", ".join(sorted(f"{count} {reason}" for reason, count in counts.items()))
    return None, f"0/{len(among)} nodes are available: {said}."


class Scheduler:
    """Binds pods in a thread of its own, woken by changes of pods, nodes and claims."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="embedded-scheduler", daemon=True)
        self._unsubscribe: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Begin binding; pods already waiting are looked at first."""
        self._unsubscribe = self._store.subscribe(self._noticed)
        self._wake.set()
        self._thread.start()

    def stop(self) -> None:
        """End the thread; nothing is bound after this returns."""
        self._unsubscribe()
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def _noticed(self, _change: str, changed: Object) -> None:
        if changed.get("kind") in WATCHED:
            self._wake.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(RESYNC_SECONDS)
            self._wake.clear()
            if not self._stopping.is_set():
                self.schedule()

    def schedule(self) -> None:
        """One pass over all waiting pods, the oldest first."""
        pods = self._store.list("pods")
        waiting = [pod for pod in pods if _waits(pod)]
        if not waiting:
            return
        room = machines(self._store.list("nodes"), pods)
        waiting.sort(key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]))
        for pod in waiting:
            self._place(pod, room)

    def _place(self, pod: Object, room: list[Machine]) -> None:
        missing = self._claim_that_is_missing(pod)
        machine, message = choose(pod, room)
        if missing:
            machine, message = None, f"0/{len(room)} nodes are available: {missing}."
        if machine is None:
            self._leave_waiting(pod, message)
            return
        machine.take(requested(pod))
        self._bind(pod, machine.name)

    def _claim_that_is_missing(self, pod: Object) -> str:
        namespace = pod["metadata"]["namespace"]
        for volume in pod["spec"].get("volumes") or []:
            name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
            claim = self._store.get("persistentvolumeclaims", namespace, name) if name else None
            if name and claim is None:
                return f'persistentvolumeclaim "{name}" not found'
            if claim and claim.get("status", {}).get("phase") != "Bound":
                return "pod has unbound immediate PersistentVolumeClaims"
        return ""

    def _bind(self, pod: Object, node: str) -> None:
        meta = pod["metadata"]

        def change(now: Object) -> None:
            if now["metadata"]["uid"] == meta["uid"] and _waits(now):
                now["spec"]["nodeName"] = node
                set_condition(now, "PodScheduled", holds=True)

        bound = self._store.modify("pods", meta["namespace"], meta["name"], change)
        if bound and bound["spec"].get("nodeName") == node:
            message = f"Successfully assigned {meta['namespace']}/{meta['name']} to {node}"
            record(self._store, bound, component="default-scheduler", reason="Scheduled", message=message)

    def _leave_waiting(self, pod: Object, message: str) -> None:
        meta = pod["metadata"]
        conditions = pod.get("status", {}).get("conditions") or []
        if any(each["type"] == "PodScheduled" and each.get("message") == message for each in conditions):
            return

        def change(now: Object) -> None:
            if now["metadata"]["uid"] == meta["uid"] and _waits(now):
                set_condition(now, "PodScheduled", holds=False, reason="Unschedulable", message=message)

        if self._store.modify("pods", meta["namespace"], meta["name"], change):
            record(
                self._store, pod, component="default-scheduler", reason="FailedScheduling", message=message
            )


def _waits(pod: Object) -> bool:
    placed = pod["spec"].get("nodeName") or pod["metadata"].get("deletionTimestamp")
    return not placed and not finished(pod)
