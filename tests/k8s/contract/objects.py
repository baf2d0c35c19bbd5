"""Manifests the contract is stated with."""

from typing import Any

Object = dict[str, Any]

GPU = "nvidia.com/gpu"


def config_map(
    name: str, data: dict[str, str] | None = None, *, labels: dict[str, str] | None = None
) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": labels or {}},
        "data": data or {"colour": "blue"},
    }


def pod(name: str, *, gpus: int = 0, containers: tuple[str, ...] = ("main",), **spec: Any) -> Object:
    """A pod that no machine takes, so that its status is nobody else's business."""
    limits = {"cpu": "1", "memory": "1Gi"} | ({GPU: str(gpus)} if gpus else {})
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "restartPolicy": "Never",
            "nodeSelector": {"contract.test/nowhere": "true"},
            "containers": [
                {"name": each, "image": "registry.test/pause:1", "resources": {"limits": limits}}
                for each in containers
            ],
        }
        | spec,
    }


def restricted_pod(name: str, *, may_gain_privileges: bool) -> Object:
    """A pod that satisfies the `restricted` standard but for, perhaps, privilege escalation."""
    context = {
        "allowPrivilegeEscalation": may_gain_privileges,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    made = pod(name)
    made["spec"]["containers"][0]["securityContext"] = context
    return made


def quota(name: str, **hard: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": name},
        "spec": {"hard": hard},
    }


def gpu_quota(gpus: int) -> Object:
    return quota("gpus", **{f"requests.{GPU}": str(gpus)})


def role(name: str, *, resource: str, verbs: list[str]) -> Object:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": name},
        "rules": [{"apiGroups": [""], "resources": [resource], "verbs": verbs}],
    }


def role_binding(name: str, *, role_name: str, user: str) -> Object:
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": group, "kind": "Role", "name": role_name},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }


def owned_by(owner: Object) -> list[Object]:
    meta = owner["metadata"]
    return [{"apiVersion": "v1", "kind": "ConfigMap", "name": meta["name"], "uid": meta["uid"]}]


def custom_resource(group: str) -> Object:
    schema = {"type": "object", "properties": {"spec": _open_object()}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"telescopes.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "telescopes", "singular": "telescope", "kind": "Telescope"},
            "versions": [version],
        },
    }


def _open_object() -> Object:
    return {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def namespace(name: str, labels: dict[str, str]) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
