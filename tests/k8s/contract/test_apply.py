"""Behaviours 32 to 38: server-side apply."""

import time
from pathlib import Path

import pytest
from kubernetes.dynamic import DynamicClient

from . import objects
from .api import Api, path, refused


@pytest.fixture
def here(namespace: str) -> str:
    """The path of a ConfigMap that does not exist yet."""
    return path("configmaps", namespace, "a")


def declared(**data: str) -> dict[str, object]:
    """What a manager declares: no labels, some data."""
    made = objects.config_map("a", data)
    del made["metadata"]["labels"]
    return made


def test_applying_to_nothing_creates(api: Api, here: str) -> None:
    """Behaviour 32."""
    api.apply(here, declared(colour="blue"))
    assert api.get(here)["data"] == {"colour": "blue"}


def test_applying_the_same_again_is_no_write(api: Api, here: str) -> None:
    """Behaviour 33; the pause is there because managedFields carry a time."""
    first = api.apply(here, declared(colour="blue"))
    again = api.apply(here, declared(colour="blue"))
    time.sleep(1.1)
    later = api.apply(here, declared(colour="blue"), force="true")
    versions = {each["metadata"]["resourceVersion"] for each in (first, again, later, api.get(here))}
    assert len(versions) == 1


def test_a_field_no_longer_declared_goes(api: Api, here: str) -> None:
    """Behaviour 34."""
    api.apply(here, declared(colour="blue", size="5"))
    api.apply(here, declared(colour="blue"))
    assert api.get(here)["data"] == {"colour": "blue"}


def test_a_field_of_another_manager_is_a_conflict_until_forced(api: Api, here: str) -> None:
    """Behaviour 35."""
    api.apply(here, declared(colour="blue"))
    api.patch(here, {"data": {"colour": "red"}}, fieldManager="somebody")
    with refused(409, "Conflict") as status:
        api.apply(here, declared(colour="blue"))
    assert status["details"]["causes"][0]["reason"] == "FieldManagerConflict"
    assert api.get(here)["data"]["colour"] == "red"
    api.apply(here, declared(colour="blue"), force="true")
    assert api.get(here)["data"]["colour"] == "blue"


def test_what_others_added_survives(api: Api, here: str) -> None:
    """Behaviour 36."""
    api.apply(here, declared(colour="blue"))
    theirs = {"metadata": {"labels": {"theirs": "yes"}, "annotations": {"note": "keep"}}, "data": {"x": "y"}}
    api.patch(here, theirs, fieldManager="somebody")
    api.apply(here, declared(colour="green"), force="true")
    found = api.get(here)
    assert found["metadata"]["labels"] == {"theirs": "yes"}
    assert found["metadata"]["annotations"] == {"note": "keep"}
    assert found["data"] == {"colour": "green", "x": "y"}


def test_managed_fields_name_the_manager(api: Api, here: str) -> None:
    """Behaviour 37."""
    api.apply(here, declared(colour="blue"))
    api.patch(here, {"data": {"size": "5"}}, fieldManager="somebody")
    managed = {each["manager"]: each for each in api.get(here)["metadata"]["managedFields"]}
    assert managed["portal"]["operation"] == "Apply"
    assert managed["portal"]["fieldsV1"]["f:data"] == {"f:colour": {}}
    assert managed["somebody"]["operation"] == "Update"


def test_the_dynamic_client_discovers_and_applies(api: Api, namespace: str, tmp_path: Path) -> None:
    """Behaviour 38."""
    dynamic = DynamicClient(api.client, cache_file=str(tmp_path / "discovery"))
    maps = dynamic.resources.get(api_version="v1", kind="ConfigMap")
    policies = dynamic.resources.get(api_version="networking.k8s.io/v1", kind="NetworkPolicy")
    made = maps.server_side_apply(
        body=declared(colour="blue"), namespace=namespace, field_manager="portal", force_conflicts=True
    )
    assert made.data.colour == "blue"
    assert maps.get(name="a", namespace=namespace).data.colour == "blue"
    assert policies.get(namespace=namespace).items == []
