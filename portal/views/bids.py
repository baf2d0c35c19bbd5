"""Bids: a reviewer says what they would like to read; the office asks, and sees what was said."""

import re

from flask import Blueprint, abort, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from allocations.kernel.answers import require
from allocations.kernel.errors import Invalid
from allocations.programme import assigning, bidding, bids
from allocations.programme.bids import BidValue, Offer
from allocations.programme.calls import Call
from portal import fields
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted
from portal.permissions import needs, query
from portal.web import act, before, page, see_other

blueprint = Blueprint("bids", __name__)
PAGE = 50
FIELD = re.compile(r"bid-(\d{1,9})", re.ASCII)


class ConflictInput(BaseModel):
    reason: fields.Note = ""


class UntilInput(BaseModel):
    bids_until: fields.Moment


@blueprint.route("/calls/<ref>/bids", methods=["GET", "POST"])
@needs("bid.see", personal=True)
@query("after")
def index(ref: str) -> ResponseReturnValue:
    """What this reviewer is asked about, a page at a time; POST keeps the answers of a page."""
    call, after = bids.get(session(), actor(), ref), _after()
    offers = bids.page(session(), actor(), call, after=after)
    last = offers[-1].id if len(offers) == bids.SIZE else None
    form = Form({f"bid-{each.id}": each.value or "" for each in offers})
    if request.method == "POST":
        form = posted()
        going_on = last is not None and form.values.get("then") == "next"
        if form.save(lambda: _save(form, call)):
            return see_other(_page_of(ref, last if going_on else after), "Your answers are saved.")
    context = {"call": call, "offers": offers, "after": after, "last": last, "form": form}
    return page("bids/index.html", may=bids.may_bid(actor(), call), status=form.status, **context)


@blueprint.route("/calls/<ref>/bids/<proposal_ref>/conflict", methods=["GET", "POST"])
@needs("bid.make", personal=True)
def conflict(ref: str, proposal_ref: str) -> ResponseReturnValue:
    call = bids.get(session(), actor(), ref)
    offer, form = bids.one(session(), actor(), call, proposal_ref), Form()
    if request.method == "POST":
        form = posted()
        if form.save(lambda: _declare(form, call, offer)):
            return see_other(_page_of(ref, None), "It is noted. You will not see this proposal again.")
    return page("bids/conflict.html", call=call, offer=offer, form=form, status=form.status)


@blueprint.route("/calls/<ref>/assignment/bids", methods=["GET", "POST"])
@needs("call.ask_bids")
@query("before")
def ask(ref: str) -> ResponseReturnValue:
    """For the office: who has said something; POST asks the reviewers until a day."""
    call = assigning.get(session(), actor(), ref)
    require(bidding.may_ask(actor(), call))
    form = Form({"bids_until": f"{call.bids_until:%Y-%m-%dT%H:%M}" if bids.is_open(call) else ""})
    if request.method == "POST":
        form = posted()
        if form.save(lambda: _ask(form, call)):
            return see_other(url_for("bids.ask", ref=ref), "The reviewers of the call are asked.")
    told = bidding.told(session(), actor(), call, after=before(), size=PAGE)
    older = told[-1].person.id if len(told) == PAGE else None
    context = {"call": call, "told": told, "older": older, "is_open": bids.is_open(call), "form": form}
    return page("bids/ask.html", status=form.status, **context)


@blueprint.post("/calls/<ref>/assignment/bids/close")
@needs("call.ask_bids")
def close(ref: str) -> ResponseReturnValue:
    call = assigning.get(session(), actor(), ref)
    here = url_for("bids.ask", ref=ref)
    return act(lambda: bidding.close_bidding(session(), actor(), call), here, "Nobody is asked any more.")


def _save(form: Form, call: Call) -> None:
    wishes, wrong = dict[int, BidValue | None](), dict[str, str]()
    for name, text in form.values.items():
        found = FIELD.fullmatch(name)
        if found and text in ("", *BidValue):
            wishes[int(found[1])] = BidValue(text) if text else None
        elif found:
            wrong[name] = "Choose one of the options."
    if wrong:
        raise Invalid(wrong)
    bids.save(session(), actor(), call, wishes=wishes)


def _declare(form: Form, call: Call, offer: Offer) -> None:
    bids.declare_conflict(session(), actor(), call, offer, reason=form.parse(ConflictInput).reason)


def _ask(form: Form, call: Call) -> None:
    bidding.open_bidding(session(), actor(), call, until=form.parse(UntilInput).bids_until)


def _page_of(ref: str, after: int | None) -> str:
    return url_for("bids.index", ref=ref, after=after)


def _after() -> int | None:
    text = request.args.get("after", "")
    if text and not (text.isascii() and text.isdecimal() and len(text) <= 9):
        abort(400, "The address names no page of this list.")
    return int(text) if text else None
