"""Assigning reviewers by hand, from a list that shows load and conflicts."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from allocations.kernel.answers import require
from allocations.kernel.errors import NotFound
from allocations.people.persons import Person
from allocations.programme import proposals, reviewing
from allocations.programme.proposals import Proposal
from portal import fields
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted
from portal.permissions import needs
from portal.web import act, page, see_other

blueprint = Blueprint("assignment", __name__)


class WaiverInput(BaseModel):
    reason: fields.Note = ""


@blueprint.get("/proposals/<ref>/reviewers")
@needs("proposal.assign")
def index(ref: str) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)
    require(reviewing.may_assign(actor(), proposal))
    listed = reviewing.candidates(session(), actor(), proposal)
    return page("assignment/index.html", proposal=proposal, candidates=listed)


@blueprint.post("/proposals/<ref>/reviewers")
@needs("proposal.assign")
def assign(ref: str) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)
    person = session().get(Person, _number("reviewer"))
    if person is None:
        raise NotFound
    here = url_for("assignment.index", ref=ref)
    anyway = request.form.get("all_the_same") == "yes"
    assigned = f"{person.name} is asked for a review."
    return act(
        lambda: reviewing.assign(session(), actor(), proposal, person=person, all_the_same=anyway),
        here,
        assigned,
    )


@blueprint.route("/proposals/<ref>/reviewers/<int:person_id>/waiver", methods=["GET", "POST"])
@needs("conflict.waive")
def waive(ref: str, person_id: int) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)
    require(reviewing.may_waive(actor(), proposal))
    candidate = reviewing.candidate(session(), actor(), proposal, person_id=person_id)
    form = Form()
    if request.method == "POST":
        form = posted()
        if form.save(lambda: _waive(form, proposal, candidate.person)):
            here = url_for("assignment.index", ref=ref)
            return see_other(here, f"{candidate.person.name} can be asked now.")
    context = {"proposal": proposal, "candidate": candidate, "form": form}
    return page("assignment/waive.html", status=form.status, **context)


def _waive(form: Form, proposal: Proposal, person: Person) -> None:
    reason = form.parse(WaiverInput).reason
    reviewing.waive(session(), actor(), proposal, person=person, reason=reason)


@blueprint.post("/proposals/<ref>/reviewers/cancel")
@needs("proposal.assign")
def cancel(ref: str) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)
    review = reviewing.of_office(session(), actor(), proposal, _number("review"))
    if review is None:
        raise NotFound
    here = url_for("assignment.index", ref=ref)
    return act(lambda: reviewing.unassign(session(), actor(), review), here, "The request is cancelled.")


def _number(field: str) -> int:
    text = request.form.get(field, "")
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise NotFound
    return int(text)
