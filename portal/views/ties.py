"""Lots among tied proposals of a panel: the public record, and the steps of whoever decides."""

import secrets
from collections.abc import Callable

from flask import Blueprint, jsonify, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from allocations.kernel.errors import Incomplete, NotFound
from allocations.programme import calls, drawing, panel_list, ties
from allocations.programme.calls import Call
from allocations.programme.draws import Draw
from allocations.programme.selection import lottery
from allocations.programme.ties import Declared, Standing
from portal import fields
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted
from portal.permissions import needs, public
from portal.web import page, see_other

blueprint = Blueprint("ties", __name__)
SAID = {
    "seal": "A secret is drawn and sealed.",
    "declare": "The tie is declared and public.",
    "draw": "The lots are drawn. Split the pools again: it leaves out whom they passed over.",
}


class TieInput(BaseModel):
    places: fields.Number
    source: fields.Line


class PublicInput(BaseModel):
    public: fields.Line


@blueprint.get("/calls/<ref>/tie")
@public
def show(ref: str) -> ResponseReturnValue:
    return _page(calls.get(session(), actor(), ref), Form())


@blueprint.get("/calls/<ref>/tie.json")
@public
def record(ref: str) -> ResponseReturnValue:
    call = calls.get(session(), actor(), ref)
    draw = ties.of_call(session(), call)
    if draw is None:
        raise NotFound
    return jsonify(drawing.published(call, draw))


@blueprint.post("/calls/<ref>/tie")
@needs("call.declare_tie")
def go(ref: str) -> ResponseReturnValue:
    """One step: seal, declare or draw, as `what` says."""
    call = calls.get(session(), actor(), ref)
    form = posted("tied")
    what = str(form.values.get("what", ""))
    steps: dict[str, Callable[[Form, Call], None]] = {"seal": _seal, "declare": _declare, "draw": _draw}

    def save() -> None:
        if what not in steps:
            raise Incomplete({"_form": "Choose what to do."})
        steps[what](form, call)

    if form.save(save):
        return see_other(url_for("ties.show", ref=ref), SAID[what])
    return _page(call, form)


def _seal(_form: Form, call: Call) -> None:
    ties.seal(session(), actor(), call, secret=secrets.token_hex(32))


def _declare(form: Form, call: Call) -> None:
    given = form.parse(TieInput)
    chosen = [int(text) for text in form.values["tied"] if text.isascii() and text.isdecimal()]
    ties.declare(session(), actor(), call, Declared(chosen, given.places, given.source))


def _draw(form: Form, call: Call) -> None:
    ties.draw_lots(session(), actor(), call, public=form.parse(PublicInput).public)


def _page(call: Call, form: Form) -> ResponseReturnValue:
    draw, runs_it = ties.of_call(session(), call), ties.may_run(actor(), call)
    choosing = runs_it and (draw is None or draw.frozen_at is None)
    standing = ties.standing(session(), actor(), call) if choosing else None
    if standing and draw:
        form.values.setdefault("tied", [str(key) for key in standing.suggested])
        form.values.setdefault("places", str(standing.places))
    tie = ties.tie_of(call, draw) if draw else None
    return page(
        "ties/show.html",
        call=call,
        draw=draw,
        form=form,
        runs_it=runs_it,
        standing=standing,
        worth=ties.is_something_to_draw(standing) if standing else None,
        options=_options(standing) if standing and draw else [],
        chances=lottery.chances(tie) if tie else {},
        winners=set(draw.record.get("winners", ())) if draw else set(),
        sound=_sound(draw),
        status=form.status,
    )


def _sound(draw: Draw | None) -> bool | None:
    return ties.is_sound(draw.record) if draw and draw.record else None


def _options(standing: Standing) -> list[tuple[str, str, str]]:
    known = panel_list.loaded(session(), list(standing.offered))
    tied, near = set(standing.suggested), ", near the line"
    return [
        (
            str(key),
            f"{known[key].ref}: {known[key].heading}",
            f"{standing.scores[key]:.2f}{near if key in tied else ''}",
        )
        for key in standing.offered
    ]
