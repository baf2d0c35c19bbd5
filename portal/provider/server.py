"""Authlib's authorization server with our grant types and the endpoints beside the token endpoint."""

import logging
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import InvalidScopeError, UnauthorizedClientError
from authlib.oauth2.rfc6749.authenticate_client import authenticate_client_secret_basic
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint

from portal.auth import throttle
from portal.auth.sessions import digest
from portal.database import session
from portal.provider import claims, clients, devices, grant_types, here, tokens
from portal.provider.clients import Client
from portal.provider.devices import DeviceRequest
from portal.provider.grant_types import METHODS
from portal.provider.tokens import Token

# It would write whole tokens.
logging.getLogger("authlib").setLevel(logging.INFO)


class Introspection(IntrospectionEndpoint):  # type: ignore[misc]
    """For clients with a secret, about tokens of their own house."""

    CLIENT_AUTH_METHODS = METHODS[:2]

    def query_token(self, token_string: str, token_type_hint: str | None) -> Token | None:
        return tokens.find(session(), token_string)

    def check_permission(self, token: Token, client: Client, request: Any) -> bool:
        return client.of_one_house(token.family.client)

    def introspect_token(self, token: Token) -> dict[str, Any]:
        where, family = here.place(), token.family
        return {
            **claims.of_family(session(), family, token.scope, where),
            **claims.of_log_in(family),
            "active": True,
            "iss": where.issuer,
            "client_id": family.client.client_id,
            "aud": family.client.client_id,
            "username": claims.user_name(family.person_id),
            "token_type": "Bearer" if token.kind == tokens.Kind.ACCESS else "refresh_token",
            "scope": token.scope,
            "iat": int(token.issued_at.timestamp()),
            "exp": int(token.expires_at.timestamp()),
        }


class Revocation(RevocationEndpoint):  # type: ignore[misc]
    CLIENT_AUTH_METHODS = METHODS

    def query_token(self, token_string: str, token_type_hint: str | None) -> Token | None:
        return tokens.find(session(), token_string)

    def revoke_token(self, token: Token, request: Any) -> None:
        tokens.revoke(session(), token)


class DeviceAuthorization(DeviceAuthorizationEndpoint):  # type: ignore[misc]
    CLIENT_AUTH_METHODS = METHODS
    EXPIRES_IN = int(devices.LIFE.total_seconds())
    INTERVAL = devices.INTERVAL

    def authenticate_client(self, request: Any) -> Client:
        """Authlib does not ask whether this client may, and for what."""
        client: Client = super().authenticate_client(request)
        if not client.check_grant_type(clients.DEVICE):
            raise UnauthorizedClientError()
        if client.get_allowed_scope(request.payload.scope) is None:
            raise InvalidScopeError()
        return client

    def generate_user_code(self) -> str:
        return devices.new_user_code()

    def get_verification_uri(self) -> str:
        return f"{here.settings().public_url}/device"

    def save_device_credential(self, client_id: str, scope: str, data: dict[str, Any]) -> None:
        client = clients.enabled(session(), client_id)
        if client is None:
            raise UnauthorizedClientError()
        row = DeviceRequest(
            device_digest=digest(data["device_code"]),
            user_digest=digest(devices.plain(data["user_code"])),
            client=client,
            scope=client.get_allowed_scope(scope) or "",
            address=throttle.source(),
        )
        session().add(row)


def _basic(query_client: Any, request: Any) -> Client | None:
    """Bytes that are no text are no secret either; Authlib would fall over them."""
    try:
        found: Client | None = authenticate_client_secret_basic(query_client, request)
    except UnicodeDecodeError:
        return None
    return found


def _query_client(client_id: str) -> Client | None:
    return clients.enabled(session(), client_id)


def _lifetime(_client: Client, _grant_type: str) -> int:
    return int(tokens.LIFE.total_seconds())


def built() -> AuthorizationServer:
    made = AuthorizationServer(query_client=_query_client, save_token=grant_types.save)
    made.scopes_supported = list(clients.SCOPES)
    generator = BearerTokenGenerator(grant_types.new_secret, grant_types.new_secret, _lifetime)
    made.register_token_generator("default", generator)
    ids = grant_types.IdTokens()
    made.register_grant(grant_types.CodeGrant, [grant_types.S256Only(), ids])
    made.register_grant(grant_types.RefreshGrant, [ids])
    made.register_grant(grant_types.DeviceGrant, [ids])
    made.register_grant(grant_types.PassportGrant)
    for endpoint in (Introspection, Revocation, DeviceAuthorization):
        made.register_endpoint(endpoint)
    made.register_client_auth_method("client_secret_basic", _basic)
    return made


server = built()
