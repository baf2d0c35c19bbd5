"""Bids: what reviewers would like to read, asked before anybody is assigned; for the office alone."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ForeignKey,
    Select,
    UniqueConstraint,
    and_,
    cast,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from allocations.kernel import audit, clock
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.db import Base
from allocations.kernel.errors import Incomplete, NotFound
from allocations.kernel.refs import checked, id_of, spelt
from allocations.people.persons import Person
from allocations.people.roles import Actor, Role
from allocations.programme import calls, disclosure, offered
from allocations.programme.calls import Call, CallState, Reviewers
from allocations.programme.conflicts import Conflict
from allocations.programme.proposals import Proposal

# Proposals on a page: as many as somebody reads at a sitting.
SIZE = 20
# The list is dealt anew for each reviewer (see `_turn`); a prime far above any call's number of proposals.
DEAL, STRIDE = 1_000_003, 611_953


class BidValue(enum.StrEnum):
    EAGER = "eager"
    WILLING = "willing"
    UNWILLING = "unwilling"


# The share of the greatest shift that a bid moves a pair's match by; see `matching.affinity.BID`.
WEIGHTS = {BidValue.EAGER: 1.0, BidValue.WILLING: 0.5, BidValue.UNWILLING: -1.0}


class Bid(Base):
    __tablename__ = "bid"
    __table_args__ = (UniqueConstraint("person_id", "proposal_id"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"), index=True)
    value: Mapped[BidValue]
    at: Mapped[datetime] = mapped_column(default_factory=clock.now)


@dataclass(frozen=True, slots=True)
class Offer:
    """A proposal as one reviewer is asked about it; `who` is empty where names are not shown."""

    id: int
    ref: str
    title: str
    abstract: str
    who: str
    value: BidValue | None


def is_open(call: Call) -> bool:
    return call.bids_until is not None and clock.now() < call.bids_until


def may_see(actor: Actor, call: Call) -> Answer:
    """To look at one's own bids in this call."""
    return first_no(
        when(
            not actor.is_system and actor.has(Role.REVIEWER, call.id),
            "Only reviewers of the call say what they would like to review.",
        ),
        when(call.bids_until is not None, "Reviewers of this call are not asked what they would like."),
    )


def may_bid(actor: Actor, call: Call) -> Answer:
    """To say what one would like to review. What somebody is asked about, `offered.shown` says."""
    return first_no(
        may_see(actor, call),
        when(call.state == CallState.PUBLISHED, "This call is concluded."),
        when(is_open(call), "This question is closed. What you said is kept."),
    )


def get(session: Session, actor: Actor, ref: str) -> Call:
    """A call whose reviewers are or were asked, for one of them; without its criteria and pools."""
    found = session.scalar(select(Call).where(Call.id == id_of(Call, ref), calls.visible(actor)))
    call = checked(found, ref)
    require(may_see(actor, call))
    return call


def open_calls(session: Session, actor: Actor) -> Sequence[Call]:
    """Calls that ask this reviewer now, the first to close first."""
    query = select(Call).where(_asking(actor)).order_by(Call.bids_until, Call.id)
    return session.scalars(query.limit(50)).all()


def unanswered(actor: Actor) -> ColumnElement[bool]:
    """Proposals that this reviewer is asked about now and has said nothing of."""
    said = select(Bid.proposal_id).where(Bid.person_id == actor.person_id)
    asking = select(Call.id).where(_asking(actor))
    return and_(offered.shown(actor), Proposal.call_id.in_(asking), Proposal.id.not_in(said))


def _asking(actor: Actor) -> ColumnElement[bool]:
    everywhere = (Role.REVIEWER, None) in actor.roles
    mine = true() if everywhere else Call.id.in_(actor.scopes(Role.REVIEWER))
    experts = Call.reviewed_by == Reviewers.EXPERTS
    return and_(Call.state == CallState.PUBLISHED, experts, Call.bids_until > clock.now(), mine)


def page(
    session: Session, actor: Actor, call: Call, *, after: int | None = None, size: int = SIZE
) -> list[Offer]:
    """In an order of this reviewer's own; `after` is the last proposal of the page before.

    Once the question is closed, only what they have answered.
    """
    require(may_see(actor, call))
    wanted: list[ColumnElement[bool]] = [true() if is_open(call) else Bid.value.is_not(None)]
    turn = _turn(actor)
    if after is not None:
        seen = after * _stride(actor) % DEAL
        wanted.append(or_(turn > seen, and_(turn == seen, Proposal.id > after)))
    query = _offers(actor, call).where(*wanted).order_by(turn, Proposal.id).limit(size)
    return [_offer(call, *row) for row in session.execute(query)]


def one(session: Session, actor: Actor, call: Call, ref: str) -> Offer:
    """One proposal that this reviewer is asked about; NotFound for any other."""
    require(may_bid(actor, call))
    row = session.execute(_offers(actor, call).where(Proposal.id == id_of(Proposal, ref))).one_or_none()
    found = _offer(call, *row) if row else None
    if found is None or found.ref != ref:
        raise NotFound
    return found


def _offers(actor: Actor, call: Call) -> Select[Any]:
    own = and_(Bid.proposal_id == Proposal.id, Bid.person_id == actor.person_id)
    named = (Proposal.id, Proposal.created_at, Proposal.title, Proposal.abstract)
    columns: tuple[Any, ...] = (*named, Bid.value, Person)
    return (
        select(*columns)
        .join(Person, Person.id == Proposal.pi_id)
        .outerjoin(Bid, own)
        .where(Proposal.call_id == call.id, offered.shown(actor))
    )


def _offer(call: Call, number: int, created_at: datetime, *columns: Any) -> Offer:
    title, abstract, value, pi = columns
    who = f"{pi.name}, {pi.affiliation}" if disclosure.tells_judges(call) else ""
    return Offer(number, spelt(Proposal, number, created_at), title, abstract, who, value)


def _stride(actor: Actor) -> int:
    return 1 + STRIDE * (actor.person_id or 0) % (DEAL - 1)


def _turn(actor: Actor) -> ColumnElement[int]:
    """Another order for each reviewer: what always stood first would get most of the bids."""
    return cast(Proposal.id, BigInteger) * _stride(actor) % DEAL


def save(session: Session, actor: Actor, call: Call, *, wishes: Mapping[int, BidValue | None]) -> int:
    """What this reviewer would like, by proposal; None takes back what was said. How many have changed.

    A proposal that they are not asked about, or not any more, is passed over like one that there is not.
    """
    require(may_bid(actor, call))
    asked = select(Proposal.id).where(
        Proposal.call_id == call.id, Proposal.id.in_(wishes), offered.shown(actor)
    )
    kept = select(Bid).where(Bid.person_id == actor.person_id, Bid.proposal_id.in_(wishes))
    said = {bid.proposal_id: bid for bid in session.scalars(kept)}
    changed = 0
    for proposal_id in sorted(session.scalars(asked)):
        changed += _say(session, actor, proposal_id, bid=said.get(proposal_id), value=wishes[proposal_id])
    if changed:
        audit.record(session, actor, "bid.save", subject=call.ref, note=f"{changed} changed")
    return changed


def _say(
    session: Session, actor: Actor, proposal_id: int, *, bid: Bid | None, value: BidValue | None
) -> bool:
    if value == (bid.value if bid else None):
        return False
    if value is None:
        session.delete(bid)
    elif bid is None:
        assert actor.person_id is not None  # noqa: S101 - the rule says so
        session.add(Bid(person_id=actor.person_id, proposal_id=proposal_id, value=value))
    else:
        bid.value, bid.at = value, clock.now()
    return True


def declare_conflict(session: Session, actor: Actor, call: Call, offer: Offer, *, reason: str) -> None:
    """Closes the proposal to this reviewer for good, before anybody has asked them to review it."""
    one(session, actor, call, offer.ref)
    if not reason.strip():
        raise Incomplete({"reason": "Say in a few words what the conflict is."})
    assert actor.person_id is not None  # noqa: S101 - the rule says so
    mine = select(Bid).where(Bid.person_id == actor.person_id, Bid.proposal_id == offer.id)
    for bid in session.scalars(mine):
        session.delete(bid)
    session.add(Conflict(person_id=actor.person_id, proposal_id=offer.id, reason=reason))
    audit.record(session, actor, "conflict.declare", subject=offer.ref, note=reason)
