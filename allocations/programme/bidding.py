"""Bids as the office sees them: asking for them, and what was said."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session

from allocations.kernel import audit, clock, outbox
from allocations.kernel.answers import Answer
from allocations.kernel.errors import IllegalMove, Invalid
from allocations.kernel.events import Event
from allocations.people.persons import Person
from allocations.people.roles import Actor
from allocations.programme import assigning
from allocations.programme.bids import Bid, BidValue, is_open
from allocations.programme.calls import Call
from allocations.programme.proposals import Proposal


@dataclass(frozen=True, slots=True)
class BiddingOpened(Event):
    call_id: int


@dataclass(frozen=True, slots=True)
class Told:
    """What one reviewer has said so far about proposals that the office's actor may know of."""

    person: Person
    counts: Mapping[BidValue, int]


def may_ask(actor: Actor, call: Call) -> Answer:
    """To open and close bidding. Whether the actor has a proposal in the call, the verbs ask."""
    return assigning.may_propose(actor, call)


def open_bidding(session: Session, actor: Actor, call: Call, *, until: datetime) -> None:
    """Ask the reviewers of the call what they would like, or give them until another day."""
    assigning.require_office(session, actor, call)
    if until <= clock.now():
        raise Invalid({"bids_until": "Choose a time that is still to come."})
    is_new = not is_open(call)
    call.bids_until = until
    audit.record(
        session, actor, "call.open_bidding", subject=call.ref, note=f"until {until:%Y-%m-%d %H:%M} UTC"
    )
    if is_new:
        outbox.put(session, BiddingOpened(call.id))


def close_bidding(session: Session, actor: Actor, call: Call) -> None:
    """What was said is kept, and still counts when reviewers are proposed."""
    assigning.require_office(session, actor, call)
    if not is_open(call):
        raise IllegalMove("Reviewers are not being asked at the moment.")
    call.bids_until = clock.now()
    audit.record(session, actor, "call.close_bidding", subject=call.ref)


def told(
    session: Session, actor: Actor, call: Call, *, after: int | None = None, size: int = 50
) -> list[Told]:
    """Reviewers who have said something, by name, counting what the office's actor may know of."""
    counted = (
        select(Bid.person_id, *(func.count(case((Bid.value == value, 1))) for value in BidValue))
        .join(Proposal, Proposal.id == Bid.proposal_id)
        .where(Proposal.call_id == call.id, assigning.assignable(actor))
        .group_by(Bid.person_id)
        .subquery()
    )
    query = select(Person, *list(counted.columns)[1:]).join(counted, counted.c.person_id == Person.id)
    if after is not None:
        name = select(Person.name).where(Person.id == after).scalar_subquery()
        query = query.where(or_(Person.name > name, and_(Person.name == name, Person.id > after)))
    rows = session.execute(query.order_by(Person.name, Person.id).limit(size))
    return [Told(person, dict(zip(BidValue, counts, strict=True))) for person, *counts in rows]


def of_call(session: Session, call: Call, people: Collection[int]) -> dict[int, list[tuple[int, BidValue]]]:
    """What these people have said about proposals of the call, by person; one statement."""
    query = (
        select(Bid.person_id, Bid.proposal_id, Bid.value)
        .join(Proposal, Proposal.id == Bid.proposal_id)
        .where(Proposal.call_id == call.id, Bid.person_id.in_(people))
        .order_by(Bid.proposal_id)
    )
    found: dict[int, list[tuple[int, BidValue]]] = {}
    for person_id, proposal_id, value in session.execute(query):
        found.setdefault(person_id, []).append((proposal_id, value))
    return found
