"""The reviewers of a call: who knows what, who carries how much, who is free."""

from collections.abc import Sequence

from flask import Blueprint, abort, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from pydantic import BaseModel

from allocations.kernel.answers import no, require
from allocations.kernel.errors import NotFound
from allocations.people.persons import Person
from allocations.programme import expertise, reviewers
from allocations.programme.calls import Call
from allocations.programme.reviewers import Search
from portal import charts, science
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted
from portal.permissions import needs, query
from portal.views.expertise import Said
from portal.web import before, page, see_other

blueprint = Blueprint("reviewers", __name__)
PAGE = 50


class SeniorityInput(BaseModel):
    seniority: Said = None


@blueprint.get("/reviewers")
@needs("reviewer.see")
@query("call", "q", "field", "available", "before")
def index() -> ResponseReturnValue:
    mine = reviewers.calls(session(), actor())
    call = _chosen(mine)
    found = reviewers.page(session(), actor(), call, search=_search(), after=before(), size=PAGE)
    counted = reviewers.by_field(session(), actor(), call)
    kept = {key: value for key, value in request.args.items() if key != "before"}
    return page(
        "reviewers/index.html",
        form=Form({"call": call.ref, **kept}),
        calls=[(each.ref, each.title) for each in mine],
        fields=[("", "Any field"), *((name, name) for name in science.FIELDS)],
        reviewers=found,
        chart=_chart(counted),
        kept=kept,
        older=found[-1].person.id if len(found) == PAGE else None,
    )


@blueprint.route("/reviewers/<ref>/seniority", methods=["GET", "POST"])
@needs("reviewer.say_seniority")
def seniority(ref: str) -> ResponseReturnValue:
    """The office says how senior somebody is; they see it in their profile and can change it."""
    person = expertise.get_reviewer(session(), actor(), ref)
    form = Form({"seniority": expertise.of_person(session(), person).seniority or ""})
    if request.method == "POST":
        form = posted()
        if form.save(lambda: _say(form, person)):
            return see_other(url_for("reviewers.index"), f"It is noted for {person.name}.")
    context = {"person_asked": person, "seniorities": science.SENIORITIES}
    return page("reviewers/seniority.html", form=form, status=form.status, **context)


def _say(form: Form, person: Person) -> None:
    said = form.parse(SeniorityInput).seniority
    expertise.say_seniority(session(), actor(), person, seniority=said)


def _chosen(mine: Sequence[Call]) -> Call:
    """The call of the address, or the newest."""
    ref = request.args.get("call", "")
    if not mine:
        require(
            no("Programme officers and chairs see the reviewers of published calls. There is none of yours.")
        )
    found = next((each for each in mine if ref in ("", each.ref)), None)
    if found is None:
        raise NotFound
    return found


def _search() -> Search:
    field, free = request.args.get("field", ""), request.args.get("available", "")
    if field not in ("", *science.FIELDS) or free not in ("", "yes"):
        abort(400, "The address names no field of science that there is.")
    return Search(request.args.get("q", "").strip()[:200], field, free == "yes")


def _chart(counted: dict[str, int]) -> Markup:
    rows = [(name or "No field named yet", float(many), "") for name, many in counted.items()]
    return charts.bars("Reviewers by field of science.", rows, "mentions")
