"""Ending a step of a proposal by hand."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from allocations.kernel.answers import require
from allocations.programme import progress, proposals, steps
from allocations.programme.proposals import Proposal
from allocations.programme.steps import StepKind
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted
from portal.permissions import needs
from portal.web import page, see_other

blueprint = Blueprint("progress", __name__)


class StepInput(BaseModel):
    step: StepKind


@blueprint.route("/proposals/<ref>/advance", methods=["GET", "POST"])
@needs("proposal.advance")
def advance(ref: str) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)
    form = Form()
    if request.method == "POST":
        form = posted()
        if form.save(lambda: _advance(form, proposal)):
            now = steps.NAMES[progress.here(proposal)][0]
            return see_other(url_for("proposals.show", ref=ref), f"{ref} has gone on to: {now}.")
    else:
        require(progress.may_advance(actor(), proposal))
    return page("progress/advance.html", proposal=proposal, form=form, status=form.status, **_names(proposal))


def _names(proposal: Proposal) -> dict[str, str]:
    """Of the step that ends and of the one that follows; none where nothing can be ended."""
    if not progress.may_advance(actor(), proposal):
        return {"ending": "", "following": ""}
    kind = progress.here(proposal)
    following = progress.following(proposal.call, kind)
    return {
        "ending": steps.NAMES[kind][0],
        "following": steps.NAMES[following][0],
    }


def _advance(form: Form, proposal: Proposal) -> None:
    ending = form.parse(StepInput).step
    progress.advance(session(), actor(), proposal, ending=ending)
