"""The split of a call's pools: its terms and its result, amounts set by hand, and many decisions at once."""

import secrets
from collections.abc import Sequence
from typing import Annotated, Any

from flask import Blueprint, flash, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from pydantic import BaseModel, BeforeValidator

from allocations.kernel import units
from allocations.kernel.answers import require
from allocations.kernel.errors import IllegalMove, NotFound
from allocations.programme import (
    calls,
    deciding,
    decisions,
    noting,
    panel_list,
    proposals,
    readiness,
    runs,
    splitting,
)
from allocations.programme.calls import Call
from allocations.programme.deciding import AT_ONCE, Decided, Left, Taken
from allocations.programme.proposals import Proposal
from allocations.programme.runs import Run, RunKind, RunState
from allocations.programme.splitting import Reading, Terms
from portal import amounts, charts, fields
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted
from portal.permissions import needs, query
from portal.web import act, beside, page, page_number, see_other

blueprint = Blueprint("splits", __name__)
SIZE = 100
SEED_BITS = 48
# Reasons that fit into one message; the others are of the same kind.
TOLD = 5
USUAL = "Your proposal “{title}” is {outcome}. {explanation}"


def _shares(text: object) -> object:
    """`100, 90, 80` as whole numbers."""
    if not isinstance(text, str):
        return text
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdecimal() and len(part) < 4 for part in parts) or len(parts) > 20:
        raise ValueError("Enter percentages with commas between them, such as 100, 90, 80, 70.")
    return tuple(int(part) for part in parts)


class TermsInput(BaseModel):
    promises: Annotated[tuple[int, ...], BeforeValidator(_shares)]
    minimum: fields.Number
    set_aside: fields.Number
    cap: fields.Number


class ReasonInput(BaseModel):
    reason: fields.Note = ""


class SummaryInput(BaseModel):
    summary: fields.Note = ""


@blueprint.route("/calls/<ref>/split", methods=["GET", "POST"])
@needs("call.split")
@query("page")
def index(ref: str) -> ResponseReturnValue:
    """GET shows the last result; POST has the pools split on the terms typed."""
    call = calls.get(session(), actor(), ref)
    require(splitting.may_split(actor(), call))
    if request.method == "GET":
        return _page(call, Form())
    form = posted()

    def save() -> None:
        terms = Terms(**form.parse(TermsInput).model_dump())
        splitting.ask(session(), actor(), call, terms, seed=secrets.randbits(SEED_BITS))

    if form.save(save):
        return see_other(url_for("splits.index", ref=ref), "The pools are being split.")
    return _page(call, form)


@blueprint.route("/proposals/<ref>/pin", methods=["GET", "POST"])
@needs("proposal.decide")
def pin(ref: str) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)
    done = runs.newest_and_done(session(), proposal.call, RunKind.SPLIT)[1]
    pinned = next((one for one in splitting.pins_of(done) if one.proposal == proposal.id), None)
    form = Form(amounts.shown(proposal, pinned.amounts if pinned else None))
    if request.method == "POST":
        form = posted()
        if form.save(lambda: _pin(form, proposal)):
            return see_other(
                url_for("splits.index", ref=proposal.call.ref),
                f"The amounts of {ref} are set. The others are being split around them.",
            )
    answer = decisions.may_decide(actor(), proposal)
    if not answer and not form.errors:
        form.errors["_form"], form.status = answer.reason, 403
    return page("splits/pin.html", proposal=proposal, form=form, pinned=pinned, status=form.status)


def _pin(form: Form, proposal: Proposal) -> None:
    reason, seed = form.parse(ReasonInput).reason, secrets.randbits(SEED_BITS)
    given = amounts.typed(form, proposal)
    splitting.pin(session(), actor(), proposal, given, reason=reason, seed=seed)


@blueprint.post("/proposals/<ref>/unpin")
@needs("proposal.decide")
def unpin(ref: str) -> ResponseReturnValue:
    proposal, seed = proposals.get(session(), actor(), ref), secrets.randbits(SEED_BITS)
    here = url_for("splits.index", ref=proposal.call.ref)
    return act(
        lambda: splitting.unpin(session(), actor(), proposal, seed=seed), here, "The pools are split again."
    )


@blueprint.post("/calls/<ref>/split/take-over")
@needs("call.decide")
def take_over(ref: str) -> ResponseReturnValue:
    call = calls.get(session(), actor(), ref)
    run = runs.get(session(), call, request.form.get("run", ""))
    form, found = posted("replace"), list[Taken]()
    replace = {str(key) for key in form.values["replace"]}

    def save() -> None:
        reading = _readable(call, run)
        found.append(deciding.take_over(session(), actor(), call, reading, replace=replace))

    if form.save(save):
        said = f"{found[0].taken} proposals have their recommended amounts now. Nothing is decided yet."
        _tell(said, found[0].left)
        _warn("Left as noted", found[0].noted)
    else:
        flash(" ".join(form.errors.values()), "error")
    return see_other(url_for("splits.index", ref=ref))


def _readable(call: Call, run: Run) -> Reading:
    if run.kind != RunKind.SPLIT or run.state not in (RunState.DONE, RunState.APPLIED):
        raise NotFound
    listed = panel_list.entries(session(), actor(), call)
    reading = splitting.read(session(), call, run, listed)
    if reading is None:
        raise IllegalMove("The list of proposals has changed since. Split the pools again.")
    return reading


def _tell(said: str, left: Sequence[Left]) -> None:
    """What was done, and what stayed as it was and why."""
    flash(said, "success")
    _warn("Left as they were", left)


def _warn(what: str, left: Sequence[Left]) -> None:
    if left:
        some = "; ".join(f"{one.ref}: {one.reason}" for one in left[:TOLD])
        more = f" And {len(left) - TOLD} more." if len(left) > TOLD else ""
        flash(f"{what}: {some}{more}", "warning")


@blueprint.route("/calls/<ref>/decide-all", methods=["GET", "POST"])
@needs("call.decide")
def decide_all(ref: str) -> ResponseReturnValue:
    call = calls.get(session(), actor(), ref)
    require(deciding.may_decide_all(actor(), call))
    form = Form({"summary": USUAL})
    if request.method == "POST":
        form, found = posted(), list[Decided]()
        if form.save(lambda: found.append(_decide(form, call))):
            said = f"{found[0].awarded} awarded, {found[0].declined} declined. The letters go out."
            _tell(said, found[0].left)
            return see_other(url_for("splits.decide_all", ref=ref))
    waiting = deciding.ready(session(), actor(), call)
    following = waiting.both[:AT_ONCE]
    known = panel_list.loaded(session(), following)
    return page(
        "splits/decide_all.html",
        call=call,
        form=form,
        waiting=waiting,
        proposals=[known[key] for key in following],
        early=readiness.of_proposals(session(), list(known.values())),
        status=form.status,
    )


def _decide(form: Form, call: Call) -> Decided:
    summary = form.parse(SummaryInput).summary
    listed = panel_list.entries(session(), actor(), call)
    done = runs.newest_and_done(session(), call, RunKind.SPLIT)[1]
    reasons = deciding.explanations(splitting.read(session(), call, done, listed))
    return deciding.decide_as_recommended(session(), actor(), call, summary=summary, reasons=reasons)


def _page(call: Call, form: Form) -> ResponseReturnValue:
    listed = panel_list.entries(session(), actor(), call)
    newest, done = runs.newest_and_done(session(), call, RunKind.SPLIT)
    reading = splitting.read(session(), call, done, listed)
    outcomes, number = reading.outcomes if reading else [], page_number()
    part = outcomes[SIZE * (number - 1) : SIZE * number]
    changes = reading.view.get("changes", []) if reading else []
    # All of them, not this page's: what is noted by hand is named whole above the list.
    wanted = {one["proposal"] for one in [*outcomes, *changes]} | set(reading.pins if reading else ())
    known = panel_list.loaded(session(), sorted(wanted))
    kept = noting.kept(session(), call, reading, known) if reading else []
    _fill(form, splitting.terms_of(done))
    return page(
        "splits/index.html",
        call=call,
        form=form,
        newest=newest,
        done=done,
        busy=newest is not None and newest.is_busy,
        reading=reading,
        outcomes=part,
        changes=changes,
        total=len(outcomes),
        without=sum(1 for one in listed if one.state == proposals.State.IN_REVIEW and not one.given),
        chart=_chart(call, reading) if reading else "",
        resources={resource.slug: resource for resource in call.resources},
        proposals=known,
        kept=kept,
        over=noting.overdrawn(reading, kept) if reading and kept else {},
        decides=deciding.may_decide_all(actor(), call),
        links=beside("splits.index", number, last=-(-len(outcomes) // SIZE), ref=call.ref),
        status=form.status,
    )


def _chart(call: Call, reading: Reading) -> Markup:
    """How much of each pool the split hands out."""
    known = {resource.slug: resource for resource in call.resources}
    rows = [
        (
            known[pool["slug"]].name,
            round(100 * pool["used"] / pool["capacity"], 1) if pool["capacity"] else 0.0,
            f"{units.shown(pool['used'])} of {units.shown(pool['capacity'])} {known[pool['slug']].unit}",
        )
        for pool in reading.view.get("pools", ())
    ]
    return charts.levels("What is handed out of each pool.", rows, "percent")


def _fill(form: Form, terms: Terms) -> None:
    values: dict[str, Any] = {"promises": ", ".join(str(share) for share in terms.promises)}
    values |= {name: str(getattr(terms, name)) for name in ("minimum", "set_aside", "cap")}
    for name, value in values.items():
        form.values.setdefault(name, value)
