"""From a request to its verb: who calls, what is asked for, may they, then do it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, unquote, urlsplit

from k8s.embedded.access import rbac
from k8s.embedded.access.rbac import Act
from k8s.embedded.access.users import AUTHENTICATED, User, named
from k8s.embedded.api import deletion, discovery, openapi, podlinks, reads, reviews, verbs
from k8s.embedded.api.calls import Call, Cluster, Reply
from k8s.embedded.api.watch import watch
from k8s.embedded.objects.errors import ApiError, no_such_path

Verb = Callable[[Cluster, Call], Reply]

COLLECTION: dict[str, tuple[str, Verb]] = {
    "GET": ("list", reads.list_),
    "POST": ("create", verbs.create),
    "DELETE": ("deletecollection", deletion.delete_collection),
}
SINGLE: dict[str, tuple[str, Verb]] = {
    "GET": ("get", reads.get),
    "PUT": ("update", verbs.replace),
    "PATCH": ("patch", verbs.patch),
    "DELETE": ("delete", deletion.delete),
}
INNER: dict[str, dict[str, tuple[str, Verb]]] = {
    "status": {method: SINGLE[method] for method in ("GET", "PUT", "PATCH")},
    "finalize": {"PUT": SINGLE["PUT"]},
    "log": {"GET": ("get", podlinks.log)},
    "token": {"POST": ("create", reviews.request_token)},
    "eviction": {"POST": ("create", deletion.evict)},
    "binding": {"POST": ("create", podlinks.bind)},
}
PROXY_VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True, slots=True)
class Request:
    """What came over the wire; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


def handle(cluster: Cluster, request: Request) -> Reply:
    """Raises ApiError for everything that is refused."""
    split = urlsplit(request.target)
    query = dict(parse_qsl(split.query, keep_blank_values=True))
    user = _caller(cluster, request.headers)
    path = split.path
    steps = [unquote(step) for step in path.strip("/").split("/")]
    api = _api_of(steps)
    if api is None:
        rbac.require(cluster.store, user, Act(request.method.lower(), path=path))
        return openapi.serve(cluster, path) if steps[0] == "openapi" else discovery.serve(cluster, path)
    group, version, rest = api
    review = _review(cluster, user, request, (group, rest))
    if review:
        return review
    call = _call(cluster, (group, version, rest), request.method)
    call = replace(
        call,
        query=query,
        body=request.body,
        content_type=request.headers.get("content-type", ""),
        accept=request.headers.get("accept", ""),
        agent=request.headers.get("user-agent", ""),
        user=user,
        # A proxied path and its query go on exactly as they came.
        rest=request.target.partition("/proxy")[2] if call.subresource == "proxy" else "",
    )
    return _run(cluster, call, request.headers)


def _api_of(steps: list[str]) -> tuple[str, str, list[str]] | None:
    """Group, version and the rest of a resource's path; None for other paths."""
    if steps[0] == "api" and len(steps) > 2:
        return "", steps[1], steps[2:]
    if steps[0] == "apis" and len(steps) > 3:
        return steps[1], steps[2], steps[3:]
    return None


def _call(cluster: Cluster, api: tuple[str, str, list[str]], method: str) -> Call:
    group, version, rest = api
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    kind = cluster.kinds.find(group, version, rest[0])
    if kind is None or (namespace and not kind.namespaced):
        raise no_such_path()
    name = rest[1] if len(rest) > 1 else ""
    subresource = rest[2] if len(rest) > 2 else ""
    if (subresource and subresource not in kind.subresources) or (name and kind.namespaced and not namespace):
        raise no_such_path()
    if len(rest) > 3 and subresource != "proxy":
        raise no_such_path()
    return Call(kind, method, namespace, name, subresource)


def _run(cluster: Cluster, call: Call, headers: Mapping[str, str]) -> Reply:
    if call.subresource == "proxy":
        _authorize(cluster, call, PROXY_VERBS.get(call.method, "get"))
        return podlinks.proxy(cluster, call, headers)
    if call.method == "GET" and call.is_true("watch") and not call.subresource:
        _authorize(cluster, call, "watch")
        return watch(cluster, call)
    name, verb = _verb(call)
    _authorize(cluster, call, name)
    applies = call.method == "PATCH" and not call.subresource and "apply-patch" in call.content_type
    if applies and cluster.store.find(call.kind.key, call.namespace, call.name) is None:
        # An apply that finds nothing creates, so its author must be allowed to.
        _authorize(cluster, call, "create")
    if call.kind.namespaced and not call.namespace and call.method == "POST":
        raise ApiError(405, "the server does not allow this method on the requested resource")
    return verb(cluster, call)


def _verb(call: Call) -> tuple[str, Verb]:
    table = INNER[call.subresource] if call.subresource else SINGLE if call.name else COLLECTION
    if call.method not in table:
        raise ApiError(405, "the server does not allow this method on the requested resource")
    return table[call.method]


def _authorize(cluster: Cluster, call: Call, verb: str) -> None:
    name = call.name.partition(":")[0] if call.subresource == "proxy" else call.name
    namespace = call.name if call.kind.key == "namespaces" else call.namespace
    act = Act(verb, call.kind.group, call.kind.plural, call.subresource, namespace, name)
    rbac.require(cluster.store, call.user, act)


def _review(cluster: Cluster, user: User, request: Request, api: tuple[str, list[str]]) -> Reply | None:
    group, rest = api
    plurals = {plural for plural, _, _ in discovery.REVIEWS.get(group, ())}
    plural = rest[-1]
    if plural not in plurals:
        return None
    if request.method != "POST":
        raise ApiError(405, "the server does not allow this method on the requested resource")
    rbac.require(cluster.store, user, Act("create", group, plural))
    return reviews.answer(cluster, user, plural, request.body)


def _caller(cluster: Cluster, headers: Mapping[str, str]) -> User:
    """The user of the token, or whom they are allowed to act as."""
    user = cluster.tokens.user_of(headers.get("authorization"))
    name = headers.get("impersonate-user")
    if not name:
        return user
    other = named(name)
    groups = [group for group in headers.get("impersonate-group", "").split(",") if group]
    asked = [Act("impersonate", resource="users", name=name)]
    if name.startswith("system:serviceaccount:") and name.count(":") == 3:
        namespace, account = name.split(":")[2:4]
        asked = [Act("impersonate", resource="serviceaccounts", namespace=namespace, name=account)]
    asked += [Act("impersonate", resource="groups", name=group) for group in groups]
    for act in asked:
        rbac.require(cluster.store, user, act)
    chosen = frozenset(groups) | {AUTHENTICATED} if groups else other.groups
    return User(name, chosen, headers.get("impersonate-uid", ""))
