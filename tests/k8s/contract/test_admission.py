"""Behaviours 51 to 55: quotas, defaults and Pod Security."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from kubernetes.client.exceptions import ApiException

from . import objects
from .api import Api, path, refused
from .waiting import eventually

REQUESTED = f"requests.{objects.GPU}"


def used(api: Api, namespace: str) -> str | None:
    status = api.get(path("resourcequotas", namespace, "gpus")).get("status", {})
    return status.get("used", {}).get(REQUESTED)


def limit_gpus(api: Api, namespace: str, gpus: int) -> None:
    api.create(path("resourcequotas", namespace), objects.gpu_quota(gpus))
    eventually(lambda: used(api, namespace) == "0", what="the quota to be counted")


@pytest.mark.controllers
def test_the_pod_beyond_the_gpu_quota_is_forbidden(api: Api, namespace: str) -> None:
    """Behaviour 51."""
    limit_gpus(api, namespace, 2)
    api.create(path("pods", namespace), objects.pod("two", gpus=2))
    with refused(403, "Forbidden") as status:
        api.create(path("pods", namespace), objects.pod("one", gpus=1))
    assert f"exceeded quota: gpus, requested: {REQUESTED}=1, used: {REQUESTED}=2" in status["message"]
    assert api.names(path("pods", namespace)) == ["two"]


@pytest.mark.controllers
def test_the_use_of_a_quota_follows_pods(api: Api, namespace: str) -> None:
    """Behaviour 52."""
    limit_gpus(api, namespace, 4)
    api.create(path("pods", namespace), objects.pod("a", gpus=3))
    eventually(lambda: used(api, namespace) == "3", what="three in use")
    api.delete(path("pods", namespace, "a"))
    eventually(lambda: used(api, namespace) == "0", what="none in use")


@pytest.mark.controllers
def test_a_finished_pod_gives_its_share_back(api: Api, namespace: str) -> None:
    """Behaviour 52: a finalizer for metering must not hold GPUs."""
    limit_gpus(api, namespace, 1)
    done = objects.pod("done", gpus=1)
    done["metadata"]["finalizers"] = ["contract.test/usage"]
    api.create(path("pods", namespace), done)
    at = path("pods", namespace, "done")
    api.patch(f"{at}/status", {"status": {"phase": "Succeeded"}})
    eventually(lambda: used(api, namespace) == "0", what="none in use")
    api.create(path("pods", namespace), objects.pod("next", gpus=1))
    api.patch(at, {"metadata": {"finalizers": None}})


@pytest.mark.controllers
def test_of_sixteen_pods_at_once_exactly_four_are_admitted(api: Api, namespace: str) -> None:
    """Behaviour 53."""
    limit_gpus(api, namespace, 4)

    def attempt(number: int) -> int:
        try:
            api.create(path("pods", namespace), objects.pod(f"p{number}", gpus=1))
        except ApiException as error:
            return error.status
        return 201

    with ThreadPoolExecutor(8) as threads:
        answers = sorted(threads.map(attempt, range(16)))
    assert answers == [201] * 4 + [403] * 12
    assert len(api.names(path("pods", namespace))) == 4


def test_limit_range_defaults_fill_a_container_without_any(api: Api, namespace: str) -> None:
    """Behaviour 54."""
    limit = {"type": "Container", "default": {"cpu": "2", "memory": "4Gi"}, "defaultRequest": {"cpu": "1"}}
    body = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "l"}, "spec": {"limits": [limit]}}
    api.create(path("limitranges", namespace), body)
    bare = objects.pod("bare")
    del bare["spec"]["containers"][0]["resources"]
    # A real server's plugin reads limits from a cache that is a moment behind.
    made = eventually(lambda: _with_limits(api.create(path("pods", namespace), bare, dryRun="All")))
    assert made["limits"] == {"cpu": "2", "memory": "4Gi"}
    assert made["requests"] == {"cpu": "1", "memory": "4Gi"}


def _with_limits(pod: dict[str, object]) -> dict[str, object]:
    resources = pod["spec"]["containers"][0]["resources"]
    return resources if "limits" in resources else {}


def test_restricted_pod_security_refuses_escalation(api: Api, namespace: str) -> None:
    """Behaviour 55."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    api.patch(path("namespaces", name=namespace), {"metadata": {"labels": labels}})
    proper = objects.restricted_pod("proper", may_gain_privileges=False)
    api.create(path("pods", namespace), proper)
    with refused(403, "Forbidden") as status:
        api.create(path("pods", namespace), objects.restricted_pod("escalates", may_gain_privileges=True))
    assert 'violates PodSecurity "restricted:' in status["message"]
    assert "allowPrivilegeEscalation" in status["message"]
