"""Volume claims: bound to a volume meant for them, one that fits, or one made for them; kept in use."""

from typing import Any

from k8s.embedded.admission.usage import is_finished
from k8s.embedded.objects.quantities import parse
from k8s.embedded.objects.selectors import matches
from k8s.embedded.store import AlreadyStored, Store, timestamp

Object = dict[str, Any]

CLAIMS, VOLUMES = "persistentvolumeclaims", "persistentvolumes"
CLAIM_PROTECTION = "kubernetes.io/pvc-protection"
DRIVER = "embedded.cluster/folders"
BOUND = "pv.kubernetes.io/bind-completed"
PROVISIONED = "pv.kubernetes.io/provisioned-by"
# These classes promise volumes made by hand only.
NO_PROVISIONER = "kubernetes.io/no-provisioner"


class Volumes:
    """Fed with every change; sweeps for what it missed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def react(self, change: str, obj: Object) -> None:
        match obj["kind"]:
            case "PersistentVolumeClaim" if change == "DELETED":
                self._free(obj)
            case "PersistentVolumeClaim":
                self._tend(obj)
            case "PersistentVolume" | "StorageClass" if change != "DELETED":
                self.sweep()
            case "Pod" if change == "DELETED" or is_finished(obj):
                for record in self._store.records(CLAIMS, obj["metadata"]["namespace"]):
                    self._unprotect(record.object)
            case _:
                return

    def sweep(self) -> None:
        for record in self._store.records(VOLUMES):
            if record.object.get("status", {}).get("phase") == "Pending":
                self._set_volume_phase(record.object, "Available")
        for record in self._store.records(CLAIMS):
            claim = record.object
            if claim.get("status", {}).get("phase") != "Bound" or "deletionTimestamp" in claim["metadata"]:
                self._tend(claim)

    def _tend(self, claim: Object) -> None:
        self._unprotect(claim)
        if claim.get("status", {}).get("phase") == "Bound" or "deletionTimestamp" in claim["metadata"]:
            self._grow(claim)
            return
        with self._store.lock:
            volume = self._find(claim) or self._make(claim)
            if volume:
                self._bind(claim, volume)

    def _find(self, claim: Object) -> Object | None:
        wanted = claim["spec"].get("volumeName")
        named = self._store.find(VOLUMES, None, wanted) if wanted else None
        records = [named] if named else [] if wanted else self._store.records(VOLUMES)
        volumes = [record.object for record in records]
        made_for_it = [one for one in volumes if _is_for(one, claim)]
        fitting = [one for one in volumes if "claimRef" not in one["spec"] and (wanted or _fits(one, claim))]
        smallest = sorted(fitting, key=lambda one: parse(one["spec"].get("capacity", {}).get("storage", "0")))
        return next(iter((*made_for_it, *smallest)), None)

    def _make(self, claim: Object) -> Object | None:
        spec = claim["spec"]
        record = self._store.find("storageclasses", None, spec.get("storageClassName", ""))
        if record is None or spec.get("volumeName") or record.object["provisioner"] == NO_PROVISIONER:
            return None
        name = f"pvc-{claim['metadata']['uid']}"
        volume = {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": name, "annotations": {PROVISIONED: record.object["provisioner"]}},
            "spec": {
                "accessModes": spec["accessModes"],
                "capacity": {"storage": spec.get("resources", {}).get("requests", {}).get("storage", "0")},
                "csi": {"driver": DRIVER, "volumeHandle": name},
                "persistentVolumeReclaimPolicy": record.object.get("reclaimPolicy", "Delete"),
                "storageClassName": spec["storageClassName"],
                "volumeMode": spec.get("volumeMode", "Filesystem"),
            },
            "status": {"phase": "Pending"},
        }
        try:
            return self._store.create(VOLUMES, None, volume)
        except AlreadyStored:
            return self._store.get(VOLUMES, None, name)

    def _bind(self, claim: Object, volume: Object) -> None:
        meta, name = claim["metadata"], volume["metadata"]["name"]

        def take(obj: Object) -> None:
            reference = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
            reference |= {key: meta[key] for key in ("namespace", "name", "uid", "resourceVersion")}
            obj["spec"]["claimRef"] = reference
            obj["status"] = {"phase": "Bound", "lastPhaseTransitionTime": timestamp()}

        def settle(obj: Object) -> None:
            obj["metadata"].setdefault("annotations", {})[BOUND] = "yes"
            obj["spec"]["volumeName"] = name
            spec = volume["spec"]
            obj["status"] = {
                "phase": "Bound",
                "accessModes": spec.get("accessModes", []),
                "capacity": spec.get("capacity", {}),
            }

        self._store.modify(VOLUMES, None, name, take)
        self._store.modify(CLAIMS, meta["namespace"], meta["name"], settle)

    def _grow(self, claim: Object) -> None:
        """A bound claim of a provisioned volume gets what it asks for, if that is more."""
        volume = self._store.get(VOLUMES, None, claim["spec"].get("volumeName", ""))
        wanted = claim["spec"].get("resources", {}).get("requests", {}).get("storage", "0")
        if volume is None or PROVISIONED not in volume["metadata"].get("annotations", {}):
            return
        if parse(wanted) <= parse(volume["spec"]["capacity"]["storage"]):
            return
        meta = claim["metadata"]
        name = volume["metadata"]["name"]
        self._store.modify(VOLUMES, None, name, lambda obj: obj["spec"]["capacity"].update(storage=wanted))
        self._store.modify(
            CLAIMS,
            meta["namespace"],
            meta["name"],
            lambda obj: obj["status"]["capacity"].update(storage=wanted),
        )

    def _free(self, claim: Object) -> None:
        volume = self._store.get(VOLUMES, None, claim["spec"].get("volumeName", ""))
        if volume is None or volume["spec"].get("claimRef", {}).get("uid") != claim["metadata"]["uid"]:
            return
        if volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete":
            self._store.remove(VOLUMES, None, volume["metadata"]["name"])
        else:
            self._set_volume_phase(volume, "Released")

    def _set_volume_phase(self, volume: Object, phase: str) -> None:
        def change(obj: Object) -> None:
            obj["status"] = {**obj.get("status", {}), "phase": phase, "lastPhaseTransitionTime": timestamp()}

        self._store.modify(VOLUMES, None, volume["metadata"]["name"], change)

    def _unprotect(self, claim: Object) -> None:
        """A claim that is being deleted waits for the pods that mount it."""
        meta = claim["metadata"]
        if "deletionTimestamp" not in meta or CLAIM_PROTECTION not in meta.get("finalizers", ()):
            return
        pods = self._store.records("pods", meta["namespace"])
        if any(_mounts(pod.object, meta["name"]) for pod in pods):
            return

        def release(obj: Object) -> None:
            kept = [one for one in obj["metadata"].get("finalizers", ()) if one != CLAIM_PROTECTION]
            obj["metadata"]["finalizers"] = kept

        self._store.modify(CLAIMS, meta["namespace"], meta["name"], release)


def _mounts(pod: Object, claim: str) -> bool:
    volumes = pod["spec"].get("volumes", ())
    named = any(one.get("persistentVolumeClaim", {}).get("claimName") == claim for one in volumes)
    return named and not is_finished(pod)


def _is_for(volume: Object, claim: Object) -> bool:
    """Whether the volume names this claim, or the one of the same name that is still to come."""
    reference, meta = volume["spec"].get("claimRef"), claim["metadata"]
    if not reference or (reference.get("namespace"), reference.get("name")) != (
        meta["namespace"],
        meta["name"],
    ):
        return False
    return bool(reference.get("uid", meta["uid"]) == meta["uid"])


def _fits(volume: Object, claim: Object) -> bool:
    offer, spec = volume["spec"], claim["spec"]
    wanted = spec.get("resources", {}).get("requests", {}).get("storage", "0")
    return (
        offer.get("storageClassName", "") == spec.get("storageClassName", "")
        and set(spec["accessModes"]) <= set(offer.get("accessModes", ()))
        and parse(offer.get("capacity", {}).get("storage", "0")) >= parse(wanted)
        and offer.get("volumeMode") == spec.get("volumeMode")
        and matches(spec.get("selector", {}), volume["metadata"].get("labels", {}))
    )
