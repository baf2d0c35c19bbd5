"""The programme officer's pages of a call: begin it, write it part by part, check, publish, correct."""

from typing import Any

from flask import Blueprint, abort, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from allocations.accounts.resources import all_resources
from allocations.kernel import zones
from allocations.kernel.answers import require
from allocations.kernel.errors import Incomplete, Invalid
from allocations.programme import calls, opening, questions, starting, steps, wording
from allocations.programme.calls import Call
from allocations.programme.opening import Correction
from allocations.programme.starting import Start
from portal import fields, science
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted, version_in
from portal.permissions import needs
from portal.views import call_parts
from portal.views.call_parts import PARTS, Part
from portal.web import act, page, see_other

blueprint = Blueprint("opening", __name__)
LIKE = "like"


class NewInput(BaseModel):
    title: fields.Needed
    start: fields.Line
    like: fields.Line = ""


class CorrectionInput(BaseModel):
    summary: fields.Note
    closes_at: fields.Wall
    reason: fields.Note = ""


@blueprint.route("/calls/new", methods=["GET", "POST"])
@needs("call.start")
def new() -> ResponseReturnValue:
    require(calls.may_start(actor()))
    form = posted() if request.method == "POST" else Form({"start": str(Start.PANEL)})
    made: list[Call] = []
    if request.method == "POST" and form.save(lambda: made.append(_begin(form))):
        return see_other(url_for("opening.edit", ref=made[0].ref), "The call is saved as a draft.")
    previous = calls.page(session(), actor())
    return page("calls/new.html", form=form, starts=starting.NAMES, previous=previous, status=form.status)


def _begin(form: Form) -> Call:
    given = form.parse(NewInput)
    if given.start == LIKE:
        if not given.like:
            raise Incomplete({"like": "Choose the call that this one is like."})
        previous = calls.get(session(), actor(), given.like)
        return opening.copy(session(), actor(), previous, title=given.title)
    if given.start not in set(Start):
        raise Invalid({"start": "Choose one of the options."})
    return opening.start(session(), actor(), starting.draft_for(Start(given.start), title=given.title))


@blueprint.route("/calls/<ref>/edit", methods=["GET", "POST"])
@blueprint.route("/calls/<ref>/edit/<key>", methods=["GET", "POST"])
@needs("call.edit")
def edit(ref: str, key: str = "basics") -> ResponseReturnValue:
    call, part = calls.get(session(), actor(), ref), _part(key)
    require(calls.may_start(actor()))
    if request.method == "GET":
        require(calls.may_edit(actor(), call))
        return _part_page(call, part, Form(part.shown(call) | {"version": str(call.version)}))
    form = posted()
    if part.rows and "rows" in form.values:
        part.rows.rearrange(form, str(form.values["rows"]))
    elif form.save(lambda: _save(form, call, part)):
        return see_other(_onward(form, call, part), "Saved.")
    elif part.rows:
        part.rows.write(form, part.rows.read(form))
    return _part_page(call, part, form)


def _part(key: str) -> Part:
    found = next((part for part in PARTS if part.key == key), None)
    return found or abort(404)


def _save(form: Form, call: Call, part: Part) -> None:
    """The rest of the call stays as it is."""
    draft = part.given(form, call, opening.draft_of(call))
    opening.edit(session(), actor(), call, draft, version=version_in(form))


def _onward(form: Form, call: Call, part: Part) -> str:
    """To the part that was asked for, or the next one; after the last to the check."""
    keys = [one.key for one in PARTS]
    wanted = str(form.values.get("then", ""))
    following = [*keys[keys.index(part.key) + 1 :], "check"][0]
    chosen = wanted if wanted in keys or wanted == "check" else following
    if chosen == "check":
        return url_for("opening.check", ref=call.ref)
    return url_for("opening.edit", ref=call.ref, key=chosen)


def _part_page(call: Call, part: Part, form: Form) -> ResponseReturnValue:
    unready = opening.unready(opening.draft_of(call))
    later = [message for name, message in unready.items() if call_parts.part_of(name) is part]
    return page(
        f"calls/{part.key}.html",
        call=call,
        form=form,
        part=part,
        parts=PARTS,
        later=later,
        resources=all_resources(session()) if part.key == "resources" else (),
        zones=sorted(zones.known()),
        wording=wording,
        call_steps=steps.NAMES,
        status=form.status,
    )


@blueprint.get("/calls/<ref>/check")
@needs("call.edit")
def check(ref: str) -> ResponseReturnValue:
    call = calls.get(session(), actor(), ref)
    require(calls.may_edit(actor(), call))
    return _check_page(call, Form())


@blueprint.post("/calls/<ref>/publish")
@needs("call.publish")
def publish(ref: str) -> ResponseReturnValue:
    call = calls.get(session(), actor(), ref)
    require(calls.may_start(actor()))
    form = posted()
    if form.save(lambda: opening.publish(session(), actor(), call)):
        return see_other(url_for("calls.show", ref=ref), "The call is published.")
    return _check_page(call, form)


def _check_page(call: Call, form: Form) -> ResponseReturnValue:
    """What was refused is in the list of what is missing, with a link to where it is put right."""
    missing = opening.unready(opening.draft_of(call))
    form.errors = {name: text for name, text in form.errors.items() if name not in missing}
    return page(
        "calls/check.html",
        call=call,
        form=form,
        blank=Form(),
        missing=[(text, _address(call, name)) for name, text in missing.items()],
        parts=PARTS,
        sections=[
            (name, [question for question in call.questions if question.section == name])
            for name in questions.sections(call.questions)
        ],
        fields_of_science=science.FIELDS,
        status=form.status,
    )


def _address(call: Call, field: str) -> str:
    part = call_parts.part_of(field)
    return url_for("opening.edit", ref=call.ref, key=part.key, _anchor=f"field-{field}")


@blueprint.post("/calls/<ref>/conclude")
@needs("call.conclude")
def conclude(ref: str) -> ResponseReturnValue:
    call = calls.get(session(), actor(), ref)
    here = url_for("calls.show", ref=ref)
    return act(lambda: opening.conclude(session(), actor(), call), here, "The call is concluded.")


@blueprint.post("/calls/<ref>/copy")
@needs("call.start")
def copy(ref: str) -> ResponseReturnValue:
    call = calls.get(session(), actor(), ref)
    made: list[Call] = []
    refused = act(lambda: made.append(opening.copy(session(), actor(), call)), url_for("calls.show", ref=ref))
    if not made:
        return refused
    return see_other(url_for("opening.edit", ref=made[0].ref), "This copy is saved as a draft.")


@blueprint.route("/calls/<ref>/correct", methods=["GET", "POST"])
@needs("call.correct")
def correct(ref: str) -> ResponseReturnValue:
    call = calls.get(session(), actor(), ref)
    require(calls.may_start(actor()))
    if request.method == "GET":
        require(calls.may_correct(actor(), call))
    form = posted() if request.method == "POST" else Form(_corrigible(call))
    if request.method == "POST" and form.save(lambda: _correct(form, call)):
        return see_other(
            url_for("calls.show", ref=ref), "The call is corrected. Everybody can read what changed."
        )
    return page("calls/correct.html", call=call, form=form, wording=wording, status=form.status)


def _corrigible(call: Call) -> dict[str, Any]:
    return {
        "summary": call.summary,
        "closes_at": call_parts.wall(call.closes_at, call.timezone),
        "version": str(call.version),
        **{f"hint_{question.id}": question.hint for question in call.questions},
        **call_parts.letters_shown(call),
    }


def _correct(form: Form, call: Call) -> None:
    given, wrong = form.parse(CorrectionInput), dict[str, str]()
    closes_at = call_parts.moment(given.closes_at, call.timezone, was=(call, "closes_at"), wrong=wrong)
    hints = {q.id: form.values.get(f"hint_{q.id}", q.hint).replace("\r\n", "\n") for q in call.questions}
    wrong |= {f"hint_{key}": "At most 5,000 characters." for key, text in hints.items() if len(text) > 5000}
    if wrong:
        raise Invalid(wrong)
    letters = call_parts.letters_given(form)
    correction = Correction(given.summary, closes_at, hints, letters, given.reason)
    opening.correct(session(), actor(), call, correction, version=version_in(form))
