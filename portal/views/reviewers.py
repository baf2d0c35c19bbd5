"""The reviewers of a call: who knows what, who carries how much, who is free."""

from collections.abc import Sequence

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from allocations.kernel.answers import no, require
from allocations.kernel.errors import NotFound
from allocations.programme import reviewers
from allocations.programme.calls import Call
from allocations.programme.reviewers import Search
from portal import charts, science
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form
from portal.permissions import needs, query
from portal.web import before, page

blueprint = Blueprint("reviewers", __name__)
PAGE = 50


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
