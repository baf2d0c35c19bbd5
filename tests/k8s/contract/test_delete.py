"""Behaviours 39 to 44: deleting, finalizers and what goes along."""

import secrets

import pytest
from kubernetes.client.exceptions import ApiException

from . import objects
from .api import Api, path, refused
from .waiting import eventually


def is_gone(api: Api, at: str) -> bool:
    try:
        api.get(at)
    except ApiException as error:
        return error.status == 404
    return False


def held(name: str) -> dict[str, object]:
    made = objects.config_map(name)
    made["metadata"]["finalizers"] = ["contract.test/hold"]
    return made


def test_what_is_deleted_is_not_found(api: Api, namespace: str) -> None:
    """Behaviour 39."""
    at = path("configmaps", namespace, "a")
    api.create(path("configmaps", namespace), objects.config_map("a"))
    api.delete(at)
    with refused(404, "NotFound"):
        api.get(at)
    with refused(404, "NotFound"):
        api.delete(at)


def test_a_collection_is_deleted_by_label(api: Api, namespace: str) -> None:
    """Behaviour 40."""
    for name, colour in (("a", "red"), ("b", "red"), ("c", "blue")):
        body = objects.config_map(name, labels={"colour": colour})
        api.create(path("configmaps", namespace), body)
    api.delete(path("configmaps", namespace), labelSelector="colour=red")
    assert api.names(path("configmaps", namespace), labelSelector="colour") == ["c"]


def test_a_finalizer_holds_until_it_is_removed(api: Api, namespace: str) -> None:
    """Behaviour 41."""
    at = path("configmaps", namespace, "a")
    api.create(path("configmaps", namespace), held("a"))
    api.delete(at)
    assert api.get(at)["metadata"]["deletionTimestamp"]
    api.patch(at, {"metadata": {"finalizers": None}})
    assert is_gone(api, at)


@pytest.mark.controllers
def test_a_namespace_takes_its_objects_along(api: Api) -> None:
    """Behaviour 42."""
    name = f"contract-{secrets.token_hex(4)}"
    api.create(path("namespaces"), objects.namespace(name, {}))
    api.create(path("configmaps", name), objects.config_map("a"))
    api.create(path("networkpolicies", name), _network_policy())
    api.delete(path("namespaces", name=name))
    eventually(lambda: is_gone(api, path("namespaces", name=name)), within=20, what="namespace gone")
    assert is_gone(api, path("configmaps", name, "a"))


def _network_policy() -> dict[str, object]:
    spec = {"podSelector": {}, "policyTypes": ["Ingress"]}
    kind = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
    return kind | {"metadata": {"name": "deny"}, "spec": spec}


@pytest.mark.controllers
def test_a_held_namespace_is_terminating_and_takes_nothing_new(api: Api) -> None:
    """Behaviour 43."""
    name = f"contract-{secrets.token_hex(4)}"
    at = path("namespaces", name=name)
    api.create(path("namespaces"), objects.namespace(name, {}))
    api.create(path("configmaps", name), held("a"))
    api.delete(at)
    eventually(lambda: api.get(at)["status"]["phase"] == "Terminating", what="Terminating")
    with refused(403, "Forbidden"):
        api.create(path("configmaps", name), objects.config_map("b"))
    api.patch(path("configmaps", name, "a"), {"metadata": {"finalizers": None}})
    eventually(lambda: is_gone(api, at), within=20, what="namespace gone")


@pytest.mark.controllers
def test_dependants_go_with_their_owner(api: Api, namespace: str) -> None:
    """Behaviour 44."""
    owner = api.create(path("configmaps", namespace), objects.config_map("owner"))
    dependant = objects.config_map("dependant")
    dependant["metadata"]["ownerReferences"] = objects.owned_by(owner)
    api.create(path("configmaps", namespace), dependant)
    api.delete(path("configmaps", namespace, "owner"))
    gone = path("configmaps", namespace, "dependant")
    eventually(lambda: is_gone(api, gone), within=20, what="dependant gone")
