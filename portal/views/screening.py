"""The officer's desk: proposals waiting for screening, and what is decided there."""

from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from allocations.kernel.answers import require
from allocations.kernel.errors import Incomplete
from allocations.programme import progress, proposals, reviews, screening, steps, writing
from allocations.programme.proposals import Proposal, State
from datasets import requests
from portal import fields
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted
from portal.permissions import needs, query
from portal.web import before, page, see_other

blueprint = Blueprint("screening", __name__)
PAGE = 50
STAGES = [State.SUBMITTED, State.RETURNED, State.IN_REVIEW, State.AWARDED, State.DECLINED]


# Past the day on which its step was due, whatever its state.
LATE = "late"


class ScreeningInput(BaseModel):
    message: fields.Note = ""


@blueprint.get("/screening")
@needs("proposal.see_desk")
@query("before", "state")
def index() -> ResponseReturnValue:
    require(proposals.may_see_desk(actor()))
    wanted = request.args.get("state", "submitted")
    stage = wanted if wanted in (*STAGES, LATE) else str(State.SUBMITTED)
    chosen = Proposal.state == stage if stage != LATE else progress.late()
    found = proposals.page(session(), actor(), only=chosen, before=before(), size=PAGE)
    older = found[-1].id if len(found) == PAGE else None
    context: dict[str, Any] = {
        "state": stage,
        "stages": [*STAGES, LATE],
        "names": steps.NAMES,
        "is_late": progress.is_late,
        "barred": _barred,
    }
    return page("screening/index.html", proposals=found, older=older, **context)


def _barred(proposal: Proposal) -> str:
    """Why this is a colleague's, if it is."""
    if proposals.on_team(actor(), proposal):
        return "Of your own team: a colleague decides."
    return "Of your own institution: a colleague decides." if proposals.same_house(actor(), proposal) else ""


@blueprint.route("/proposals/<ref>/screen", methods=["GET", "POST"])
@needs("proposal.screen")
def screen(ref: str) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)
    if not reviews.is_office(actor(), proposal):
        require(proposals.may_screen(actor(), proposal))
    form = Form()
    if request.method == "POST":
        form = posted()
        if form.save(lambda: _decide(form, proposal)):
            return see_other(url_for("proposals.show", ref=ref), _said(proposal))
    answer = proposals.may_screen(actor(), proposal)
    if not answer and not form.errors:
        form.errors["_form"], form.status = answer.reason, 403
    asked = requests.of_proposal(session(), proposal)
    return page(
        "screening/screen.html",
        proposal=proposal,
        form=form,
        requests=asked,
        written=writing.written_for(session(), proposal),
        status=form.status,
    )


def _said(proposal: Proposal) -> str:
    """Forwarded is not always in review: the provider may come first."""
    if proposal.state == State.SUBMITTED:
        return f"{proposal.ref} has gone on to: {steps.NAMES[progress.here(proposal)][0]}."
    return f"{proposal.ref} is {proposals.words(proposal.state)}."


def _decide(form: Form, proposal: proposals.Proposal) -> None:
    message = form.parse(ScreeningInput).message
    outcome = form.values.get("outcome")
    if outcome == "forward":
        screening.forward(session(), actor(), proposal)
    elif outcome == "return":
        screening.return_for_changes(session(), actor(), proposal, message=message)
    elif outcome == "decline":
        screening.decline(session(), actor(), proposal, reason=message)
    else:
        raise Incomplete({"outcome": "Choose what happens to the proposal."})
