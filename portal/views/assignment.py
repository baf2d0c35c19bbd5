"""Assigning reviewers by hand, from a list that shows load and conflicts."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from allocations.kernel.answers import require
from allocations.kernel.errors import NotFound
from allocations.people.persons import Person
from allocations.programme import proposals, reviewing
from portal.auth.people import actor
from portal.database import session
from portal.permissions import needs
from portal.web import act, page

blueprint = Blueprint("assignment", __name__)


@blueprint.get("/proposals/<ref>/reviewers")
@needs("proposal.assign")
def index(ref: str) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)
    require(reviewing.may_assign(actor(), proposal))
    return page(
        "assignment/index.html", proposal=proposal, candidates=reviewing.candidates(session(), proposal)
    )


@blueprint.post("/proposals/<ref>/reviewers")
@needs("proposal.assign")
def assign(ref: str) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)
    person = session().get(Person, _number("reviewer"))
    if person is None:
        raise NotFound
    here = url_for("assignment.index", ref=ref)
    assigned = f"{person.name} is asked for a review."
    return act(lambda: reviewing.assign(session(), actor(), proposal, person=person), here, assigned)


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
