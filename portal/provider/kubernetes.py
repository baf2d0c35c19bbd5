"""What Kubernetes is told: the API server's configuration for our tokens, and people's kubeconfig files."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from portal.provider.claims import USER_PREFIX, Place
from portal.provider.clients import KUBECTL
from portal.provider.tokens import LIFE

Document = dict[str, Any]


def authentication_configuration(where: Place) -> Document:
    """AuthenticationConfiguration v1 (Kubernetes 1.34 and newer; the same as v1beta1 from 1.30 on).

    User names come out as `names.subject` writes them into role bindings; groups carry their prefix already.
    """
    short = {
        "expression": f"claims.exp - claims.iat <= {int(LIFE.total_seconds())}",
        "message": "The token lives longer than this issuer's tokens do.",
    }
    groups = {
        "expression": f"claims.groups.all(group, group.startsWith('{USER_PREFIX}'))",
        "message": "Groups must begin with the name of the community.",
    }
    mappings = {
        "username": {"claim": "preferred_username", "prefix": USER_PREFIX},
        "groups": {"claim": "groups", "prefix": ""},
        "uid": {"claim": "sub"},
        "extra": [
            {"key": "commons.research/acr", "valueExpression": "has(claims.acr) ? claims.acr : ''"},
            {"key": "commons.research/sub", "valueExpression": "claims.sub"},
        ],
    }
    authenticator = {
        "issuer": {"url": where.issuer, "audiences": [KUBECTL], "audienceMatchPolicy": "MatchAny"},
        "claimValidationRules": [short, groups],
        "claimMappings": mappings,
        "userValidationRules": [
            {
                "expression": "!user.username.startsWith('system:')",
                "message": "Names of the system are not for people.",
            }
        ],
    }
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthenticationConfiguration",
        "jwt": [authenticator],
    }


@dataclass(frozen=True, slots=True)
class Api:
    """Where people reach a cluster."""

    name: str
    url: str
    certificate_authority: str


def kubeconfig(api: Api, namespaces: Sequence[str], where: Place) -> Document:
    """One context a namespace; the user is a program that logs in. There is no secret in it."""
    cluster = {"server": api.url}
    if api.certificate_authority:
        encoded = base64.b64encode(api.certificate_authority.encode()).decode()
        cluster["certificate-authority-data"] = encoded
    contexts = [
        {"name": name, "context": {"cluster": api.name, "user": USER, "namespace": name}}
        for name in namespaces
    ]
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": api.name, "cluster": cluster}],
        "users": [{"name": USER, "user": {"exec": _log_in(where)}}],
        "contexts": contexts,
        "current-context": namespaces[0] if namespaces else "",
    }


USER = "research-commons"
# Instead of a browser on the same machine: a code to type on another one.
WITHOUT_BROWSER = "--grant-type=device-code"


def _log_in(where: Place) -> Document:
    """The plugin `kubectl oidc-login` (int128/kubelogin)."""
    arguments = [
        "oidc-login",
        "get-token",
        f"--oidc-issuer-url={where.issuer}",
        f"--oidc-client-id={KUBECTL}",
        "--oidc-extra-scope=groups",
        "--oidc-pkce-method=S256",
    ]
    return {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "kubectl",
        "args": arguments,
        "interactiveMode": "IfAvailable",
        "provideClusterInfo": False,
    }
