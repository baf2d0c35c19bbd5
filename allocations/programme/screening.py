"""The officer's verbs on a submitted proposal: forward, return, decline."""

from sqlalchemy.orm import Session

from allocations.kernel import outbox
from allocations.kernel.answers import require
from allocations.kernel.errors import Incomplete
from allocations.kernel.states import move
from allocations.people.roles import Actor
from allocations.programme import progress
from allocations.programme.proposals import (
    Proposal,
    ProposalReturned,
    ProposalScreenedOut,
    State,
    may_screen,
)


def forward(session: Session, actor: Actor, proposal: Proposal) -> None:
    """The check is passed: on to the next step of the call."""
    require(may_screen(actor, proposal))
    progress.go_on(session, proposal, actor=actor)


def return_for_changes(session: Session, actor: Actor, proposal: Proposal, *, message: str) -> None:
    require(may_screen(actor, proposal))
    if not message.strip():
        raise Incomplete({"message": "Tell the PI what has to change."})
    proposal.message = message
    move(session, proposal, State.RETURNED, actor, note=message)
    outbox.put(session, ProposalReturned(proposal.id))


def decline(session: Session, actor: Actor, proposal: Proposal, *, reason: str) -> None:
    """Out at screening, without review."""
    require(may_screen(actor, proposal))
    if not reason.strip():
        raise Incomplete({"message": "Give the reason; the PI will read it."})
    proposal.message = reason
    move(session, proposal, State.DECLINED, actor, note=reason)
    outbox.put(session, ProposalScreenedOut(proposal.id))
