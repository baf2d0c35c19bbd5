"""Calls: the public list and page, and the officer's form."""

from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from allocations.accounts.resources import all_resources
from allocations.kernel import units
from allocations.kernel.errors import Invalid
from allocations.people.standing import Level
from allocations.programme import calls, opening
from allocations.programme.calls import Call, Lane
from allocations.programme.opening import CallDraft, CriterionDraft
from portal import fields
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted, version_in
from portal.permissions import needs, public, query
from portal.web import act, before, page, see_other

blueprint = Blueprint("calls", __name__)
CRITERIA = 6
PAGE = 25
ANCHORS = ("Poor", "Fair", "Good", "Very good", "Excellent")


class CallInput(BaseModel):
    title: fields.Needed
    lane: Lane
    summary: fields.Note
    opens_at: fields.Moment
    closes_at: fields.Moment
    reviewers: fields.Number
    max_months: fields.Number
    assurance: Level = Level.ANY


@blueprint.get("/calls")
@public
@query("before")
def index() -> ResponseReturnValue:
    found = calls.page(session(), actor(), before=before(), size=PAGE)
    older = found[-1].id if len(found) == PAGE else None
    return page("calls/index.html", calls=found, older=older)


@blueprint.get("/calls/<ref>")
@public
def show(ref: str) -> ResponseReturnValue:
    call = calls.get(session(), actor(), ref)
    return page("calls/show.html", call=call)


@blueprint.route("/calls/new", methods=["GET", "POST"])
@needs("call.start")
def new() -> ResponseReturnValue:
    from_scratch = {"reviewers": "3", "max_months": "12", "lane": "standard", "assurance": "any"}
    return _form_page(None, from_scratch | {f"criterion_0_anchor_{n}": a for n, a in enumerate(ANCHORS)})


@blueprint.route("/calls/<ref>/edit", methods=["GET", "POST"])
@needs("call.edit")
def edit(ref: str) -> ResponseReturnValue:
    call = calls.get(session(), actor(), ref)
    return _form_page(call, _shown(call))


@blueprint.post("/calls/<ref>/publish")
@needs("call.publish")
def publish(ref: str) -> ResponseReturnValue:
    call = calls.get(session(), actor(), ref)
    here = url_for("calls.show", ref=ref)
    return act(lambda: opening.publish(session(), actor(), call), here, "The call is published.")


@blueprint.post("/calls/<ref>/conclude")
@needs("call.conclude")
def conclude(ref: str) -> ResponseReturnValue:
    call = calls.get(session(), actor(), ref)
    here = url_for("calls.show", ref=ref)
    return act(lambda: opening.conclude(session(), actor(), call), here, "The call is concluded.")


def _form_page(call: Call | None, values: dict[str, Any]) -> ResponseReturnValue:
    permissions_answer = calls.may_start(actor()) if call is None else calls.may_edit(actor(), call)
    form = posted() if request.method == "POST" else Form(values)
    if request.method == "POST":
        saved: list[Call] = []
        if form.save(lambda: saved.append(_save(form, call))):
            return see_other(url_for("calls.show", ref=saved[0].ref), "The call is saved as a draft.")
    if not permissions_answer and not form.errors:
        form.errors["_form"] = permissions_answer.reason
        form.status = 403
    shown = all_resources(session())
    return page(
        "calls/edit.html", form=form, call=call, resources=shown, criteria=CRITERIA, status=form.status
    )


def _save(form: Form, call: Call | None) -> Call:
    draft = _draft(form)
    if call is None:
        return opening.start(session(), actor(), draft)
    opening.edit(session(), actor(), call, draft, version=version_in(form))
    return call


def _draft(form: Form) -> CallDraft:
    """Everything wrong with the form at once."""
    wrong: dict[str, str] = {}
    given: CallInput | None = None
    try:
        given = form.parse(CallInput)
    except Invalid as error:
        wrong |= error.fields
    criteria, pools = _criteria(form, wrong), _pools(form, wrong)
    if given is None or wrong:
        raise Invalid(wrong)
    return CallDraft(criteria=criteria, pools=pools, **given.model_dump())


def _criteria(form: Form, wrong: dict[str, str]) -> tuple[CriterionDraft, ...]:
    found = []
    for place in range(CRITERIA):
        name = str(form.values.get(f"criterion_{place}_name", "")).strip()
        if not name:
            continue
        weight = str(form.values.get(f"criterion_{place}_weight", "")).strip()
        if not weight.isascii() or not weight.isdecimal() or not 1 <= int(weight[:9]) <= 100:
            wrong[f"criterion_{place}_weight"] = "Enter a weight from 1 to 100."
            continue
        anchors = [str(form.values.get(f"criterion_{place}_anchor_{n}", "")).strip() for n in range(5)]
        if len(name) > 120 or any(len(anchor) > 300 for anchor in anchors):
            wrong[f"criterion_{place}_name"] = "Names have at most 120 characters, anchor texts 300."
            continue
        found.append(CriterionDraft(name, int(weight), tuple(anchors)))
    return tuple(found)


def _pools(form: Form, wrong: dict[str, str]) -> dict[str, int]:
    pools: dict[str, int] = {}
    for name, text in form.values.items():
        if not name.startswith("pool_") or not str(text).strip():
            continue
        try:
            pools[name.removeprefix("pool_")] = units.micro(str(text))
        except ValueError as error:
            wrong[name] = f"{error}."
    return pools


def _shown(call: Call) -> dict[str, Any]:
    values: dict[str, Any] = {
        "title": call.title,
        "lane": str(call.lane),
        "summary": call.summary,
        "opens_at": f"{call.opens_at:%Y-%m-%dT%H:%M}",
        "closes_at": f"{call.closes_at:%Y-%m-%dT%H:%M}",
        "reviewers": str(call.reviewers),
        "max_months": str(call.max_months),
        "assurance": str(call.assurance),
        "version": str(call.version),
    }
    for place, criterion in enumerate(call.criteria):
        values[f"criterion_{place}_name"] = criterion.name
        values[f"criterion_{place}_weight"] = str(criterion.weight)
        values |= {f"criterion_{place}_anchor_{n}": a for n, a in enumerate(criterion.anchors)}
    for link in call.pools:
        values[f"pool_{link.pool.resource.slug}"] = units.written(link.pool.amount)
    return values
