"""Checks of a pod beyond its fields' types: containers, mounts, resources, and what an update may change."""

from collections.abc import Iterator
from typing import Any

from k8s.embedded.objects.errors import Cause, required, wrong
from k8s.embedded.objects.names import LABEL, LABEL_RULE
from k8s.embedded.objects.quantities import parse

Object = dict[str, Any]

STANDARD = frozenset(("cpu", "memory", "ephemeral-storage"))

# A pod's spec is fixed, these apart.
POD_MUTABLE = frozenset(("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds"))


def pod_update(spec: Object, before: Object) -> Iterator[Cause]:
    def fixed(one: Object) -> Object:
        kept = {key: value for key, value in one.items() if key not in POD_MUTABLE}
        for name in ("containers", "initContainers"):
            kept[name] = [{**c, "image": ""} for c in one.get(name, ())]
        return kept

    if fixed(spec) != fixed(before):
        yield Cause(
            "spec",
            "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
            "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions "
            "to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it "
            "was previously negative)",
            "FieldValueForbidden",
        )


def pod_values(spec: Object) -> Iterator[Cause]:
    if not spec.get("containers"):
        yield required("spec.containers")
    volumes = {volume.get("name") for volume in spec.get("volumes", ())}
    for index, container in enumerate(spec.get("containers", ())):
        here = f"spec.containers[{index}]"
        if not LABEL.match(container.get("name", "")):
            yield wrong(f"{here}.name", container.get("name", ""), LABEL_RULE)
        yield from _resources(container.get("resources", {}), f"{here}.resources")
        if not container.get("image"):
            yield required(f"{here}.image")
        for number, mount in enumerate(container.get("volumeMounts", ())):
            if mount.get("name") not in volumes:
                yield Cause(
                    f"{here}.volumeMounts[{number}].name",
                    f'Not found: "{mount.get("name")}"',
                    "FieldValueNotFound",
                )


def _resources(resources: Object, path: str) -> Iterator[Cause]:
    limits, requests = resources.get("limits", {}), resources.get("requests", {})
    for side, values in (("limits", limits), ("requests", requests)):
        for name, value in values.items():
            yield from _amount(name, value, f"{path}.{side}")
    for name, value in requests.items():
        yield from _against_limit(name, value, limits.get(name), path)


def _amount(name: str, value: str, path: str) -> Iterator[Cause]:
    if name not in STANDARD and "/" not in name and not name.startswith("hugepages-"):
        yield wrong(f"{path}[{name}]", name, "must be a standard resource type or fully qualified")
    elif parse(value) < 0:
        yield wrong(f"{path}[{name}]", value, "must be greater than or equal to 0")
    elif "/" in name and parse(value) % 1:
        yield wrong(f"{path}[{name}]", value, "must be an integer")


def _against_limit(name: str, value: str, limit: str | None, path: str) -> Iterator[Cause]:
    """Devices are not shared: their request is their limit. The rest may ask for less than its limit."""
    if limit is None:
        if name not in STANDARD:
            yield required(f"{path}.limits", why="Limit must be set for non overcommitable resources")
    elif name not in STANDARD and parse(value) != parse(limit):
        yield wrong(f"{path}.requests", value, f"must be equal to {name} limit of {limit}")
    elif parse(value) > parse(limit):
        yield wrong(f"{path}.requests", value, f"must be less than or equal to {name} limit of {limit}")
