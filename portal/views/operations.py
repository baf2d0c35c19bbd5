"""Operations: the worker, stuck deliveries with a retry button, clusters and namespaces."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from allocations.kernel.answers import require
from allocations.kernel.errors import NotFound
from k8s import clusters, namespaces
from portal import operations
from portal.auth.people import actor
from portal.database import session
from portal.permissions import needs
from portal.web import act, page

blueprint = Blueprint("operations", __name__)


@blueprint.get("/operations")
@needs("operations.see")
def index() -> ResponseReturnValue:
    require(operations.may_see(actor()))
    at = operations.last_beat(session())
    return page(
        "operations/index.html",
        alive=operations.is_alive(at),
        at=at,
        waiting=operations.waiting(session()),
        stuck=operations.stuck(session(), actor()),
        clusters=clusters.all_clusters(session()),
        spaces=namespaces.with_projects(session()),
    )


@blueprint.post("/operations/retry")
@needs("operations.see")
def retry() -> ResponseReturnValue:
    text = request.form.get("delivery", "")
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise NotFound
    here = url_for("operations.index")
    return act(lambda: operations.retry(session(), actor(), int(text)), here, "It will be tried again now.")
