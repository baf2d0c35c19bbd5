"""Behaviours 26 to 31: the ways to change an object."""

import pytest

from . import objects
from .api import JSON_PATCH, STRATEGIC, Api, path, refused


@pytest.fixture
def here(api: Api, namespace: str) -> str:
    """The path of a ConfigMap with two entries."""
    api.create(path("configmaps", namespace), objects.config_map("a", {"colour": "blue", "size": "5"}))
    return path("configmaps", namespace, "a")


def test_a_merge_patch_changes_adds_and_removes(api: Api, here: str) -> None:
    """Behaviour 26."""
    api.patch(here, {"data": {"colour": "red", "taste": "sweet", "size": None}})
    assert api.get(here)["data"] == {"colour": "red", "taste": "sweet"}


def test_a_strategic_patch_merges_containers_by_name(api: Api, namespace: str) -> None:
    """Behaviour 27."""
    api.create(path("pods", namespace), objects.pod("p", containers=("main", "side")))
    change = {"spec": {"containers": [{"name": "side", "image": "registry.test/pause:2"}]}}
    api.patch(path("pods", namespace, "p"), change, content=STRATEGIC)
    containers = {each["name"]: each for each in api.get(path("pods", namespace, "p"))["spec"]["containers"]}
    assert containers["main"]["image"] == "registry.test/pause:1"
    assert containers["side"]["image"] == "registry.test/pause:2"
    assert containers["side"]["resources"]["limits"]["cpu"] == "1"


def test_a_json_patch_is_carried_out(api: Api, here: str) -> None:
    """Behaviour 28."""
    steps = [
        {"op": "test", "path": "/data/colour", "value": "blue"},
        {"op": "replace", "path": "/data/colour", "value": "red"},
        {"op": "add", "path": "/metadata/annotations", "value": {}},
        {"op": "add", "path": "/metadata/annotations/contract.test~1note", "value": "slash"},
        {"op": "remove", "path": "/data/size"},
    ]
    api.patch(here, steps, content=JSON_PATCH)
    found = api.get(here)
    assert found["data"] == {"colour": "red"}
    assert found["metadata"]["annotations"] == {"contract.test/note": "slash"}


def test_a_json_patch_whose_test_fails_changes_nothing(api: Api, here: str) -> None:
    """Behaviour 28."""
    steps = [
        {"op": "replace", "path": "/data/colour", "value": "red"},
        {"op": "test", "path": "/data/size", "value": "6"},
    ]
    with refused(422, "Invalid"):
        api.patch(here, steps, content=JSON_PATCH)
    assert api.get(here)["data"]["colour"] == "blue"


def test_replacing_drops_what_is_left_out(api: Api, here: str) -> None:
    """Behaviour 29."""
    whole = api.get(here)
    whole["data"] = {"colour": "green"}
    api.replace(here, whole)
    assert api.get(here)["data"] == {"colour": "green"}


def test_a_dry_run_answers_and_stores_nothing(api: Api, namespace: str, here: str) -> None:
    """Behaviour 30."""
    made = api.create(path("configmaps", namespace), objects.config_map("b"), dryRun="All")
    changed = api.patch(here, {"data": {"colour": "red"}}, dryRun="All")
    with refused(422, "Invalid"):
        api.create(path("configmaps", namespace), objects.config_map("Not valid"), dryRun="All")
    api.delete(here, dryRun="All")
    assert made["metadata"]["uid"]
    assert changed["data"]["colour"] == "red"
    assert api.get(here)["data"]["colour"] == "blue"
    assert "b" not in api.names(path("configmaps", namespace))


def test_status_is_written_by_itself(api: Api, namespace: str) -> None:
    """Behaviour 31."""
    api.create(path("pods", namespace), objects.pod("p"))
    at = path("pods", namespace, "p")
    status = {"status": {"phase": "Failed", "message": "by hand"}, "metadata": {"labels": {"a": "b"}}}
    api.patch(f"{at}/status", status)
    assert api.get(at)["status"]["message"] == "by hand"
    api.patch(at, {"status": {"message": "ignored"}, "metadata": {"labels": {"seen": "yes"}}})
    found = api.get(at)
    assert found["status"]["message"] == "by hand"
    assert found["metadata"]["labels"]["seen"] == "yes"
