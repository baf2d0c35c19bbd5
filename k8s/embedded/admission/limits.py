"""LimitRange: defaults for containers; minimum, maximum and ratio for containers, pods and claims."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from k8s.embedded.admission.usage import Amounts, amounts, effective
from k8s.embedded.objects.errors import forbidden
from k8s.embedded.objects.quantities import canonical, parse
from k8s.embedded.store import Store

Object = dict[str, Any]


def _items(store: Store, obj: Object, kind: str) -> Iterator[Object]:
    for record in store.records("limitranges", obj["metadata"].get("namespace")):
        for item in record.object.get("spec", {}).get("limits", ()):
            if item["type"] == kind:
                yield item


def fill(store: Store, pod: Object) -> None:
    """Gives each container the namespace's default requests and limits where it has none of its own."""
    spec = pod["spec"]
    for item in _items(store, pod, "Container"):
        for container in (*spec.get("containers", ()), *spec.get("initContainers", ())):
            _fill_container(container.setdefault("resources", {}), item)


def _fill_container(resources: Object, item: Object) -> None:
    for side, source in (("limits", "default"), ("requests", "defaultRequest")):
        given = item.get(source, {})
        if given:
            resources[side] = given | resources.get(side, {})


def check_pod(store: Store, pod: Object) -> None:
    """Raises a 403 with everything that is out of range."""
    problems: list[str] = []
    for item in _items(store, pod, "Container"):
        for container in pod["spec"].get("containers", ()):
            resources = container.get("resources", {})
            requests, limits = amounts(resources.get("requests", {})), amounts(resources.get("limits", {}))
            problems += _out_of_range(item, requests, limits, "Container")
    for item in _items(store, pod, "Pod"):
        sides = effective(pod["spec"], "requests"), effective(pod["spec"], "limits")
        problems += _out_of_range(item, *sides, "Pod")
    if problems:
        listed = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
        raise forbidden("pods", pod["metadata"]["name"], listed)


def check_claim(store: Store, claim: Object) -> None:
    requests = amounts(claim["spec"].get("resources", {}).get("requests", {}))
    for item in _items(store, claim, "PersistentVolumeClaim"):
        problems = list(_out_of_range(item, requests, requests, "PersistentVolumeClaim"))
        if problems:
            raise forbidden("persistentvolumeclaims", claim["metadata"]["name"], problems[0])


def _out_of_range(item: Object, requests: Amounts, limits: Amounts, kind: str) -> Iterator[str]:
    for name, bound in item.get("min", {}).items():
        yield from _below(name, bound, requests, kind)
    for name, bound in item.get("max", {}).items():
        yield from _above(name, bound, limits if kind != "PersistentVolumeClaim" else requests, kind)
    yield from _ratios(item.get("maxLimitRequestRatio", {}), requests, limits, kind)


def _below(name: str, bound: str, given: Mapping[str, Decimal], kind: str) -> Iterator[str]:
    if name not in given:
        yield f"minimum {name} usage per {kind} is {bound}.  No request is specified"
    elif given[name] < parse(bound):
        yield f"minimum {name} usage per {kind} is {bound}, but request is {canonical(str(given[name]))}"


def _above(name: str, bound: str, given: Mapping[str, Decimal], kind: str) -> Iterator[str]:
    word = "request" if kind == "PersistentVolumeClaim" else "limit"
    if name not in given:
        yield f"maximum {name} usage per {kind} is {bound}.  No {word} is specified"
    elif given[name] > parse(bound):
        yield f"maximum {name} usage per {kind} is {bound}, but {word} is {canonical(str(given[name]))}"


def _ratios(ratios: Mapping[str, str], requests: Amounts, limits: Amounts, kind: str) -> Iterator[str]:
    for name, ratio in ratios.items():
        if requests.get(name) and name in limits and limits[name] / requests[name] > parse(ratio):
            actual = limits[name] / requests[name]
            yield f"{name} max limit to request ratio per {kind} is {ratio}, but provided ratio is {actual:f}"
