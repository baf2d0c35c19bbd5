"""Proposals: one's own, and one as whoever asks may read it."""

from datetime import date, datetime
from typing import Any

from flask import Blueprint
from pydantic import BaseModel

from allocations.programme import disclosure, proposals
from allocations.programme.proposals import State
from portal.api.operations import PAGE, Amount, Page, amount, older, operation
from portal.auth.people import actor
from portal.auth.tokens import Scope
from portal.database import session
from portal.permissions import allowed, machine, query
from portal.web import before

blueprint = Blueprint("proposals", __name__)
RULES = (
    "proposal.assign",
    "proposal.decide",
    "proposal.edit",
    "proposal.screen",
    "proposal.submit",
    "proposal.withdraw",
)


class ProposalLine(BaseModel):
    ref: str
    call: str
    title: str
    # Nothing where the call is reviewed without names and the reader does not run it.
    pi: str | None
    state: State
    submitted_at: datetime | None


class Asked(BaseModel):
    """One resource of a proposal; `least` is what still makes sense, if its PI has said; `awarded` is empty
    until there is a decision."""

    resource: str
    unit: str
    requested: Amount
    least: Amount | None
    awarded: Amount | None


class Proposal(ProposalLine):
    abstract: str
    fields_of_science: list[str]
    keywords: str
    starts_on: date | None
    months: int
    requests: list[Asked]
    allowed: list[str]


@blueprint.get("/proposals")
@machine("proposal.see")
@query("before")
@operation(Page[ProposalLine], scope=Scope.READ_PROPOSALS)
def index() -> Page[ProposalLine]:
    """Proposals that the token's holder wrote or is on the team of."""
    found = proposals.page(session(), actor(), mine=True, before=before(), size=PAGE)
    return Page[ProposalLine](items=[ProposalLine(**_line(row)) for row in found], older=older(found))


@blueprint.get("/proposals/<ref>")
@machine("proposal.see")
@operation(Proposal, scope=Scope.READ_PROPOSALS)
def show(ref: str) -> Proposal:
    """One proposal with what it asks for."""
    row = proposals.get(session(), actor(), ref)
    plain = ("abstract", "fields_of_science", "keywords", "starts_on", "months")
    return Proposal(
        **_line(row),
        **{name: getattr(row, name) for name in plain},
        requests=[_asked(request, decided=row.state == State.AWARDED) for request in row.requests],
        allowed=allowed(actor(), RULES, row),
    )


def _line(row: proposals.Proposal) -> dict[str, Any]:
    plain = {name: getattr(row, name) for name in ("ref", "title", "state", "submitted_at")}
    return plain | {"call": row.call.ref, "pi": disclosure.pi_name(actor(), row) or None}


def _asked(row: proposals.ResourceRequest, *, decided: bool) -> Asked:
    awarded = amount(row.awarded) if decided and row.awarded is not None else None
    resource = row.resource
    return Asked(
        resource=resource.slug,
        unit=resource.unit,
        requested=amount(row.requested),
        least=amount(row.minimum) if row.minimum is not None else None,
        awarded=awarded,
    )
