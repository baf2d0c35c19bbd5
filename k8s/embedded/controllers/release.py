"""Letting an object go: at once, or once its grace, its finalizers and its contents are settled."""

import json
import time
from typing import Any

from k8s.embedded.admission.usage import is_finished
from k8s.embedded.store import Record, Store, timestamp

Object = dict[str, Any]

DEFAULT_GRACE = 30
FINALIZERS = {"Orphan": "orphan", "Foreground": "foregroundDeletion"}


def release(
    store: Store, key: str, record: Record, *, grace: int | None = None, propagation: str = "Background"
) -> Record:
    """Deletes as far as possible; answers the object as it was left, or its last state."""
    with store.lock:
        obj: Object = json.loads(record.text)
        meta = obj["metadata"]
        finalizer = FINALIZERS.get(propagation)
        if finalizer and finalizer not in meta.get("finalizers", ()):
            meta.setdefault("finalizers", []).append(finalizer)
        seconds = _grace(key, obj, grace)
        if seconds or meta.get("finalizers") or key == "namespaces":
            return _mark(store, key, obj, before=record, seconds=seconds)
        return store.erase(key, meta.get("namespace"), meta["name"]) or record


def _mark(store: Store, key: str, obj: Object, *, before: Record, seconds: int) -> Record:
    meta = obj["metadata"]
    # A second deletion may shorten the grace, never lengthen it.
    if "deletionTimestamp" not in meta or seconds < meta.get("deletionGracePeriodSeconds", 0):
        meta["deletionTimestamp"] = timestamp(time.time() + seconds)
        if key != "namespaces":
            meta["deletionGracePeriodSeconds"] = seconds
    if key == "namespaces":
        obj["status"] = {**obj.get("status", {}), "phase": "Terminating"}
    return before if obj == before.object else store.write(key, obj)


def _grace(key: str, obj: Object, asked: int | None) -> int:
    """Only a pod that runs on a node is given time to end."""
    if key != "pods" or not obj["spec"].get("nodeName") or is_finished(obj):
        return 0
    return int(obj["spec"].get("terminationGracePeriodSeconds", DEFAULT_GRACE)) if asked is None else asked
