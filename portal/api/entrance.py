"""Who may come in: one token a request, of the right scope, and no cookie beside it."""

from typing import Any

from flask import abort, current_app, request
from werkzeug.exceptions import HTTPException

from portal.api.operations import Operation
from portal.auth import bearers, throttle
from portal.auth.bearers import Bearer
from portal.auth.people import act_as
from portal.auth.tokens import Scope


class Challenged(HTTPException):
    """A refusal that says what would be let in (RFC 6750, 3)."""

    def __init__(self, code: int, description: str, challenge: str) -> None:
        super().__init__(description)
        self.code, self.challenge = code, challenge

    def get_headers(self, *given: Any, **named: Any) -> list[tuple[str, str]]:
        return [*super().get_headers(*given, **named), ("WWW-Authenticate", self.challenge)]


def enter() -> None:
    """Before every view of the API."""
    if "Authorization" in request.headers and "Cookie" in request.headers:
        # Attack: the cookies of one person and the token of another. Nobody has to guess whom we believe.
        abort(400, "Send a token and no cookies.")
    view: Any = current_app.view_functions[request.endpoint or ""]
    operation: Operation = view.operation
    if operation.scope is None:
        return
    throttle.check("token")
    bearer = _bearer()
    if operation.scope not in bearer.scopes:
        raise _out_of_scope(operation.scope)
    act_as(bearer.actor)


def _bearer() -> Bearer:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Challenged(401, "Send a token: “Authorization: Bearer prt_…”. Cookies do not count.", "Bearer")
    try:
        return bearers.present(text)
    except bearers.Unknown:
        throttle.failed("token")
        raise _invalid("This is not a token of this portal.") from None
    except bearers.Dead as dead:
        # Whoever holds it is not guessing: a forgotten program must not shut its neighbours out.
        raise _invalid(str(dead)) from None


def _invalid(description: str) -> Challenged:
    return Challenged(401, description, 'Bearer error="invalid_token"')


def _out_of_scope(scope: Scope) -> Challenged:
    challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
    return Challenged(403, f"This token is not made for this: it needs the scope “{scope}”.", challenge)
