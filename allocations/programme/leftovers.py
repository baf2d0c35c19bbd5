"""What a concluded call has left over, and its return to the general pools."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import Session

from allocations.accounts import ledger, pools
from allocations.accounts.ledger import Purpose
from allocations.accounts.pools import Pool
from allocations.kernel import audit, clock, units
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.errors import IllegalMove
from allocations.people.roles import Actor, Role
from allocations.programme.calls import Call, CallState
from allocations.programme.proposals import UNDECIDED, Proposal, State


@dataclass(frozen=True, slots=True)
class Left:
    """One pool of the call and what the general pool of its resource holds, in micro-units."""

    pool: Pool
    free: int
    general: int


def may_return(actor: Actor, call: Call) -> Answer:
    """To give what is left of the call's pools to the general pools, and to see how much that is."""
    return first_no(
        when(actor.has(Role.PROGRAMME_OFFICER), "Only a programme officer returns what a call has left."),
        when(call.state == CallState.CONCLUDED, "Conclude the call first: until then its pools are its own."),
    )


def of_call(session: Session, call: Call) -> list[Left]:
    held = ledger.balances(session, [ledger.pool(link.pool_id) for link in call.pools])
    general = pools.held_in_general(session, [link.pool.resource_id for link in call.pools])
    return [
        Left(
            link.pool,
            held.get(ledger.pool(link.pool_id), {}).get(Purpose.FREE, 0),
            general.get(link.pool.resource_id, 0),
        )
        for link in call.pools
    ]


def is_settled(session: Session, call: Call) -> Answer:
    """No number and no name is told: the officer may be barred from what is still open."""
    late = and_(Proposal.state == State.DRAFT, Proposal.grace_until > clock.now())
    waiting = exists().where(Proposal.call_id == call.id, or_(Proposal.state.in_(UNDECIDED), late))
    why = "Not every proposal of the call is decided."
    return when(not session.scalar(select(waiting)), why)


def give_back(session: Session, actor: Actor, call: Call) -> Mapping[str, int]:
    """All that is free now, by slug. What comes back to the call later can be returned again."""
    require(may_return(actor, call))
    require(is_settled(session, call))
    back = {
        link.pool.resource.slug: pools.give_back(session, link.pool, cause=call.ref) for link in call.pools
    }
    if not any(back.values()):
        raise IllegalMove("Nothing is left in the pools of this call.")
    named = [
        f"{units.shown(back[link.pool.resource.slug])} {link.pool.resource.unit} of {link.pool.resource.name}"
        for link in call.pools
        if back[link.pool.resource.slug]
    ]
    audit.record(session, actor, "call.return_leftovers", subject=call.ref, note=", ".join(named))
    return back
