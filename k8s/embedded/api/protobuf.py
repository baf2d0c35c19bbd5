"""Reads the few protobuf messages that kubectl insists on sending: reviews, tokens, small `create` commands.

One line a message, `number:field:type` as in Kubernetes' generated.proto. Types: s string, i integer,
b boolean, y bytes, q quantity, m map of strings, my map of bytes, mq map of quantities, or a message;
`*` repeated.
"""

import base64
from collections.abc import Iterator
from typing import Any

from k8s.embedded.objects.errors import ApiError, bad_request

Object = dict[str, Any]

MAGIC = b"k8s\x00"
FIXED64, FIXED32 = 1, 5

_RULE = "1:verbs:s* 2:apiGroups:s* 3:resources:s* 4:resourceNames:s* 5:nonResourceURLs:s*"
_BINDING = "1:metadata:Meta 2:subjects:Subject* 3:roleRef:RoleRef"
_ACCESS = "1:resourceAttributes:Attributes 2:nonResourceAttributes:Path"

LINES = {
    "Unknown": "1:typeMeta:TypeMeta 2:raw:y",
    "TypeMeta": "1:apiVersion:s 2:kind:s",
    "Meta": "1:name:s 2:generateName:s 3:namespace:s 11:labels:m 12:annotations:m 14:finalizers:s*",
    "Attributes": "1:namespace:s 2:verb:s 3:group:s 4:version:s 5:resource:s 6:subresource:s 7:name:s",
    "Path": "1:path:s 2:verb:s",
    "SelfAccessSpec": _ACCESS,
    "AccessSpec": f"{_ACCESS} 3:user:s 4:groups:s* 6:uid:s",
    "RulesSpec": "1:namespace:s",
    "BoundObject": "1:kind:s 2:apiVersion:s 3:name:s 4:uid:s",
    "TokenSpec": "1:audiences:s* 3:boundObjectRef:BoundObject 4:expirationSeconds:i",
    "Rule": _RULE,
    "Subject": "1:kind:s 2:apiGroup:s 3:name:s 4:namespace:s",
    "RoleRef": "1:apiGroup:s 2:kind:s 3:name:s",
    "QuotaSpec": "1:hard:mq 2:scopes:s*",
    "Quantity": "1:string:s",
    "Preconditions": "1:uid:s 2:resourceVersion:s",
    # What may stand in a request's body:
    "SelfSubjectAccessReview": "1:metadata:Meta 2:spec:SelfAccessSpec",
    "SubjectAccessReview": "1:metadata:Meta 2:spec:AccessSpec",
    "LocalSubjectAccessReview": "1:metadata:Meta 2:spec:AccessSpec",
    "SelfSubjectRulesReview": "1:metadata:Meta 2:spec:RulesSpec",
    "SelfSubjectReview": "1:metadata:Meta",
    "TokenRequest": "1:metadata:Meta 2:spec:TokenSpec",
    "DeleteOptions": "1:gracePeriodSeconds:i 2:preconditions:Preconditions 3:orphanDependents:b "
    "4:propagationPolicy:s 5:dryRun:s*",
    "Eviction": "1:metadata:Meta 2:deleteOptions:DeleteOptions",
    "Namespace": "1:metadata:Meta",
    "ServiceAccount": "1:metadata:Meta 4:automountServiceAccountToken:b",
    "ConfigMap": "1:metadata:Meta 2:data:m 3:binaryData:my 4:immutable:b",
    "Secret": "1:metadata:Meta 2:data:my 3:type:s 4:stringData:m 5:immutable:b",
    "ResourceQuota": "1:metadata:Meta 2:spec:QuotaSpec",
    "Role": "1:metadata:Meta 2:rules:Rule*",
    "ClusterRole": "1:metadata:Meta 2:rules:Rule*",
    "RoleBinding": _BINDING,
    "ClusterRoleBinding": _BINDING,
    "PriorityClass": "1:metadata:Meta 2:value:i 3:globalDefault:b 4:description:s 5:preemptionPolicy:s",
}
MESSAGES = {
    name: {int(number): (field, kind) for number, field, kind in (part.split(":") for part in line.split())}
    for name, line in LINES.items()
}
READABLE = frozenset(list(LINES)[list(LINES).index("SelfSubjectAccessReview") :])


def decode(body: bytes) -> Object:
    """The object as JSON would have it. Raises a 415 for a kind that is not in the table."""
    try:
        envelope = _message(body[len(MAGIC) :], "Unknown")
        head = envelope["typeMeta"]
        if head["kind"] not in READABLE:
            message = f"this server reads {head['kind']} as JSON or YAML only; with kubectl, use `create -f`"
            raise ApiError(415, message)
        return {**head, **_message(base64.b64decode(envelope.get("raw", "")), head["kind"])}
    except (IndexError, KeyError, ValueError) as problem:
        raise bad_request(f"the protobuf body cannot be read: {problem}") from None


def _message(data: bytes, name: str) -> Object:
    read: Object = {}
    for number, value in _fields(data):
        field, kind = MESSAGES[name].get(number, ("", ""))
        if not field:
            continue
        if kind.endswith("*"):
            read.setdefault(field, []).append(_value(value, kind[:-1]))
        elif kind[0] == "m":
            entry = dict(_fields(value if isinstance(value, bytes) else b""))
            read.setdefault(field, {})[_value(entry.get(1, b""), "s")] = _value(
                entry.get(2, b""), kind[1:] or "s"
            )
        elif value != b"" or kind in MESSAGES:
            read[field] = _value(value, kind)
    return read


def _value(value: bytes | int, kind: str) -> Any:
    if isinstance(value, int):
        # Negative numbers are sent as 64-bit two's complement.
        return bool(value) if kind == "b" else value - (1 << 64) if value >> 63 else value
    if kind == "s":
        return value.decode()
    if kind == "y":
        return base64.b64encode(value).decode()
    return _message(value, "Quantity").get("string", "0") if kind == "q" else _message(value, kind)


def _fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        match tag & 7:
            case 0:
                value, at = _varint(data, at)
                yield tag >> 3, value
            case 2:
                size, at = _varint(data, at)
                if at + size > len(data):
                    raise ValueError("unexpected end")
                yield tag >> 3, data[at : at + size]
                at += size
            case wire if wire in (FIXED64, FIXED32):
                at += 8 if wire == FIXED64 else 4
            case wire:
                raise ValueError(f"wire type {wire}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        if data[at] < 128:
            return value, at + 1
        at, shift = at + 1, shift + 7
