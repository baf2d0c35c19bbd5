"""A person's standing: what the portal knows of their place, what follows from it, and whom to ask."""

from datetime import timedelta

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from allocations.kernel import clock
from allocations.kernel.errors import Incomplete, Invalid
from allocations.people import confirmations, eligibility, institutions
from allocations.people.confirmations import Confirmation, Finding
from allocations.people.persons import Place
from portal import fields
from portal.auth.people import actor, current_person
from portal.database import session
from portal.forms import Form, posted
from portal.permissions import needs, query
from portal.web import act, before, page, see_other

blueprint = Blueprint("standing", __name__)
PAGE = 50
ROLES = (
    ("Lead a project as PI or co-PI", eligibility.may_be_pi),
    ("Review proposals, when you are asked", eligibility.may_review),
    ("Work in a project without a sponsor", eligibility.may_use),
)


class AskInput(BaseModel):
    institution: fields.Needed
    note: fields.Note = ""


class AnswerInput(BaseModel):
    outcome: str = ""
    until: fields.Day = None
    message: fields.Note = ""


@blueprint.route("/account/standing", methods=["GET", "POST"])
@needs("home.see")
def show() -> ResponseReturnValue:
    """What the identity in use says, and the question to a representative when that is too little."""
    person = current_person()
    form = Form({"institution": person.affiliation if person and person.institution else ""})
    if request.method == "POST":
        form = posted()
        if form.save(lambda: _ask(form)):
            return see_other(url_for("standing.show"), "Your question is on its way.")
    return page(
        "standing/show.html",
        form=form,
        standing=actor().standing,
        answers=[(what, rule(actor())) for what, rule in ROLES],
        asked=confirmations.latest(session(), actor()),
        known=[("", "Choose your institution"), *((n, n) for n in institutions.names(session()))],
        status=form.status,
    )


def _ask(form: Form) -> None:
    given = form.parse(AskInput)
    institution = institutions.by_name(session(), given.institution)
    if institution is None:
        unknown = "We do not know this institution. Choose one from the list, or write to us."
        raise Invalid({"institution": unknown})
    confirmations.ask(session(), actor(), institution, note=given.note)


@blueprint.post("/account/standing/<ref>/withdraw")
@needs("home.see")
def withdraw(ref: str) -> ResponseReturnValue:
    asked = confirmations.get(session(), actor(), ref)
    here = url_for("standing.show")
    return act(lambda: confirmations.withdraw(session(), actor(), asked), here, "You have taken it back.")


@blueprint.get("/confirmations")
@needs("confirmation.see")
@query("before")
def index() -> ResponseReturnValue:
    """A representative's desk."""
    found = confirmations.page(session(), actor(), before=before(), size=PAGE)
    older = found[-1].id if len(found) == PAGE else None
    return page("standing/index.html", confirmations=found, older=older)


@blueprint.route("/confirmations/<ref>", methods=["GET", "POST"])
@needs("confirmation.answer")
def answer(ref: str) -> ResponseReturnValue:
    asked = confirmations.get(session(), actor(), ref)
    in_a_year = clock.today() + timedelta(days=364)
    form = Form({"until": in_a_year.isoformat()})
    if request.method == "POST":
        form = posted()
        if form.save(lambda: _answer(form, asked)):
            return see_other(url_for("standing.index"), f"{ref} is {asked.state}.")
    return page("standing/answer.html", asked=asked, form=form, status=form.status)


def _answer(form: Form, asked: Confirmation) -> None:
    given = form.parse(AnswerInput)
    if given.outcome == "refuse":
        confirmations.refuse(session(), actor(), asked, message=given.message)
    elif given.outcome not in set(Place):
        raise Incomplete({"outcome": "Choose an answer."})
    elif given.until is None:
        raise Incomplete({"until": "Enter the last day on which this holds."})
    else:
        finding = Finding(Place(given.outcome), given.until)
        confirmations.confirm(session(), actor(), asked, finding, message=given.message)
