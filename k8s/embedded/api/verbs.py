"""Writing: create, replace, patch and apply; one way into the store for all of them."""

import copy
import json
import secrets
import uuid
from dataclasses import dataclass
from typing import Any

from k8s.embedded.access.rbac import require_no_escalation
from k8s.embedded.admission import chain, quota
from k8s.embedded.api.calls import Call, Cluster, Reply, encode
from k8s.embedded.api.reads import find, present
from k8s.embedded.controllers.furnishing import furnish
from k8s.embedded.objects import defaults, ownership, patches
from k8s.embedded.objects.decode import decode
from k8s.embedded.objects.errors import (
    ApiError,
    already_exists,
    bad_request,
    conflict,
    invalid,
    not_found,
    required,
)
from k8s.embedded.objects.ownership import Application, Manager
from k8s.embedded.objects.validation import check, check_fields, check_update
from k8s.embedded.store import Object, Record, timestamp

SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
SYSTEM_META = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")
WITHOUT_GENERATION = frozenset(("ConfigMap", "Secret", "Namespace", "ServiceAccount", "Event", "Lease"))
RBAC_KINDS = frozenset(("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"))


def create(cluster: Cluster, call: Call) -> Reply:
    return _create(cluster, call, decode(call.kind, call.parsed(), strict=call.strict))


def _create(cluster: Cluster, call: Call, obj: Object) -> Reply:
    kind, store = call.kind, cluster.store
    meta = obj["metadata"]
    if meta.get("resourceVersion"):
        raise bad_request("resourceVersion should not be set on objects to be created")
    applied = meta.get("managedFields")
    _stamp(call, obj)
    with store.lock:
        _complete_new(cluster, call, obj)
        chain.check_namespace(store, kind, obj)
        if store.find(kind.key, call.namespace, meta["name"]):
            raise already_exists(kind.plural, meta["name"], group=kind.group)
        chain.check_create(store, kind, obj)
        if not applied:
            ownership.after_update(kind, obj, None, manager=Manager(call.manager, "Update", kind.api_version))
        if call.dry_run:
            return Reply(201, encode(obj))
        record = store.write(kind.key, obj)
        if kind.namespaced:
            quota.recount(store, call.namespace)
        if kind.key == "namespaces":
            furnish(store, meta["name"], certificate=cluster.certificate)
        return Reply(201, present(kind, record))


def _stamp(call: Call, obj: Object) -> None:
    """What the server decides about a new object."""
    kind, meta = call.kind, obj["metadata"]
    if meta.get("namespace", call.namespace) != call.namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    if kind.namespaced:
        meta["namespace"] = call.namespace
    if not meta.get("name") and meta.get("generateName"):
        tail = "".join(secrets.choice(SUFFIX_LETTERS) for _ in range(5))
        meta["name"] = f"{meta['generateName'][:58]}{tail}"
    for name in ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"):
        meta.pop(name, None)
    meta["uid"] = str(uuid.uuid4())
    meta["creationTimestamp"] = timestamp()
    if kind.custom or kind.kind not in WITHOUT_GENERATION:
        meta["generation"] = 1
    if kind.has_status:
        obj.pop("status", None)


def _complete_new(cluster: Cluster, call: Call, obj: Object) -> None:
    kind, store = call.kind, cluster.store
    if not obj["metadata"].get("name"):
        raise invalid(kind.kind, "", [required("metadata.name", why="name or generateName is required")])
    # Checked before defaults, which rely on the required fields, and again after them.
    check_fields(kind, obj)
    if not kind.custom:
        defaults.fill(obj)
        chain.complete(store, kind, obj)
        defaults.fill(obj)
        check(kind, obj)
    if kind.kind in RBAC_KINDS and not kind.custom:
        require_no_escalation(store, call.user, obj)


def replace(cluster: Cluster, call: Call) -> Reply:
    obj = decode(call.kind, call.parsed(), strict=call.strict)
    if obj["metadata"].get("name") != call.name:
        given = obj["metadata"].get("name", "")
        raise bad_request(
            f"the name of the object ({given}) does not match the name on the URL ({call.name})"
        )
    with cluster.store.lock:
        return _update(cluster, call, obj)


def patch(cluster: Cluster, call: Call) -> Reply:
    media = call.content_type.partition(";")[0].strip()
    if media == "application/apply-patch+yaml":
        return apply(cluster, call)
    patcher = PATCHERS.get(media)
    if patcher is None or (call.kind.custom and media == "application/strategic-merge-patch+json"):
        allowed = ", ".join((*PATCHERS, "application/apply-patch+yaml"))
        message = (
            f"the body of the request was in an unknown format - accepted media types include: {allowed}"
        )
        raise ApiError(415, message)
    with cluster.store.lock:
        live = find(cluster, call)
        patched = patcher(json.loads(live.text), call.parsed(), call)
        return _update(cluster, call, decode(call.kind, patched, strict=call.strict))


def _merge(target: Object, body: Any, call: Call) -> Any:
    if not isinstance(body, dict):
        raise bad_request("a merge patch must be an object")
    return patches.merge(target, body)


def _strategic(target: Object, body: Any, call: Call) -> Any:
    if not isinstance(body, dict):
        raise bad_request("a strategic merge patch must be an object")
    return patches.strategic(target, body, call.kind.shape)


def _json(target: Object, body: Any, call: Call) -> Any:
    return patches.json_patch(target, body)


PATCHERS = {
    "application/json-patch+json": _json,
    "application/merge-patch+json": _merge,
    "application/strategic-merge-patch+json": _strategic,
}


def apply(cluster: Cluster, call: Call) -> Reply:
    """Server-side apply: creates the object, or changes what its manager declares or no longer declares."""
    body = call.parsed()
    if not call.query.get("fieldManager"):
        cause = required("fieldManager", why="is required for apply patch")
        raise invalid("PatchOptions", "", [cause], group="meta.k8s.io")
    _check_applied(call, body)
    config = decode(call.kind, body, strict=call.strict)
    config["metadata"].setdefault("name", call.name)
    if call.kind.namespaced:
        config["metadata"].setdefault("namespace", call.namespace)
    manager = Manager(call.manager, "Apply", call.kind.api_version, call.subresource)
    application = Application(call.kind, config, manager, call.is_true("force"))
    with cluster.store.lock:
        live = cluster.store.find(call.kind.key, call.namespace, call.name)
        if live is None and call.subresource:
            raise not_found(call.kind.plural, call.name, group=call.kind.group)
        if live is None:
            if config["metadata"].get("uid"):
                why = "uid mismatch: the provided object specified uid, and no existing object was found"
                raise conflict(call.kind.plural, call.name, group=call.kind.group, why=why)
            return _create(cluster, call, application.created())
        return _update(cluster, call, json.loads(encode(application.onto(live.object))), applied=True)


def _check_applied(call: Call, body: Any) -> None:
    if not isinstance(body, dict) or not body.get("apiVersion") or not body.get("kind"):
        raise bad_request("invalid object type: apiVersion and kind are required in an applied configuration")
    meta = body.get("metadata") or {}
    if meta.get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    if meta.get("name", call.name) != call.name:
        raise bad_request(
            f"the name of the object ({meta['name']}) does not match the name on the URL ({call.name})"
        )


@dataclass(frozen=True, slots=True)
class _Change:
    """An update of a live object on its way to the store."""

    cluster: Cluster
    call: Call
    live: Record


def _update(cluster: Cluster, call: Call, obj: Object, *, applied: bool = False) -> Reply:
    change = _Change(cluster, call, find(cluster, call))
    _check_preconditions(change, obj)
    obj = _keep_what_stays(change, obj)
    if call.subresource != "status":
        _validate_change(change, obj)
    if not applied:
        manager = Manager(call.manager, "Update", call.kind.api_version, call.subresource)
        ownership.after_update(call.kind, obj, change.live.object, manager=manager)
    return _finish(change, obj)


def _check_preconditions(change: _Change, obj: Object) -> None:
    given, live, kind = obj["metadata"], change.live.object["metadata"], change.call.kind
    if given.get("namespace", change.call.namespace) != change.call.namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    if given.get("uid", live["uid"]) != live["uid"]:
        why = f"Precondition failed: UID in precondition: {given['uid']}, UID in object meta: {live['uid']}"
        raise conflict(kind.plural, change.call.name, group=kind.group, why=why)
    if given.get("resourceVersion", live["resourceVersion"]) != live["resourceVersion"]:
        raise conflict(kind.plural, change.call.name, group=kind.group)


def _keep_what_stays(change: _Change, obj: Object) -> Object:
    """System metadata always stays; of the rest, /status writes only the status and the object all else."""
    live, call = change.live.object, change.call
    meta = {**obj["metadata"]}
    for name in SYSTEM_META:
        meta.pop(name, None)
    kept = {name: live["metadata"][name] for name in SYSTEM_META if name in live["metadata"]}
    meta |= kept | {"name": live["metadata"]["name"], "resourceVersion": live["metadata"]["resourceVersion"]}
    if "namespace" in live["metadata"]:
        meta["namespace"] = live["metadata"]["namespace"]
    if call.subresource == "status":
        fields = {"metadata": {**live["metadata"], "managedFields": meta.get("managedFields", [])}}
        return {**live, **fields, "status": obj.get("status", {})}
    obj = {**obj, "metadata": meta}
    if call.kind.has_status:
        obj.pop("status", None)
        if "status" in live:
            obj["status"] = copy.deepcopy(live["status"])
    if call.kind.key == "namespaces" and call.subresource != "finalize":
        obj["spec"] = live["spec"]
    return obj


def _validate_change(change: _Change, obj: Object) -> None:
    kind, live, store = change.call.kind, change.live.object, change.cluster.store
    check(kind, obj)
    if not kind.custom:
        _inherit(obj, live)
        defaults.fill(obj)
    check_update(kind, obj, live)
    chain.check_update(store, kind, obj, live)
    if kind.kind in RBAC_KINDS and not kind.custom and _grants(obj) != _grants(live):
        require_no_escalation(store, change.call.user, obj)


# Given by the server once; a client that leaves them out does not mean to drop them.
INHERITED = {
    "Service": ("clusterIP", "clusterIPs"),
    "PersistentVolumeClaim": ("volumeName", "storageClassName"),
    "Pod": ("nodeName", "priority", "preemptionPolicy", "serviceAccountName"),
    "Job": ("selector",),
}


def _inherit(obj: Object, live: Object) -> None:
    for name in INHERITED.get(obj["kind"], ()):
        if name in live["spec"]:
            obj["spec"].setdefault(name, live["spec"][name])


def _grants(obj: Object) -> Any:
    return obj.get("rules"), obj.get("roleRef"), obj.get("subjects")


def _finish(change: _Change, obj: Object) -> Reply:
    live, call, store = change.live, change.call, change.cluster.store
    if obj == live.object or _same_but_for_time(obj, live.object):
        return Reply(text=present(call.kind, live))
    if "generation" in live.object["metadata"] and _desired(obj) != _desired(live.object):
        obj["metadata"]["generation"] = live.object["metadata"]["generation"] + 1
    if call.dry_run:
        return Reply(text=encode(obj))
    record = store.write(call.kind.key, obj)
    return Reply(text=present(call.kind, record))


def _desired(obj: Object) -> Object:
    return {key: value for key, value in obj.items() if key not in ("metadata", "status")}


def _same_but_for_time(obj: Object, live: Object) -> bool:
    def timeless(one: Object) -> Object:
        fields = [{**entry, "time": ""} for entry in one["metadata"].get("managedFields", ())]
        return {**one, "metadata": {**one["metadata"], "managedFields": fields}}

    return timeless(obj) == timeless(live)
