"""The panel: ranked table of a call, recommended amounts, decisions."""

import secrets
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, abort, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from allocations.accounts import ledger
from allocations.accounts.ledger import Purpose
from allocations.kernel.answers import require
from allocations.kernel.errors import Incomplete
from allocations.programme import (
    assessing,
    calibrated,
    calls,
    decisions,
    minutes,
    panel_list,
    proposals,
    ranking,
    readiness,
    reviews,
    runs,
    writing,
)
from allocations.programme.calibrated import Reading
from allocations.programme.calls import Call
from allocations.programme.proposals import Proposal
from allocations.programme.runs import RunKind
from datasets import requests
from portal import amounts, fields, sheet
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted, version_in
from portal.permissions import needs, query
from portal.views import talking
from portal.web import beside, page, page_number, see_other

blueprint = Blueprint("panel", __name__)
# Proposals on one page of the list.
SIZE = 100
SEED_BITS = 48

SAID = {
    "recommend": "{ref}: the amounts are noted. Nothing is decided yet.",
    "award": "{ref} is awarded. The providers are asked to consent, and the PI gets a letter.",
    "decline": "{ref} is declined. The PI gets a letter.",
}


class PlacesInput(BaseModel):
    places: fields.Number


class DecisionInput(BaseModel):
    summary: fields.Note = ""


@blueprint.get("/panel")
@needs("call.chair")
def index() -> ResponseReturnValue:
    chaired = [call for call in calls.page(session(), actor()) if decisions.may_chair(actor(), call)]
    return page("panel/index.html", calls=chaired)


@blueprint.get("/calls/<ref>/panel")
@needs("call.chair")
@query("sort", "page")
def ranked(ref: str) -> ResponseReturnValue:
    call = calls.get(session(), actor(), ref)
    require(decisions.may_chair(actor(), call))
    return _list_page(call, Form())


@blueprint.post("/calls/<ref>/panel/calibration")
@needs("call.calibrate")
def calibrate(ref: str) -> ResponseReturnValue:
    call = calls.get(session(), actor(), ref)
    require(calibrated.may_calibrate(actor(), call))
    form = posted()

    def save() -> None:
        places = form.parse(PlacesInput).places
        calibrated.ask(session(), actor(), call, places=places, seed=secrets.randbits(SEED_BITS))

    if form.save(save):
        return see_other(url_for("panel.ranked", ref=ref), "The scores are being calibrated.")
    return _list_page(call, form)


@blueprint.get("/calls/<ref>/panel.csv")
@needs("call.chair")
@query("sort")
def export(ref: str) -> ResponseReturnValue:
    """What the page shows of all its proposals."""
    call = calls.get(session(), actor(), ref)
    require(decisions.may_chair(actor(), call))
    listed = panel_list.entries(session(), actor(), call)
    done = runs.newest_and_done(session(), call, RunKind.CALIBRATION)[1]
    reading = calibrated.read(done, listed)
    lines = calibrated.ordered(listed, reading, by=_sort(reading))
    known = panel_list.loaded(session(), [entry.proposal for entry in listed])
    answer = Response(sheet.written(sheet.rows(actor(), call, lines, known)), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f"attachment; filename={call.ref}-panel.csv"
    return answer


@blueprint.get("/calls/<ref>/panel/leniency")
@needs("call.calibrate")
def leniency(ref: str) -> ResponseReturnValue:
    call = calls.get(session(), actor(), ref)
    require(calibrated.may_calibrate(actor(), call))
    listed = panel_list.entries(session(), actor(), call)
    reading = calibrated.read(runs.newest_and_done(session(), call, RunKind.CALIBRATION)[1], listed)
    found = sorted(reading.leniency if reading else (), key=lambda one: (-one.offset, one.reviewer))
    names = panel_list.names(session(), [one.reviewer for one in found])
    return page("panel/leniency.html", call=call, lines=[(names[one.reviewer], one) for one in found])


def _list_page(call: Call, form: Form) -> ResponseReturnValue:
    listed = panel_list.entries(session(), actor(), call)
    newest, done = runs.newest_and_done(session(), call, RunKind.CALIBRATION)
    reading = calibrated.read(done, listed)
    sort, number = _sort(reading), page_number()
    lines = calibrated.ordered(listed, reading, by=sort)
    part = lines[SIZE * (number - 1) : SIZE * number]
    pools = _pools(call, panel_list.asked_for(session(), actor(), call))
    form.values.setdefault("places", str(calibrated.usual_places(done, listed, pools)))
    return page(
        "panel/ranked.html",
        call=call,
        form=form,
        pools=pools,
        newest=newest,
        done=done,
        busy=newest is not None and newest.is_busy,
        reading=reading,
        sort=sort,
        lines=part,
        total=len(lines),
        links=beside("panel.ranked", number, last=-(-len(lines) // SIZE), ref=call.ref, sort=sort),
        proposals=panel_list.loaded(session(), [line.entry.proposal for line in part]),
        status=form.status,
    )


def _sort(reading: Reading | None) -> str:
    """As asked; otherwise by the calibrated mean where there is one."""
    asked = request.args.get("sort", "")
    if asked and asked not in ("raw", "calibrated"):
        abort(400, "The list is sorted by “raw” or by “calibrated”.")
    usual = "calibrated" if reading and reading.levels else "raw"
    return asked or usual


@blueprint.route("/proposals/<ref>/decide", methods=["GET", "POST"])
@needs("proposal.decide")
def decide(ref: str) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)
    if not reviews.is_office(actor(), proposal):
        require(decisions.may_decide(actor(), proposal))
    form = Form({"version": str(proposal.version), "summary": "", **amounts.shown(proposal)})
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
    around = talking.around(proposal)
    given = around["circle"].asked
    criteria = [score.criterion for review in given for score in review.scores]
    standing = ranking.rank([proposal], {proposal.id: given}, criteria)[0]
    return page(
        "panel/decide.html",
        proposal=proposal,
        form=form,
        standing=standing,
        early=readiness.notice(proposal, len(standing.scores)),
        assessments=assessing.of_proposal(session(), proposal),
        verdicts=assessing.WORDS,
        message_form=Form(),
        requests=requests.of_proposal(session(), proposal),
        written=writing.written_for(session(), proposal),
        pools={pool["resource"].slug: pool for pool in _pools(proposal.call, {})},
        is_back=decisions.is_back,
        told=minutes.of_proposal(session(), actor(), proposal),
        status=form.status,
        **around,
    )


def _decide(form: Form, proposal: Proposal) -> None:
    summary = form.parse(DecisionInput).summary
    outcome, version = form.values.get("outcome"), version_in(form)
    if outcome == "decline":
        decisions.decline(session(), actor(), proposal, summary=summary, version=version)
        return
    given = amounts.typed(form, proposal)
    if outcome == "recommend":
        decisions.recommend(session(), actor(), proposal, given, version=version)
    elif outcome == "award":
        _warn(form, decisions.under_least(proposal, given))
        decisions.award(session(), actor(), proposal, amounts=given, summary=summary, version=version)
    else:
        raise Incomplete({"outcome": "Choose what is decided."})


def _warn(form: Form, under: list[str]) -> None:
    """The chair may give less than the PI calls the least, but not without having been told."""
    if under and form.values.get("under") != "yes":
        words = "Less than the PI calls the least that makes sense"
        raise Incomplete({"under": f"{words}: {'; '.join(under)}. Tick this to award it all the same."})


def _pools(call: Call, asked: Mapping[int, int]) -> list[dict[str, Any]]:
    """Each pool of the call: what it holds, what is free, what undecided proposals ask of it."""
    owners = [ledger.pool(link.pool_id) for link in call.pools]
    held = ledger.balances(session(), owners)
    return [
        {
            "resource": link.pool.resource,
            "given": link.pool.amount,
            "free": held.get(ledger.pool(link.pool_id), {}).get(Purpose.FREE, 0),
            "asked": asked.get(link.pool.resource_id, 0),
        }
        for link in call.pools
    ]
