"""The folders behind a pod's volumes, and where in the notebook's home they appear."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from k8s.embedded.kubelet.sandbox import CannotStart, Mount
from k8s.embedded.store import Store

Object = dict[str, Any]

HOME = "/home/jovyan"


@dataclass(frozen=True, slots=True)
class Layout:
    """A pod's own folder (`room`), its home folder, and what is mounted."""

    room: Path
    home: Path
    mounts: tuple[Mount, ...]

    def local(self, path: str) -> Path:
        """Where a path inside the container lies on this machine."""
        inside = path.removeprefix(HOME)
        if inside != path and (not inside or inside.startswith("/")):
            return self.home / inside.strip("/")
        return self.room / "root" / path.strip("/")

    def places_in_home(self) -> list[Path]:
        """Where volumes appear in the home folder."""
        targets = [mount.target for mount in self.mounts]
        return [each for each in targets if each != self.home and each.is_relative_to(self.home)]


def claim_folder(data: Path, namespace: str, claim: str) -> Path:
    """Where a claim without a volume of its own keeps its files."""
    return data / "volumes" / namespace / claim


def layout(store: Store, pod: Object, *, data: Path) -> Layout:
    """Find, and for claims, secrets and scratch make, every folder the pod mounts. Raises CannotStart."""
    room = data / "pods" / pod["metadata"]["uid"]
    (room / "root").mkdir(parents=True, exist_ok=True)
    volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes") or []}
    sources = {name: _source(store, pod, volume, data=data) for name, volume in volumes.items()}
    mounts = pod["spec"]["containers"][0].get("volumeMounts") or []
    home = room / "home"
    for mount in mounts:
        if mount["mountPath"].rstrip("/") == HOME:
            home = _below(sources[mount["name"]][0], mount.get("subPath", ""))
    home.mkdir(parents=True, exist_ok=True)
    places = Layout(room, home, ())
    return Layout(room, home, tuple(_placed(mounts, sources, places)))


def _placed(mounts: list[Object], sources: dict[str, tuple[Path, bool]], places: Layout) -> Iterator[Mount]:
    for mount in mounts:
        folder, read_only = sources[mount["name"]]
        source = _below(folder, mount.get("subPath", ""))
        read_only = read_only or bool(mount.get("readOnly"))
        target = places.local(mount["mountPath"])
        if target != places.home:
            yield Mount(source, target, read_only)
        elif read_only:
            yield Mount(source, source, read_only)


def _below(folder: Path, sub_path: str) -> Path:
    below = folder / sub_path
    if not below.resolve().is_relative_to(folder.resolve()):
        raise CannotStart(f"subPath {sub_path} leads out of the volume")
    if not below.exists():
        below.mkdir(parents=True)
    return below


def _source(store: Store, pod: Object, volume: Object, *, data: Path) -> tuple[Path, bool]:
    """The folder of one volume and whether the volume itself is read-only."""
    namespace = pod["metadata"]["namespace"]
    scratch = data / "pods" / pod["metadata"]["uid"] / "volumes" / volume["name"]
    claim = volume.get("persistentVolumeClaim")
    if claim:
        folder, read_only = _claimed(store, namespace, claim["claimName"], data=data)
        return folder, read_only or bool(claim.get("readOnly"))
    scratch.mkdir(parents=True, exist_ok=True)
    if "emptyDir" in volume:
        return scratch, False
    for kind, resource in (("secret", "secrets"), ("configMap", "configmaps")):
        if kind in volume:
            _write_files(store, namespace, resource, volume[kind], scratch)
            return scratch, True
    raise CannotStart(f"volume {volume['name']} is of a type the embedded cluster does not have")


def _claimed(store: Store, namespace: str, name: str, *, data: Path) -> tuple[Path, bool]:
    claim = store.get("persistentvolumeclaims", namespace, name)
    if claim is None:
        raise CannotStart(f'persistentvolumeclaim "{name}" not found')
    volume_name = claim["spec"].get("volumeName")
    volume = store.get("persistentvolumes", None, volume_name) if volume_name else None
    spec = volume["spec"] if volume else {}
    modes = (claim["spec"].get("accessModes"), spec.get("accessModes"))
    path = (spec.get("hostPath") or spec.get("local") or {}).get("path")
    if not path:
        folder = claim_folder(data, namespace, name)
        folder.mkdir(parents=True, exist_ok=True)
    elif not (folder := Path(path)).is_dir():
        raise CannotStart(f"MountVolume.SetUp failed for volume {volume_name}: {path} is not a directory")
    return folder, ["ReadOnlyMany"] in modes


def _write_files(store: Store, namespace: str, resource: str, source: Object, folder: Path) -> None:
    name = source.get("secretName") or source.get("name", "")
    values = file_contents(store, resource, namespace, name)
    if values is None:
        if source.get("optional"):
            return
        raise CannotStart(f'{resource.removesuffix("s")} "{name}" not found')
    items = source.get("items") or [{"key": key, "path": key} for key in values]
    for item in items:
        file = folder / item["path"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_bytes(values[item["key"]])


def file_contents(store: Store, resource: str, namespace: str, name: str) -> dict[str, bytes] | None:
    """The values of a Secret or ConfigMap; None when it does not exist."""
    found = store.get(resource, namespace, name)
    if found is None:
        return None
    data = found.get("data") or {}
    if resource == "secrets":
        return {key: base64.b64decode(value) for key, value in data.items()}
    binary = {key: base64.b64decode(value) for key, value in (found.get("binaryData") or {}).items()}
    return {key: value.encode() for key, value in data.items()} | binary
