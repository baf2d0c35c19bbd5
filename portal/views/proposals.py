"""Proposals: lists and the page of one, as each role sees it."""

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue

from allocations.programme import appeals, assessing, decisions, proposals, reviews, steps, writing
from allocations.programme import progress as progress_of
from allocations.programme.calls import Decider
from allocations.programme.proposals import Proposal, State
from allocations.programme.steps import StepKind
from datasets import requests
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form
from portal.permissions import needs, query
from portal.views import sections, talking
from portal.web import before, page, see_other

blueprint = Blueprint("proposals", __name__)
PAGE = 25
WATCHED = frozenset({State.SUBMITTED, State.IN_REVIEW, State.AWARDED})


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
    decision = decisions.of_proposal(session(), proposal) if on_team or office else None
    return page(
        "proposals/show.html",
        proposal=proposal,
        requests=asked,
        on_team=on_team,
        office=office,
        written=written,
        first=sections.first(proposal),
        steps=_steps(proposal),
        missing=writing.missing(proposal, written) | requests.missing(asked) if on_team and editable else {},
        decision=decision,
        appeal_until=appeals.until(decision, proposal) if decision and on_team else None,
        way=progress_of.way(proposal) if on_team or office else [],
        message_form=Form(),
        assessments=assessing.of_proposal(session(), proposal) if office else [],
        verdicts=assessing.WORDS,
        **talking.around(proposal),
    )


@blueprint.get("/proposals/<ref>/progress")
@needs("proposal.see")
def progress(ref: str) -> ResponseReturnValue:
    """The fragment that the page asks for again until a rule has decided; there is none for others."""
    proposal = proposals.get(session(), actor(), ref)
    steps = _steps(proposal)
    if not steps:
        return see_other(url_for("proposals.show", ref=ref))
    decision = decisions.of_proposal(session(), proposal)
    return page("proposals/_progress.html", proposal=proposal, decision=decision, steps=steps)


def _steps(proposal: Proposal) -> list[tuple[str, str]]:
    """What a rule decides is there in seconds: the team watches. Empty for everybody else and other calls."""
    watched = proposal.call.decided_by == Decider.RULE and proposals.on_team(actor(), proposal)
    if not watched or proposal.state not in WATCHED:
        return []
    awarded = proposal.state == State.AWARDED
    named = [(kind, steps.NAMES[kind][0]) for kind in progress_of.kinds(proposal.call)]
    at = proposal.step.place if proposal.step else -1
    before = [
        (name, "done" if awarded or kind.place < at else "current" if kind == proposal.step else "todo")
        for kind, name in named
        if kind != StepKind.ACCEPTANCE
    ]
    return [("Submitted", "done"), *before, ("Your project", "done" if awarded else "todo")]
