"""What a user may do, by the roles and bindings in the store."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from k8s.embedded.access.users import ADMINS, User
from k8s.embedded.objects.errors import ApiError, forbidden, not_found
from k8s.embedded.objects.selectors import matches
from k8s.embedded.store import Store

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Act:
    """One thing somebody wants to do: to a resource, or to a path outside the resources."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def full_resource(self) -> str:
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


def allowed(store: Store, user: User, act: Act) -> str | None:
    """The reason why the user may do it, or None."""
    if ADMINS in user.groups:
        return "the user is an administrator of the cluster"
    return next((why for why, rule in _rules(store, user, act.namespace) if _permits(rule, act)), None)


def rules_of(store: Store, user: User, namespace: str) -> list[Object]:
    return [rule for _, rule in _rules(store, user, namespace)]


def require(store: Store, user: User, act: Act) -> None:
    """Raises the 403 the API server would answer."""
    if allowed(store, user, act) is not None:
        return
    if act.path:
        message = f'forbidden: User "{user.name}" cannot {act.verb} path "{act.path}"'
        raise ApiError(403, message)
    where = f' in the namespace "{act.namespace}"' if act.namespace else " at the cluster scope"
    why = (
        f'User "{user.name}" cannot {act.verb} resource "{act.full_resource}" '
        f'in API group "{act.group}"{where}'
    )
    raise forbidden(act.resource, act.name, why, group=act.group)


def _rules(store: Store, user: User, namespace: str) -> Iterator[tuple[str, Object]]:
    bindings = [(store.records("clusterrolebindings"), "ClusterRoleBinding")]
    if namespace:
        bindings.append((store.records("rolebindings", namespace), "RoleBinding"))
    for records, kind in bindings:
        for record in records:
            binding = record.object
            subject = next((one for one in binding.get("subjects", ()) if _is(user, one, namespace)), None)
            if subject is None:
                continue
            ref, label = binding["roleRef"], binding["metadata"]["name"]
            why = (
                f'RBAC: allowed by {kind} "{label}" of {ref["kind"]} "{ref["name"]}" '
                f'to {subject["kind"]} "{subject["name"]}"'
            )
            for rule in role_rules(store, ref, namespace):
                yield why, rule


def role_rules(store: Store, ref: Object, namespace: str) -> list[Object]:
    """The rules behind a roleRef; an aggregated ClusterRole is put together on reading."""
    if ref["kind"] == "Role":
        record = store.find("roles", namespace, ref["name"])
    else:
        record = store.find("clusterroles", None, ref["name"])
    if record is None:
        return []
    selectors = record.object.get("aggregationRule", {}).get("clusterRoleSelectors", ())
    rules = list(record.object.get("rules", ()))
    for other in store.records("clusterroles") if selectors else ():
        labels = other.object["metadata"].get("labels", {})
        if other is not record and any(matches(selector, labels) for selector in selectors):
            rules.extend(other.object.get("rules", ()))
    return rules


def _is(user: User, subject: Object, namespace: str) -> bool:
    match subject["kind"]:
        case "User":
            return bool(subject["name"] == user.name)
        case "Group":
            return subject["name"] in user.groups
        case _:
            home = subject.get("namespace", namespace)
            return user.name == f"system:serviceaccount:{home}:{subject['name']}"


def _permits(rule: Object, act: Act) -> bool:
    if act.verb not in rule["verbs"] and "*" not in rule["verbs"]:
        return False
    if act.path:
        return any(_path_fits(pattern, act.path) for pattern in rule.get("nonResourceURLs", ()))
    groups, resources = rule.get("apiGroups", ()), rule.get("resources", ())
    if act.group not in groups and "*" not in groups:
        return False
    wanted = {"*", act.full_resource} | ({f"*/{act.subresource}"} if act.subresource else set())
    if not wanted & set(resources):
        return False
    names = rule.get("resourceNames", ())
    return not names or act.name in names


def _path_fits(pattern: str, path: str) -> bool:
    return pattern == path or (pattern.endswith("*") and path.startswith(pattern[:-1]))


def require_no_escalation(store: Store, user: User, obj: Object) -> None:
    """A role may not grant, and a binding not hand out, more than the author has.

    Unless the author may `escalate` the role or `bind` the role named. Raises a 403.
    """
    namespace, kind = obj["metadata"].get("namespace", ""), obj["kind"]
    base = Act("", "rbac.authorization.k8s.io", namespace=namespace)
    if kind.endswith("Binding"):
        ref = obj["roleRef"]
        act = replace(base, verb="bind", resource=f"{ref['kind'].lower()}s", name=ref["name"])
        rules = role_rules(store, ref, namespace)
    else:
        act = replace(base, verb="escalate", resource=f"{kind.lower()}s", name=obj["metadata"]["name"])
        rules = obj.get("rules", [])
    if allowed(store, user, act):
        return
    if act.verb == "bind" and not _is_there(store, obj["roleRef"], namespace):
        raise not_found(act.resource, act.name, group=act.group)
    extra = [str(one) for rule in rules for one in _acts_of(rule, namespace) if not allowed(store, user, one)]
    if extra:
        plural = f"{kind.lower()}s"
        why = (
            f'user "{user.name}" (groups={sorted(user.groups)}) is attempting to grant RBAC permissions not '
            f"currently held: {len(extra)} missing"
        )
        raise forbidden(plural, obj["metadata"]["name"], why, group="rbac.authorization.k8s.io")


def _is_there(store: Store, ref: Object, namespace: str) -> bool:
    resource, where = ("roles", namespace) if ref["kind"] == "Role" else ("clusterroles", None)
    return store.find(resource, where, ref["name"]) is not None


def _acts_of(rule: Object, namespace: str) -> Iterable[Act]:
    """The single acts a rule grants; a wildcard stays one act that only a wildcard permits."""
    for verb, path in product(rule["verbs"], rule.get("nonResourceURLs", ())):
        yield Act(verb, path=path)
    targets = (rule.get("apiGroups", ()), rule.get("resources", ()), rule.get("resourceNames", ("",)))
    for verb, group, resource, name in product(rule["verbs"], *targets):
        plural, _, inner = resource.partition("/")
        yield Act(verb, group, plural, inner, namespace, name)
