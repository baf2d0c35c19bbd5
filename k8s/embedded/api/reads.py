"""Reading: one object, and lists with selectors and pages."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable
from typing import Any

from k8s.embedded.api import tables
from k8s.embedded.api.calls import Call, Cluster, Reply, encode
from k8s.embedded.objects.errors import ApiError, bad_request, gone, not_found
from k8s.embedded.objects.kinds import Kind
from k8s.embedded.objects.selectors import field_test, label_test
from k8s.embedded.store import Object, Record, Store

Filter = Callable[[Object], bool]


def find(cluster: Cluster, call: Call) -> Record:
    """Raises a 404."""
    record = cluster.store.find(call.kind.key, call.namespace, call.name)
    if record is None:
        raise not_found(call.kind.plural, call.name, group=call.kind.group)
    return record


def present(kind: Kind, record: Record) -> str:
    """The object's JSON in the version asked for; versions of a custom kind differ in name only."""
    if record.object["apiVersion"] == kind.api_version:
        return record.text
    return encode({**record.object, "apiVersion": kind.api_version})


def get(cluster: Cluster, call: Call) -> Reply:
    record = find(cluster, call)
    if tables.ACCEPTED in call.accept:
        version = {"resourceVersion": record.object["metadata"]["resourceVersion"]}
        return Reply(text=encode(tables.render(call.kind, [record], version)))
    return Reply(text=present(call.kind, record))


def chosen_by(call: Call) -> Filter | None:
    """The test the selectors of the query make; None when there are none."""
    labels, fields = call.query.get("labelSelector"), call.query.get("fieldSelector")
    if call.name:
        fields = ",".join(filter(None, (fields, f"metadata.name={call.name}")))
    if not labels and not fields:
        return None
    by_labels, by_fields = label_test(labels or ""), field_test(fields or "", call.kind.key)
    return lambda obj: by_labels(obj["metadata"].get("labels", {})) and by_fields(obj)


def select(store: Store, call: Call) -> list[Record]:
    """The records a collection call is about."""
    namespace = call.namespace if call.kind.namespaced and call.namespace else None
    records = store.records(call.kind.key, namespace)
    test = chosen_by(call)
    return records if test is None else [record for record in records if test(record.object)]


def list_(cluster: Cluster, call: Call) -> Reply:
    store = cluster.store
    with store.lock:
        records, version = select(store, call), store.version
    check_version(call.query.get("resourceVersion", ""), version)
    limit = _limit(call)
    token = call.query.get("continue", "")
    if token:
        after, version = _read_token(store, token)
        records = [record for record in records if _place(record) > after]
    meta: Object = {"resourceVersion": str(version)}
    if limit and len(records) > limit:
        if not (call.query.get("labelSelector") or call.query.get("fieldSelector")):
            meta["remainingItemCount"] = len(records) - limit
        records = records[:limit]
        meta["continue"] = _token(version, _place(records[-1]))
    if tables.ACCEPTED in call.accept:
        return Reply(text=encode(tables.render(call.kind, records, meta)))
    return Reply(text=list_text(call.kind, meta, (present(call.kind, record) for record in records)))


def list_text(kind: Kind, meta: Object, items: Iterable[str]) -> str:
    # Stored JSON is joined as it is: encoding long lists again would be most of the work.
    head = f'{{"kind":"{kind.kind}List","apiVersion":"{kind.api_version}","metadata":{encode(meta)}'
    return f'{head},"items":[{",".join(items)}]}}'


def check_version(asked: str, current: int) -> None:
    """Raises a 400 for something else than a number, a 504 for a version of the future."""
    if not asked or asked == "0":
        return
    if not asked.isdigit():
        raise bad_request(f'Invalid value: "{asked}": strconv.ParseUint: parsing "{asked}": invalid syntax')
    if int(asked) > current:
        message = f"Timeout: Too large resource version: {asked}, current: {current}"
        cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
        raise ApiError(504, message, details={"causes": [cause], "retryAfterSeconds": 1})


def _limit(call: Call) -> int:
    given = call.query.get("limit") or "0"
    if not given.isdigit():
        raise bad_request(f'strconv.ParseInt: parsing "{given}": invalid syntax')
    return int(given)


def _place(record: Record) -> tuple[str, str]:
    meta = record.object["metadata"]
    return meta.get("namespace", ""), meta["name"]


def _token(version: int, place: tuple[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps([version, *place]).encode()).decode().rstrip("=")


def _read_token(store: Store, token: str) -> tuple[tuple[str, str], int]:
    try:
        found: Any = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        version, namespace, name = int(found[0]), str(found[1]), str(found[2])
    except (binascii.Error, ValueError, TypeError, IndexError):
        raise bad_request("continue key is not valid: malformed value") from None
    if version < store.oldest:
        raise gone(
            "The provided continue parameter is too old to display a consistent list result. You can start a "
            "new list without the continue parameter."
        )
    return (namespace, name), version
