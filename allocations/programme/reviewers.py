"""The reviewers of a call: what they know, how much they carry, and whether they can take more today."""

import enum
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, cast, func, or_, select, true, union_all
from sqlalchemy.orm import Session

from allocations.kernel import clock
from allocations.kernel.answers import Answer, require, when
from allocations.people.persons import Person
from allocations.people.roles import Actor, Role, RoleGrant, live
from allocations.programme.bids import Bid, BidValue
from allocations.programme.calls import Call, CallState
from allocations.programme.expertise import USUAL, Publication, ReviewerProfile
from allocations.programme.proposals import Proposal, visible
from allocations.programme.reviews import OPEN, Review
from allocations.programme.teams import TeamMember


class Availability(enum.StrEnum):
    AVAILABLE = "available"
    AWAY = "away"
    FULL = "at_limit"


@dataclass(frozen=True, slots=True)
class Reviewer:
    """One reviewer as the office sees them. The load leaves out proposals that the asker is close to."""

    person: Person
    profile: ReviewerProfile | None
    load: int
    publications: int
    # What they have said about the proposal that they are listed for.
    wish: BidValue | None = None

    @property
    def most(self) -> int:
        return self.profile.most if self.profile else USUAL

    @property
    def availability(self) -> Availability:
        if self.profile and self.profile.away(clock.today()):
            return Availability.AWAY
        return Availability.FULL if self.load >= self.most else Availability.AVAILABLE

    @property
    def hindrance(self) -> str:
        """Why they cannot take more today, in words that follow the name; empty when they can."""
        if self.availability == Availability.AWAY and self.profile:
            return f"is away until {self.profile.away_until:%-d %B %Y}"
        if self.availability == Availability.FULL:
            reviews = "1 open review" if self.load == 1 else f"{self.load} open reviews"
            return f"has {reviews} and takes at most {self.most} at once"
        return ""


@dataclass(frozen=True, slots=True)
class Search:
    """What a list of reviewers is narrowed to."""

    text: str = ""
    field: str = ""
    only_available: bool = False


def may_see(actor: Actor, call: Call) -> Answer:
    """To see the reviewers of a call with their load."""
    office = actor.has(Role.PROGRAMME_OFFICER) or actor.has(Role.PANEL_CHAIR, call.id)
    return when(office, "Only programme officers and the chair of the call see its reviewers.")


def calls(session: Session, actor: Actor, *, size: int = 100) -> Sequence[Call]:
    """Published calls whose reviewers this actor sees, the newest first."""
    everywhere = actor.has(Role.PROGRAMME_OFFICER) or actor.has(Role.PANEL_CHAIR)
    mine = true() if everywhere else Call.id.in_(actor.scopes(Role.PANEL_CHAIR))
    query = select(Call).where(Call.state != CallState.DRAFT, mine)
    return session.scalars(query.order_by(Call.id.desc()).limit(size)).all()


def page(
    session: Session,
    actor: Actor,
    call: Call,
    *,
    search: Search | None = None,
    after: int | None = None,
    size: int = 50,
) -> list[Reviewer]:
    """By name; `after` is the person at the end of the page before."""
    require(may_see(actor, call))
    load = _load(actor)
    query = _of_call(call.id, load).where(*_found(search or Search(), load))
    if after is not None:
        name = select(Person.name).where(Person.id == after).scalar_subquery()
        query = query.where(or_(Person.name > name, and_(Person.name == name, Person.id > after)))
    return _listed(session, query.limit(size))


def everybody(session: Session, actor: Actor, call_id: int) -> list[Reviewer]:
    """All reviewers of a call, in one statement; for whoever may assign them."""
    return _listed(session, _of_call(call_id, _load(actor)))


def of_proposal(session: Session, actor: Actor, proposal: Proposal) -> list[Reviewer]:
    """The same, with what each has said about this proposal of the call."""
    said = select(Bid.value).where(Bid.person_id == Person.id, Bid.proposal_id == proposal.id)
    return _listed(session, _of_call(proposal.call_id, _load(actor)).add_columns(said.scalar_subquery()))


def one(session: Session, actor: Actor, call_id: int, *, person: Person) -> Reviewer | None:
    """This reviewer of the call; None for somebody who is none."""
    mine = _of_call(call_id, _load(actor)).where(Person.id == person.id)
    return next(iter(_listed(session, mine)), None)


def by_field(session: Session, actor: Actor, call: Call) -> dict[str, int]:
    """How many reviewers of the call name each field of science, most first; "" for those who name none."""
    require(may_see(actor, call))
    query = (
        select(ReviewerProfile.fields_of_science)
        .select_from(Person)
        .outerjoin(ReviewerProfile, ReviewerProfile.person_id == Person.id)
        .where(*_holds(call.id))
    )
    counted = Counter(name for fields in session.scalars(query) for name in (fields or [""]))
    return dict(sorted(counted.items(), key=lambda each: (each[0] == "", -each[1], each[0])))


def _of_call(call_id: int, load: ColumnElement[int]) -> Select[Any]:
    written = select(func.count(Publication.id)).where(Publication.profile_id == ReviewerProfile.id)
    return (
        select(Person, ReviewerProfile, load, written.scalar_subquery())
        .outerjoin(ReviewerProfile, ReviewerProfile.person_id == Person.id)
        .where(*_holds(call_id))
        .order_by(Person.name, Person.id)
    )


def _listed(session: Session, query: Select[Any]) -> list[Reviewer]:
    return [Reviewer(*row) for row in session.execute(query)]


def _holds(call_id: int) -> tuple[ColumnElement[bool], ...]:
    scope = or_(RoleGrant.scope_id.is_(None), RoleGrant.scope_id == call_id)
    held = select(RoleGrant.person_id).where(RoleGrant.role == Role.REVIEWER, live(), scope)
    return Person.id.in_(held), Person.disabled_at.is_(None)


def _load(actor: Actor) -> ColumnElement[int]:
    """Open reviews of a person, without those of proposals that the actor must learn nothing about.

    Otherwise a chair who applies could see in the table who reviews her own proposal.
    """
    carried = select(func.count(Review.id)).where(Review.reviewer_id == Person.id, Review.state.in_(OPEN))
    if actor.person_id is not None:
        own = union_all(
            select(Proposal.id).where(Proposal.pi_id == actor.person_id),
            select(TeamMember.proposal_id).where(TeamMember.person_id == actor.person_id),
        )
        seen = select(Proposal.id).where(visible(actor))
        carried = carried.where(Review.proposal_id.in_(seen), Review.proposal_id.not_in(own))
    return carried.scalar_subquery()


def _found(search: Search, load: ColumnElement[int]) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    # A list is kept as JSON; a whole name in it stands between quotation marks.
    fields = cast(ReviewerProfile.fields_of_science, Text)
    if search.text:
        columns = (Person.name, ReviewerProfile.keywords, fields)
        wanted.append(or_(*(column.icontains(search.text, autoescape=True) for column in columns)))
    if search.field:
        wanted.append(fields.contains(f'"{search.field}"', autoescape=True))
    if search.only_available:
        today = clock.today()
        away = and_(ReviewerProfile.away_from <= today, ReviewerProfile.away_until >= today)
        wanted.append(load < func.coalesce(ReviewerProfile.most, USUAL))
        wanted.append(func.coalesce(~away, true()))
    return wanted
