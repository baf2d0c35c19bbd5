"""What stands once on each cluster: roles, a priority class a GPU product, and the admission policy."""

from collections.abc import Sequence

from k8s import names
from k8s.cluster import Manifest
from k8s.clusters import Product

_WORK = ["get", "list", "watch", "create", "delete", "patch", "update"]
_READ = ["get", "list", "watch"]
_USABLE = ["pods", "services", "configmaps", "secrets", "persistentvolumeclaims"]
_SEEN = ["pods", "services", "configmaps", "persistentvolumeclaims", "events", "resourcequotas"]


def for_cluster(products: Sequence[Product]) -> list[Manifest]:
    classes = [_priority_class(product) for product in products]
    return [*_roles(), *classes, *_gpu_policy(products)]


def _roles() -> list[Manifest]:
    """Neither role reaches quotas, policies, roles, tokens or the namespace; a viewer reads no secrets."""
    member = [
        {"apiGroups": [""], "resources": _USABLE, "verbs": _WORK},
        {"apiGroups": [""], "resources": ["pods/log", *_SEEN], "verbs": _READ},
        {"apiGroups": [""], "resources": ["pods/exec", "pods/portforward"], "verbs": ["create", "get"]},
        {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": _WORK},
    ]
    viewer = [{"apiGroups": [""], "resources": ["pods/log", *_SEEN], "verbs": _READ}]
    return [_role("commons-member", member), _role("commons-viewer", viewer)]


def _role(name: str, rules: list[Manifest]) -> Manifest:
    metadata = {"name": name, "labels": dict(names.MANAGED)}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": metadata,
        "rules": rules,
    }


def _priority_class(product: Product) -> Manifest:
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": product.priority_class, "labels": dict(names.MANAGED)},
        "value": 1000,
        "preemptionPolicy": "Never",
        "description": f"Pods on {product.label}; quotas by product count this class.",
    }


def _gpu_rule(products: Sequence[Product]) -> str:
    """A GPU pod must name the class and the node label of one product: without both it would slip
    through the quota of every product."""
    pairs = " || ".join(
        f"(object.spec.priorityClassName == '{product.priority_class}' && "
        f"object.spec.nodeSelector['{names.GPU_PRODUCT}'] == '{product.label}')"
        for product in products
    )
    resources = sorted({"nvidia.com/gpu", *(product.extended_resource for product in products)})
    wanted = " || ".join(f"'{resource}' in c.resources.requests" for resource in resources)
    one = f"has(c.resources) && has(c.resources.requests) && ({wanted})"
    # Init containers too: whoever ran there would hold GPUs that no product's quota and no meter counts.
    asks = (
        f"object.spec.containers.exists(c, {one}) || "
        f"(has(object.spec.initContainers) && object.spec.initContainers.exists(c, {one}))"
    )
    named = (
        "has(object.spec.priorityClassName) && has(object.spec.nodeSelector) && "
        f"'{names.GPU_PRODUCT}' in object.spec.nodeSelector"
    )
    return f"!({asks}) || ({named} && ({pairs or 'false'}))"


def _gpu_policy(products: Sequence[Product]) -> list[Manifest]:
    pods = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    metadata = {"name": "commons-gpu-product", "labels": dict(names.MANAGED)}
    policy = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "namespaceSelector": {"matchLabels": dict(names.MANAGED)},
            "resourceRules": [pods],
        },
        "validations": [
            {
                "expression": _gpu_rule(products),
                "message": "A GPU pod names the priority class and the node label of one GPU product.",
            }
        ],
    }
    api = "admissionregistration.k8s.io/v1"
    binding = {"policyName": "commons-gpu-product", "validationActions": ["Deny"]}
    return [
        {"apiVersion": api, "kind": "ValidatingAdmissionPolicy", "metadata": metadata, "spec": policy},
        {
            "apiVersion": api,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": metadata,
            "spec": binding,
        },
    ]
