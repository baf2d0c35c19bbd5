"""The panel: ranked table of a call, recommended amounts, decisions."""

from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from allocations.accounts import ledger
from allocations.accounts.ledger import Purpose
from allocations.kernel import units
from allocations.kernel.answers import require
from allocations.kernel.errors import Incomplete, Invalid
from allocations.programme import (
    calls,
    decisions,
    disclosure,
    proposals,
    ranking,
    reviewing,
    reviews,
    writing,
)
from allocations.programme.calls import Call
from allocations.programme.proposals import Proposal
from datasets import requests
from portal import fields
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted, version_in
from portal.permissions import needs
from portal.web import page, see_other

blueprint = Blueprint("panel", __name__)


SAID = {
    "recommend": "{ref}: the amounts are noted. Nothing is decided yet.",
    "award": "{ref} is awarded. The providers are asked to consent, and the PI gets a letter.",
    "decline": "{ref} is declined. The PI gets a letter.",
}


class DecisionInput(BaseModel):
    summary: fields.Note = ""


@blueprint.get("/panel")
@needs("call.chair")
def index() -> ResponseReturnValue:
    chaired = [call for call in calls.page(session(), actor()) if decisions.may_chair(actor(), call)]
    return page("panel/index.html", calls=chaired)


@blueprint.get("/calls/<ref>/panel")
@needs("call.chair")
def ranked(ref: str) -> ResponseReturnValue:
    call = calls.get(session(), actor(), ref)
    require(decisions.may_chair(actor(), call))
    talked = decisions.for_panel(session(), actor(), call)
    lines = ranking.rank(talked, reviewing.of_call(session(), talked), call.criteria)
    return page("panel/ranked.html", call=call, lines=lines, pools=_pools(call, talked))


@blueprint.route("/proposals/<ref>/decide", methods=["GET", "POST"])
@needs("proposal.decide")
def decide(ref: str) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)
    if not reviews.is_office(actor(), proposal):
        require(decisions.may_decide(actor(), proposal))
    form = Form(_shown(proposal))
    if request.method == "POST":
        form = posted()
        if form.save(lambda: _decide(form, proposal)):
            return see_other(
                url_for("panel.ranked", ref=proposal.call.ref),
                SAID[str(form.values.get("outcome"))].format(ref=ref),
            )
        form.values.setdefault("version", proposal.version)
    answer = decisions.may_decide(actor(), proposal)
    if not answer and not form.errors:
        form.errors["_form"], form.status = answer.reason, 403
    around = disclosure.circle(session(), actor(), proposal)
    return page(
        "panel/decide.html",
        proposal=proposal,
        form=form,
        standing=ranking.rank([proposal], {proposal.id: around.asked}, proposal.call.criteria)[0],
        circle=around,
        requests=requests.of_proposal(session(), proposal),
        written=writing.written_for(session(), proposal),
        pools={pool["resource"].slug: pool for pool in _pools(proposal.call, [])},
        status=form.status,
    )


def _decide(form: Form, proposal: Proposal) -> None:
    summary = form.parse(DecisionInput).summary
    outcome, version = form.values.get("outcome"), version_in(form)
    if outcome == "decline":
        decisions.decline(session(), actor(), proposal, summary=summary, version=version)
        return
    amounts = _amounts(form, proposal)
    if outcome == "recommend":
        decisions.recommend(session(), actor(), proposal, amounts, version=version)
    elif outcome == "award":
        decisions.award(session(), actor(), proposal, amounts=amounts, summary=summary, version=version)
    else:
        raise Incomplete({"outcome": "Choose what the panel decides."})


def _amounts(form: Form, proposal: Proposal) -> dict[str, int]:
    amounts, wrong = {}, {}
    for wanted in proposal.requests:
        name = f"amount_{wanted.resource.slug}"
        try:
            amounts[wanted.resource.slug] = units.micro(str(form.values.get(name, "")).strip() or 0)
        except ValueError as error:
            wrong[name] = f"{error}."
    if wrong:
        raise Invalid(wrong)
    return amounts


def _shown(proposal: Proposal) -> dict[str, Any]:
    values: dict[str, Any] = {"version": str(proposal.version), "summary": ""}
    for wanted in proposal.requests:
        amount = wanted.requested if wanted.recommended is None else wanted.recommended
        values[f"amount_{wanted.resource.slug}"] = units.written(amount)
    return values


def _pools(call: Call, talked: Any) -> list[dict[str, Any]]:
    """Each pool of the call: what it holds, what is free, what undecided proposals ask of it."""
    owners = [ledger.pool(link.pool_id) for link in call.pools]
    held = ledger.balances(session(), owners)
    asked: dict[int, int] = {}
    for proposal in talked:
        if proposal.state == proposals.State.IN_REVIEW:
            for wanted in proposal.requests:
                asked[wanted.resource_id] = asked.get(wanted.resource_id, 0) + wanted.requested
    return [
        {
            "resource": link.pool.resource,
            "given": link.pool.amount,
            "free": held.get(ledger.pool(link.pool_id), {}).get(Purpose.FREE, 0),
            "asked": asked.get(link.pool.resource_id, 0),
        }
        for link in call.pools
    ]
