"""What everybody may read: awards, and how the applicants of a call fared."""

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue

from allocations.kernel.errors import NotFound
from allocations.programme import calls, decisions, proposals, publishing
from allocations.programme.calls import CallState
from allocations.programme.publishing import Success
from portal import charts
from portal.auth.people import actor
from portal.database import session
from portal.permissions import needs, public, query
from portal.web import act, before, page

blueprint = Blueprint("results", __name__)
PAGE = 25


@blueprint.get("/awarded")
@public
@query("before")
def awarded() -> ResponseReturnValue:
    found = publishing.awards(session(), before=before(), size=PAGE)
    return page("results/awarded.html", awards=found, older=found[-1].id if len(found) == PAGE else None)


@blueprint.get("/calls/<ref>/results")
@public
def statistics(ref: str) -> ResponseReturnValue:
    """Once the call is concluded; the office and the chair may look before, at what they may know of."""
    call = calls.get(session(), actor(), ref)
    if call.state != CallState.CONCLUDED and not decisions.may_chair(actor(), call):
        raise NotFound
    found = publishing.statistics(session(), actor(), call)
    drawn = {name: charts.levels(name, [_bar(line) for line in lines], "%") for name, lines in found.items()}
    return page("results/statistics.html", call=call, charts=drawn, smallest=publishing.SMALLEST)


def _bar(line: Success) -> tuple[str, float, str]:
    return line.group, float(line.percent), f"{line.awarded} of {line.applied}"


@blueprint.post("/proposals/<ref>/abstract")
@needs("proposal.hide_abstract")
def hide(ref: str) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)
    here = url_for("proposals.show", ref=ref)
    done = "Whether your abstract is public is changed."
    return act(lambda: publishing.hide(session(), actor(), proposal), here, done)
