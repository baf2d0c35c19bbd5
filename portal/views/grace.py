"""An officer lets a draft in after the close, by the reference that its PI has told them."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from allocations.kernel.answers import require
from allocations.programme import calls, grace, proposals
from allocations.programme.proposals import Proposal
from portal import fields
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted
from portal.permissions import needs
from portal.web import page, see_other

blueprint = Blueprint("grace", __name__)


class GraceInput(BaseModel):
    reference: fields.Short = ""
    reason: fields.Note = ""


@blueprint.route("/calls/<ref>/grace", methods=["GET", "POST"])
@needs("proposal.give_grace")
def give(ref: str) -> ResponseReturnValue:
    call = calls.get(session(), actor(), ref)
    require(proposals.may_see_desk(actor()))
    form, let_in = posted() if request.method == "POST" else Form(), list[Proposal]()
    if request.method == "POST" and form.save(lambda: let_in.append(_give(form, call))):
        until = f"{let_in[0].grace_until:%H:%M} UTC"
        message = f"{let_in[0].ref} can be submitted until {until}. Tell the PI: no letter says so."
        return see_other(url_for("grace.give", ref=ref), message)
    form.labels |= {"reference": "Reference"}
    return page("calls/grace.html", call=call, form=form, status=form.status)


def _give(form: Form, call: calls.Call) -> Proposal:
    given = form.parse(GraceInput)
    return grace.give(session(), actor(), call, given.reference, reason=given.reason)
