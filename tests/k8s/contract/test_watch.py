"""Behaviours 45 to 50: watching."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
from kubernetes.client.exceptions import ApiException
from kubernetes.watch import Watch

from . import objects
from .api import Api, path
from .servers import Server

Seen = list[tuple[str, str]]


def watched(
    api: Api, namespace: str, version: str, *, expect: int, seconds: int = 5, label: str = ""
) -> Seen:
    """(type, name) of up to `expect` changes of ConfigMaps after `version`."""
    seen: Seen = []
    stream = Watch().stream(
        api.core.list_namespaced_config_map,
        namespace,
        resource_version=version,
        timeout_seconds=seconds,
        **({"label_selector": label} if label else {}),
    )
    with closing(stream):
        for event in stream:
            seen.append((event["type"], event["object"].metadata.name))
            if len(seen) == expect:
                break
    return seen


@contextmanager
def a_moment_later(act: Callable[[], None]) -> Iterator[None]:
    """`act` happens beside the block, after it has begun."""
    timer = threading.Timer(0.3, act)
    timer.start()
    yield
    timer.join()


@pytest.fixture
def version(api: Api, namespace: str) -> str:
    """The version of the list before anything below happens; one object is there already."""
    api.create(path("configmaps", namespace), objects.config_map("before"))
    return api.get(path("configmaps", namespace))["metadata"]["resourceVersion"]


def test_changes_arrive_in_order_while_they_happen(api: Api, namespace: str, version: str) -> None:
    """Behaviour 45."""

    def live_and_die() -> None:
        api.create(path("configmaps", namespace), objects.config_map("a"))
        api.patch(path("configmaps", namespace, "a"), {"data": {"colour": "red"}})
        api.delete(path("configmaps", namespace, "a"))

    with a_moment_later(live_and_die):
        seen = watched(api, namespace, version, expect=3)
    assert seen == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]


def test_a_version_replays_nothing_older_and_misses_nothing_newer(
    api: Api, namespace: str, version: str
) -> None:
    """Behaviour 46."""
    for number in range(10):
        api.create(path("configmaps", namespace), objects.config_map(f"n{number}"))
    later = lambda: api.create(path("configmaps", namespace), objects.config_map("late"))  # noqa: E731
    with a_moment_later(later):
        seen = watched(api, namespace, version, expect=11)
    assert seen == [("ADDED", f"n{number}") for number in range(10)] + [("ADDED", "late")]


def test_a_delete_missed_while_away_is_delivered(api: Api, namespace: str, version: str) -> None:
    """Behaviour 47."""
    api.delete(path("configmaps", namespace, "before"))
    assert watched(api, namespace, version, expect=1) == [("DELETED", "before")]


def test_a_label_selector_filters_the_stream(api: Api, namespace: str, version: str) -> None:
    """Behaviour 48; an object that loses the label leaves the stream as deleted."""
    for name, colour in (("a", "red"), ("b", "blue"), ("c", "red")):
        api.create(path("configmaps", namespace), objects.config_map(name, labels={"colour": colour}))
    api.patch(path("configmaps", namespace, "a"), {"metadata": {"labels": {"colour": "blue"}}})
    seen = watched(api, namespace, version, expect=3, label="colour=red")
    assert seen == [("ADDED", "a"), ("ADDED", "c"), ("DELETED", "a")]


def test_a_timeout_ends_the_stream(api: Api, namespace: str, version: str) -> None:
    """Behaviour 49."""
    began = time.monotonic()
    assert watched(api, namespace, version, expect=1, seconds=1) == []
    assert 0.5 < time.monotonic() - began < 4


def test_a_compacted_version_is_gone(api: Api, namespace: str, server: Server) -> None:
    """Behaviour 50."""
    api.create(path("configmaps", namespace), objects.config_map("a"))
    forgotten = server.forget()
    with pytest.raises(ApiException) as caught:
        watched(api, namespace, forgotten, expect=1, seconds=2)
    assert caught.value.status == 410
