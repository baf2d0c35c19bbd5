"""Behaviours 56 to 59: who one is and what one may."""

from collections.abc import Iterator

import pytest

from . import objects
from .api import Api, path, refused


@pytest.fixture
def uma(api: Api, namespace: str) -> Iterator[Api]:
    """Uma, who may read pods in the namespace and nothing else."""
    api.create(path("roles", namespace), objects.role("reader", resource="pods", verbs=["get", "list"]))
    binding = objects.role_binding("readers", role_name="reader", user="oidc:uma")
    api.create(path("rolebindings", namespace), binding)
    person = api.as_user("oidc:uma")
    yield person
    person.client.close()


def may(api: Api, namespace: str, verb: str, resource: str, *, user: str = "") -> bool:
    """What the server's own review says; about the caller when no user is named."""
    kind = "SubjectAccessReview" if user else "SelfSubjectAccessReview"
    spec = {"resourceAttributes": {"namespace": namespace, "verb": verb, "resource": resource}}
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}
    if user:
        spec["user"] = user
    return api.create(path(f"{kind.lower()}s"), body)["status"].get("allowed", False)


def test_a_token_request_answers_a_token_that_is_the_account(api: Api, namespace: str) -> None:
    """Behaviour 56."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot"}}
    api.create(path("serviceaccounts", namespace), account)
    body = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": 600},
    }
    status = api.create(path("serviceaccounts", namespace, "robot", sub="token"), body)["status"]
    robot = api.with_token(status["token"])
    assert status["token"].count(".") == 2
    assert status["expirationTimestamp"]
    with refused(403, "Forbidden") as said:
        robot.items(path("pods", namespace))
    assert f"system:serviceaccount:{namespace}:robot" in said["message"]
    robot.client.close()


def test_access_reviews_answer_from_roles(api: Api, namespace: str, uma: Api) -> None:
    """Behaviour 57."""
    assert may(api, namespace, "list", "pods", user="oidc:uma")
    assert not may(api, namespace, "delete", "pods", user="oidc:uma")
    assert not may(api, namespace, "list", "secrets", user="oidc:uma")
    assert not may(api, "default", "list", "pods", user="oidc:uma")
    assert may(uma, namespace, "list", "pods")
    assert not may(uma, namespace, "list", "secrets")
    assert may(api, namespace, "delete", "secrets")


def test_acting_as_a_user_has_that_users_rights(api: Api, namespace: str, uma: Api) -> None:
    """Behaviour 58."""
    assert uma.items(path("pods", namespace)) == []
    with refused(403, "Forbidden") as status:
        uma.create(path("pods", namespace), objects.pod("p"))
    assert 'User "oidc:uma" cannot create resource "pods"' in status["message"]
    sam = api.as_user("oidc:sam")
    with refused(403, "Forbidden"):
        sam.items(path("pods", namespace))
    sam.client.close()


def test_a_wrong_token_is_unauthorized(api: Api, namespace: str) -> None:
    """Behaviour 59."""
    stranger = api.with_token("not-a-token")
    with refused(401, "Unauthorized"):
        stranger.items(path("pods", namespace))
    stranger.client.close()
