"""Review among applicants, as the office runs it: compute the pairs, ask everybody, watch the deadline."""

import secrets
from datetime import datetime, timedelta

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from allocations.kernel import clock
from allocations.kernel.answers import require
from allocations.kernel.errors import IllegalMove
from allocations.programme import calls, draws, exchanging, runs
from allocations.programme.calls import Call
from allocations.programme.runs import RunKind, RunState
from allocations.programme.steps import StepKind
from portal import fields
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted
from portal.permissions import needs
from portal.web import act, page, see_other

blueprint = Blueprint("exchange", __name__)
# Random, so that nobody chooses who reviews whom; kept with the run, so that it can be repeated.
SEED_BITS = 48


class DeadlineInput(BaseModel):
    due_at: fields.Moment


@blueprint.route("/calls/<ref>/exchange", methods=["GET", "POST"])
@needs("call.exchange")
def index(ref: str) -> ResponseReturnValue:
    """GET shows where the exchange stands; POST asks the applicants."""
    call = calls.get(session(), actor(), ref)
    require(exchanging.may_arrange(actor(), call))
    form = Form({"due_at": f"{_usual_deadline(call):%Y-%m-%dT%H:%M}"})
    if request.method == "POST":
        form = posted()
        if form.save(lambda: _ask(form, call)):
            return see_other(
                url_for("exchange.index", ref=ref), "The applicants are asked, each by a letter."
            )
    run = runs.latest(session(), call, RunKind.EXCHANGE)
    return page(
        "exchange/index.html",
        call=call,
        form=form,
        run=run,
        ready=run is not None and run.state == RunState.DONE,
        busy=run is not None and run.is_busy,
        taking_part=exchanging.in_exchange(session(), call),
        sealed=draws.of_call(session(), call) is not None,
        unchecked=exchanging.unchecked(session(), call),
        owing=exchanging.owing(session(), call),
        status=form.status,
    )


@blueprint.post("/calls/<ref>/exchange/pairs")
@needs("call.exchange")
def arrange(ref: str) -> ResponseReturnValue:
    call = calls.get(session(), actor(), ref)
    seed = secrets.randbits(SEED_BITS)
    here = url_for("exchange.index", ref=ref)
    return act(
        lambda: exchanging.ask(session(), actor(), call, seed=seed), here, "The pairs are being computed."
    )


def _usual_deadline(call: Call) -> datetime:
    return clock.now() + timedelta(days=call.steps[str(StepKind.REVIEW)])


def _ask(form: Form, call: Call) -> None:
    due_at = form.parse(DeadlineInput).due_at
    run = runs.latest(session(), call, RunKind.EXCHANGE)
    if run is None:
        raise IllegalMove("Compute the pairs first.")
    exchanging.apply(session(), actor(), call, run, due_at=due_at)
