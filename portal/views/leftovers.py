"""What a concluded call has left over: shown, and returned to the general pools."""

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue

from allocations.kernel.answers import require
from allocations.programme import calls, leftovers
from portal.auth.people import actor
from portal.database import session
from portal.permissions import needs
from portal.web import act, page

blueprint = Blueprint("leftovers", __name__)


@blueprint.get("/calls/<ref>/leftovers")
@needs("call.return_leftovers")
def show(ref: str) -> ResponseReturnValue:
    call = calls.get(session(), actor(), ref)
    require(leftovers.may_return(actor(), call))
    left = leftovers.of_call(session(), call)
    return page("calls/leftovers.html", call=call, left=left, settled=leftovers.is_settled(session(), call))


@blueprint.post("/calls/<ref>/leftovers/return")
@needs("call.return_leftovers")
def give_back(ref: str) -> ResponseReturnValue:
    call = calls.get(session(), actor(), ref)
    here = url_for("leftovers.show", ref=ref)
    said = (
        "What was left is in the general pools now. The next call that offers these resources has it first."
    )
    return act(lambda: leftovers.give_back(session(), actor(), call), here, said)
