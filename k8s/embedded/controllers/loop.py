"""The controllers' thread: works through the store's events, and looks at everything now and then."""

import logging
import queue
import threading
from collections.abc import Callable
from typing import Any

from k8s.embedded.admission import quota, usage
from k8s.embedded.controllers.collector import Collector
from k8s.embedded.controllers.volumes import Volumes
from k8s.embedded.objects.kinds import Kinds
from k8s.embedded.store import Store

Object = dict[str, Any]

log = logging.getLogger(__name__)

# An event may find its cause not there yet; this finds it later.
RESYNC_SECONDS = 5.0
# Namespaces that wait for their quotas to be counted: a burst of deletions in one is counted once.
BATCH = 20
RESIZABLE = ("PersistentVolumeClaim", "Service")


class Controllers:
    """Garbage collection, namespaces, volumes, quota status."""

    def __init__(self, store: Store, kinds: Kinds) -> None:
        self._store = store
        self._collector = Collector(store, kinds)
        self._volumes = Volumes(store)
        self._uncounted: set[str] = set()
        self._inbox: queue.SimpleQueue[tuple[str, Object] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="embedded-controllers", daemon=True)
        self._unsubscribe = store.subscribe(lambda change, obj: self._inbox.put((change, obj)))

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._unsubscribe()
        self._inbox.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _work(self) -> None:
        self._guarded(self._sweep)
        while True:
            try:
                event = self._inbox.get(timeout=RESYNC_SECONDS)
            except queue.Empty:
                self._guarded(self._sweep)
                continue
            if event is None:
                return
            self._guarded(self._react, *event)
            if self._inbox.empty() or len(self._uncounted) > BATCH:
                self._guarded(self._recount)

    def _guarded(self, step: Callable[..., None], *args: Any) -> None:
        try:
            step(*args)
        except Exception:
            # The next sweep tries again; one bad object must not end the thread.
            log.exception("controller step failed")

    def _sweep(self) -> None:
        self._collector.sweep()
        self._volumes.sweep()

    def _react(self, change: str, obj: Object) -> None:
        self._collector.react(change, obj)
        self._volumes.react(change, obj)
        if "namespace" in obj["metadata"] and _moves_quota(change, obj):
            self._uncounted.add(obj["metadata"]["namespace"])

    def _recount(self) -> None:
        while self._uncounted:
            quota.recount(self._store, self._uncounted.pop())


def _moves_quota(change: str, obj: Object) -> bool:
    """Creations were counted by their verb already, in the same step."""
    if change != "MODIFIED":
        return change == "DELETED"
    if obj["kind"] == "ResourceQuota":
        return bool(obj.get("spec", {}).get("hard") != obj.get("status", {}).get("hard"))
    return usage.is_finished(obj) if obj["kind"] == "Pod" else obj["kind"] in RESIZABLE
