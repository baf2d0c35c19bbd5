"""Proposals: lists and the page of one, as each role sees it."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from allocations.programme import decisions, disclosure, progress, proposals, reviews, writing
from datasets import requests
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form
from portal.permissions import needs, query
from portal.views import talking
from portal.web import before, page

blueprint = Blueprint("proposals", __name__)
PAGE = 25


@blueprint.get("/proposals")
@needs("proposal.see")
@query("before")
def index() -> ResponseReturnValue:
    found = proposals.page(session(), actor(), mine=True, before=before(), size=PAGE)
    return page("proposals/index.html", proposals=found, older=found[-1].id if len(found) == PAGE else None)


@blueprint.get("/proposals/<ref>")
@needs("proposal.see")
def show(ref: str) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)
    on_team = proposals.on_team(actor(), proposal)
    office = reviews.is_office(actor(), proposal)
    editable = proposal.state in proposals.EDITABLE
    asked = requests.of_proposal(session(), proposal)
    written = writing.written_for(session(), proposal)
    return page(
        "proposals/show.html",
        proposal=proposal,
        requests=asked,
        on_team=on_team,
        office=office,
        written=written,
        missing=writing.missing(proposal, written) | requests.missing(asked) if on_team and editable else {},
        decision=decisions.of_proposal(session(), proposal) if on_team or office else None,
        way=progress.way(proposal) if on_team or office else [],
        message_form=Form(),
        **talking.around(proposal),
    )


@blueprint.get("/proposals/<ref>/versions")
@needs("proposal.see")
def versions(ref: str) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)
    kept = proposals.versions(session(), proposal)
    shown = [(one, disclosure.version_content(actor(), proposal, one.content)) for one in kept]
    return page("proposals/versions.html", proposal=proposal, versions=shown)
