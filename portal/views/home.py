"""The person's home: what waits for them, and where their things are."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from allocations.accounts import projects
from allocations.programme import appeals, proposals
from portal import tasks
from portal.auth.people import actor
from portal.database import session
from portal.permissions import needs
from portal.web import page, settings

blueprint = Blueprint("home", __name__)


@blueprint.get("/home")
@needs("home.see")
def index() -> ResponseReturnValue:
    return page(
        "home/index.html",
        tasks=tasks.waiting_for(session(), actor()),
        invitations=tasks.INVITATIONS,
        proposals=proposals.page(session(), actor(), mine=True, size=5),
        projects=projects.page(session(), actor(), mine=True, size=5),
        appeals=appeals.open_for(session(), actor()),
        runs_calls=appeals.is_asked(actor()),
        mailbox=not settings().smtp_url,
    )
