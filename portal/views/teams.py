"""Invitations to a proposal's team: the signed link of the letter, accept, decline."""

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from allocations.programme import teams
from allocations.programme.proposals import Proposal, State
from portal import links
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form
from portal.permissions import needs
from portal.web import act, page, see_other

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
    form, proposal = Form(), member.proposal
    if form.save(lambda: teams.accept(session(), actor(), member)):
        if proposal.state == State.AWARDED:
            return see_other(url_for("projects.index"), "You are in. The project is here in a moment.")
        return see_other(url_for("proposals.show", ref=proposal.ref), "You are on the team.")
    flash(next(iter(form.errors.values())), "error")
    return redirect(url_for("teams.show", token=token), 303)


@blueprint.post("/invitations/<token>/decline")
@needs("team.answer")
def decline(token: str) -> ResponseReturnValue:
    member = teams.invitation(session(), links.opened(token))
    here = url_for("teams.show", token=token)
    return act(lambda: teams.decline(session(), actor(), member), here, "You have declined.")
