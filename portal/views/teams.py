"""Invitations to a proposal's team: the signed link of the letter, accept, decline."""

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue

from allocations.programme import teams
from allocations.programme.proposals import Proposal
from portal import links
from portal.auth.people import actor
from portal.database import session
from portal.permissions import needs
from portal.web import act, page

blueprint = Blueprint("teams", __name__)


@blueprint.get("/invitations/<token>")
@needs("team.answer")
def show(token: str) -> ResponseReturnValue:
    member = teams.invitation(session(), links.opened(token))
    proposal = session().get_one(Proposal, member.proposal_id)
    return page("teams/invitation.html", member=member, proposal=proposal, token=token)


@blueprint.post("/invitations/<token>/accept")
@needs("team.answer")
def accept(token: str) -> ResponseReturnValue:
    member = teams.invitation(session(), links.opened(token))
    here = url_for("teams.show", token=token)
    return act(lambda: teams.accept(session(), actor(), member), here, "You are on the team.")


@blueprint.post("/invitations/<token>/decline")
@needs("team.answer")
def decline(token: str) -> ResponseReturnValue:
    member = teams.invitation(session(), links.opened(token))
    here = url_for("teams.show", token=token)
    return act(lambda: teams.decline(session(), actor(), member), here, "You have declined.")
