"""Grace by reference: officers see no drafts, and learn nothing of one but that it may come in late."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.kernel.answers import require
from allocations.kernel.errors import Incomplete, Invalid, NotFound
from allocations.kernel.refs import id_of
from allocations.people.roles import Actor
from allocations.programme import writing
from allocations.programme.calls import Call
from allocations.programme.conflicts import Conflict
from allocations.programme.proposals import Proposal, may_give_grace, may_see_desk

NOT_POSSIBLE = "Grace is not possible for this reference in this call. Ask the PI whether it is right."


def give(session: Session, actor: Actor, call: Call, ref: str, *, reason: str) -> Proposal:
    """One sentence for every refusal: whether there is such a draft, and whose, is not said."""
    require(may_see_desk(actor))
    if not reason.strip():
        raise Incomplete({"reason": "Say what held them up; it stays on the record."})
    proposal = _draft(session, actor, call, ref)
    if proposal is None or not may_give_grace(actor, proposal):
        raise Invalid({"reference": NOT_POSSIBLE})
    writing.give_grace(session, actor, proposal, reason=reason)
    return proposal


def _draft(session: Session, actor: Actor, call: Call, ref: str) -> Proposal | None:
    try:
        number = id_of(Proposal, ref)
    except NotFound:
        return None
    barred = select(Conflict.proposal_id).where(Conflict.person_id == actor.person_id)
    wanted = (Proposal.id == number, Proposal.call_id == call.id, Proposal.id.not_in(barred))
    found = session.scalar(select(Proposal).where(*wanted))
    return found if found is not None and found.ref == ref else None
