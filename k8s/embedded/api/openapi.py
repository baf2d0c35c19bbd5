"""OpenAPI documents: no more than kubectl needs to know that this server validates fields itself."""

import hashlib

from k8s.embedded.api.calls import Cluster, Reply, encode, reply
from k8s.embedded.api.discovery import VERSION
from k8s.embedded.objects.errors import no_such_path
from k8s.embedded.objects.kinds import Kind
from k8s.embedded.store import Object

INFO = {"title": "Kubernetes", "version": VERSION["gitVersion"]}
# kubectl looks for fieldValidation on the patch of a kind before it trusts the server to validate.
QUERY = ("dryRun", "fieldManager", "fieldValidation", "force")
FORMS = {"s": "string", "t": "string", "q": "string", "i": "integer", "b": "boolean", "o": "boolean"}


def serve(cluster: Cluster, path: str) -> Reply:
    parts = path.strip("/").split("/", 2)
    if parts[1:] == ["v2"]:
        return reply({"swagger": "2.0", "info": INFO, "paths": {}, "definitions": {}})
    if parts[1:] == ["v3"]:
        return reply({"paths": {root: _link(cluster, root) for root in _roots(cluster)}})
    if len(parts) == 3 and parts[1] == "v3" and parts[2] in _roots(cluster):
        return reply(_document(_roots(cluster)[parts[2]]))
    raise no_such_path()


def _roots(cluster: Cluster) -> dict[str, list[Kind]]:
    roots: dict[str, list[Kind]] = {}
    for kind in cluster.kinds.all():
        roots.setdefault(_root(kind), []).append(kind)
    return roots


def _root(kind: Kind) -> str:
    return f"apis/{kind.api_version}" if kind.group else f"api/{kind.version}"


def _link(cluster: Cluster, root: str) -> Object:
    # The hash lets clients cache a document until its content changes.
    content = encode(_document(_roots(cluster)[root])).encode()
    return {"serverRelativeURL": f"/openapi/v3/{root}?hash={hashlib.sha256(content).hexdigest().upper()}"}


def _document(kinds: list[Kind]) -> Object:
    paths: Object = {}
    schemas: Object = {}
    for kind in kinds:
        paths |= _paths(kind)
        schemas[_schema_name(kind)] = _schema(kind)
    return {"openapi": "3.0.0", "info": INFO, "paths": paths, "components": {"schemas": schemas}}


def _schema_name(kind: Kind) -> str:
    return ".".join([*reversed((kind.group or "core").split(".")), kind.version, kind.kind])


def _gvk(kind: Kind) -> Object:
    return {"group": kind.group, "version": kind.version, "kind": kind.kind}


def _paths(kind: Kind) -> Object:
    scope = "/namespaces/{namespace}" if kind.namespaced else ""
    collection = f"/{_root(kind)}{scope}/{kind.plural}"
    ref = {"$ref": f"#/components/schemas/{_schema_name(kind)}"}
    ok = {"200": {"description": "OK", "content": {"application/json": {"schema": ref}}}}
    query = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in QUERY]

    def operation(action: str) -> Object:
        marks = {"x-kubernetes-action": action, "x-kubernetes-group-version-kind": _gvk(kind)}
        return {"parameters": query, "responses": ok, **marks}

    single = {"get": operation("get"), "put": operation("put"), "patch": operation("patch")}
    return {
        collection: {"get": operation("list"), "post": operation("post")},
        f"{collection}/{{name}}": single | {"delete": operation("delete")},
    }


def _schema(kind: Kind) -> Object:
    """The top level and one below it: enough for `kubectl explain` to name the fields."""
    properties = {}
    for name, shape in kind.shape.fields.items():
        inner = {key: {"type": FORMS.get(one.form, "object")} for key, one in shape.fields.items()}
        properties[name] = {"type": FORMS.get(shape.form, "object")} | (
            {"properties": inner} if inner else {}
        )
    return {"type": "object", "properties": properties, "x-kubernetes-group-version-kind": [_gvk(kind)]}
