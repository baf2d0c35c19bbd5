"""Checks of a complete object: names, labels, required fields, some values, what an update may change."""

import ipaddress
from collections.abc import Iterator
from typing import Any

from k8s.embedded.objects.errors import Cause, immutable, invalid, required, unsupported, wrong
from k8s.embedded.objects.kinds import Kind
from k8s.embedded.objects.names import (
    DATA_KEY,
    KEY,
    LABEL,
    LABEL_RULE,
    NAME_RULE,
    PATH_SEGMENT,
    SUBDOMAIN,
    SUBDOMAIN_RULE,
    VALUE,
    VALUE_RULE,
)
from k8s.embedded.objects.podchecks import pod_update, pod_values
from k8s.embedded.objects.shapes import Shape

Object = dict[str, Any]

SHORT_NAMES = frozenset(("Namespace", "Service"))
FREE_NAMES = frozenset(("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"))

ENUMS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "Pod": (("spec.restartPolicy", ("Always", "Never", "OnFailure")),),
    "Service": (("spec.type", ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")),),
    "PersistentVolume": (("spec.persistentVolumeReclaimPolicy", ("Delete", "Recycle", "Retain")),),
    "PriorityClass": (("preemptionPolicy", ("Never", "PreemptLowerPriority")),),
    "StorageClass": (("volumeBindingMode", ("Immediate", "WaitForFirstConsumer")),),
}
ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")

# What stays as it was created, by kind.
IMMUTABLE: dict[str, tuple[str, ...]] = {
    "RoleBinding": ("roleRef",),
    "ClusterRoleBinding": ("roleRef",),
    "Secret": ("type",),
    "PriorityClass": ("value", "preemptionPolicy"),
    "StorageClass": ("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"),
    "Deployment": ("spec.selector",),
    "DaemonSet": ("spec.selector",),
    "ReplicaSet": ("spec.selector",),
    "StatefulSet": ("spec.selector", "spec.serviceName"),
    "Job": ("spec.selector", "spec.template", "spec.completionMode"),
    "Service": ("spec.clusterIP",),
    "PersistentVolumeClaim": (
        "spec.accessModes",
        "spec.storageClassName",
        "spec.volumeMode",
        "spec.selector",
    ),
    "CustomResourceDefinition": ("spec.scope", "spec.group"),
}


def check_fields(kind: Kind, obj: Object) -> None:
    """Raises a 422 for what no default can mend: names, required fields."""
    _refuse(kind, obj, [*_metadata(kind, obj["metadata"]), *_fields(obj, kind.shape, "")])


def check(kind: Kind, obj: Object) -> None:
    """Raises a 422 that lists everything wrong."""
    causes = [*_metadata(kind, obj["metadata"]), *_fields(obj, kind.shape, ""), *_values(kind, obj)]
    _refuse(kind, obj, causes)


def check_update(kind: Kind, obj: Object, live: Object) -> None:
    """Raises a 422 when the update changes what must stay."""
    causes = []
    for path in () if kind.custom else IMMUTABLE.get(kind.kind, ()):
        before, after = _at(live, path), _at(obj, path)
        if before is not None and before != after:
            causes.append(_cannot_change(path, after))
    if kind.kind == "Pod" and not kind.custom:
        causes.extend(pod_update(obj["spec"], live["spec"]))
    if live.get("immutable") and any(
        obj.get(key) != live.get(key) for key in ("data", "binaryData", "immutable")
    ):
        causes.append(
            Cause("data", "Forbidden: field is immutable when `immutable` is set", "FieldValueForbidden")
        )
    _refuse(kind, obj, causes)


def _refuse(kind: Kind, obj: Object, causes: list[Cause]) -> None:
    if causes:
        # Two checks may find the same thing; it is told once.
        raise invalid(
            kind.kind, obj["metadata"].get("name", ""), list(dict.fromkeys(causes)), group=kind.group
        )


def _cannot_change(path: str, value: Any) -> Cause:
    if path == "roleRef":
        return wrong(path, value, "cannot change roleRef")
    return immutable(path, value)


def _at(obj: Any, path: str) -> Any:
    for step in path.split("."):
        obj = obj.get(step) if isinstance(obj, dict) else None
    return obj


def _metadata(kind: Kind, meta: Object) -> Iterator[Cause]:
    name = meta.get("name", "")
    if not name:
        yield required("metadata.name", why="name or generateName is required")
    else:
        yield from _name(kind, name)
    for key, value in meta.get("labels", {}).items():
        yield from _key("metadata.labels", key)
        if len(value) > 63 or not VALUE.match(value):
            yield wrong(
                "metadata.labels", value, VALUE_RULE if len(value) <= 63 else "must be no more than 63 bytes"
            )
    for key in meta.get("annotations", ()):
        yield from _key("metadata.annotations", key.lower())
    for finalizer in meta.get("finalizers", ()):
        if "/" not in finalizer and finalizer not in ("orphan", "foregroundDeletion", "kubernetes"):
            yield wrong(
                "metadata.finalizers",
                finalizer,
                "name is neither a standard finalizer name nor is it fully qualified",
            )


def _name(kind: Kind, name: str) -> Iterator[Cause]:
    if kind.kind in FREE_NAMES and not kind.custom:
        if not PATH_SEGMENT.match(name):
            yield wrong("metadata.name", name, "may not contain '/' or '%'")
    elif kind.kind in SHORT_NAMES and not kind.custom:
        if len(name) > 63:
            yield wrong("metadata.name", name, "must be no more than 63 characters")
        elif not LABEL.match(name):
            yield wrong("metadata.name", name, LABEL_RULE)
    elif len(name) > 253:
        yield wrong("metadata.name", name, "must be no more than 253 characters")
    elif not SUBDOMAIN.match(name):
        yield wrong("metadata.name", name, SUBDOMAIN_RULE)


def _key(path: str, key: str) -> Iterator[Cause]:
    prefix, slash, name = key.rpartition("/")
    if (
        (slash and (not SUBDOMAIN.match(prefix) or len(prefix) > 253))
        or not KEY.match(name)
        or len(name) > 63
    ):
        yield wrong(path, key, NAME_RULE)


def _fields(value: Any, shape: Shape, path: str) -> Iterator[Cause]:
    """Required fields, enumerations of custom kinds, and keys that occur twice in a list."""
    if shape.form == "object" and isinstance(value, dict):
        for name in shape.required:
            if name not in value:
                yield required(f"{path}.{name}".lstrip("."))
        for name, inner in value.items():
            if name in shape.fields:
                yield from _fields(inner, shape.fields[name], f"{path}.{name}".lstrip("."))
    elif shape.form == "list" and shape.item and isinstance(value, list):
        yield from _duplicates(value, shape, path)
        for index, inner in enumerate(value):
            yield from _fields(inner, shape.item, f"{path}[{index}]")
    elif shape.enum and value not in shape.enum:
        yield unsupported(path, str(value), shape.enum)


def _duplicates(items: list[Any], shape: Shape, path: str) -> Iterator[Cause]:
    seen = []
    for index, item in enumerate(items):
        if not shape.keys or not isinstance(item, dict):
            return
        key = [item.get(name) for name in shape.keys]
        if key in seen:
            yield Cause(
                f"{path}[{index}].{shape.keys[0]}", f'Duplicate value: "{key[0]}"', "FieldValueDuplicate"
            )
        seen.append(key)


def _values(kind: Kind, obj: Object) -> Iterator[Cause]:
    if kind.custom:
        return
    for path, allowed in ENUMS.get(kind.kind, ()):
        value = _at(obj, path)
        if value is not None and value not in allowed:
            yield unsupported(path, value, allowed)
    if kind.kind in ("PersistentVolume", "PersistentVolumeClaim"):
        yield from _access_modes(obj["spec"])
    if kind.kind in ("Secret", "ConfigMap"):
        for key in (*obj.get("data", ()), *obj.get("binaryData", ())):
            if not DATA_KEY.match(key):
                yield wrong(
                    f"data[{key}]",
                    key,
                    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
                )
    if kind.kind == "Pod":
        yield from pod_values(obj["spec"])
    if kind.kind == "NetworkPolicy":
        yield from _peers(obj.get("spec", {}))
    if kind.kind == "CustomResourceDefinition":
        expected = f"{obj['spec']['names'].get('plural')}.{obj['spec']['group']}"
        if obj["metadata"]["name"] != expected:
            yield wrong("metadata.name", obj["metadata"]["name"], 'must be spec.names.plural+"."+spec.group')


def _access_modes(spec: Object) -> Iterator[Cause]:
    modes = spec.get("accessModes", ())
    if not modes:
        yield required("spec.accessModes", why="at least 1 access mode is required")
    for mode in modes:
        if mode not in ACCESS_MODES:
            yield unsupported("spec.accessModes", mode, ACCESS_MODES)


def _peers(spec: Object) -> Iterator[Cause]:
    for side, inner in (("ingress", "from"), ("egress", "to")):
        for at, rule in enumerate(spec.get(side, ())):
            for number, peer in enumerate(rule.get(inner, ())):
                yield from _peer(peer, f"spec.{side}[{at}].{inner}[{number}]")


def _peer(peer: Object, path: str) -> Iterator[Cause]:
    if not peer:
        yield required(path, why="must specify a peer")
    block = peer.get("ipBlock", {})
    for name, value in [("cidr", block.get("cidr")), *(("except", one) for one in block.get("except", ()))]:
        if value is not None and not _is_cidr(value):
            why = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
            yield wrong(f"{path}.ipBlock.{name}", value, why)


def _is_cidr(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return "/" in text
