"""Watching: what is there, then every change, with bookmarks, until the time is over."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

from k8s.embedded.api.calls import Call, Cluster, Reply, encode
from k8s.embedded.api.reads import Filter, check_version, chosen_by, present, select
from k8s.embedded.objects.errors import bad_request, gone
from k8s.embedded.store import Compacted, Event, Object, Record

DEFAULT_SECONDS = 1800
BOOKMARK_SECONDS = 30.0
# Waiting ends this often even without a change, to notice a client that has gone.
PATIENCE = 5.0


def watch(cluster: Cluster, call: Call) -> Reply:
    asked = call.query.get("resourceVersion", "")
    streaming = call.is_true("sendInitialEvents")
    if not streaming:
        check_version(asked, cluster.store.version)
    given = call.query.get("timeoutSeconds") or str(DEFAULT_SECONDS)
    if not given.isdigit():
        raise bad_request(f'strconv.ParseInt: parsing "{given}": invalid syntax')
    stream = _Stream(cluster, call, chosen_by(call), time.monotonic() + int(given))
    fresh = streaming or asked in ("", "0")
    return Reply(lines=stream.fresh(marked=streaming) if fresh else stream.follow(int(asked)))


@dataclass(frozen=True, slots=True)
class _Stream:
    cluster: Cluster
    call: Call
    test: Filter | None
    deadline: float

    def fresh(self, *, marked: bool) -> Iterator[str]:
        with self.cluster.store.lock:
            records, version = select(self.cluster.store, self.call), self.cluster.store.version
        for record in records:
            yield _line("ADDED", present(self.call.kind, record))
        if marked:
            yield self._bookmark(version, {"k8s.io/initial-events-end": "true"})
        yield from self.follow(version)

    def follow(self, version: int) -> Iterator[str]:
        store = self.cluster.store
        marked_at = time.monotonic()
        while not store.closed and (left := self.deadline - time.monotonic()) > 0:
            try:
                events = self._next(version, left)
            except Compacted as problem:
                yield _line("ERROR", encode(gone(str(problem)).status()))
                return
            if events:
                version = events[-1].version
            yield from (line for event in events if (line := self._told(event)))
            # An empty line is not sent, it lets the connection look whether anybody still listens.
            yield ""
            if self.call.is_true("allowWatchBookmarks") and time.monotonic() - marked_at > BOOKMARK_SECONDS:
                marked_at = time.monotonic()
                yield self._bookmark(version, {})
        if self.call.is_true("allowWatchBookmarks") and not store.closed:
            yield self._bookmark(version, {})

    def _next(self, version: int, left: float) -> list[Event]:
        store = self.cluster.store
        with store.changed:
            if store.version == version and not store.closed:
                store.changed.wait(min(left, PATIENCE))
            return store.events_since(version)

    def _told(self, event: Event) -> str | None:
        """The line for this watcher; what enters or leaves its selection is added or deleted to it."""
        call = self.call
        if event.resource != call.kind.key or (call.namespace and event.namespace != call.namespace):
            return None
        kind = event.type
        if self.test is not None:
            kind = self._as_selected(event, self.test)
        if not kind:
            return None
        if call.kind.custom:
            obj = json.loads(event.text)
            return _line(kind, present(call.kind, Record(obj, event.text, event.version)))
        return _line(kind, event.text)

    def _as_selected(self, event: Event, test: Filter) -> str:
        is_in = test(json.loads(event.text))
        was_in = test(json.loads(event.before)) if event.before else event.type != "ADDED"
        if event.type == "DELETED":
            return "DELETED" if was_in or is_in else ""
        if is_in:
            return "MODIFIED" if was_in else "ADDED"
        return "DELETED" if was_in else ""

    def _bookmark(self, version: int, annotations: dict[str, str]) -> str:
        meta: Object = {"resourceVersion": str(version), "creationTimestamp": None}
        if annotations:
            meta["annotations"] = annotations
        kind = self.call.kind
        obj = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": meta}
        return _line("BOOKMARK", encode(obj))


def _line(kind: str, obj: str) -> str:
    return f'{{"type":"{kind}","object":{obj}}}\n'
