"""Calls as everybody reads them: the list, and the page of one."""

from itertools import pairwise

from flask import Blueprint
from flask.typing import ResponseReturnValue

from allocations.programme import calls, editions, writing
from allocations.programme.steps import NAMES, StepKind
from portal import call_ways
from portal.auth.people import actor
from portal.database import session
from portal.permissions import public, query
from portal.web import before, page

blueprint = Blueprint("calls", __name__)
PAGE = 25


@blueprint.get("/calls")
@public
@query("before")
def index() -> ResponseReturnValue:
    found = calls.page(session(), actor(), before=before(), size=PAGE)
    older = found[-1].id if len(found) == PAGE else None
    return page("calls/index.html", calls=found, older=older)


@blueprint.get("/calls/<ref>")
@public
def show(ref: str) -> ResponseReturnValue:
    call = calls.get(session(), actor(), ref)
    kept = calls.editions(session(), call)
    changes = [editions.changes(old.content, new.content) for new, old in pairwise(kept)]
    steps = [(*NAMES[kind], call.steps[str(kind)]) for kind in StepKind if call.has_step(kind)]
    room = writing.has_room(session(), actor(), call)
    return page(
        "calls/show.html",
        call=call,
        steps=steps,
        editions=kept,
        changes=changes,
        room=room,
        ways=call_ways.ways(session(), actor(), call),
    )
