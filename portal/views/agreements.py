"""A provider's standing agreements: to consent ahead to what a call awards of its resources."""

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue

from allocations.programme import agreements
from portal.auth.people import actor
from portal.database import session
from portal.forms import posted
from portal.permissions import needs
from portal.web import act, page

blueprint = Blueprint("agreements", __name__)


@blueprint.get("/consents/ahead")
@needs("call_pool.agree_ahead")
def index() -> ResponseReturnValue:
    return page("consents/ahead.html", offered=agreements.offered(session(), actor()))


@blueprint.post("/consents/ahead/agree")
@needs("call_pool.agree_ahead")
def agree() -> ResponseReturnValue:
    ref, slug = _wanted()

    def verb() -> None:
        link = agreements.get(session(), actor(), ref, slug=slug)
        agreements.agree_ahead(session(), actor(), link)

    return act(verb, url_for("agreements.index"), f"You agree ahead to what {ref} awards of this resource.")


@blueprint.post("/consents/ahead/take-back")
@needs("call_pool.agree_ahead")
def take_back() -> ResponseReturnValue:
    ref, slug = _wanted()

    def verb() -> None:
        link = agreements.get(session(), actor(), ref, slug=slug)
        agreements.take_back(session(), actor(), link)

    return act(verb, url_for("agreements.index"), "You are asked again about each later award.")


def _wanted() -> tuple[str, str]:
    """The call and the resource that the button names."""
    values = posted().values
    return str(values.get("call", "")), str(values.get("resource", ""))
