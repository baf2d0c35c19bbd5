"""One's own account: the profile, and everything that one did or that was done to the account."""

from flask import Blueprint, abort
from flask.typing import ResponseReturnValue

from allocations.people import trail
from allocations.people.persons import STAGES
from portal.auth.people import actor, current_person
from portal.database import session
from portal.permissions import needs, query
from portal.trail import sentence
from portal.web import before, page

blueprint = Blueprint("account", __name__)
PAGE = 50


@blueprint.get("/account")
@needs("account.see")
def index() -> ResponseReturnValue:
    held = sorted({str(role) for role, _ in actor().roles})
    return page("account/index.html", owner=current_person() or abort(404), roles=held, stages=STAGES)


@blueprint.get("/account/trail")
@needs("account.see")
@query("before")
def own_trail() -> ResponseReturnValue:
    found = trail.of_actor(session(), actor(), before=before(), size=PAGE)
    older = found[-1].id if len(found) == PAGE else None
    return page("account/trail.html", entries=found, older=older, sentence=sentence)
