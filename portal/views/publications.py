"""Anybody's own list of publications, by which co-authors are found."""

from flask import Blueprint, abort
from flask.typing import ResponseReturnValue

from allocations.kernel.answers import require
from allocations.programme import coauthors, expertise
from portal.auth.people import actor, current_person
from portal.database import session
from portal.permissions import needs
from portal.web import page

blueprint = Blueprint("publications", __name__)


@blueprint.get("/account/publications")
@needs("publication.keep")
def index() -> ResponseReturnValue:
    person = current_person() or abort(404)
    require(expertise.may_keep(actor(), person))
    listed = expertise.of_person(session(), person).publications
    return page("publications/index.html", publications=listed, years=coauthors.YEARS)
