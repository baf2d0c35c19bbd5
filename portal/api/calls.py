"""Calls: what is open, and what was."""

from datetime import datetime

from flask import Blueprint
from pydantic import BaseModel

from allocations.programme import calls
from allocations.programme.calls import Lane
from portal.api.operations import PAGE, Page, older, operation
from portal.auth.people import actor
from portal.auth.tokens import Scope
from portal.database import session
from portal.permissions import allowed, machine, query
from portal.web import before

blueprint = Blueprint("calls", __name__)
RULES = ("call.apply", "call.conclude", "call.edit", "call.publish")


class Call(BaseModel):
    """`window` is draft, upcoming, open, closed or concluded."""

    ref: str
    title: str
    lane: Lane
    summary: str
    opens_at: datetime
    closes_at: datetime
    window: str
    max_months: int
    resources: list[str]
    allowed: list[str]


@blueprint.get("/calls")
@machine("call.see")
@query("before")
@operation(Page[Call], scope=Scope.READ_CALLS)
def index() -> Page[Call]:
    """Calls that are published; officers see drafts as well."""
    found = calls.page(session(), actor(), before=before(), size=PAGE)
    return Page[Call](items=[_call(row) for row in found], older=older(found))


def _call(row: calls.Call) -> Call:
    plain = ("ref", "title", "lane", "summary", "opens_at", "closes_at", "window", "max_months")
    return Call(
        **{name: getattr(row, name) for name in plain},
        resources=[resource.slug for resource in row.resources],
        allowed=allowed(actor(), RULES, row),
    )
