"""Behaviours 13 to 19: a refusal is a `Status` with code and reason."""

import pytest

from . import objects
from .api import Api, path, refused


def test_reading_what_is_missing_is_not_found(api: Api, namespace: str) -> None:
    """Behaviour 13."""
    with refused(404, "NotFound") as status:
        api.get(path("pods", namespace, "nobody"))
    assert status["message"] == 'pods "nobody" not found'


def test_creating_a_name_twice_already_exists(api: Api, namespace: str) -> None:
    """Behaviour 14."""
    api.create(path("configmaps", namespace), objects.config_map("a"))
    with refused(409, "AlreadyExists"):
        api.create(path("configmaps", namespace), objects.config_map("a"))


def test_creating_in_a_missing_namespace_is_not_found(api: Api) -> None:
    """Behaviour 15."""
    with refused(404, "NotFound"):
        api.create(path("configmaps", "contract-nowhere"), objects.config_map("a"))


@pytest.mark.parametrize("name", ["Upper", "under_score", "-dash", "a" * 254])
def test_a_name_that_is_no_dns_name_is_invalid(api: Api, namespace: str, name: str) -> None:
    """Behaviour 16."""
    with refused(422, "Invalid") as status:
        api.create(path("configmaps", namespace), objects.config_map(name))
    assert status["details"]["causes"][0]["field"] == "metadata.name"


def test_a_misspelt_field_is_refused_when_validation_is_strict(api: Api, namespace: str) -> None:
    """Behaviour 17."""
    misspelt = objects.pod("p", nodeSelektor={"a": "b"})
    with refused(400, "BadRequest") as status:
        api.create(path("pods", namespace), misspelt, fieldValidation="Strict")
    assert "nodeSelektor" in status["message"]
    assert api.names(path("pods", namespace)) == []


def test_replacing_an_outdated_version_is_a_conflict(api: Api, namespace: str) -> None:
    """Behaviour 18."""
    made = api.create(path("configmaps", namespace), objects.config_map("a"))
    api.patch(path("configmaps", namespace, "a"), {"data": {"colour": "red"}})
    with refused(409, "Conflict"):
        api.replace(path("configmaps", namespace, "a"), made)


def test_deleting_another_uid_is_a_conflict(api: Api, namespace: str) -> None:
    """Behaviour 19."""
    api.create(path("configmaps", namespace), objects.config_map("a"))
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": "somebody-else"}}
    with refused(409, "Conflict"):
        api.delete(path("configmaps", namespace, "a"), options)
    assert "a" in api.names(path("configmaps", namespace))
