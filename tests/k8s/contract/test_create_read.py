"""Behaviours 1 to 12: kinds are created and read back, custom ones too."""

import base64
import secrets

from kubernetes import client
from kubernetes.client.exceptions import ApiException

from . import objects
from .api import Api, path
from .waiting import eventually


def test_a_namespace_is_read_back_with_its_labels(api: Api, namespace: str) -> None:
    """Behaviour 1."""
    found = api.get(path("namespaces", name=namespace))
    assert found["metadata"]["labels"]["contract.test/suite"] == "true"
    assert found["metadata"]["labels"]["kubernetes.io/metadata.name"] == namespace
    assert found["status"]["phase"] == "Active"


def test_every_created_object_gets_uid_time_and_version(api: Api, namespace: str) -> None:
    """Behaviour 2."""
    made = api.create(path("configmaps", namespace), objects.config_map("a"))["metadata"]
    other = api.create(path("configmaps", namespace), objects.config_map("b"))["metadata"]
    assert made["uid"] != other["uid"]
    assert int(made["resourceVersion"]) < int(other["resourceVersion"])
    assert made["creationTimestamp"].endswith("Z")


def test_a_resource_quota_keeps_its_hard_limits(api: Api, namespace: str) -> None:
    """Behaviour 3."""
    hard = {f"requests.{objects.GPU}": "2", "pods": "5"}
    api.create(path("resourcequotas", namespace), objects.quota("compute", **hard))
    assert api.get(path("resourcequotas", namespace, "compute"))["spec"]["hard"] == hard


def test_a_limit_range_keeps_its_defaults(api: Api, namespace: str) -> None:
    """Behaviour 4."""
    limit = {"type": "Container", "default": {"cpu": "2"}, "defaultRequest": {"cpu": "1"}}
    body = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "l"}, "spec": {"limits": [limit]}}
    api.create(path("limitranges", namespace), body)
    assert api.get(path("limitranges", namespace, "l"))["spec"]["limits"] == [limit]


def test_a_network_policy_may_select_all_pods(api: Api, namespace: str) -> None:
    """Behaviour 5."""
    spec = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    body = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "deny"},
        "spec": spec,
    }
    api.create(path("networkpolicies", namespace), body)
    assert api.get(path("networkpolicies", namespace, "deny"))["spec"] == spec


def test_service_account_role_and_binding_are_stored(api: Api, namespace: str) -> None:
    """Behaviour 6."""
    account = {"metadata": {"name": "notebook"}, "automountServiceAccountToken": False}
    account |= {"apiVersion": "v1", "kind": "ServiceAccount"}
    api.create(path("serviceaccounts", namespace), account)
    api.create(path("roles", namespace), objects.role("member", resource="pods", verbs=["get"]))
    binding = objects.role_binding("members", role_name="member", user="oidc:priya")
    api.create(path("rolebindings", namespace), binding)
    assert api.get(path("serviceaccounts", namespace, "notebook"))["automountServiceAccountToken"] is False
    assert api.get(path("roles", namespace, "member"))["rules"][0]["resources"] == ["pods"]
    subject = api.get(path("rolebindings", namespace, "members"))["subjects"][0]
    assert (subject["kind"], subject["name"]) == ("User", "oidc:priya")


def test_a_created_pod_decodes_with_the_typed_client(api: Api, namespace: str) -> None:
    """Behaviour 7."""
    made = api.core.create_namespaced_pod(namespace, objects.pod("p"))
    assert isinstance(made, client.V1Pod)
    assert made.status.phase in {"Pending", "Running"}
    assert made.spec.containers[0].image_pull_policy == "IfNotPresent"


def test_a_service_gets_an_address_and_a_protocol(api: Api, namespace: str) -> None:
    """Behaviour 8."""
    spec = {"selector": {"app": "nb"}, "ports": [{"port": 8888}]}
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "nb"}, "spec": spec}
    made = api.core.create_namespaced_service(namespace, body)
    assert made.spec.cluster_ip.count(".") == 3
    assert made.spec.ports[0].protocol == "TCP"


def test_claim_secret_stateful_set_and_job_are_created_and_read(api: Api, namespace: str) -> None:
    """Behaviour 9."""
    template = {"metadata": {"labels": {"app": "x"}}, "spec": objects.pod("x")["spec"]}
    stateful = template | {"spec": template["spec"] | {"restartPolicy": "Always"}}
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    selector = {"matchLabels": {"app": "x"}}
    bodies = {
        "persistentvolumeclaims": ("v1", "PersistentVolumeClaim", {"spec": claim}),
        "secrets": ("v1", "Secret", {"data": {"a": "Yg=="}}),
        "statefulsets": (
            "apps/v1",
            "StatefulSet",
            {"spec": {"serviceName": "x", "replicas": 0, "selector": selector, "template": stateful}},
        ),
        "jobs": ("batch/v1", "Job", {"spec": {"suspend": True, "template": template}}),
    }
    for resource, (version, kind, content) in bodies.items():
        made = {"apiVersion": version, "kind": kind, "metadata": {"name": "x"}} | content
        api.create(path(resource, namespace), made)
        assert api.get(path(resource, namespace, "x"))["kind"] == kind


def test_string_data_of_a_secret_comes_back_encoded(api: Api, namespace: str) -> None:
    """Behaviour 10."""
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"token": "abc"}}
    made = api.create(path("secrets", namespace), body)
    assert made["data"] == {"token": base64.b64encode(b"abc").decode()}
    assert "stringData" not in made
    assert made["type"] == "Opaque"


def test_generated_names_have_the_prefix_and_differ(api: Api, namespace: str) -> None:
    """Behaviour 11."""
    body = objects.config_map("") | {"metadata": {"generateName": "nb-"}}
    names = [api.create(path("configmaps", namespace), body)["metadata"]["name"] for _ in range(5)]
    assert len(set(names)) == 5
    assert all(name.startswith("nb-") and len(name) > 3 for name in names)


def test_objects_of_a_custom_kind_are_created_and_listed(api: Api, namespace: str) -> None:
    """Behaviour 12."""
    group = f"{secrets.token_hex(3)}.contract.test"
    definition = objects.custom_resource(group)
    at = path("customresourcedefinitions", name=definition["metadata"]["name"])
    api.create(path("customresourcedefinitions"), definition)
    try:
        collection = f"/apis/{group}/v1/namespaces/{namespace}/telescopes"
        eventually(lambda: _is_served(api, collection), what="the new kind")
        body = {"apiVersion": f"{group}/v1", "kind": "Telescope", "metadata": {"name": "t"}}
        api.create(collection, body | {"spec": {"mirror": {"metres": 8}}})
        assert [item["spec"] for item in api.items(collection)] == [{"mirror": {"metres": 8}}]
    finally:
        api.delete(at)


def _is_served(api: Api, collection: str) -> bool:
    try:
        return api.items(collection) == []
    except ApiException as error:
        if error.status == 404:
            return False
        raise
