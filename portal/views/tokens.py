"""Personal tokens: list, make (shown once), revoke."""

import secrets

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, Field

from portal import fields
from portal.auth import tokens
from portal.auth.people import actor
from portal.auth.tokens import SCOPE_WORDS, Scope, TokenDraft
from portal.database import session
from portal.forms import Form, posted
from portal.permissions import needs
from portal.web import act, page

blueprint = Blueprint("tokens", __name__)
HERE = "/account/tokens"


class TokenInput(BaseModel):
    name: fields.Short
    days: fields.Number
    scopes: list[Scope] = Field(default_factory=list)
    nonce: fields.Needed


@blueprint.get("/account/tokens")
@needs("home.see")
def index() -> ResponseReturnValue:
    held = tokens.of_person(session(), actor())
    return page("tokens/index.html", tokens=held, words=SCOPE_WORDS)


@blueprint.route("/account/tokens/new", methods=["GET", "POST"])
@needs("home.see", step_up=True, personal=True)
def new() -> ResponseReturnValue:
    """The one form whose answer is not a 303: the token must not be kept anywhere to be shown later.

    A reload sends the form again, with the same nonce: that is a 409, and no second token.
    """
    form = fresh_form()
    if request.method == "POST":
        form = posted("scopes")
        made: list[str] = []
        if form.save(lambda: made.append(tokens.make(session(), actor(), draft_in(form)))):
            return page("tokens/made.html", token=made[0], back=HERE, waits=False)
    context = {"scopes": list(SCOPE_WORDS.items()), "longest": tokens.LONGEST_DAYS, "back": HERE}
    return page("tokens/new.html", form=renewed(form), status=form.status, project=None, **context)


@blueprint.post("/account/tokens/revoke")
@needs("home.see")
def revoke() -> ResponseReturnValue:
    token_id = number_in("token")
    return act(lambda: tokens.revoke(session(), actor(), token_id), HERE, "The token is revoked.")


@blueprint.post("/account/tokens/revoke-all")
@needs("home.see")
def revoke_all() -> ResponseReturnValue:
    return act(lambda: tokens.revoke_all(session(), actor()), HERE, "All your tokens are revoked.")


def fresh_form() -> Form:
    return Form({"days": "30", "nonce": secrets.token_urlsafe(16)})


def renewed(form: Form) -> Form:
    """After a conflict the next attempt is another token."""
    if form.status == 409:
        form.values["nonce"] = secrets.token_urlsafe(16)
    return form


def draft_in(form: Form) -> TokenDraft:
    given = form.parse(TokenInput)
    return TokenDraft(given.name, tuple(dict.fromkeys(given.scopes)), given.days, given.nonce)


def number_in(name: str) -> int:
    """An id that a button sends; 0, which no row has, for anything else."""
    text = request.form.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
