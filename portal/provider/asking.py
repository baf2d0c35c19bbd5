"""What an authorization request asks for, and what has to happen before it is answered."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Error
from flask import request

from allocations.kernel import clock
from portal.auth import step_up
from portal.auth.sessions import LoginSession
from portal.database import session
from portal.fields import storable
from portal.provider import consents, here
from portal.provider.clients import Client
from portal.provider.server import server

# A key of ours in the address: there has to be a log-in after this moment.
SINCE = "log_in_since"
PROMPTS = frozenset({"none", "login", "consent", "select_account"})
LONGEST = {"state": 1000, "nonce": 255, "redirect_uri": 500, "scope": 500}
# A provider's clock may be behind ours by so much.
SKEW = timedelta(minutes=2)


class NotNow(OAuth2Error):  # type: ignore[misc]
    """The client allowed no page to be shown, and one is needed."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that names a client and one of its addresses, and is well formed."""

    client: Client
    redirect_uri: str
    scope: str
    state: str
    nonce: str
    challenge: str
    prompt: frozenset[str]
    max_age: int | None
    since: datetime | None
    wants_mfa: bool


def read() -> Asked:
    """Raises OAuth2Error; with a redirect_uri when the client may be told."""
    data = request.values
    for name in ("response_type", "client_id", "redirect_uri"):
        if re.search(r"[^\x20-\x7e]|[\"\\]", data.get(name, "")):
            raise InvalidRequestError(f"The {name} has characters that do not belong there.")
    grant = server.get_consent_grant()
    try:
        return _asked(grant, data)
    except OAuth2Error as error:
        error.redirect_uri, error.state = grant.redirect_uri, data.get("state", "")[: LONGEST["state"]]
        raise


def _asked(grant: Any, data: Any) -> Asked:
    for name in ("request", "request_uri"):
        if name in data:
            raise OAuth2Error(error=f"{name}_not_supported")
    if data.get("response_mode", "query") != "query":
        raise InvalidRequestError("The only response_mode is query.")
    for name, most in LONGEST.items():
        if len(data.get(name, "")) > most or not storable(data.get(name, ""), lines=False):
            raise InvalidRequestError(f"The {name} is too long or not text.")
    return Asked(
        client=grant.client,
        redirect_uri=grant.redirect_uri,
        scope=grant.request.scope,
        state=data.get("state", ""),
        nonce=data.get("nonce", ""),
        challenge=data["code_challenge"],
        prompt=_prompt(data.get("prompt", "")),
        max_age=_number(data.get("max_age"), "max_age"),
        since=_moment(_number(data.get(SINCE), SINCE)),
        wants_mfa=step_up.MFA in data.get("acr_values", "").split(),
    )


def _prompt(text: str) -> frozenset[str]:
    words = frozenset(text.split())
    if not words <= PROMPTS or ("none" in words and len(words) > 1):
        raise InvalidRequestError("This prompt is not known.")
    return words


def _number(text: str | None, name: str) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,10}", text):
        raise InvalidRequestError(f"The {name} must be a number of seconds.")
    return int(text)


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def detour(asked: Asked, row: LoginSession | None) -> str:
    """Where the person goes first: to log in, to be welcomed, to use a second factor; empty for nowhere."""
    if row is None:
        return _log_in() if _wants_log_in(asked) else "/login?" + urlencode({"next": address()})
    if row.person.welcomed_at is None:
        return "/welcome"
    if not _recent_enough(asked, row):
        return _log_in()
    if asked.wants_mfa and not step_up.is_fresh(session()):
        return "/step-up?" + urlencode({"next": address()})
    return ""


def _wants_log_in(asked: Asked) -> bool:
    named = bool(asked.prompt & {"login", "select_account"})
    return named or asked.max_age is not None or asked.since is not None


def _log_in() -> str:
    """A new one, whatever session there is; the identity provider is told to ask again."""
    return "/login?" + urlencode({"next": _address_after_log_in(), "fresh": "yes"})


def _recent_enough(asked: Asked, row: LoginSession) -> bool:
    """Both by our clock and by what the provider said of the log-in."""
    if asked.prompt & {"login", "select_account"}:
        return False
    if asked.since is not None and (row.began_at < asked.since or row.auth_time < asked.since - SKEW):
        return False
    return asked.max_age is None or clock.now() - row.auth_time <= timedelta(seconds=asked.max_age)


def address() -> str:
    """Of this request, to come back to."""
    kept = [(key, value) for key, value in request.values.items() if key != "answer"]
    return "/oauth/authorize?" + urlencode(kept)


def _address_after_log_in() -> str:
    """The wish for a log-in becomes the moment after which there has to be one."""
    kept = {key: value for key, value in request.values.items() if key not in ("answer", "max_age", SINCE)}
    kept["prompt"] = " ".join(sorted(set(kept.get("prompt", "").split()) & {"consent"}))
    return "/oauth/authorize?" + urlencode({**kept, SINCE: str(int(clock.now().timestamp()))})


def must_ask(asked: Asked, row: LoginSession) -> bool:
    """Whether the person has to agree; once is enough for the same client and scopes.

    Not for a public client: any program on the person's machine can pretend to be it (RFC 8252, 8.6).
    """
    if asked.client.public:
        return True
    known = consents.covers(session(), row.person_id, asked.client, scope=asked.scope)
    return "consent" in asked.prompt or not known


def silent_refusal(leads: str) -> NotNow:
    """For `prompt=none`: which of the pages was needed."""
    words = {"/login": "login_required", "/step-up": "unmet_authentication_requirements"}
    return NotNow(error=words.get(leads.split("?")[0], "interaction_required"))


def answered(asked: Asked, **told: str) -> str:
    """The client's address with the answer, and with whose it is (RFC 9207)."""
    params = {**told, "state": asked.state, "iss": here.place().issuer}
    found: str = add_params_to_uri(asked.redirect_uri, [(k, v) for k, v in params.items() if v])
    return found


def refused(error: OAuth2Error) -> str:
    """The same for an error; empty when it must not leave this portal."""
    if not error.redirect_uri:
        return ""
    told = [*error.get_body(), ("iss", here.place().issuer)]
    found: str = add_params_to_uri(error.redirect_uri, told)
    return found
