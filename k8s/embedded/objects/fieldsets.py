"""Sets of fields in the notation of `managedFields` (FieldsV1): read, written, found in objects."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from k8s.embedded.objects.shapes import ANY, Shape

Object = dict[str, Any]
Path = tuple[str, ...]

MEMBER = "."
# Nobody owns what identifies the object or what the server writes.
UNOWNED = frozenset(
    ("f:metadata", f"f:{name}")
    for name in (
        "name",
        "generateName",
        "namespace",
        "selfLink",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "managedFields",
    )
)
ENVELOPE = frozenset(("f:apiVersion", "f:kind"))


def flatten(obj: Object, shape: Shape) -> dict[Path, Any]:
    """Every field that can be owned, with its value; list items found by key count as fields too."""
    found = dict(_leaves(obj, shape, ()))
    return {
        path: value for path, value in found.items() if path[0] not in ENVELOPE and path[:2] not in UNOWNED
    }


def _leaves(value: Any, shape: Shape, path: Path) -> Iterator[tuple[Path, Any]]:
    if shape.form in ("object", "map") and not shape.atomic and isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _leaves(inner, shape.child(name), (*path, f"f:{name}"))
    elif shape.is_set and value:
        for one in value:
            yield (*path, f"v:{_json(one)}"), True
    elif shape.keys and value:
        for item in value:
            here = (*path, key_of(item, shape))
            yield here, True
            yield from _leaves(item, shape.item or ANY, here)
    elif path:
        yield path, value


def key_of(item: Mapping[str, Any], shape: Shape) -> str:
    found = {name: item.get(name, shape.key_defaults.get(name)) for name in shape.keys}
    return "k:" + _json({name: value for name, value in found.items() if value is not None})


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def to_fields(paths: Iterable[Path]) -> Object:
    """FieldsV1 of a set of paths."""
    root: Object = {}
    members = set(paths)
    for path in sorted(members):
        node = root
        for depth, step in enumerate(path, start=1):
            node = node.setdefault(step, {})
            if depth < len(path) and path[:depth] in members:
                node[MEMBER] = {}
    return root


def from_fields(fields: Mapping[str, Any], path: Path = ()) -> Iterator[Path]:
    for step, inner in fields.items():
        if step == MEMBER:
            yield path
        elif inner:
            yield from from_fields(inner, (*path, step))
        else:
            yield (*path, step)


def show(path: Path) -> str:
    """As messages name a field: `.spec.containers[name="x"].image`."""
    shown = ""
    for step in path:
        kind, _, rest = step.partition(":")
        if kind == "f":
            shown += f".{rest}"
        elif kind == "k":
            pairs = json.loads(rest).items()
            shown += "[" + ",".join(f"{name}={json.dumps(value)}" for name, value in pairs) + "]"
        else:
            shown += f"[={rest}]"
    return shown


def without(value: Any, shape: Shape, doomed: "Iterable[Path]") -> Any:
    """The value less these paths; None when nothing is left of it."""
    tails: dict[str, list[Path]] = {}
    for path in doomed:
        tails.setdefault(path[0], []).append(path[1:])
    if isinstance(value, dict):
        kept_fields = {}
        for name, inner in value.items():
            left = _less(inner, shape.child(name), tails.get(f"f:{name}", ()))
            if left is not None:
                kept_fields[name] = left
        return kept_fields or None
    kept_items = []
    for item in value:
        step = key_of(item, shape) if shape.keys else f"v:{_json(item)}"
        left = _less(item, shape.item or ANY, tails.get(step, ()))
        if left is not None:
            kept_items.append(left)
    return kept_items or None


def _less(inner: Any, shape: Shape, tails: Iterable[Path]) -> Any:
    rest = list(tails)
    if not rest:
        return inner
    if () in rest or not isinstance(inner, dict | list):
        return None
    return without(inner, shape, rest)
