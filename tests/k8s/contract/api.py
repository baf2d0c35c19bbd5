"""The official client with plain dictionaries in and out, as the portal uses it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

GROUPS = {
    "statefulsets": "/apis/apps/v1",
    "jobs": "/apis/batch/v1",
    "networkpolicies": "/apis/networking.k8s.io/v1",
    "roles": "/apis/rbac.authorization.k8s.io/v1",
    "rolebindings": "/apis/rbac.authorization.k8s.io/v1",
    "clusterroles": "/apis/rbac.authorization.k8s.io/v1",
    "clusterrolebindings": "/apis/rbac.authorization.k8s.io/v1",
    "priorityclasses": "/apis/scheduling.k8s.io/v1",
    "customresourcedefinitions": "/apis/apiextensions.k8s.io/v1",
    "subjectaccessreviews": "/apis/authorization.k8s.io/v1",
    "selfsubjectaccessreviews": "/apis/authorization.k8s.io/v1",
}
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"

Object = dict[str, Any]


def path(resource: str, namespace: str | None = None, name: str = "", *, sub: str = "") -> str:
    """`/api/v1/namespaces/p/pods/x/status` and the like."""
    parts = [GROUPS.get(resource, "/api/v1")]
    parts += [f"namespaces/{namespace}"] if namespace else []
    parts += [each for each in (resource, name, sub) if each]
    return "/".join(parts)


class Api:
    """One identity at one server."""

    def __init__(self, api_client: client.ApiClient) -> None:
        self.client = api_client
        self.core = client.CoreV1Api(api_client)

    def as_user(self, user: str) -> "Api":
        """The same credentials, acting as somebody else."""
        return self._with_header("Impersonate-User", user)

    def with_token(self, token: str) -> "Api":
        """The same server, another bearer token and no certificate."""
        known = self.client.configuration
        bare = type(known)(host=known.host)
        bare.ssl_ca_cert = known.ssl_ca_cert
        bare.ca_cert_data = known.ca_cert_data
        bare.verify_ssl = known.verify_ssl
        other = client.ApiClient(bare)
        other.set_default_header("Authorization", f"Bearer {token}")
        return Api(other)

    def _with_header(self, name: str, value: str) -> "Api":
        other = client.ApiClient(self.client.configuration)
        other.set_default_header(name, value)
        return Api(other)

    def text(self, method: str, at: str, body: Any = None, *, content: str = "", **query: Any) -> str:
        """The body of the answer. Raises ApiException for anything but success."""
        headers = {"Accept": "application/json", "Content-Type": content or "application/json"}
        serialized = self.client.param_serialize(
            method,
            at,
            query_params=list(query.items()),
            header_params=headers,
            body=body,
            auth_settings=["BearerToken"],
        )
        method, url, header_params, body, _ = serialized
        response = self.client.call_api(method, url, header_params, body, _request_timeout=20)
        response.read()
        if response.status >= 300:
            raise ApiException.from_response(http_resp=response, body=response.data.decode(), data=None)
        return response.data.decode()

    def call(self, method: str, at: str, body: Any = None, *, content: str = "", **query: Any) -> Object:
        return json.loads(self.text(method, at, body, content=content, **query))

    def get(self, at: str, **query: Any) -> Object:
        return self.call("GET", at, **query)

    def items(self, at: str, **query: Any) -> list[Object]:
        return self.get(at, **query)["items"]

    def names(self, at: str, **query: Any) -> list[str]:
        return sorted(item["metadata"]["name"] for item in self.items(at, **query))

    def create(self, at: str, body: Object, **query: Any) -> Object:
        return self.call("POST", at, body, **query)

    def replace(self, at: str, body: Object, **query: Any) -> Object:
        return self.call("PUT", at, body, **query)

    def patch(self, at: str, body: Any, *, content: str = MERGE, **query: Any) -> Object:
        return self.call("PATCH", at, body, content=content, **query)

    def apply(self, at: str, body: Object, *, manager: str = "portal", **query: Any) -> Object:
        return self.call("PATCH", at, body, content=APPLY, fieldManager=manager, **query)

    def delete(self, at: str, body: Object | None = None, **query: Any) -> Object:
        return self.call("DELETE", at, body, **query)


@contextmanager
def refused(code: int, reason: str) -> Iterator[Object]:
    """The block is answered with a `Status` of this code and reason; its fields are filled in afterwards."""
    status: Object = {}
    with pytest.raises(ApiException) as caught:
        yield status
    status |= json.loads(caught.value.body)
    assert caught.value.status == code, status
    assert status["kind"] == "Status"
    assert status["status"] == "Failure"
    assert (status["code"], status["reason"]) == (code, reason)
