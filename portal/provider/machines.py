"""Addresses for clients and verifiers: they are known by what they send, and cookies say nothing here."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, g, jsonify, request
from flask.typing import ResponseReturnValue

from portal.auth import throttle
from portal.database import session
from portal.permissions import machine
from portal.provider import claims, clients, here, tokens
from portal.provider.keys import CACHE
from portal.provider.server import server

blueprint = Blueprint("oauth", __name__)


def _public(document: dict[str, Any]) -> Response:
    """Kept for as long as the old keys stay after a rotation, and not longer."""
    answer = jsonify(document)
    answer.headers["Cache-Control"] = f"public, max-age={int(CACHE.total_seconds())}"
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


@blueprint.get("/.well-known/openid-configuration")
@machine("public")
def discovery() -> ResponseReturnValue:
    """What the provider can do, and where."""
    here.ring()
    issuer = here.place().issuer
    ends = {
        "authorization_endpoint": "authorize",
        "token_endpoint": "token",
        "userinfo_endpoint": "userinfo",
        "introspection_endpoint": "introspect",
        "revocation_endpoint": "revoke",
        "device_authorization_endpoint": "device_authorization",
        "jwks_uri": "jwks",
    }
    return _public(
        {"issuer": issuer, **{name: f"{issuer}/oauth/{end}" for name, end in ends.items()}, **_ABILITIES}
    )


_METHODS = ["client_secret_basic", "client_secret_post"]
_ABILITIES: dict[str, Any] = {
    "scopes_supported": list(clients.SCOPES),
    "response_types_supported": ["code"],
    "response_modes_supported": ["query"],
    "grant_types_supported": list(clients.GRANT_TYPES),
    "code_challenge_methods_supported": ["S256"],
    "subject_types_supported": ["public"],
    "id_token_signing_alg_values_supported": list(clients.ALGORITHMS),
    "token_endpoint_auth_methods_supported": [*_METHODS, "none"],
    "introspection_endpoint_auth_methods_supported": _METHODS,
    "revocation_endpoint_auth_methods_supported": [*_METHODS, "none"],
    "acr_values_supported": ["https://refeds.org/profile/mfa"],
    "prompt_values_supported": ["none", "login", "consent", "select_account"],
    "claims_supported": [
        "sub",
        "name",
        "preferred_username",
        "email",
        "groups",
        "eduperson_entitlement",
        "eduperson_assurance",
        "voperson_external_affiliation",
        "acr",
        "auth_time",
    ],
    "authorization_response_iss_parameter_supported": True,
    "request_parameter_supported": False,
    "request_uri_parameter_supported": False,
    "claims_parameter_supported": False,
}


@blueprint.get("/oauth/jwks")
@machine("public")
def jwks() -> ResponseReturnValue:
    """The public keys: current, next, and those on their way out."""
    return _public({"keys": here.ring().public()})


@blueprint.post("/oauth/token")
@machine("public")
def token() -> ResponseReturnValue:
    return _answered(server.create_token_response)


@blueprint.post("/oauth/introspect")
@machine("public")
def introspect() -> ResponseReturnValue:
    return _answered(lambda: server.create_endpoint_response("introspection"))


@blueprint.post("/oauth/revoke")
@machine("public")
def revoke() -> ResponseReturnValue:
    return _answered(lambda: server.create_endpoint_response("revocation"))


@blueprint.post("/oauth/device_authorization")
@machine("public")
def device_authorization() -> ResponseReturnValue:
    return _answered(lambda: server.create_endpoint_response("device_authorization"))


def _answered(make: Callable[[], Response]) -> Response:
    """Commits refusals too: a second use of a code ends its family. Who guesses is counted afterwards."""
    here.ring()
    throttle.check("client")
    answer = make()
    session().commit()
    if g.get("guessed") or _is_wrong_client(answer):
        throttle.failed("client")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _is_wrong_client(answer: Response) -> bool:
    return answer.status_code >= 400 and (answer.get_json(silent=True) or {}).get("error") == "invalid_client"


@blueprint.route("/oauth/userinfo", methods=["GET", "POST"])
@machine("public")
def userinfo() -> ResponseReturnValue:
    """For the bearer of an access token whose scope has `openid`."""
    here.ring()
    throttle.check("token")
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not text:
        return _unauthorised()
    found = tokens.find(session(), text, tokens.Kind.ACCESS)
    if found is None:
        session().rollback()
        throttle.failed("token")
        return _unauthorised()
    if found.is_expired() or found.is_revoked() or "openid" not in found.scope.split():
        return _unauthorised()
    return jsonify(claims.of_family(session(), found.family, found.scope, here.place()))


def _unauthorised() -> ResponseReturnValue:
    return jsonify(error="invalid_token"), 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'}
