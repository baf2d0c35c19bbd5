"""Merge patch (RFC 7386), JSON patch (RFC 6902) and strategic merge patch."""

import copy
from collections.abc import Callable
from typing import Any

from k8s.embedded.objects.errors import ApiError, bad_request
from k8s.embedded.objects.shapes import ANY, Shape

DIRECTIVE = "$patch"


def merge(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def strategic(target: Any, patch: Any, shape: Shape) -> Any:
    """Like merge, but lists whose items have a key are merged item by item."""
    if isinstance(patch, list):
        return _strategic_list(target if isinstance(target, list) else [], patch, shape)
    if not isinstance(patch, dict):
        return patch
    if patch.get(DIRECTIVE) == "replace":
        return {key: value for key, value in patch.items() if key != DIRECTIVE}
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif key.startswith("$deleteFromPrimitiveList/"):
            name = key.partition("/")[2]
            merged[name] = [one for one in merged.get(name, []) if one not in value]
        elif not key.startswith("$"):
            merged[key] = strategic(merged.get(key), value, shape.child(key))
    return merged


def _strategic_list(target: list[Any], patch: list[Any], shape: Shape) -> list[Any]:
    if shape.is_set:
        return target + [one for one in patch if one not in target]
    if not shape.keys or {DIRECTIVE: "replace"} in patch:
        return [one for one in patch if one != {DIRECTIVE: "replace"}]
    key = shape.keys[0]
    result = list(target)
    for item in patch:
        if not isinstance(item, dict) or key not in item:
            raise ApiError(400, f"map: {item} does not contain declared merge key: {key}")
        position = next((at for at, one in enumerate(result) if one.get(key) == item[key]), None)
        if item.get(DIRECTIVE) == "delete":
            result = [one for one in result if one.get(key) != item[key]]
        elif position is None:
            result.append({name: value for name, value in item.items() if name != DIRECTIVE})
        else:
            result[position] = strategic(result[position], item, shape.item or ANY)
    return result


def json_patch(target: Any, operations: Any) -> Any:
    """Raises a 422 for a path that is not there and for a failed test."""
    if not isinstance(operations, list):
        raise bad_request("a JSON patch must be a list of operations")
    document = copy.deepcopy(target)
    for operation in operations:
        try:
            document = OPERATIONS[operation["op"]](document, operation)
        except (KeyError, IndexError, ValueError, TypeError) as problem:
            raise ApiError(
                422, f"the server rejected our request due to an error in our request: {problem}"
            ) from None
    return document


def _steps(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _walk(document: Any, steps: list[str]) -> Any:
    for step in steps:
        document = document[int(step)] if isinstance(document, list) else document[step]
    return document


def _put(document: Any, pointer: str, value: Any, *, insert: bool) -> Any:
    steps = _steps(pointer)
    if not steps:
        return value
    parent, last = _walk(document, steps[:-1]), steps[-1]
    if not isinstance(parent, list):
        if not insert and last not in parent:
            raise KeyError(pointer)
        parent[last] = value
    elif insert:
        place = len(parent) if last == "-" else int(last)
        if place > len(parent):
            raise IndexError(pointer)
        parent.insert(place, value)
    else:
        parent[int(last)] = value
    return document


def _add(document: Any, operation: dict[str, Any]) -> Any:
    return _put(document, operation["path"], copy.deepcopy(operation["value"]), insert=True)


def _replace(document: Any, operation: dict[str, Any]) -> Any:
    return _put(document, operation["path"], copy.deepcopy(operation["value"]), insert=False)


def _remove(document: Any, operation: dict[str, Any]) -> Any:
    steps = _steps(operation["path"])
    parent = _walk(document, steps[:-1])
    del parent[int(steps[-1]) if isinstance(parent, list) else steps[-1]]
    return document


def _copy(document: Any, operation: dict[str, Any]) -> Any:
    value = copy.deepcopy(_walk(document, _steps(operation["from"])))
    return _put(document, operation["path"], value, insert=True)


def _move(document: Any, operation: dict[str, Any]) -> Any:
    value = _walk(document, _steps(operation["from"]))
    document = _remove(document, {"path": operation["from"]})
    return _put(document, operation["path"], value, insert=True)


def _test(document: Any, operation: dict[str, Any]) -> Any:
    if _walk(document, _steps(operation["path"])) != operation["value"]:
        raise ValueError(f"testing value {operation['path']} failed")
    return document


OPERATIONS: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "add": _add,
    "replace": _replace,
    "remove": _remove,
    "copy": _copy,
    "move": _move,
    "test": _test,
}
