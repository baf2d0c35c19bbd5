"""The environment variables of a container, as its pod declares them."""

import re
from collections.abc import Mapping
from typing import Any

from k8s.embedded.kubelet.sandbox import CannotStart
from k8s.embedded.kubelet.volumes import file_contents
from k8s.embedded.store import Store

Object = dict[str, Any]

_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_.][A-Za-z0-9_.-]*)\)")


def expand(text: str, values: Mapping[str, str]) -> str:
    """Replace `$(NAME)` as Kubernetes does: unknown names stay, `$$` is a dollar sign."""

    def replacement(match: re.Match[str]) -> str:
        return values.get(match[1], match[0]) if match[1] else "$"

    return _REFERENCE.sub(replacement, text)


def declared(store: Store, pod: Object) -> dict[str, str]:
    """The variables of the pod's first container, references resolved. Raises CannotStart."""
    container, namespace = pod["spec"]["containers"][0], pod["metadata"]["namespace"]
    values: dict[str, str] = {}
    for source in container.get("envFrom") or []:
        resource, reference = _whole(source)
        contents = file_contents(store, resource, namespace, reference["name"])
        if contents is None and not reference.get("optional"):
            raise CannotStart(f'{resource.removesuffix("s")} "{reference["name"]}" not found')
        prefix = source.get("prefix", "")
        values |= {f"{prefix}{key}": value.decode() for key, value in (contents or {}).items()}
    for variable in container.get("env") or []:
        value = _value(store, pod, variable, values)
        if value is not None:
            values[variable["name"]] = value
    return values


def _whole(source: Object) -> tuple[str, Object]:
    if "secretRef" in source:
        return "secrets", source["secretRef"]
    return "configmaps", source["configMapRef"]


def _value(store: Store, pod: Object, variable: Object, earlier: Mapping[str, str]) -> str | None:
    source = variable.get("valueFrom")
    if not source:
        return expand(variable.get("value") or "", earlier)
    if "fieldRef" in source:
        return _field(pod, source["fieldRef"]["fieldPath"])
    for key, resource in (("secretKeyRef", "secrets"), ("configMapKeyRef", "configmaps")):
        if key in source:
            return _key(store, pod["metadata"]["namespace"], resource, source[key])
    raise CannotStart(
        f"variable {variable['name']} takes its value from something the embedded cluster lacks"
    )


def _key(store: Store, namespace: str, resource: str, reference: Object) -> str | None:
    noun = resource.removesuffix("s")
    contents = file_contents(store, resource, namespace, reference["name"])
    if contents is not None and reference["key"] in contents:
        return contents[reference["key"]].decode()
    if reference.get("optional"):
        return None
    if contents is None:
        raise CannotStart(f'{noun} "{reference["name"]}" not found')
    raise CannotStart(f"couldn't find key {reference['key']} in {noun} {namespace}/{reference['name']}")


def _field(pod: Object, path: str) -> str:
    match = re.fullmatch(r"metadata\.(labels|annotations)\['(.+)'\]", path)
    if match:
        return str((pod["metadata"].get(match[1]) or {}).get(match[2], ""))
    found: Any = pod
    for part in path.split("."):
        found = found.get(part, "") if isinstance(found, dict) else ""
    return str(found)
