"""What a cluster puts into each new namespace."""

import uuid
from typing import Any

from k8s.embedded.store import Store, timestamp

Object = dict[str, Any]


def furnish(store: Store, namespace: str, *, certificate: str) -> None:
    """Gives a new namespace its default service account and the cluster's certificate, as controllers would.

    Done with the creation itself rather than a moment later: clients never see a namespace without.
    """
    _put(store, "serviceaccounts", _object("ServiceAccount", "default", namespace))
    certificates = _object("ConfigMap", "kube-root-ca.crt", namespace) | {"data": {"ca.crt": certificate}}
    _put(store, "configmaps", certificates)


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
