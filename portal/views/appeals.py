"""Appeals: the PI's page, the answer of somebody who took no part, and the list of a call."""

from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from allocations.kernel.answers import require
from allocations.kernel.errors import Incomplete
from allocations.programme import appeals, calls, decisions, proposals
from allocations.programme.appeals import GROUNDS, Case, Ground
from portal import amounts, fields
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted
from portal.permissions import needs, query
from portal.web import before, page, see_other

blueprint = Blueprint("appeals", __name__)
PAGE = 25


class AppealInput(BaseModel):
    ground: Ground
    text: fields.Prose = ""
    agree: fields.Flag = False


class AnswerInput(BaseModel):
    reason: fields.Note = ""


@blueprint.route("/proposals/<ref>/appeal", methods=["GET", "POST"])
@needs("appeal.see")
def show(ref: str) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)
    case = appeals.case(session(), actor(), proposal)
    form = Form()
    if request.method == "POST":
        form = posted()
        if form.save(lambda: _make(form, case)):
            return see_other(url_for("appeals.show", ref=ref), "Your appeal is made. You get a letter.")
    return _page("appeals/show.html", case, form)


def _make(form: Form, case: Case) -> None:
    require(appeals.may_appeal(actor(), case))
    if form.values.get("ground") not in set(Ground):
        raise Incomplete({"ground": "Choose what the appeal is about."})
    given = form.parse(AppealInput)
    if not given.agree:
        raise Incomplete({"agree": "Tick that this is the appeal you want to make."})
    appeals.make(session(), actor(), case, ground=given.ground, text=given.text)


@blueprint.route("/proposals/<ref>/appeal/answer", methods=["GET", "POST"])
@needs("appeal.answer")
def answer(ref: str) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)
    case = appeals.case(session(), actor(), proposal)
    form = Form()
    if request.method == "POST":
        form = posted()
        if form.save(lambda: _answer(form, case)):
            return see_other(
                url_for("appeals.show", ref=ref), "The appeal is answered. The PI gets a letter."
            )
    else:
        require(appeals.may_answer(actor(), case))
    return _page("appeals/answer.html", case, form)


def _answer(form: Form, case: Case) -> None:
    require(appeals.may_answer(actor(), case))
    reason, outcome = form.parse(AnswerInput).reason, form.values.get("outcome")
    if outcome == "uphold":
        more = amounts.typed(form, case.proposal)
        appeals.uphold(session(), actor(), case, reason=reason, more=more)
    elif outcome == "reject":
        appeals.reject(session(), actor(), case, reason=reason)
    else:
        raise Incomplete({"outcome": "Choose what becomes of the appeal."})


def _page(template: str, case: Case, form: Form) -> ResponseReturnValue:
    proposal, decision = case.proposal, case.decision
    context: dict[str, Any] = {
        "case": case,
        "proposal": proposal,
        "appeal": case.appeal,
        "on_team": proposals.on_team(actor(), proposal),
        "reads": appeals.may_read(actor(), case),
        "apart": appeals.stands_apart(actor(), case),
        "until": appeals.until(decision, proposal) if decision else None,
        "grounds": list(GROUNDS.items()),
        "ground_names": GROUNDS,
    }
    return page(template, form=form, status=form.status, **context)


@blueprint.get("/calls/<ref>/appeals")
@needs("call.chair")
@query("before")
def index(ref: str) -> ResponseReturnValue:
    call = calls.get(session(), actor(), ref)
    require(decisions.may_chair(actor(), call))
    found = appeals.page(session(), actor(), call, before=before(), size=PAGE)
    older = found[-1].id if len(found) == PAGE else None
    return page("appeals/index.html", call=call, appeals=found, older=older)
