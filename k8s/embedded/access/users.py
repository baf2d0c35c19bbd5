"""Who calls: a user name with groups, as authentication and impersonation leave it."""

from dataclasses import dataclass, field

ADMINS = "system:masters"
AUTHENTICATED = "system:authenticated"


@dataclass(frozen=True, slots=True)
class User:
    name: str
    groups: frozenset[str] = frozenset()
    uid: str = ""
    extra: dict[str, list[str]] = field(default_factory=dict)


ADMIN = User("kubernetes-admin", frozenset((ADMINS, AUTHENTICATED)))
ANONYMOUS = User("system:anonymous", frozenset(("system:unauthenticated",)))


def service_account(namespace: str, name: str, uid: str = "") -> User:
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED)
    return User(f"system:serviceaccount:{namespace}:{name}", frozenset(groups), uid)


def named(name: str) -> User:
    """A user known by name only; a service account's name brings its groups."""
    parts = name.split(":")
    if name.startswith("system:serviceaccount:") and len(parts) == 4:
        return service_account(parts[2], parts[3])
    return User(name, frozenset((AUTHENTICATED,)))
