"""Label and field selectors: query-string form and the `matchLabels`/`matchExpressions` form."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from k8s.embedded.objects.errors import bad_request

Test = Callable[[Mapping[str, str]], bool]

SET_BASED = re.compile(r"^([\w./-]+)\s+(in|notin)\s*\(([^()]*)\)$")
EQUALITY = re.compile(r"^([\w./-]+)\s*(==|!=|=)\s*([\w.-]*)$")
PRESENCE = re.compile(r"^(!?)\s*([\w./-]+)$")
# A comma inside parentheses separates values, outside it separates requirements.
COMMA = re.compile(r",(?![^(]*\))")


def _requirement(text: str) -> Test:
    if match := SET_BASED.match(text):
        key, values = match[1], {value.strip() for value in match[3].split(",")}
        if match[2] == "in":
            return lambda labels: key in labels and labels[key] in values
        return lambda labels: labels.get(key) not in values
    if match := EQUALITY.match(text):
        key, value = match[1], match[3]
        if match[2] == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if match := PRESENCE.match(text):
        key, wanted = match[2], not match[1]
        return lambda labels: (key in labels) is wanted
    raise bad_request(f'unable to parse requirement: "{text}": found invalid label selector')


def label_test(selector: str) -> Test:
    """Raises a 400 when the selector cannot be read."""
    tests = [_requirement(part.strip()) for part in COMMA.split(selector) if part.strip()]
    return lambda labels: all(test(labels) for test in tests)


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether the labels satisfy a LabelSelector object; an empty one selects everything."""
    pairs = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in pairs.items()):
        return False
    return all(_expression(one, labels) for one in selector.get("matchExpressions") or [])


def _expression(one: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = one["key"], one.get("values") or []
    match one["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case _:
            return key not in labels


# Beside metadata.name and metadata.namespace, which every kind has.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "pods": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    "nodes": ("spec.unschedulable",),
    "namespaces": ("status.phase",),
    "secrets": ("type",),
    "services": ("spec.clusterIP", "spec.type"),
    "jobs": ("status.successful",),
    "replicasets": ("status.replicas",),
    "events": (
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
}


def field_test(selector: str, resource: str) -> Callable[[Mapping[str, Any]], bool]:
    """Equality on the fields the resource can be selected by; an absent one is empty. Raises a 400."""
    wanted: list[tuple[list[str], bool, str]] = []
    for part in filter(None, selector.split(",")):
        match = re.match(r"^([\w.\[\]-]+)(==|!=|=)(.*)$", part)
        if match is None:
            raise bad_request(f'invalid selector: "{part}"; can\'t understand "{part}"')
        if match[1] not in ("metadata.name", "metadata.namespace", *FIELDS.get(resource, ())):
            raise bad_request(f"field label not supported: {match[1]}")
        wanted.append((match[1].split("."), match[2] != "!=", match[3]))
    return lambda obj: all((_at(obj, path) == value) is same for path, same, value in wanted)


def _at(obj: Any, path: list[str]) -> str:
    for step in path:
        obj = obj.get(step) if isinstance(obj, Mapping) else None
    if isinstance(obj, bool):
        return str(obj).lower()
    return "" if obj is None else str(obj)
