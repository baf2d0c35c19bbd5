"""Deleting: preconditions, grace, finalizers, propagation, collections."""

from dataclasses import dataclass
from typing import Any

from k8s.embedded.api.calls import Call, Cluster, Reply, encode, success
from k8s.embedded.api.reads import find, list_text, present, select
from k8s.embedded.controllers.release import release
from k8s.embedded.objects.errors import bad_request, conflict, forbidden
from k8s.embedded.store import Record

PROTECTED = frozenset(("default", "kube-system", "kube-public"))
# These answer the object; the others a Status.
ANSWER_OBJECT = frozenset(
    (
        "pods",
        "namespaces",
        "services",
        "serviceaccounts",
        "persistentvolumeclaims",
        "persistentvolumes",
        "resourcequotas",
        "storageclasses",
    )
)


@dataclass(frozen=True, slots=True)
class Options:
    """How to delete; from the body, or from the query where the body says nothing."""

    grace: int | None
    propagation: str
    uid: str
    version: str
    dry_run: bool


def _options(call: Call) -> Options:
    body: Any = call.parsed() or {}
    if not isinstance(body, dict):
        raise bad_request("DeleteOptions expected")
    grace = body.get("gracePeriodSeconds", call.query.get("gracePeriodSeconds"))
    orphan = body.get("orphanDependents", call.query.get("orphanDependents"))
    given = body.get("propagationPolicy", call.query.get("propagationPolicy"))
    conditions = body.get("preconditions") or {}
    return Options(
        grace=int(grace) if grace is not None else None,
        propagation=given or ("Orphan" if orphan in (True, "true") else "Background"),
        uid=conditions.get("uid") or "",
        version=conditions.get("resourceVersion") or "",
        dry_run=call.dry_run or "All" in (body.get("dryRun") or ()),
    )


def delete(cluster: Cluster, call: Call) -> Reply:
    options = _options(call)
    with cluster.store.lock:
        record = find(cluster, call)
        _check_preconditions(call, record, options)
        if call.kind.key == "namespaces" and call.name in PROTECTED:
            raise forbidden("namespaces", call.name, "this namespace may not be deleted")
        left = record if options.dry_run else _release(cluster, call, record, options=options)
    if call.kind.key in ANSWER_OBJECT or "deletionTimestamp" in left.object["metadata"]:
        return Reply(text=present(call.kind, left))
    return success(call.kind, left.object["metadata"])


def _release(cluster: Cluster, call: Call, record: Record, *, options: Options) -> Record:
    key, how = call.kind.key, options.propagation
    return release(cluster.store, key, record, grace=options.grace, propagation=how)


def delete_collection(cluster: Cluster, call: Call) -> Reply:
    options = _options(call)
    with cluster.store.lock:
        records = select(cluster.store, call)
        for record in () if options.dry_run else records:
            _release(cluster, call, record, options=options)
        meta = {"resourceVersion": str(cluster.store.version)}
    return Reply(text=list_text(call.kind, meta, (present(call.kind, record) for record in records)))


def _check_preconditions(call: Call, record: Record, options: Options) -> None:
    meta, kind = record.object["metadata"], call.kind
    pairs = (
        ("UID", options.uid, meta["uid"]),
        ("ResourceVersion", options.version, meta["resourceVersion"]),
    )
    for label, wanted, actual in pairs:
        if wanted and wanted != actual:
            why = f"Precondition failed: {label} in precondition: {wanted}, {label} in object meta: {actual}"
            raise conflict(kind.plural, call.name, group=kind.group, why=why)


def evict(cluster: Cluster, call: Call) -> Reply:
    """An eviction is a deletion asked for politely; without disruption budgets it is always granted."""
    body: Any = call.parsed() or {}
    asked = encode(body.get("deleteOptions") or {}).encode()
    inner = Call(call.kind, "DELETE", call.namespace, call.name, query=call.query, body=asked, user=call.user)
    delete(cluster, inner)
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
    return Reply(201, encode(status))
