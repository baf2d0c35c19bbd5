"""What one object takes from a quota, by the quota's resource names."""

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from k8s.embedded.objects.quantities import parse

Object = dict[str, Any]
Amounts = dict[str, Decimal]

ONE = Decimal(1)
FINISHED = ("Succeeded", "Failed")
# Counted under their own name too, not only as count/<name>.
COUNTED = frozenset(("pods", "services", "secrets", "configmaps", "persistentvolumeclaims", "resourcequotas"))
NATIVE = ("cpu", "memory", "ephemeral-storage")
STORAGE_CLASS = ".storageclass.storage.k8s.io/"


def amounts(values: Mapping[str, Any]) -> Amounts:
    return {name: parse(value) for name, value in values.items()}


def of(qualified: str, obj: Object) -> Amounts:
    """`qualified` is the plural with its group, as in count/jobs.batch."""
    taken: Amounts = {f"count/{qualified}": ONE}
    if qualified == "pods":
        # A finished pod still counts as an object, but holds no resources.
        return taken if is_finished(obj) else taken | {"pods": ONE} | _pod(obj["spec"])
    if qualified in COUNTED:
        taken[qualified] = ONE
    if qualified == "services":
        taken |= _service(obj["spec"])
    if qualified == "persistentvolumeclaims":
        taken |= _claim(obj)
    return taken


def is_finished(pod: Object) -> bool:
    return pod.get("status", {}).get("phase") in FINISHED


def _pod(spec: Object) -> Amounts:
    taken: Amounts = {}
    for name, amount in effective(spec, "requests").items():
        taken[f"requests.{name}"] = amount
        if name in NATIVE:
            taken[name] = amount
    for name, amount in effective(spec, "limits").items():
        if name in NATIVE:
            taken[f"limits.{name}"] = amount
    return taken


def effective(spec: Object, side: str) -> Amounts:
    """The larger of all containers together and any one init container, with the pod's overhead."""
    total: Counter[str] = Counter()
    for container in spec.get("containers", ()):
        total.update(_side(container, side))
    first: Amounts = {}
    sidecars: Counter[str] = Counter()
    for container in spec.get("initContainers", ()):
        wanted: Amounts = _side(container, side)
        if container.get("restartPolicy") == "Always":
            sidecars.update(wanted)
        for name, amount in wanted.items():
            beside = Decimal(0) if container.get("restartPolicy") == "Always" else sidecars[name]
            first[name] = max(first.get(name, Decimal(0)), amount + beside)
    total.update(sidecars)
    result: Amounts = {
        name: max(Decimal(total[name]), first.get(name, Decimal(0))) for name in {*total, *first}
    }
    for name, amount in amounts(spec.get("overhead", {})).items():
        result[name] = result.get(name, Decimal(0)) + amount
    return result


def _side(container: Object, side: str) -> Any:
    return amounts(container.get("resources", {}).get(side, {}))


def _service(spec: Object) -> Amounts:
    ports = Decimal(len(spec.get("ports", ())))
    match spec.get("type"):
        case "NodePort":
            return {"services.nodeports": ports}
        case "LoadBalancer":
            held = spec.get("allocateLoadBalancerNodePorts", True)
            return {"services.loadbalancers": ONE} | ({"services.nodeports": ports} if held else {})
        case _:
            return {}


def _claim(obj: Object) -> Amounts:
    spec = obj["spec"]
    wanted = amounts(spec.get("resources", {}).get("requests", {})).get("storage", Decimal(0))
    taken = {"requests.storage": wanted}
    name = spec.get("storageClassName")
    if name:
        taken[f"{name}{STORAGE_CLASS}requests.storage"] = wanted
        taken[f"{name}{STORAGE_CLASS}persistentvolumeclaims"] = ONE
    return taken
