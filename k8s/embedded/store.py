"""The cluster's objects, their versions and the log of changes: in memory for reading, in SQLite to stay."""

import json
import logging
import queue
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Object = dict[str, Any]
Subscriber = Callable[[str, Object], None]

log = logging.getLogger(__name__)

# A real cluster's first clients never see the very first versions either: they are compacted by then.
FIRST_VERSION = 1000
HISTORY = 20_000

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    resource TEXT, namespace TEXT, name TEXT, body TEXT NOT NULL,
    PRIMARY KEY (resource, namespace, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (
    version INTEGER PRIMARY KEY, type TEXT NOT NULL, resource TEXT NOT NULL,
    namespace TEXT NOT NULL, body TEXT NOT NULL
);
"""


class Compacted(Exception):
    """The log no longer reaches back to the version asked for."""


class AlreadyStored(Exception):
    """An object of that name is there."""


class Closed(Exception):
    """The store has been closed; nothing is written any more."""


@dataclass(frozen=True, slots=True)
class Record:
    """A stored object and its JSON; `object` is shared by all readers, so nobody may change it.

    `derived` keeps what readers worked out from it; it lasts as long as this version of the object.
    """

    object: Object
    text: str
    version: int
    derived: dict[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Event:
    """One change; `before` is the object's earlier JSON, unknown for events read back after a restart."""

    version: int
    type: str
    resource: str
    namespace: str
    text: str
    before: str | None = None


# Named here, because inside Store `list` is a method.
Objects = list[Object]
Records = list[Record]
Events = list[Event]
Names = list[str]


def timestamp(seconds: float | None = None) -> str:
    """The time in the API's form: UTC, whole seconds. A cluster has a clock of its own."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def is_released(obj: Object) -> bool:
    """Whether nothing holds an object that is being deleted: no finalizer, no grace left."""
    meta = obj["metadata"]
    if not meta.get("deletionTimestamp") or meta.get("finalizers") or meta.get("deletionGracePeriodSeconds"):
        return False
    return not (obj.get("kind") == "Namespace" and obj.get("spec", {}).get("finalizers"))


def _encode(obj: Object) -> str:
    return json.dumps(obj, separators=(",", ":"), ensure_ascii=False)


class Store:
    """Thread-safe. `lock` may be held over several calls to make them one step; `changed` wakes watchers."""

    def __init__(self, path: Path, *, history: int = HISTORY) -> None:
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.version = FIRST_VERSION
        self.closed = False
        self._history = history
        self._objects: dict[str, dict[str, dict[str, Record]]] = {}
        self._log: list[Event] = []
        self._subscribers: list[Subscriber] = []
        self._outgoing: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._load()
        self._dispatcher = threading.Thread(target=self._dispatch, name="store-events", daemon=True)
        self._dispatcher.start()

    def _load(self) -> None:
        # A killed process loses nothing with synchronous=OFF, a power cut may: acceptable for a laptop.
        self._database.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; {SCHEMA}")
        for resource, namespace, name, body in self._database.execute("SELECT * FROM objects"):
            obj = json.loads(body)
            version = int(obj["metadata"]["resourceVersion"])
            self._shelf(resource, namespace)[name] = Record(obj, body, version)
            self.version = max(self.version, version)
        rows = self._database.execute("SELECT * FROM events ORDER BY version DESC LIMIT ?", (self._history,))
        self._log = [Event(*row) for row in reversed(rows.fetchall())]
        if self._log:
            self.version = max(self.version, self._log[-1].version)

    def close(self) -> None:
        with self.lock:
            if self.closed:
                return
            self.closed = True
            self._outgoing.put(None)
            self.changed.notify_all()
            self._database.close()
        if threading.current_thread() is not self._dispatcher:
            self._dispatcher.join(timeout=5)

    # -- for the scheduler, the agent and the controllers: copies out, trusted writes in

    def get(self, resource: str, namespace: str | None, name: str) -> Object | None:
        record = self.find(resource, namespace, name)
        return _copy(record) if record else None

    def list(self, resource: str, namespace: str | None = None) -> Objects:
        return [_copy(record) for record in self.records(resource, namespace)]

    def create(self, resource: str, namespace: str | None, obj: Object) -> Object:
        """Stores without admission. Raises AlreadyStored."""
        with self.lock:
            meta = obj["metadata"]
            if self.find(resource, namespace, meta["name"]):
                raise AlreadyStored(f"{resource} {namespace}/{meta['name']}")
            given = {"namespace": namespace} if namespace else {}
            born = {"uid": str(uuid.uuid4()), "creationTimestamp": timestamp()}
            return _copy(self.write(resource, {**obj, "metadata": {**born, **meta, **given}}))

    def modify(
        self, resource: str, namespace: str | None, name: str, change: Callable[[Object], None]
    ) -> Object | None:
        """Reads, changes and writes in one step; None when the object is gone. No difference, no write."""
        with self.lock:
            record = self.find(resource, namespace, name)
            if record is None:
                return None
            obj = _copy(record)
            change(obj)
            return obj if obj == record.object else _copy(self.write(resource, obj))

    def remove(self, resource: str, namespace: str | None, name: str) -> None:
        """Ends an object's grace: it goes now, or when its last finalizer does."""

        def expire(obj: Object) -> None:
            obj["metadata"].setdefault("deletionTimestamp", timestamp())
            obj["metadata"]["deletionGracePeriodSeconds"] = 0

        self.modify(resource, namespace, name, expire)

    def subscribe(self, callback: Subscriber) -> Callable[[], None]:
        """Calls back with (event type, object) after each commit, in order, on the store's own thread."""
        with self.lock:
            self._subscribers.append(callback)

        def unsubscribe() -> None:
            with self.lock:
                if callback in self._subscribers:
                    self._subscribers.remove(callback)

        return unsubscribe

    # -- for the API verbs

    def find(self, resource: str, namespace: str | None, name: str) -> Record | None:
        with self.lock:
            return self._objects.get(resource, {}).get(namespace or "", {}).get(name)

    def records(self, resource: str, namespace: str | None = None) -> Records:
        """All of a resource, by namespace and name; of every namespace when none is given."""
        with self.lock:
            shelves = self._objects.get(resource, {})
            chosen = sorted(shelves) if namespace is None else [namespace]
            return [shelves[one][name] for one in chosen if one in shelves for name in sorted(shelves[one])]

    def resources(self) -> Names:
        with self.lock:
            return [resource for resource, shelves in self._objects.items() if any(shelves.values())]

    def write(self, resource: str, obj: Object) -> Record:
        """Stores the object under a new version, or lets it go when it is being deleted and free."""
        with self.lock:
            meta = obj["metadata"]
            namespace, name = meta.get("namespace", ""), meta["name"]
            shelf = self._shelf(resource, namespace)
            before = shelf.get(name)
            version = self.version + 1
            obj = {**obj, "metadata": {**meta, "resourceVersion": str(version)}}
            record = Record(obj, _encode(obj), version)
            if is_released(obj):
                shelf.pop(name, None)
                kind = "DELETED"
            else:
                shelf[name] = record
                kind = "MODIFIED" if before else "ADDED"
            self._commit(
                Event(version, kind, resource, namespace, record.text, before.text if before else None), name
            )
            return record

    def erase(self, resource: str, namespace: str | None, name: str) -> Record | None:
        """Removes at once, whatever holds the object; the API's verbs ask about finalizers before."""
        with self.lock:
            record = self._shelf(resource, namespace or "").pop(name, None)
            if record is None:
                return None
            version = self.version + 1
            meta = {**record.object["metadata"], "resourceVersion": str(version)}
            last = {**record.object, "metadata": meta}
            text = _encode(last)
            self._commit(Event(version, "DELETED", resource, namespace or "", text, record.text), name)
            return Record(last, text, version)

    @property
    def oldest(self) -> int:
        """The earliest version from which everything that followed is still known."""
        with self.lock:
            return self._log[0].version - 1 if self._log else self.version

    def events_since(self, version: int) -> Events:
        """Everything after that version, in order. Raises Compacted when the log starts later."""
        with self.lock:
            if version < self.oldest:
                raise Compacted(f"too old resource version: {version} ({self.oldest})")
            return self._log[version - self.oldest :]

    def compact(self) -> None:
        """Forgets the log: watches from earlier versions answer 410 from here on."""
        with self.lock:
            self._log.clear()
            self._database.execute("DELETE FROM events")

    def _shelf(self, resource: str, namespace: str) -> dict[str, Record]:
        return self._objects.setdefault(resource, {}).setdefault(namespace, {})

    def _commit(self, event: Event, name: str) -> None:
        if self.closed:
            raise Closed
        key = (event.resource, event.namespace, name)
        self.version = event.version
        self._log.append(event)
        self._database.execute("BEGIN")
        if event.type == "DELETED":
            self._database.execute("DELETE FROM objects WHERE (resource, namespace, name) = (?, ?, ?)", key)
        else:
            self._database.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)", (*key, event.text))
        row = (event.version, event.type, event.resource, event.namespace, event.text)
        self._database.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?)", row)
        if len(self._log) > 2 * self._history:
            del self._log[: -self._history]
            self._database.execute("DELETE FROM events WHERE version < ?", (self._log[0].version,))
        self._database.execute("COMMIT")
        self._outgoing.put(event)
        self.changed.notify_all()

    def _dispatch(self) -> None:
        for event in iter(self._outgoing.get, None):
            for callback in self._listeners():
                try:
                    callback(event.type, json.loads(event.text))
                except Exception:
                    # One subscriber's bug must not silence the others; there is no caller to tell.
                    log.exception("a subscriber failed on %s %s", event.type, event.resource)

    def _listeners(self) -> Iterator[Subscriber]:
        with self.lock:
            return iter(tuple(self._subscribers))


def _copy(record: Record) -> Object:
    # Parsing the stored JSON is several times faster than copy.deepcopy.
    obj: Object = json.loads(record.text)
    return obj
