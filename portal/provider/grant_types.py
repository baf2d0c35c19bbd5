"""The ways to a token, on Authlib's classes, with what those leave open closed."""

from typing import Any

from authlib.common.security import generate_token
from authlib.oauth2.rfc6749 import (
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    UnauthorizedClientError,
    grants,
)
from authlib.oauth2.rfc6749.grants import BaseGrant, TokenEndpointMixin
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc8628 import DeviceCodeGrant
from authlib.oidc.core.util import create_half_hash
from flask import g

from allocations.kernel import clock
from allocations.people.persons import Person
from portal.database import session
from portal.provider import claims, clients, codes, devices, families, here, passports, tokens
from portal.provider.clients import Client
from portal.provider.codes import Code
from portal.provider.devices import DeviceRequest
from portal.provider.families import Family
from portal.provider.tokens import Kind, Token

METHODS = ["client_secret_basic", "client_secret_post", "none"]
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - the name of a kind


def guessed() -> None:
    """A code or token that nobody ever had: the address it came from is slowed down."""
    g.guessed = True


def _spent(family: Family, what: str) -> InvalidGrantError:
    """Second uses end the family: one of the two users has stolen what they used."""
    families.revoke(session(), family, f"{what} was used twice")
    return InvalidGrantError("This was used before, or is too old.")


class S256Only(CodeChallenge):  # type: ignore[misc]
    """For every client, and refused where the request begins; Authlib asks public clients only."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)
    CODE_CHALLENGE_METHODS = {"S256": CodeChallenge.CODE_CHALLENGE_METHODS["S256"]}  # noqa: RUF012

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        data = grant.request.payload.data
        if not data.get("code_challenge") or data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("PKCE with code_challenge_method S256 is required.")
        super().validate_code_challenge(grant, redirect_uri)


class IdTokens:
    """An id token beside each access token whose scope has `openid`."""

    def __call__(self, grant: Any) -> None:
        grant.register_hook("after_create_token_response", self.add)

    def add(self, grant: Any, response: Any) -> None:
        _, token, _ = response
        if "openid" in token["scope"].split():
            token["id_token"] = _id_token(grant.request, token)


def _family(request: Any) -> Family:
    """Of the code, the refresh token or the device request that is answered."""
    source: Code | Token | DeviceRequest = (
        request.authorization_code or request.refresh_token or request.credential
    )
    if source.family is None:
        raise InvalidGrantError()
    return source.family


def _id_token(request: Any, token: dict[str, Any]) -> str:
    """Written here and not by Authlib, which dates a refreshed log-in to the moment of refreshing."""
    family, now = _family(request), clock.now()
    where, algorithm = here.place(), family.client.id_token_signed_response_alg
    told = claims.of_family(session(), family, token["scope"], where) | claims.of_log_in(family)
    if request.authorization_code is not None and request.authorization_code.nonce:
        told["nonce"] = request.authorization_code.nonce
    told |= {
        "iss": where.issuer,
        "aud": family.client.client_id,
        "iat": int(now.timestamp()),
        "exp": int((now + tokens.LIFE).timestamp()),
        "at_hash": create_half_hash(token["access_token"], algorithm).decode(),
    }
    return here.ring().sign(told, algorithm=algorithm)


def save(token: dict[str, Any], request: Any) -> None:
    """What Authlib has made, by its digests."""
    tokens.save(session(), _family(request), token)


class CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        found = codes.find(session(), code)
        if found is None:
            guessed()
        elif found.used_at is not None:
            raise _spent(found.family, "a code")
        elif found.family.live and found.family.client_id == client.id:
            return found
        return None

    def authenticate_user(self, authorization_code: Code) -> Person:
        """Here and not earlier: a wrong verifier must not use up the code."""
        if not codes.take(session(), authorization_code):
            raise _spent(authorization_code.family, "a code")
        return authorization_code.family.person

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """It stays, so that its second use is noticed."""


class RefreshGrant(grants.RefreshTokenGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
        found = tokens.find(session(), refresh_token, Kind.REFRESH)
        if found is None:
            guessed()
        elif found.used_at is not None:
            raise _spent(found.family, "a refresh token")
        elif not found.is_revoked() and not found.is_expired():
            return found
        return None

    def authenticate_user(self, refresh_token: Token) -> Person:
        if not tokens.take(session(), refresh_token):
            raise _spent(refresh_token.family, "a refresh token")
        return refresh_token.family.person

    def revoke_old_credential(self, refresh_token: Token) -> None:
        """Taken already."""


class DeviceGrant(DeviceCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def query_device_credential(self, device_code: str) -> DeviceRequest | None:
        found = devices.find(session(), device_code)
        if found is None:
            guessed()
        return found

    def validate_device_credential(self, credential: DeviceRequest) -> Person:
        """The person who agreed, once; raises what Authlib has for each other case."""
        super().validate_device_credential(credential)
        if credential.family is None or not credential.family.live:
            raise InvalidGrantError("What was agreed to has ended.")
        if not devices.take(session(), credential):
            raise _spent(credential.family, "a device code")
        return credential.family.person

    def query_user_grant(self, user_code: object) -> tuple[Person | None, bool] | None:
        """Who agreed or refused; `user_code` is what get_user_code gave: the request itself."""
        if not isinstance(user_code, DeviceRequest):
            return None
        if user_code.denied_at is not None:
            return None, False
        return (user_code.family.person, True) if user_code.family is not None else None

    def should_slow_down(self, credential: DeviceRequest) -> bool:
        return devices.polled_too_soon(credential)


class PassportGrant(BaseGrant, TokenEndpointMixin):  # type: ignore[misc]
    """Token exchange (RFC 8693): an access token of ours for a GA4GH passport, and nothing else."""

    GRANT_TYPE = clients.EXCHANGE
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS[:2]

    def validate_token_request(self) -> None:
        client: Client = self.authenticate_token_endpoint_client()
        if not client.check_grant_type(self.GRANT_TYPE):
            raise UnauthorizedClientError()
        form = self.request.form
        if form.get("subject_token_type") != ACCESS_TOKEN:
            raise InvalidRequestError("The subject_token_type must be that of an access token.")
        if form.get("requested_token_type") != passports.TOKEN_TYPE:
            raise InvalidRequestError("The requested_token_type must be that of a passport.")
        self.request.client, self.token = client, _subject_token(client, form.get("subject_token", ""))

    def create_token_response(self) -> tuple[int, dict[str, Any], Any]:
        made = passports.passport(session(), self.token.family, here.ring(), here.place())
        answer = {
            "access_token": made,
            "issued_token_type": passports.TOKEN_TYPE,
            "token_type": "Bearer",
            "expires_in": int(tokens.LIFE.total_seconds()),
        }
        return 200, answer, self.TOKEN_RESPONSE_HEADER


def _subject_token(client: Client, text: str) -> Token:
    found = tokens.find(session(), text, Kind.ACCESS)
    if found is None:
        guessed()
        raise InvalidGrantError("There is no such token.")
    if found.is_expired() or found.is_revoked() or not client.of_one_house(found.family.client):
        raise InvalidGrantError("There is no such token.")
    if passports.SCOPE not in found.scope.split():
        raise InvalidScopeError("The token does not have the scope of passports.")
    return found


def new_secret(**_about: Any) -> str:
    """An access or refresh token."""
    made: str = generate_token(43)
    return made
