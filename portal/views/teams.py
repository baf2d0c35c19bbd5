"""Invitations to a proposal's team: the signed link of the letter, and what the PI can still mend."""

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from allocations.programme import inviting, teams
from allocations.programme.proposals import Proposal, State
from portal import links
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted
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


@blueprint.route("/proposals/<ref>/team/<int:member_id>", methods=["GET", "POST"])
@needs("team.correct")
def member(ref: str, member_id: int) -> ResponseReturnValue:
    found = inviting.get(session(), actor(), ref, member_id)
    form = Form({"email": found.email})
    if request.method == "POST":
        form = posted()
        email = str(form.values.get("email", ""))
        if form.save(lambda: inviting.correct(session(), actor(), found, email=email)):
            return see_other(url_for("proposals.show", ref=ref), f"An invitation goes to {email.strip()}.")
    return page("teams/member.html", member=found, proposal=found.proposal, form=form, status=form.status)


@blueprint.post("/proposals/<ref>/team/<int:member_id>/send")
@needs("team.correct")
def send_again(ref: str, member_id: int) -> ResponseReturnValue:
    found = inviting.get(session(), actor(), ref, member_id)
    here = url_for("teams.member", ref=ref, member_id=member_id)
    return act(lambda: inviting.send_again(session(), actor(), found), here, "The invitation is sent again.")


@blueprint.post("/proposals/<ref>/team/<int:member_id>/withdraw")
@needs("team.correct")
def withdraw(ref: str, member_id: int) -> ResponseReturnValue:
    found = inviting.get(session(), actor(), ref, member_id)
    here = url_for("proposals.show", ref=ref)
    return act(lambda: inviting.withdraw(session(), actor(), found), here, "The invitation is withdrawn.")


@blueprint.post("/proposals/<ref>/team/<int:member_id>/take-off")
@needs("team.take_off")
def take_off(ref: str, member_id: int) -> ResponseReturnValue:
    found = inviting.of_own_team(session(), actor(), ref, member_id)
    here = url_for("writing.team", ref=ref)
    gone = f"{found.person.name if found.person else found.email} is no longer on the team."
    return act(lambda: inviting.take_off(session(), actor(), found), here, gone)
