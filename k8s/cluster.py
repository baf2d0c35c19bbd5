"""The one door to the Kubernetes API: dicts in, dicts out, foreign errors re-typed.

`Retry` means that time may heal it; `GiveUp` that somebody has to change something first.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from kubernetes import config
from kubernetes.client import ApiClient
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

Manifest = dict[str, Any]
TIMEOUT = (3.0, 15.0)
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
FIELD_MANAGER = "research-commons"


class ClusterError(Exception):
    """Something that a cluster would not do."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Retry(ClusterError):
    """Unreachable, overloaded, or in the middle of something."""


class GiveUp(ClusterError):
    """Refused: the same request will be refused again."""


@dataclass(frozen=True, slots=True)
class Kind:
    kind: str
    path: str
    plural: str
    namespaced: bool = True


_CORE, _RBAC = "/api/v1", "/apis/rbac.authorization.k8s.io/v1"
_ADMISSION = "/apis/admissionregistration.k8s.io/v1"
KINDS = {
    kind.kind: kind
    for kind in (
        Kind("Namespace", _CORE, "namespaces", namespaced=False),
        Kind("Node", _CORE, "nodes", namespaced=False),
        Kind("PersistentVolume", _CORE, "persistentvolumes", namespaced=False),
        Kind("ResourceQuota", _CORE, "resourcequotas"),
        Kind("LimitRange", _CORE, "limitranges"),
        Kind("ServiceAccount", _CORE, "serviceaccounts"),
        Kind("PersistentVolumeClaim", _CORE, "persistentvolumeclaims"),
        Kind("Secret", _CORE, "secrets"),
        Kind("Service", _CORE, "services"),
        Kind("Pod", _CORE, "pods"),
        Kind("NetworkPolicy", "/apis/networking.k8s.io/v1", "networkpolicies"),
        Kind("RoleBinding", _RBAC, "rolebindings"),
        Kind("ClusterRole", _RBAC, "clusterroles", namespaced=False),
        Kind("PriorityClass", "/apis/scheduling.k8s.io/v1", "priorityclasses", namespaced=False),
        Kind("ValidatingAdmissionPolicy", _ADMISSION, "validatingadmissionpolicies", namespaced=False),
        Kind(
            "ValidatingAdmissionPolicyBinding",
            _ADMISSION,
            "validatingadmissionpolicybindings",
            namespaced=False,
        ),
    )
}


class Api:
    """A connection to one cluster. Not for use by two threads at once."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    def apply(self, manifest: Manifest) -> Manifest:
        """Server-side apply, forced: creates, changes or confirms; drops fields we no longer declare."""
        path = self._path(manifest["kind"], _namespace(manifest), manifest["metadata"]["name"])
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        applied: Manifest = self._call("PATCH", path, query=query, body=manifest, content=APPLY)
        return applied

    def get(self, kind: str, name: str, *, namespace: str = "") -> Manifest | None:
        """None when there is no such object."""
        return self._maybe("GET", self._path(kind, namespace, name))

    def list(self, kind: str, *, namespace: str = "", labels: str = "") -> Iterator[Manifest]:
        """All objects, page by page; over all namespaces when none is named."""
        query = {"limit": "500"} | ({"labelSelector": labels} if labels else {})
        while True:
            page = self._call("GET", self._path(kind, namespace), query=query)
            yield from page["items"]
            token = page["metadata"].get("continue")
            if not token:
                return
            query["continue"] = token

    def delete(self, kind: str, name: str, *, namespace: str = "", uid: str = "") -> None:
        """Ask for deletion; fine when it is gone. With `uid`, only that very object."""
        body = {"preconditions": {"uid": uid}} if uid else None
        self._maybe("DELETE", self._path(kind, namespace, name), body=body)

    def drop_finalizer(self, kind: str, name: str, *, namespace: str, finalizer: str) -> None:
        """Take one finalizer off; fine when the object or the finalizer is gone."""
        found = self.get(kind, name, namespace=namespace)
        if found is None or finalizer not in found["metadata"].get("finalizers", []):
            return
        left = [held for held in found["metadata"]["finalizers"] if held != finalizer]
        version = found["metadata"]["resourceVersion"]
        change = {"metadata": {"finalizers": left, "resourceVersion": version}}
        self._maybe("PATCH", self._path(kind, namespace, name), body=change, content=MERGE)

    def ask_pod(self, pod: str, *, namespace: str, port: int, path: str) -> Any:
        """GET from a pod's web server through the API server's proxy; parsed JSON."""
        return self._call("GET", f"{self._path('Pod', namespace, pod)}:{port}/proxy/{path}")

    def _path(self, kind: str, namespace: str, name: str = "") -> str:
        known = KINDS[kind]
        scope = f"/namespaces/{quote(namespace, safe='')}" if known.namespaced and namespace else ""
        tail = f"/{quote(name, safe='')}" if name else ""
        return f"{known.path}{scope}/{known.plural}{tail}"

    def _maybe(self, method: str, path: str, **more: Any) -> Manifest | None:
        try:
            found: Manifest = self._call(method, path, **more)
        except _Absent:
            return None
        return found

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content: str = "application/json",
    ) -> Any:
        address = f"{path}?{urlencode(query)}" if query else path
        headers = {"Accept": "application/json", "Content-Type": content}
        request = self._client.param_serialize(
            method, address, header_params=headers, body=body, auth_settings=["BearerToken"]
        )
        try:
            response = self._client.call_api(*request, _request_timeout=TIMEOUT)
            raw = response.read()
        except ApiException as error:
            raise _retyped(error) from error
        except HTTPError as error:
            raise Retry(f"The cluster does not answer ({type(error).__name__}).") from error
        if response.status >= 400:
            raise _retyped(ApiException(status=response.status, reason=response.reason, body=raw.decode()))
        return json.loads(raw) if raw else {}


class _Absent(GiveUp):
    """404."""


def _retyped(error: ApiException) -> ClusterError:
    message = _message(error)
    if error.status == 404:
        return _Absent(message)
    # 401: a credential may be in rotation. 403 may be a quota that is being recounted or a
    # namespace that is going away; both are looked at again, with growing pauses.
    if error.status in (401, 403, 408, 409, 429) or (error.status or 500) >= 500:
        return Retry(message)
    return GiveUp(message)


def _message(error: ApiException) -> str:
    try:
        status = json.loads(error.body or "{}")
    except ValueError:
        status = {}
    text = status.get("message") if isinstance(status, dict) else None
    return str(text or f"{error.status} {error.reason}")


def _namespace(manifest: Manifest) -> str:
    return str(manifest["metadata"].get("namespace", ""))


def connect(kubeconfig: str) -> Api:
    """Raises GiveUp when the file is missing or is no kubeconfig."""
    try:
        return Api(config.new_client_from_config(kubeconfig))
    except (config.ConfigException, OSError, ValueError) as error:
        raise GiveUp(f"The kubeconfig of this cluster cannot be used: {error}") from error
