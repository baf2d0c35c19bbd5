"""Tiers and lots of a call: the public record, and the steps of whoever decides."""

import secrets

from flask import Blueprint, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from allocations.kernel.errors import NotFound
from allocations.programme import calls, drawing, draws
from allocations.programme.calls import Call, Reviewers
from allocations.programme.drawing import Terms
from allocations.programme.draws import Draw
from portal import fields
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted
from portal.permissions import needs, public
from portal.web import act, page, see_other

blueprint = Blueprint("draws", __name__)


class TermsInput(BaseModel):
    top: fields.Number
    lower: fields.Number
    source: fields.Line


class PublicInput(BaseModel):
    public: fields.Line


@blueprint.get("/calls/<ref>/draw")
@public
def show(ref: str) -> ResponseReturnValue:
    call = calls.get(session(), actor(), ref)
    return _page(call, Form({"top": str(drawing.TOP), "lower": str(drawing.LOWER)}))


@blueprint.get("/calls/<ref>/draw.json")
@public
def record(ref: str) -> ResponseReturnValue:
    call = calls.get(session(), actor(), ref)
    draw = _of(call)
    if draw is None:
        raise NotFound
    return jsonify(drawing.published(call, draw))


@blueprint.post("/calls/<ref>/draw/seal")
@needs("call.seal")
def seal(ref: str) -> ResponseReturnValue:
    call = calls.get(session(), actor(), ref)
    secret = secrets.token_hex(32)
    here = url_for("draws.show", ref=ref)
    return act(
        lambda: drawing.seal(session(), actor(), call, secret=secret), here, "A secret is drawn and sealed."
    )


@blueprint.post("/calls/<ref>/draw/freeze")
@needs("call.draw")
def freeze(ref: str) -> ResponseReturnValue:
    call = calls.get(session(), actor(), ref)
    draw = _draw(call)
    form = posted()

    def save() -> None:
        given = form.parse(TermsInput)
        terms = Terms(source=given.source, top=given.top, lower=given.lower)
        drawing.freeze(session(), actor(), call, draw, terms)

    if form.save(save):
        return see_other(url_for("draws.show", ref=ref), "The tiers are frozen and public.")
    return _page(call, form)


@blueprint.post("/calls/<ref>/draw/lots")
@needs("call.draw")
def lots(ref: str) -> ResponseReturnValue:
    call = calls.get(session(), actor(), ref)
    draw = _draw(call)
    form = posted()

    def save() -> None:
        value = form.parse(PublicInput).public
        drawing.draw_lots(session(), actor(), call, draw, public=value)

    if form.save(save):
        return see_other(url_for("draws.show", ref=ref), "The lots are drawn. Decisions and letters follow.")
    return _page(call, form)


def _of(call: Call) -> Draw | None:
    """Where experts review, lots are for ties, which have a page of their own."""
    return draws.of_call(session(), call) if call.reviewed_by == Reviewers.APPLICANTS else None


def _draw(call: Call) -> Draw:
    found = _of(call)
    if found is None:
        raise NotFound("Seal a secret first.")
    return found


def _page(call: Call, form: Form) -> ResponseReturnValue:
    draw = _of(call)
    return page(
        "draws/show.html",
        call=call,
        draw=draw,
        form=form,
        seals_it=draw is None and drawing.may_seal(actor(), call),
        in_time=draw is not None or drawing.is_in_time(session(), call),
        runs_it=drawing.may_run(actor(), call),
        fates=dict(draw.record.get("fates", [])) if draw else {},
        sound=drawing.is_sound(draw.record) if draw and draw.record else None,
        posting=request.method == "POST",
        status=form.status,
    )
