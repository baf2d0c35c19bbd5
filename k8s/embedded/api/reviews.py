"""Questions that are created to be answered: access reviews, token reviews, token requests."""

import time
from collections.abc import Callable
from typing import Any

from k8s.embedded.access.rbac import Act, allowed, rules_of
from k8s.embedded.access.tokens import AUDIENCE, Grant
from k8s.embedded.access.users import User, named
from k8s.embedded.api.calls import Call, Cluster, Reply, parse, reply
from k8s.embedded.api.reads import find
from k8s.embedded.objects.errors import ApiError, bad_request, invalid, not_found, wrong
from k8s.embedded.store import Object, timestamp

HOUR = 3600
SHORTEST = 600


def answer(cluster: Cluster, user: User, plural: str, body: bytes) -> Reply:
    asked = parse(body)
    if not isinstance(asked, dict) or not isinstance(asked.get("spec", {}), dict):
        raise bad_request("the object provided is unrecognized")
    status = ANSWERS[plural](cluster, user, asked.get("spec", {}))
    return reply({**asked, "metadata": {"creationTimestamp": None}, "status": status}, 201)


def _act(spec: Object) -> Act:
    if "nonResourceAttributes" in spec:
        asked = spec["nonResourceAttributes"]
        return Act(asked.get("verb", ""), path=asked.get("path", ""))
    asked = spec.get("resourceAttributes", {})
    return Act(
        asked.get("verb", ""),
        asked.get("group", ""),
        asked.get("resource", ""),
        asked.get("subresource", ""),
        asked.get("namespace", ""),
        asked.get("name", ""),
    )


def _access(cluster: Cluster, user: User, spec: Object) -> Object:
    reason = allowed(cluster.store, user, _act(spec))
    return {"allowed": reason is not None, **({"reason": reason} if reason else {})}


def _of_subject(cluster: Cluster, user: User, spec: Object) -> Object:
    name, groups = spec.get("user", ""), frozenset(spec.get("groups") or ())
    subject = User(name, named(name).groups | groups) if name.startswith("system:serviceaccount:") else None
    return _access(cluster, subject or User(name, groups), spec)


def _of_self(cluster: Cluster, user: User, spec: Object) -> Object:
    return _access(cluster, user, spec)


def _rules(cluster: Cluster, user: User, spec: Object) -> Object:
    rules = rules_of(cluster.store, user, spec.get("namespace", ""))
    return {
        "resourceRules": [rule for rule in rules if "resources" in rule],
        "nonResourceRules": [rule for rule in rules if "nonResourceURLs" in rule],
        "incomplete": False,
    }


def _token(cluster: Cluster, user: User, spec: Object) -> Object:
    audiences = spec.get("audiences") or [AUDIENCE]
    try:
        if spec.get("token") == cluster.tokens.admin:
            found = cluster.tokens.user_of(f"Bearer {spec['token']}")
        else:
            found = cluster.tokens.read(spec.get("token", ""), audiences[0])
    except ApiError:
        return {"authenticated": False, "error": "invalid bearer token", "user": {}}
    return {"authenticated": True, "user": _shown(found), "audiences": audiences}


def _who(cluster: Cluster, user: User, spec: Object) -> Object:
    return {"userInfo": _shown(user)}


def _shown(user: User) -> Object:
    shown: Object = {"username": user.name, "groups": sorted(user.groups)}
    return shown | ({"uid": user.uid} if user.uid else {}) | ({"extra": user.extra} if user.extra else {})


ANSWERS: dict[str, Callable[[Cluster, User, Object], Object]] = {
    "subjectaccessreviews": _of_subject,
    "localsubjectaccessreviews": _of_subject,
    "selfsubjectaccessreviews": _of_self,
    "selfsubjectrulesreviews": _rules,
    "tokenreviews": _token,
    "selfsubjectreviews": _who,
}


def request_token(cluster: Cluster, call: Call) -> Reply:
    """TokenRequest: a signed token of the service account, for at least ten minutes."""
    account = find(cluster, call).object
    asked: Any = call.parsed() or {}
    spec = asked.get("spec") or {}
    seconds = int(spec.get("expirationSeconds") or HOUR)
    if seconds < SHORTEST:
        cause = wrong("spec.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")
        raise invalid("TokenRequest", call.name, [cause], group="authentication.k8s.io")
    audiences = tuple(spec.get("audiences") or (AUDIENCE,))
    bound = _bound(cluster, call.namespace, spec.get("boundObjectRef"))
    token = cluster.tokens.issue(Grant(account, audiences, seconds, bound))
    body = {
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"name": call.name, "namespace": call.namespace, "creationTimestamp": timestamp()},
        "spec": {**spec, "audiences": list(audiences), "expirationSeconds": seconds},
        "status": {"token": token, "expirationTimestamp": timestamp(time.time() + seconds)},
    }
    return reply(body, 201)


def _bound(cluster: Cluster, namespace: str, ref: Object | None) -> Object | None:
    if not ref:
        return None
    plural = f"{ref.get('kind', '').lower()}s"
    record = cluster.store.find(plural, namespace, ref.get("name", ""))
    if record is None:
        raise not_found(plural, ref.get("name", ""))
    return record.object
