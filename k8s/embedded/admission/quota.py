"""ResourceQuota: which quotas see an object, whether it still fits, and what is used."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from k8s.embedded.admission import usage
from k8s.embedded.admission.usage import Amounts
from k8s.embedded.objects.errors import forbidden
from k8s.embedded.objects.kinds import Kind
from k8s.embedded.objects.quantities import is_binary, parse, show
from k8s.embedded.store import Record, Store

Object = dict[str, Any]

# A quota on these obliges every container to name them.
OBLIGING = frozenset(("cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"))


def check(store: Store, kind: Kind, obj: Object, *, live: Object | None = None) -> None:
    """Raises the 403 of the first quota the write would exceed. The caller holds the store's lock."""
    quotas = store.records("resourcequotas", obj["metadata"].get("namespace"))
    if not quotas or not kind.namespaced:
        return
    taken = usage.of(kind.qualified, obj)
    before = usage.of(kind.qualified, live) if live else {}
    more = {name: amount - before.get(name, Decimal(0)) for name, amount in taken.items()}
    more = {name: amount for name, amount in more.items() if amount > 0}
    for record in quotas:
        quota = record.object
        if more and _covers(quota, kind.qualified, obj):
            _check_one(store, quota, kind=kind, obj=obj, more=more)


def _check_one(store: Store, quota: Object, *, kind: Kind, obj: Object, more: Amounts) -> None:
    hard = quota.get("spec", {}).get("hard", {})
    name, label = obj["metadata"]["name"], quota["metadata"]["name"]
    if kind.qualified == "pods":
        missing = _unspecified(hard, obj)
        if missing:
            raise forbidden("pods", name, f"failed quota: {label}: must specify {missing}")
    asked = {key: amount for key, amount in more.items() if key in hard}
    if not asked:
        return
    used = _used(store, quota, {key: hard[key] for key in asked})
    over = sorted(key for key, amount in asked.items() if used[key] + amount > parse(hard[key]))
    if over:
        figures = [
            ",".join(f"{key}={_figure(source[key], hard[key])}" for key in over) for source in (asked, used)
        ]
        limits = ",".join(f"{key}={hard[key]}" for key in over)
        why = f"exceeded quota: {label}, requested: {figures[0]}, used: {figures[1]}, limited: {limits}"
        raise forbidden(kind.plural, name, why, group=kind.group)


def _figure(amount: Decimal, like: str) -> str:
    return show(amount, binary=is_binary(like))


def _unspecified(hard: Mapping[str, str], pod: Object) -> str:
    missing: dict[str, list[str]] = {}
    spec = pod["spec"]
    for name in sorted(OBLIGING & set(hard)):
        side, _, resource = name.rpartition(".")
        for container in (*spec.get("containers", ()), *spec.get("initContainers", ())):
            if resource not in container.get("resources", {}).get(side or "requests", {}):
                missing.setdefault(name, []).append(container["name"])
    return "; ".join(f"{name} for: {','.join(sorted(who))}" for name, who in missing.items())


def _covers(quota: Object, qualified: str, obj: Object) -> bool:
    """Whether the object is in the quota's scope; scopes speak of pods only."""
    spec = quota.get("spec", {})
    scopes = [{"scopeName": name, "operator": "Exists"} for name in spec.get("scopes", ())]
    scopes += spec.get("scopeSelector", {}).get("matchExpressions", ())
    return not scopes or (qualified == "pods" and all(_in_scope(scope, obj) for scope in scopes))


def _in_scope(scope: Object, pod: Object) -> bool:
    spec = pod["spec"]
    match scope["scopeName"]:
        case "Terminating":
            return "activeDeadlineSeconds" in spec
        case "NotTerminating":
            return "activeDeadlineSeconds" not in spec
        case "BestEffort":
            return bool(pod.get("status", {}).get("qosClass") == "BestEffort")
        case "NotBestEffort":
            return bool(pod.get("status", {}).get("qosClass") != "BestEffort")
        case "PriorityClass":
            return _has_priority(scope, spec.get("priorityClassName", ""))
        case _:
            return False


def _has_priority(scope: Object, name: str) -> bool:
    listed = name in scope.get("values", ())
    match scope["operator"]:
        case "In":
            return listed
        case "NotIn":
            return not listed
        case "Exists":
            return bool(name)
        case _:
            return not name


def _counted_by(name: str) -> str:
    """The qualified plural whose objects use up the resource of that name."""
    if name.startswith("count/"):
        return name.removeprefix("count/")
    if name in usage.COUNTED:
        return name
    if name.startswith("services."):
        return "services"
    if name == "requests.storage" or usage.STORAGE_CLASS in name:
        return "persistentvolumeclaims"
    return "pods"


def _usage(qualified: str, record: Record) -> Amounts:
    """Kept with the record: otherwise each write would work out the usage of everything in its namespace."""
    if "usage" not in record.derived:
        record.derived["usage"] = usage.of(qualified, record.object)
    taken: Amounts = record.derived["usage"]
    return taken


def _used(store: Store, quota: Object, hard: Mapping[str, str]) -> Amounts:
    used = dict.fromkeys(hard, Decimal(0))
    namespace = quota["metadata"]["namespace"]
    for qualified in {_counted_by(name) for name in hard}:
        # Custom kinds are stored under their qualified name, built-in ones under the plural.
        records = store.records(qualified, namespace) or store.records(qualified.partition(".")[0], namespace)
        for record in records:
            if _covers(quota, qualified, record.object):
                taken = _usage(qualified, record)
                used |= {name: used[name] + taken[name] for name in hard if name in taken}
    return used


def recount(store: Store, namespace: str) -> None:
    """Brings `status` of the namespace's quotas up to date; writes only what changed."""
    with store.lock:
        for record in store.records("resourcequotas", namespace):
            hard = record.object.get("spec", {}).get("hard", {})
            used = _used(store, record.object, hard)
            status = {
                "hard": dict(hard),
                "used": {name: _figure(amount, hard[name]) for name, amount in used.items()},
            }
            if record.object.get("status") != status:
                store.write("resourcequotas", {**record.object, "status": status})
