"""What a cluster puts into each new namespace."""

import uuid
from pathlib import Path
from typing import Any

from k8s.embedded.objects.kinds import Kind
from k8s.embedded.store import Store, timestamp

Object = dict[str, Any]

# Clients may verify the server with this; filled by the server when it starts.
ROOT_CERTIFICATE: dict[str, str] = {}


def furnish(store: Store, kind: Kind, obj: Object) -> None:
    """Gives a new namespace its default service account and the cluster's certificate, as controllers would.

    Done with the creation itself rather than a moment later: clients never see a namespace without.
    """
    if kind.key != "namespaces":
        return
    name = obj["metadata"]["name"]
    _put(store, "serviceaccounts", _object("ServiceAccount", "default", name))
    _put(store, "configmaps", _object("ConfigMap", "kube-root-ca.crt", name) | {"data": dict(ROOT_CERTIFICATE)})


def load_root_certificate(folder: Path) -> None:
    ROOT_CERTIFICATE["ca.crt"] = (folder / "ca.crt").read_text()


def _object(kind: str, name: str, namespace: str) -> Object:
    meta = {
        "name": name,
        "namespace": namespace,
        "uid": str(uuid.uuid4()),
        "creationTimestamp": timestamp(),
    }
    return {"apiVersion": "v1", "kind": kind, "metadata": meta}


def _put(store: Store, resource: str, obj: Object) -> None:
    if store.find(resource, obj["metadata"]["namespace"], obj["metadata"]["name"]) is None:
        store.write(resource, obj)
