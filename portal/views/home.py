"""The person's home: what waits for them, and where their things are."""

from collections.abc import Sequence

from flask import Blueprint, current_app, url_for
from flask.typing import ResponseReturnValue

from allocations.accounts import projects
from allocations.programme import appeals, inviting, proposals
from portal import links, tasks
from portal.auth.people import actor, view_as
from portal.database import session
from portal.permissions import needs
from portal.waiting import Task
from portal.web import page, settings

blueprint = Blueprint("home", __name__)


@blueprint.get("/home")
@needs("home.see")
def index() -> ResponseReturnValue:
    waiting = tasks.waiting_for(session(), actor())
    return page(
        "home/index.html",
        tasks=waiting,
        invitations=_invitations(waiting),
        proposals=proposals.page(session(), actor(), mine=True, size=5),
        projects=projects.page(session(), actor(), mine=True, size=5),
        appeals=appeals.open_for(session(), actor()),
        runs_calls=appeals.is_asked(actor()),
        mailbox=not settings().smtp_url,
    )


def _invitations(waiting: Sequence[Task]) -> list[tuple[str, str]]:
    """Title and the link of the letter, which is this person's alone: not while somebody else looks on."""
    if view_as() is not None or not any(task.href == tasks.INVITATIONS for task in waiting):
        return []
    found = inviting.waiting_for(session(), actor())
    return [(one.proposal.heading, url_for("teams.show", token=_token(one.id))) for one in found]


def _token(member_id: int) -> str:
    return links.invitation(str(current_app.secret_key), member_id)
