"""The relying party: Authlib carries the messages, this module judges them.

Checks follow OpenID Connect Core 1.0 (3.1.3.7), RFC 9207 and RFC 9700; each refusal of the
reference table is a test in tests/federation.
"""

import binascii
import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from joserfc import jws
from joserfc.errors import JoseError
from urllib3.exceptions import HTTPError

from allocations.kernel import clock
from allocations.people.institutions import IdentityProvider
from portal.auth.transport import (
    BoundedSession,
    Directory,
    Unreachable,
    get_json,
    is_acceptable,
    patience,
)

SKEW = 60
FRESH = 600
# Types of an identity token: few providers write one.
IDENTITY = frozenset({"", "jwt"})
# What was done in this log-in is said by its signed token alone; userinfo describes the person.
OF_TOKEN = frozenset({"acr", "amr", "auth_time"})
LONGEST_TOKEN = 64 * 1024
LONGEST_HEADER = 4 * 1024
ASYMMETRIC = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
SCOPES = {"orcid": "openid", "cilogon": "openid email profile org.cilogon.userinfo"}


class Refused(Exception):
    """The log-in does not happen. `detail` is for the log and never holds what the provider wrote."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Declined(Refused):
    """The provider itself said no, mostly because the person pressed Cancel there."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was asked, kept on our side: the answer has to fit it."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Client:
    """Our registration at one provider."""

    provider: IdentityProvider
    secret: str
    redirect_uri: str
    directory: Directory

    def metadata(self) -> dict[str, Any]:
        return self.directory.metadata(self.provider.issuer, life=self.provider.metadata_seconds)

    def address(self, attempt: Attempt, *, acr: str = "", max_age: int | None = None) -> str:
        """Where the browser goes to log in."""
        challenge = hashlib.sha256(attempt.verifier.encode()).digest()
        more: dict[str, str] = {
            "nonce": attempt.nonce,
            "code_challenge": urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        if max_age is not None:
            more |= {"max_age": str(max_age), "prompt": "login"}
        if acr:
            more["acr_values"] = acr
        scope = SCOPES.get(str(self.provider.kind), "openid email profile")
        session = BoundedSession(self.provider.client_id, redirect_uri=self.redirect_uri, scope=scope)
        endpoint = self.metadata()["authorization_endpoint"]
        url, _ = session.create_authorization_url(endpoint, state=attempt.state, **more)
        return str(url)

    def finish(self, attempt: Attempt, answer: Mapping[str, str]) -> dict[str, Any]:
        """The verified claims for this answer; raises Refused, Unreachable or Misconfigured.

        All requests together take at most `PATIENCE` seconds.
        """
        with patience():
            return self._finish(attempt, answer)

    def _finish(self, attempt: Attempt, answer: Mapping[str, str]) -> dict[str, Any]:
        metadata = self.metadata()
        self._check_answer(metadata, answer)
        tokens = self._exchange(metadata, answer["code"], attempt.verifier)
        claims = self._verified(metadata, tokens, attempt.nonce)
        return claims | self._userinfo(metadata, tokens, claims)

    def _check_answer(self, metadata: Mapping[str, Any], answer: Mapping[str, str]) -> None:
        named = answer.get("iss")
        if named is not None and named != self.provider.issuer:
            raise Refused("the answer comes from another issuer")
        if named is None and metadata.get("authorization_response_iss_parameter_supported") is True:
            raise Refused("the answer does not say whose it is")
        if "error" in answer:
            raise Declined("the provider refused")
        if not answer.get("code"):
            raise Refused("the answer has no code")

    def _exchange(self, metadata: Mapping[str, Any], code: str, verifier: str) -> dict[str, Any]:
        session = BoundedSession(
            self.provider.client_id,
            self.secret,
            redirect_uri=self.redirect_uri,
            token_endpoint_auth_method="client_secret_basic",  # noqa: S106 - the name of a method
        )
        try:
            tokens = session.fetch_token(
                metadata["token_endpoint"], grant_type="authorization_code", code=code, code_verifier=verifier
            )
        except (requests.RequestException, HTTPError, ValueError, RecursionError) as error:
            raise Unreachable(type(error).__name__) from error
        except AuthlibBaseError as error:
            raise Refused("the code was not accepted") from error
        if not isinstance(tokens, dict) or not isinstance(tokens.get("id_token"), str):
            raise Refused("the answer holds no identity token")
        if str(tokens.get("token_type")).lower() != "bearer":
            raise Refused("the answer holds a token of another kind")
        return dict(tokens)

    def _verified(self, metadata: Mapping[str, Any], tokens: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        token = tokens["id_token"]
        claims, algorithm = self.signed(token, metadata, kinds=IDENTITY)
        check_claims(claims, issuer=self.provider.issuer, client_id=self.provider.client_id)
        said = claims.get("nonce")
        if not _is_equal(said, nonce):
            raise Refused("the token answers another log-in")
        _check_at_hash(claims, tokens.get("access_token"), algorithm)
        return claims

    def signed(
        self, token: str, metadata: Mapping[str, Any], *, kinds: frozenset[str]
    ) -> tuple[dict[str, Any], str]:
        """The payload and its algorithm, once a key of the provider's own list has signed it.

        `kinds` are the types (RFC 8725, 3.11) that the header may name, in lower case.
        """
        header = _header(token)
        algorithm = header.get("alg")
        allowed = ASYMMETRIC & set(self.provider.algorithms)
        plain = isinstance(algorithm, str) and "crit" not in header
        if not plain or algorithm not in allowed or str(header.get("typ", "")).lower() not in kinds:
            raise Refused("the token is signed in a way that is not accepted")
        life = self.provider.keys_seconds
        key = self.directory.key(self.provider.issuer, metadata["jwks_uri"], header.get("kid"), life=life)
        if key is None:
            raise Refused("the token is signed with an unknown key")
        registry = jws.JWSRegistry(algorithms=[str(algorithm)])
        registry.max_header_length = LONGEST_HEADER
        registry.max_payload_length = LONGEST_TOKEN
        try:
            opened = jws.deserialize_compact(token, key, registry=registry)
            claims = json.loads(opened.payload or b"")
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise Refused("the signature is not right") from error
        if not isinstance(claims, dict):
            raise Refused("the token holds no claims")
        return claims, str(algorithm)

    def _userinfo(
        self, metadata: Mapping[str, Any], tokens: Mapping[str, Any], claims: Mapping[str, Any]
    ) -> dict[str, Any]:
        """More about the same subject, where the provider offers it; it never overrules the token."""
        endpoint, token = metadata.get("userinfo_endpoint"), tokens.get("access_token")
        if not is_acceptable(endpoint) or not isinstance(token, str):
            return {}
        more = get_json(str(endpoint), token=token)
        if more.get("sub") != claims["sub"]:
            raise Refused("the user information is about somebody else")
        return {name: value for name, value in more.items() if name not in claims and name not in OF_TOKEN}


def check_claims(claims: Mapping[str, Any], *, issuer: str, client_id: str) -> None:
    """Issuer, audience, times and subject of an identity token; times in seconds, sixty of them skew."""
    now = clock.now().timestamp()
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    party = claims.get("azp")
    checks = {
        "issuer": claims.get("iss") == issuer,
        "audience": isinstance(audiences, list) and client_id in audiences,
        "party": party == client_id if party is not None or len(audiences or []) > 1 else True,
        "end": _is_time(claims.get("exp")) and now - SKEW < claims["exp"],
        "age": _is_time(claims.get("iat")) and now - FRESH < claims["iat"] < now + SKEW,
        "start": "nbf" not in claims or (_is_time(claims["nbf"]) and claims["nbf"] < now + SKEW),
        "subject": _is_subject(claims.get("sub")),
        "kind": "events" not in claims,
    }
    wrong = [name for name, right in checks.items() if not right]
    if wrong:
        raise Refused(f"the token's {wrong[0]} is not right")


def _is_subject(value: object) -> bool:
    """OpenID Connect Core 1.0, 2: at most 255 ASCII characters."""
    return (
        isinstance(value, str)
        and value.isascii()
        and value.isprintable()
        and bool(value.strip())
        and len(value) <= 255
    )


def _is_equal(said: object, expected: str) -> bool:
    return isinstance(said, str) and said.isascii() and hmac.compare_digest(said, expected)


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _header(token: str) -> dict[str, Any]:
    first = token.partition(".")[0]
    if len(token) > LONGEST_TOKEN or len(first) > LONGEST_HEADER * 4 // 3:
        raise Refused("the token is too long")
    try:
        header = json.loads(urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise Refused("the token cannot be read") from error
    if not isinstance(header, dict):
        raise Refused("the token cannot be read")
    return header


def _check_at_hash(claims: Mapping[str, Any], access_token: object, algorithm: str) -> None:
    """OpenID Connect Core 1.0, 3.1.3.8: when the token binds an access token, it must be this one."""
    said = claims.get("at_hash")
    if said is None:
        return
    size = {"256": "sha256", "384": "sha384", "512": "sha512"}.get(algorithm[-3:], "sha512")
    digest = hashlib.new(size, str(access_token).encode()).digest()
    expected = urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    if not _is_equal(said, expected):
        raise Refused("the token belongs to another access token")
