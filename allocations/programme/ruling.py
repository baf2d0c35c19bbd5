"""Decisions by rule: what a starter call promises is awarded as soon as it is asked for."""

from sqlalchemy.orm import Session

from allocations.kernel import units
from allocations.kernel.errors import Invalid
from allocations.people.roles import SYSTEM
from allocations.programme import decisions
from allocations.programme.calls import Decider
from allocations.programme.decisions import BACK
from allocations.programme.proposals import Proposal, State
from allocations.programme.steps import StepKind

SUMMARY = "Awarded by the rule of the call: you are eligible, and what you asked for is within its limits."


def is_due(proposal: Proposal) -> bool:
    """Submitted under a call that decides by rule, with no check before the decision left."""
    waiting = proposal.state == State.IN_REVIEW and proposal.step == StepKind.DECISION
    back = proposal.message.startswith(BACK)
    return waiting and not back and proposal.call.decided_by == Decider.RULE


def fits(proposal: Proposal) -> bool:
    """Each amount is within what one proposal can get. Eligibility was asked at submission."""
    links = {link.pool.resource_id: link for link in proposal.call.pools}
    return all(
        request.resource_id in links and request.requested <= links[request.resource_id].ceiling
        for request in proposal.requests
    )


def decide(session: Session, proposal_id: int) -> bool:
    """Award in full, or leave it to the programme office when a pool is empty; true when awarded.

    Doing it twice does nothing: a decided proposal is not due.
    """
    proposal = session.get_one(Proposal, proposal_id)
    if not is_due(proposal) or not fits(proposal):
        return False
    amounts = {request.resource.slug: request.requested for request in proposal.requests}
    try:
        with session.begin_nested():
            decisions.award(session, SYSTEM, proposal, amounts=amounts, summary=SUMMARY)
    except Invalid as error:
        proposal.message = f"Waits for the programme office: {error.reason}"
        return False
    return True


def promise(proposal: Proposal) -> str:
    """What the rule will do, for the page before submission."""
    amounts = [
        f"{units.shown(r.requested)} {r.resource.unit} of {r.resource.name}" for r in proposal.requests
    ]
    return f"You get {', '.join(amounts)} as soon as you submit." if amounts else ""
