"""Who owns which field: `managedFields`, and server-side apply on top of them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from k8s.embedded.objects.errors import ApiError
from k8s.embedded.objects.fieldsets import Path, flatten, from_fields, key_of, show, to_fields, without
from k8s.embedded.objects.kinds import Kind
from k8s.embedded.objects.shapes import ANY, Shape
from k8s.embedded.store import timestamp

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Manager:
    """Whose write it is; one name may own fields both by Apply and by Update."""

    name: str
    operation: str
    api_version: str
    subresource: str = ""

    def __str__(self) -> str:
        shown = f'"{self.name}"'
        if self.subresource:
            shown += f' with subresource "{self.subresource}"'
        return f"{shown} using {self.api_version}" if self.operation == "Update" else shown


@dataclass(frozen=True, slots=True)
class Claim:
    """What a manager owns, since when."""

    paths: frozenset[Path]
    time: str


Claims = dict[Manager, Claim]


def read(obj: Object) -> Claims:
    claims: Claims = {}
    for entry in obj["metadata"].get("managedFields", ()):
        if not entry.get("manager"):
            continue
        manager = Manager(
            entry["manager"], entry["operation"], entry["apiVersion"], entry.get("subresource", "")
        )
        claims[manager] = Claim(frozenset(from_fields(entry.get("fieldsV1", {}))), entry.get("time", ""))
    return claims


def put(obj: Object, claims: Claims) -> None:
    """Writes the claims into the object; managers left with nothing are dropped."""
    entries = [_entry(manager, claim) for manager, claim in claims.items() if claim.paths]
    obj["metadata"].pop("managedFields", None)
    if entries:
        obj["metadata"]["managedFields"] = entries


def _entry(manager: Manager, claim: Claim) -> Object:
    entry = {
        "manager": manager.name,
        "operation": manager.operation,
        "apiVersion": manager.api_version,
        "time": claim.time,
        "fieldsType": "FieldsV1",
        "fieldsV1": to_fields(claim.paths),
    }
    return entry | ({"subresource": manager.subresource} if manager.subresource else {})


def _less(claims: Claims, paths: frozenset[Path], *, spare: Manager) -> Claims:
    return {
        manager: claim if manager == spare else replace(claim, paths=claim.paths - paths)
        for manager, claim in claims.items()
    }


def after_update(kind: Kind, obj: Object, live: Object | None, *, manager: Manager) -> None:
    """Gives the fields this write changed to its manager, and takes them from all others."""
    new, old = _owned(kind, obj, manager), _owned(kind, live, manager) if live else {}
    changed = frozenset(path for path, value in new.items() if path not in old or old[path] != value)
    removed = frozenset(old) - frozenset(new)
    claims = read(live) if live else {}
    if obj["metadata"].get("managedFields") == [{}]:
        claims = {}
    claims = _less(_less(claims, changed, spare=manager), removed, spare=Manager("", "", ""))
    if changed:
        mine = claims.get(manager, Claim(frozenset(), "")).paths
        claims[manager] = Claim(mine | changed, timestamp())
    put(obj, claims)


def _owned(kind: Kind, obj: Object, manager: Manager) -> dict[Path, Any]:
    """The fields this endpoint writes: the status belongs to its subresource, and only that to it."""
    fields = flatten(obj, kind.shape)
    if not kind.has_status:
        return fields
    wanted = manager.subresource == "status"
    return {path: value for path, value in fields.items() if (path[0] == "f:status") is wanted}


@dataclass(frozen=True, slots=True)
class Application:
    """One server-side apply."""

    kind: Kind
    config: Object
    manager: Manager
    force: bool

    def onto(self, live: Object) -> Object:
        """The live object with the configuration applied. Raises a 409 that names each conflict."""
        claims = read(live)
        wanted = frozenset(_owned(self.kind, self.config, self.manager))
        merged = _merge(live, self._writable(), self.kind.shape)
        claims = self._settle_conflicts(claims, live, merged)
        former = claims.get(self.manager, Claim(frozenset(), ""))
        others = frozenset().union(*(c.paths for m, c in claims.items() if m != self.manager))
        doomed = [path for path in former.paths - wanted if not _held(path, others)]
        result: Object = without(merged, self.kind.shape, doomed) or {} if doomed else merged
        result = {**result, "metadata": result.get("metadata", {})}
        unchanged = former.paths == wanted
        claims[self.manager] = Claim(wanted, former.time if unchanged else timestamp())
        put(result, claims)
        return result

    def created(self) -> Object:
        """The configuration as a new object."""
        obj = {**self._writable(), "metadata": {**self.config["metadata"]}}
        put(obj, {self.manager: Claim(frozenset(_owned(self.kind, self.config, self.manager)), timestamp())})
        return obj

    def _writable(self) -> Object:
        if not self.kind.has_status:
            return self.config
        if self.manager.subresource == "status":
            return {key: value for key, value in self.config.items() if key != "spec"}
        return {key: value for key, value in self.config.items() if key != "status"}

    def _settle_conflicts(self, claims: Claims, live: Object, merged: Object) -> Claims:
        old, new = flatten(live, self.kind.shape), flatten(merged, self.kind.shape)
        changed = frozenset(path for path, value in new.items() if path not in old or old[path] != value)
        conflicts = [
            (manager, path)
            for manager, claim in claims.items()
            if manager != self.manager
            for path in sorted(claim.paths & changed)
        ]
        if conflicts and not self.force:
            raise _refusal(conflicts)
        return _less(claims, changed, spare=self.manager)


def _held(path: Path, others: Iterable[Path]) -> bool:
    """Whether another manager owns the path, or something inside it."""
    return any(other[: len(path)] == path for other in others)


def _refusal(conflicts: list[tuple[Manager, Path]]) -> ApiError:
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {manager}", "field": show(path)}
        for manager, path in conflicts
    ]
    if len(conflicts) == 1:
        manager, path = conflicts[0]
        message = f"Apply failed with 1 conflict: conflict with {manager}: {show(path)}"
    else:
        parts = []
        for manager in sorted({manager for manager, _ in conflicts}, key=str):
            listed = "".join(f"\n- {show(path)}" for one, path in conflicts if one == manager)
            parts.append(f"conflicts with {manager}:{listed}")
        message = f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(parts)
    return ApiError(409, message, details={"causes": causes})


def _merge(live: Any, config: Any, shape: Shape) -> Any:
    if shape.form in ("object", "map") and not shape.atomic and isinstance(config, dict):
        merged = dict(live) if isinstance(live, dict) else {}
        for name, value in config.items():
            merged[name] = _merge(merged.get(name), value, shape.child(name))
        return merged
    if shape.is_set and isinstance(live, list):
        return live + [one for one in config if one not in live]
    if shape.keys and isinstance(live, list):
        return _merge_items(live, config, shape)
    return config


def _merge_items(live: list[Any], config: list[Any], shape: Shape) -> list[Any]:
    wanted = {key_of(item, shape): item for item in config}
    merged = []
    for item in live:
        given = wanted.pop(key_of(item, shape), None)
        merged.append(item if given is None else _merge(item, given, shape.item or ANY))
    return merged + list(wanted.values())
