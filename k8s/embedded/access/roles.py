"""The roles every cluster starts with; the portal and its tests may bind them."""

from typing import Any

Object = dict[str, Any]

RBAC = "rbac.authorization.k8s.io"
ALL_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
READ = ["get", "list", "watch"]
WORKLOADS = [
    (["apps"], ["deployments", "statefulsets", "replicasets", "daemonsets"]),
    (["batch"], ["jobs", "cronjobs"]),
    (["networking.k8s.io"], ["ingresses", "networkpolicies"]),
]
CORE = [
    "configmaps",
    "endpoints",
    "events",
    "persistentvolumeclaims",
    "pods",
    "pods/log",
    "services",
    "serviceaccounts",
]
SECRET = ["secrets", "pods/exec", "pods/attach", "pods/portforward", "pods/proxy", "serviceaccounts/token"]
LOOK = ["limitranges", "resourcequotas", "namespaces", "pods/status"]


def _rule(groups: list[str], resources: list[str], verbs: list[str]) -> Object:
    return {"apiGroups": groups, "resources": resources, "verbs": verbs}


def _over(core: list[str], verbs: list[str]) -> list[Object]:
    changing = [_rule([""], core, verbs), *(_rule(groups, names, verbs) for groups, names in WORKLOADS)]
    return [*changing, _rule([""], LOOK, READ)]


ANYTHING = [_rule(["*"], ["*"], ["*"]), {"nonResourceURLs": ["*"], "verbs": ["*"]}]
DISCOVERY = ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz"]
REVIEWS = [
    _rule(["authorization.k8s.io"], ["selfsubjectaccessreviews", "selfsubjectrulesreviews"], ["create"]),
    _rule(["authentication.k8s.io"], ["selfsubjectreviews"], ["create"]),
]

ROLES: dict[str, list[Object]] = {
    "cluster-admin": ANYTHING,
    "admin": [*_over(CORE + SECRET, ALL_VERBS), _rule([RBAC], ["roles", "rolebindings"], ALL_VERBS)],
    "edit": _over(CORE + SECRET, ALL_VERBS),
    "view": _over(CORE, READ),
    "system:discovery": [{"nonResourceURLs": [*DISCOVERY, "/version", "/version/"], "verbs": ["get"]}],
    "system:public-info-viewer": [
        {"nonResourceURLs": ["/healthz", "/livez", "/readyz", "/version", "/version/"], "verbs": ["get"]}
    ],
    "system:basic-user": REVIEWS,
}

GROUPS = {
    "cluster-admin": ["system:masters"],
    "system:discovery": ["system:authenticated"],
    "system:basic-user": ["system:authenticated"],
    "system:public-info-viewer": ["system:authenticated", "system:unauthenticated"],
}

LABELS = {"kubernetes.io/bootstrapping": "rbac-defaults"}


def bootstrap() -> list[tuple[str, Object]]:
    """Pairs of plural and object."""
    api = f"{RBAC}/v1"
    found: list[tuple[str, Object]] = []
    for name, rules in ROLES.items():
        meta = {"name": name, "labels": dict(LABELS)}
        found.append(
            ("clusterroles", {"apiVersion": api, "kind": "ClusterRole", "metadata": meta, "rules": rules})
        )
    for name, groups in GROUPS.items():
        binding = {
            "apiVersion": api,
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name, "labels": dict(LABELS)},
            "subjects": [{"kind": "Group", "apiGroup": RBAC, "name": group} for group in groups],
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": name},
        }
        found.append(("clusterrolebindings", binding))
    return found
