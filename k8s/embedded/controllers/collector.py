"""Collects what has lost its owners, and empties namespaces that are being deleted."""

from collections.abc import Iterator
from typing import Any

from k8s.embedded.controllers.release import FINALIZERS, release
from k8s.embedded.objects.kinds import Kinds
from k8s.embedded.store import Record, Store

Object = dict[str, Any]
# Resource, namespace, name.
Key = tuple[str, str, str]

ORPHAN, FOREGROUND = FINALIZERS["Orphan"], FINALIZERS["Foreground"]


class Collector:
    """Knows who depends on whom, by uid; fed with every change."""

    def __init__(self, store: Store, kinds: Kinds) -> None:
        self._store = store
        self._kinds = kinds
        self._dependants: dict[str, set[Key]] = {}

    def sweep(self) -> None:
        """Looks at everything that may be waiting: for a start, and against lost causes."""
        for resource in self._store.resources():
            for record in self._store.records(resource):
                meta = record.object["metadata"]
                if "ownerReferences" in meta or "deletionTimestamp" in meta:
                    self.react("MODIFIED", record.object)

    def react(self, change: str, obj: Object) -> None:
        meta = obj["metadata"]
        if change == "DELETED":
            if obj["kind"] == "CustomResourceDefinition":
                self._clear_definition(meta["name"])
            for key in self._dependants.pop(meta["uid"], ()):
                self._judge(key)
            self._check_namespace(meta.get("namespace"))
            return
        if change == "ADDED" and "namespace" in meta:
            self._check_home(obj)
        owners = meta.get("ownerReferences", ())
        kind = self._kinds.of(obj["apiVersion"], obj["kind"]) if owners else None
        for owner in owners if kind else ():
            key = (kind.key if kind else "", meta.get("namespace", ""), meta["name"])
            self._dependants.setdefault(owner["uid"], set()).add(key)
            if not self._is_there(owner, meta.get("namespace", "")):
                self._judge(key)
        if "deletionTimestamp" in meta:
            self._finalize(obj)

    def _check_home(self, obj: Object) -> None:
        """Trusted writers such as the agent may be too late: their object's namespace is ending or gone."""
        meta = obj["metadata"]
        if self._store.find("namespaces", None, meta["namespace"]):
            self._check_namespace(meta["namespace"])
            return
        kind = self._kinds.of(obj["apiVersion"], obj["kind"])
        if kind:
            self._store.erase(kind.key, meta["namespace"], meta["name"])

    def _judge(self, key: Key) -> None:
        """Deletes a dependant none of whose owners is left; drops its references to owners that are gone."""
        record = self._store.find(*key)
        if record is None:
            return
        owners = record.object["metadata"].get("ownerReferences", ())
        left = [owner for owner in owners if self._is_there(owner, key[1])]
        if owners and not left:
            release(self._store, key[0], record)
        elif len(left) < len(owners):
            self._store.modify(*key, lambda obj: obj["metadata"].update(ownerReferences=left))

    def _is_there(self, owner: Object, namespace: str) -> bool:
        kind = self._kinds.of(owner["apiVersion"], owner["kind"])
        if kind is None:
            return False
        record = self._store.find(kind.key, namespace if kind.namespaced else "", owner["name"])
        return record is not None and bool(record.object["metadata"]["uid"] == owner["uid"])

    def _finalize(self, obj: Object) -> None:
        meta = obj["metadata"]
        if obj["kind"] == "Namespace" and obj["apiVersion"] == "v1":
            self._check_namespace(meta["name"])
        finalizers = meta.get("finalizers", ())
        kind = self._kinds.of(obj["apiVersion"], obj["kind"])
        if kind is None:
            return
        key = (kind.key, meta.get("namespace", ""), meta["name"])
        if ORPHAN in finalizers:
            for dependant in self._dependants.pop(meta["uid"], ()):
                self._store.modify(*dependant, _without_owner(meta["uid"]))
            self._store.modify(*key, _without_finalizer(ORPHAN))
        elif FOREGROUND in finalizers and not any(self._release_dependants(meta["uid"])):
            self._store.modify(*key, _without_finalizer(FOREGROUND))

    def _clear_definition(self, resource: str) -> None:
        """A custom kind's objects go with its definition; nobody can reach their finalizers any more."""
        for record in self._store.records(resource):
            meta = record.object["metadata"]
            self._store.erase(resource, meta.get("namespace"), meta["name"])

    def _release_dependants(self, uid: str) -> Iterator[Key]:
        """Deletes them all; yields those that are still there afterwards."""
        for key in sorted(self._dependants.get(uid, ())):
            record = self._store.find(*key)
            if record is None:
                continue
            release(self._store, key[0], record, propagation="Foreground")
            if self._store.find(*key):
                yield key

    def _check_namespace(self, name: str | None) -> None:
        """Empties a namespace that is being deleted; lets it go when nothing is left in it."""
        record = self._store.find("namespaces", None, name) if name else None
        if name is None or record is None or "deletionTimestamp" not in record.object["metadata"]:
            return
        for resource, inner in self._contents(name):
            if "deletionTimestamp" not in inner.object["metadata"]:
                release(self._store, resource, inner)
        if not self._contents(name):
            self._store.modify("namespaces", None, name, lambda obj: obj["spec"].pop("finalizers", None))

    def _contents(self, namespace: str) -> list[tuple[str, Record]]:
        # Pods first: volume claims wait for them.
        found = sorted(self._store.resources(), key=lambda resource: resource != "pods")
        return [
            (resource, record) for resource in found for record in self._store.records(resource, namespace)
        ]


def _without_finalizer(name: str) -> Any:
    def change(obj: Object) -> None:
        kept = [one for one in obj["metadata"].get("finalizers", ()) if one != name]
        obj["metadata"]["finalizers"] = kept

    return change


def _without_owner(uid: str) -> Any:
    def change(obj: Object) -> None:
        owners = obj["metadata"].get("ownerReferences", ())
        obj["metadata"]["ownerReferences"] = [owner for owner in owners if owner["uid"] != uid]

    return change
