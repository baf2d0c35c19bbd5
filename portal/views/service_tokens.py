"""Service tokens of a project: list, make (shown once), confirm as the second owner, revoke."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from allocations.accounts import projects
from allocations.kernel.answers import require
from portal.auth import service_tokens
from portal.auth.people import actor
from portal.auth.service_tokens import may_make
from portal.auth.tokens import SCOPE_WORDS
from portal.database import session
from portal.forms import posted
from portal.permissions import needs
from portal.views.tokens import draft_in, fresh_form, number_in, renewed
from portal.web import act, page

blueprint = Blueprint("service_tokens", __name__)


@blueprint.get("/projects/<ref>/tokens")
@needs("service_token.make")
def index(ref: str) -> ResponseReturnValue:
    project = projects.get(session(), actor(), ref)
    held = service_tokens.of_project(session(), actor(), project)
    active = service_tokens.has_active_allocation(session(), project.id)
    lines = [(token, service_tokens.trouble(token, active=active)) for token in held]
    return page("tokens/project.html", project=project, lines=lines, words=SCOPE_WORDS)


@blueprint.route("/projects/<ref>/tokens/new", methods=["GET", "POST"])
@needs("service_token.make", step_up=True, personal=True)
def new(ref: str) -> ResponseReturnValue:
    """As with personal tokens, the answer is the page that shows the token, once."""
    project = projects.get(session(), actor(), ref)
    form, back = fresh_form(), url_for("service_tokens.index", ref=ref)
    if request.method == "POST":
        form = posted("scopes")
        made: list[str] = []
        if form.save(lambda: made.append(service_tokens.make(session(), actor(), project, draft_in(form)))):
            return page("tokens/made.html", token=made[0], back=back, waits=True)
    else:
        require(may_make(actor(), project))
    scopes = [(scope, SCOPE_WORDS[scope]) for scope in service_tokens.SCOPES]
    context = {"scopes": scopes, "longest": service_tokens.LONGEST_DAYS, "back": back}
    return page("tokens/new.html", form=renewed(form), status=form.status, project=project, **context)


@blueprint.post("/projects/<ref>/tokens/confirm")
@needs("service_token.confirm", step_up=True)
def confirm(ref: str) -> ResponseReturnValue:
    token = _token(ref)
    here = url_for("service_tokens.index", ref=ref)
    return act(lambda: service_tokens.confirm(session(), actor(), token), here, "The token works now.")


@blueprint.post("/projects/<ref>/tokens/revoke")
@needs("service_token.revoke")
def revoke(ref: str) -> ResponseReturnValue:
    token = _token(ref)
    here = url_for("service_tokens.index", ref=ref)
    return act(lambda: service_tokens.revoke(session(), actor(), token), here, "The token is revoked.")


def _token(ref: str) -> service_tokens.ServiceToken:
    project = projects.get(session(), actor(), ref)
    return service_tokens.get(session(), actor(), project, token_id=number_in("token"))
