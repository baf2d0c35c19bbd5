"""The order in which a write is admitted: namespace, defaults from policy, security, quota last."""

from typing import Any

from k8s.embedded.admission import limits, podsecurity, quota
from k8s.embedded.objects.errors import forbidden, not_found
from k8s.embedded.objects.kinds import Kind
from k8s.embedded.store import Store

Object = dict[str, Any]

DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


def check_namespace(store: Store, kind: Kind, obj: Object) -> None:
    """Raises a 404 without the namespace, a 403 when it is going away."""
    if not kind.namespaced:
        return
    namespace = obj["metadata"]["namespace"]
    record = store.find("namespaces", None, namespace)
    if record is None:
        raise not_found("namespaces", namespace)
    if "deletionTimestamp" in record.object["metadata"]:
        why = f"unable to create new content in namespace {namespace} because it is being terminated"
        refusal = forbidden(kind.plural, obj["metadata"]["name"], why, group=kind.group)
        cause = {
            "reason": "NamespaceTerminating",
            "message": f"namespace {namespace} is being terminated",
            "field": "metadata.namespace",
        }
        refusal.details["causes"] = [cause]
        raise refusal


def complete(store: Store, kind: Kind, obj: Object) -> None:
    """Fills in what the cluster's policies decide, on creation."""
    if kind.key == "pods":
        _set_priority(store, obj)
        limits.fill(store, obj)
    elif kind.key == "persistentvolumeclaims":
        _set_storage_class(store, obj)
        # Taken off by the volume controller once no pod mounts the claim.
        _protect(obj, "kubernetes.io/pvc-protection")


def check_create(store: Store, kind: Kind, obj: Object) -> None:
    """Raises a 403. The caller holds the store's lock until the write, so that no quota is outrun."""
    if kind.key == "pods":
        _check_account(store, obj)
        namespace = store.find("namespaces", None, obj["metadata"]["namespace"])
        if namespace:
            podsecurity.check(namespace.object, obj)
        limits.check_pod(store, obj)
    elif kind.key == "persistentvolumeclaims":
        limits.check_claim(store, obj)
    quota.check(store, kind, obj)


def check_update(store: Store, kind: Kind, obj: Object, live: Object) -> None:
    quota.check(store, kind, obj, live=live)


def _set_priority(store: Store, pod: Object) -> None:
    spec, name = pod["spec"], pod["spec"].get("priorityClassName")
    if name is None:
        classes = [record.object for record in store.records("priorityclasses")]
        default = next((one for one in classes if one.get("globalDefault")), None)
        spec["priority"] = default["value"] if default else 0
        if default:
            spec["priorityClassName"] = default["metadata"]["name"]
    else:
        record = store.find("priorityclasses", None, name)
        if record is None:
            raise forbidden("pods", pod["metadata"]["name"], f"no PriorityClass with name {name} was found")
        default = record.object
        spec["priority"] = default["value"]
    policy = default.get("preemptionPolicy") if default else None
    spec.setdefault("preemptionPolicy", policy or "PreemptLowerPriority")


def _set_storage_class(store: Store, claim: Object) -> None:
    if "storageClassName" in claim["spec"]:
        return
    for record in store.records("storageclasses"):
        meta = record.object["metadata"]
        if meta.get("annotations", {}).get(DEFAULT_CLASS) == "true":
            claim["spec"]["storageClassName"] = meta["name"]


def _protect(obj: Object, finalizer: str) -> None:
    finalizers = obj["metadata"].setdefault("finalizers", [])
    if finalizer not in finalizers:
        finalizers.append(finalizer)


def _check_account(store: Store, pod: Object) -> None:
    meta, name = pod["metadata"], pod["spec"]["serviceAccountName"]
    if store.find("serviceaccounts", meta["namespace"], name) is None:
        why = (
            f'error looking up service account {meta["namespace"]}/{name}: serviceaccount "{name}" not found'
        )
        raise forbidden("pods", meta["name"], why)
