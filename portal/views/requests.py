"""The custodian's desk: access requests and the decision on one."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from allocations.kernel.errors import Incomplete
from allocations.programme import disclosure, writing
from datasets import requests
from datasets.requests import AccessRequest
from portal import fields
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted
from portal.permissions import needs, query
from portal.web import before, page, see_other

blueprint = Blueprint("requests", __name__)
PAGE = 50


class AccessInput(BaseModel):
    message: fields.Note = ""


@blueprint.get("/access-requests")
@needs("access_request.see")
@query("before")
def index() -> ResponseReturnValue:
    found = requests.page(session(), actor(), before=before(), size=PAGE)
    older = found[-1].id if len(found) == PAGE else None
    return page("requests/index.html", requests=found, older=older, asker=_asker)


def _asker(asked: AccessRequest) -> str:
    return disclosure.asker_line(actor(), asked.proposal)


@blueprint.route("/access-requests/<ref>", methods=["GET", "POST"])
@needs("access_request.decide", step_up=True)
def decide(ref: str) -> ResponseReturnValue:
    asked = requests.get(session(), actor(), ref)
    form = Form()
    if request.method == "POST":
        form = posted()
        if form.save(lambda: _decide(form, asked)):
            return see_other(url_for("requests.index"), f"{ref} is {asked.state}.")
    written = writing.written_for(session(), asked.proposal)
    context = {"asked": asked, "written": written, "asker": _asker(asked)}
    return page("requests/decide.html", form=form, status=form.status, **context)


def _decide(form: Form, asked: AccessRequest) -> None:
    message = form.parse(AccessInput).message
    outcome = form.values.get("outcome")
    if outcome == "approve":
        requests.approve(session(), actor(), asked, message=message)
    elif outcome == "refuse":
        requests.refuse(session(), actor(), asked, message=message)
    else:
        raise Incomplete({"outcome": "Choose whether the project gets access."})
