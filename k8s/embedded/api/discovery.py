"""Which groups, versions and resources there are; health and version."""

from k8s.embedded.api.calls import Cluster, Reply, reply
from k8s.embedded.objects.errors import no_such_path
from k8s.embedded.objects.kinds import VERBS, Kind
from k8s.embedded.store import Object

VERSION = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.0+embedded",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2026-01-01T00:00:00Z",
    "goVersion": "none",
    "compiler": "none",
    "platform": "linux/amd64",
}
HEALTH = ("/healthz", "/livez", "/readyz")
# Served by reviews.py: created to be answered, never stored.
REVIEWS: dict[str, tuple[tuple[str, str, bool], ...]] = {
    "authorization.k8s.io": (
        ("subjectaccessreviews", "SubjectAccessReview", False),
        ("selfsubjectaccessreviews", "SelfSubjectAccessReview", False),
        ("localsubjectaccessreviews", "LocalSubjectAccessReview", True),
        ("selfsubjectrulesreviews", "SelfSubjectRulesReview", False),
    ),
    "authentication.k8s.io": (
        ("tokenreviews", "TokenReview", False),
        ("selfsubjectreviews", "SelfSubjectReview", False),
    ),
}
INNER_VERBS = {
    "status": ["get", "patch", "update"],
    "finalize": ["update"],
    "log": ["get"],
    "token": ["create"],
    "eviction": ["create"],
    "binding": ["create"],
    "proxy": ["create", "get"],
}


def serve(cluster: Cluster, path: str) -> Reply:
    """Raises a 404 for a path that is none of these."""
    if path in HEALTH or path.startswith(tuple(f"{one}/" for one in HEALTH)):
        return Reply(text="ok", content_type="text/plain; charset=utf-8")
    parts = path.strip("/").split("/")
    match parts:
        case ["version"]:
            return reply(VERSION)
        case ["api"]:
            return reply({"kind": "APIVersions", "versions": ["v1"]})
        case ["apis"]:
            groups = [_group(name, versions) for name, versions in _groups(cluster).items() if name]
            return reply({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        case ["api", version]:
            return _resources(cluster, "", version)
        case ["apis", name] if name in _groups(cluster):
            return reply({"kind": "APIGroup", "apiVersion": "v1", **_group(name, _groups(cluster)[name])})
        case ["apis", name, version]:
            return _resources(cluster, name, version)
        case [""]:
            return reply(
                {"paths": ["/api", "/apis", "/healthz", "/livez", "/openapi/v2", "/readyz", "/version"]}
            )
        case _:
            raise no_such_path()


def _groups(cluster: Cluster) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for kind in cluster.kinds.all():
        versions = found.setdefault(kind.group, [])
        if kind.version not in versions:
            versions.append(kind.version)
    return found | {name: ["v1"] for name in REVIEWS}


def _group(name: str, versions: list[str]) -> Object:
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def _resources(cluster: Cluster, group: str, version: str) -> Reply:
    served = [kind for kind in cluster.kinds.all() if (kind.group, kind.version) == (group, version)]
    resources = [one for kind in served for one in _listed(kind)]
    for plural, kind_name, namespaced in REVIEWS.get(group, ()) if version == "v1" else ():
        resources.append(_resource(plural, kind_name, namespaced=namespaced, verbs=["create"]))
    if not resources:
        raise no_such_path()
    name = f"{group}/{version}" if group else version
    body = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": resources}
    return reply(body)


def _resource(name: str, kind: str, *, namespaced: bool, verbs: list[str]) -> Object:
    return {"name": name, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": verbs}


def _listed(kind: Kind) -> list[Object]:
    main = _resource(kind.plural, kind.kind, namespaced=kind.namespaced, verbs=list(VERBS))
    main |= {"singularName": kind.singular, "storageVersionHash": ""}
    if kind.short:
        main["shortNames"] = list(kind.short)
    if kind.categories:
        main["categories"] = list(kind.categories)
    inner = []
    for name in kind.subresources:
        shown = {"token": "TokenRequest", "eviction": "Eviction", "binding": "Binding"}.get(name, kind.kind)
        verbs = INNER_VERBS[name]
        inner.append(_resource(f"{kind.plural}/{name}", shown, namespaced=kind.namespaced, verbs=verbs))
    return [main, *inner]
