"""Reviewers for a whole call: have them proposed, mark pairs, and ask the ones that are ticked."""

import secrets
from collections.abc import Iterable
from typing import Any, Literal

from flask import Blueprint, abort, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from allocations.kernel.errors import IllegalMove, NotFound
from allocations.programme import assigning, bids, proposed
from allocations.programme.assigning import Asked, Marks, Pair, Wish
from allocations.programme.calls import Call
from allocations.programme.proposed import Pages, Shown
from allocations.programme.runs import Run, RunState
from portal import charts, fields
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted
from portal.permissions import needs, query
from portal.web import act, page, see_other

blueprint = Blueprint("assigning", __name__)
# Nobody chooses how ties fall; short enough to be typed again, to repeat a run.
SEED_BITS = 29


class WishInput(BaseModel):
    reviewers: fields.Number
    rules: list[Literal["spread", "technical", "domain", "senior", "early", "forget"]] = []
    limit: fields.OptionalNumber = None
    seed: fields.OptionalNumber = None


@blueprint.route("/calls/<ref>/assignment", methods=["GET", "POST"])
@needs("call.assign")
@query("order", "after")
def index(ref: str) -> ResponseReturnValue:
    """GET shows what was proposed last; POST has reviewers proposed."""
    call = assigning.get(session(), actor(), ref)
    run = assigning.latest(session(), call)
    form = Form(_usual(call, run))
    if request.method == "POST":
        form = posted("rules")
        if form.save(lambda: _ask(form, call)):
            return see_other(url_for("assigning.index", ref=ref), "Reviewers are being proposed.")
    pages = _pages()
    found = proposed.shown(session(), actor(), call, run, pages=pages)
    context = {
        "call": call,
        "asks_bids": bids.is_open(call),
        "run": run,
        "found": found,
        "pages": pages,
        "steps": _steps(run),
    }
    return page("assigning/index.html", form=form, status=form.status, **context, **_drawn(found))


@blueprint.get("/calls/<ref>/assignment/status")
@needs("call.assign")
def status(ref: str) -> ResponseReturnValue:
    """The fragment that the page asks for again while something is computed."""
    call = assigning.get(session(), actor(), ref)
    run = assigning.latest(session(), call)
    return page("assigning/_status.html", call=call, run=run, steps=_steps(run), is_fragment=True)


@blueprint.post("/calls/<ref>/assignment/marks")
@needs("call.assign")
def mark(ref: str) -> ResponseReturnValue:
    """Compute again with these marks, or ask the reviewers that are ticked."""
    call = assigning.get(session(), actor(), ref)
    run = _of_form(call)
    here = url_for("assigning.index", ref=ref, **_kept())
    if request.form.get("what") == "ask":
        told: list[Asked] = []
        answer = act(lambda: told.append(_ask_these(call, run)), here)
        return see_other(here, _said(told[0])) if told else answer
    marks = Marks(frozenset(_numbers("shown")), frozenset(_pairs("lock")), frozenset(_pairs("never")))
    return act(
        lambda: assigning.again(session(), actor(), call, run, marks=marks),
        here,
        "Computed again with your marks.",
    )


def _ask(form: Form, call: Call) -> None:
    given = form.parse(WishInput)
    rules = set(given.rules)
    chosen = {name: name in rules for name in ("spread", "forget", *assigning.MIX)}
    wish = Wish(given.reviewers, limit=given.limit, **chosen)
    seed = secrets.randbits(SEED_BITS) if given.seed is None else given.seed
    assigning.ask(session(), actor(), call, wish, seed=seed)


def _ask_these(call: Call, run: Run) -> Asked:
    return assigning.apply(session(), actor(), call, run, pairs=_pairs("ask"))


def _said(told: Asked) -> str:
    parts = [f"{told.asked} reviewers are asked." if told.asked != 1 else "1 reviewer is asked."]
    if told.already:
        parts.append(f"{told.already} had been asked already.")
    if told.refused:
        parts.append(f"{len(told.refused)} could not be asked; the list says why.")
    return " ".join(parts)


def _of_form(call: Call) -> Run:
    """The run that the marks are about, unless there is a newer one."""
    run = assigning.latest(session(), call)
    if run is None:
        raise NotFound
    if run.ref != request.form.get("run"):
        raise IllegalMove("Reviewers were proposed anew since you opened this page. Look at them first.")
    return run


def _usual(call: Call, run: Run | None) -> dict[str, Any]:
    wish = assigning.wish_of(run) if run else Wish(call.reviewers)
    rules = [name for name in ("spread", *assigning.MIX) if getattr(wish, name)]
    return {"reviewers": str(wish.reviewers), "rules": rules, "limit": wish.limit or "", "seed": ""}


def _steps(run: Run | None) -> list[tuple[str, str]]:
    """How far the computation is; empty when none is under way."""
    if run is None or not run.is_busy:
        return []
    begun = run.state == RunState.RUNNING
    return [
        ("Waiting for its turn", "done" if begun else "current"),
        ("Reading texts, comparing, assigning", "current" if begun else "todo"),
        ("Ready to look at", "todo"),
    ]


def _drawn(found: Shown) -> dict[str, Any]:
    loads = [
        ("1 open review" if load == 1 else f"{load} open reviews", float(many), "")
        for load, many in found.loads
    ]
    weakest = [(f"{each.ref} {each.title}", round(100 * mean), "") for each, mean in found.weakest]
    return {
        "loads": charts.bars("Open reviews after asking everybody.", loads, "reviewers"),
        "weakest": charts.levels("Proposals with the weakest match.", weakest, "of 100"),
    }


def _pages() -> Pages:
    order, after = request.args.get("order", ""), request.args.get("after", "")
    if order not in ("", "weakest") or (after and not _is_number(after)):
        abort(400, "The address names no page of this list.")
    return Pages(order == "weakest", int(after) if after else None)


def _kept() -> dict[str, Any]:
    """Which part of the list the marks were made on, to go back there."""
    order, after = request.form.get("order", ""), request.form.get("after", "")
    kept = {"order": order if order == "weakest" else "", "after": after if _is_number(after) else ""}
    return {name: value for name, value in kept.items() if value}


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 9


def _numbers(name: str) -> Iterable[int]:
    for text in request.form.getlist(name):
        if not _is_number(text):
            raise NotFound
        yield int(text)


def _pairs(name: str) -> set[Pair]:
    """Fields such as `12-7`: the proposal, and the person."""
    found = set()
    for text in request.form.getlist(name):
        proposal, _, person = text.partition("-")
        if not (_is_number(proposal) and _is_number(person)):
            raise NotFound
        found.add((int(proposal), int(person)))
    return found
