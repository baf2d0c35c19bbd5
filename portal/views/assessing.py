"""The provider's desk before review: can our machines do what is asked of them?"""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from allocations.programme import assessing, proposals, writing
from allocations.programme.assessing import Finding, Verdict
from allocations.programme.proposals import Proposal
from datasets import requests
from portal import fields
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted
from portal.permissions import needs
from portal.web import page, see_other

blueprint = Blueprint("assessing", __name__)
CHOICES = (
    (Verdict.FEASIBLE, "Yes", "The resource suits the plan, and the amount is plausible"),
    (Verdict.WITH_CHANGES, "With changes", "Another amount, another GPU, or a change of the plan"),
    (Verdict.UNSUITABLE, "No", "The panel reads your reason; you decide nothing"),
)


class FindingInput(BaseModel):
    verdict: Verdict
    text: fields.Note = ""


@blueprint.get("/assessments")
@needs("proposal.assess")
def index() -> ResponseReturnValue:
    return page("assessing/index.html", proposals=assessing.waiting(session(), actor()))


@blueprint.route("/proposals/<ref>/assessment", methods=["GET", "POST"])
@needs("proposal.assess")
def assess(ref: str) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)
    provider = assessing.own_provider(actor(), proposal)
    form = Form()
    if request.method == "POST":
        form = posted()
        if form.save(lambda: _assess(form, proposal)):
            return see_other(url_for("assessing.index"), f"{ref}: your assessment is with the office.")
    allowed = assessing.may_assess(actor(), proposal, provider)
    if not allowed and not form.errors:
        form.errors["_form"], form.status = allowed.reason, 403
    return page(
        "assessing/assess.html",
        proposal=proposal,
        provider=provider,
        form=form,
        choices=CHOICES,
        written=writing.written_for(session(), proposal),
        requests=requests.of_proposal(session(), proposal),
        status=form.status,
    )


def _assess(form: Form, proposal: Proposal) -> None:
    given = form.parse(FindingInput)
    provider = assessing.own_provider(actor(), proposal)
    assessing.assess(session(), actor(), proposal, provider, Finding(given.verdict, given.text))
