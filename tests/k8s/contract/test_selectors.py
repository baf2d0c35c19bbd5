"""Behaviours 20 to 25: choosing, paging and versions of lists."""

import pytest

from . import objects
from .api import Api, path

LABELS = {
    "a": {"tier": "gold", "app": "nb"},
    "b": {"tier": "silver", "app": "nb"},
    "c": {"tier": "bronze"},
    "d": {"app": "job"},
}


@pytest.fixture
def labelled(api: Api, namespace: str) -> str:
    for name, labels in LABELS.items():
        api.create(path("pods", namespace), _labelled_pod(name, labels))
    return namespace


def _labelled_pod(name: str, labels: dict[str, str]) -> dict[str, object]:
    made = objects.pod(name)
    made["metadata"]["labels"] = labels
    return made


@pytest.mark.parametrize(
    ("selector", "expected"),
    [("tier=gold", "a"), ("app==nb", "ab"), ("tier!=gold", "bcd"), ("tier=none", "")],
)
def test_labels_are_selected_by_equality(api: Api, labelled: str, selector: str, expected: str) -> None:
    """Behaviour 20."""
    assert api.names(path("pods", labelled), labelSelector=selector) == list(expected)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("tier in (gold, silver)", "ab"),
        ("tier notin (gold, silver)", "cd"),
        ("tier", "abc"),
        ("!tier", "d"),
        ("tier in (gold,silver),app=nb,tier!=silver", "a"),
        ("app,!tier", "d"),
    ],
)
def test_labels_are_selected_by_sets(api: Api, labelled: str, selector: str, expected: str) -> None:
    """Behaviour 21."""
    assert api.names(path("pods", labelled), labelSelector=selector) == list(expected)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("metadata.name=b", "b"),
        ("status.phase=Pending", "abcd"),
        ("status.phase!=Pending", ""),
        ("metadata.name!=b,status.phase=Pending", "acd"),
        ("spec.nodeName=elsewhere", ""),
    ],
)
def test_fields_are_selected(api: Api, labelled: str, selector: str, expected: str) -> None:
    """Behaviour 22."""
    assert api.names(path("pods", labelled), fieldSelector=selector) == list(expected)


def test_pages_hold_each_object_once(api: Api, namespace: str) -> None:
    """Behaviour 23."""
    expected = {f"page-{number:02}" for number in range(23)}
    for name in expected:
        api.create(path("configmaps", namespace), objects.config_map(name, labels={"paged": "yes"}))
    seen: list[str] = []
    token = ""
    while True:
        page = api.get(path("configmaps", namespace), limit=5, labelSelector="paged=yes", **_continue(token))
        assert len(page["items"]) <= 5
        seen += [item["metadata"]["name"] for item in page["items"]]
        token = page["metadata"].get("continue", "")
        if not token:
            break
    assert len(seen) == len(expected)
    assert set(seen) == expected


def _continue(token: str) -> dict[str, str]:
    return {"continue": token} if token else {}


def test_the_version_of_a_list_rises_with_writes(api: Api, namespace: str) -> None:
    """Behaviour 24."""
    before = api.get(path("configmaps", namespace))["metadata"]["resourceVersion"]
    made = api.create(path("configmaps", namespace), objects.config_map("a"))
    after = api.get(path("configmaps", namespace))["metadata"]["resourceVersion"]
    assert int(before) < int(made["metadata"]["resourceVersion"]) <= int(after)


def test_a_kind_is_listed_over_all_namespaces(api: Api, namespace: str) -> None:
    """Behaviour 25."""
    api.create(path("configmaps", namespace), objects.config_map("here", labels={"only": namespace}))
    found = api.items(path("configmaps"), labelSelector=f"only={namespace}")
    assert [(item["metadata"]["namespace"], item["metadata"]["name"]) for item in found] == [
        (namespace, "here")
    ]
    assert len(api.items(path("configmaps"))) >= len(found)
