"""The panel's list of a call for one viewer: who is on it, and the weighted scores of its reviews."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, joinedload, subqueryload

from allocations.people.persons import Person
from allocations.people.roles import Actor, Role, RoleGrant, actor_of, live
from allocations.programme import bars, meetings, proposals
from allocations.programme.calls import Call, Criterion
from allocations.programme.meetings import Meeting, Seat
from allocations.programme.proposals import TALKED_ABOUT, Proposal, ResourceRequest, State
from allocations.programme.reviews import READING, Review, ReviewState, Score
from allocations.programme.teams import InvitationState, TeamMember


@dataclass(frozen=True, slots=True)
class Given:
    """One submitted review as one number, criteria weighted, on the rubric's scale of 1 to 5."""

    reviewer: int
    value: float
    confidence: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One proposal of the list; `asked` counts the reviews that are in or still awaited."""

    proposal: int
    state: State
    asked: int
    given: tuple[Given, ...]

    @property
    def scores(self) -> tuple[float, ...]:
        return tuple(sorted(round(one.value, 4) for one in self.given))

    @property
    def mean(self) -> float | None:
        """The plain mean; None without a submitted review."""
        return round(fmean(self.scores), 4) if self.given else None


def shown(actor: Actor, call: Call) -> ColumnElement[bool]:
    """What the panel's pages are about for this viewer, as SQL.

    Neither what a conflict bars nor a proposal of the viewer's own team: there the chair is an applicant.
    """
    condition = and_(Proposal.call_id == call.id, Proposal.state.in_(TALKED_ABOUT), proposals.visible(actor))
    if actor.person_id is None:
        return condition
    team = select(TeamMember.proposal_id).where(
        TeamMember.person_id == actor.person_id, TeamMember.state == InvitationState.ACCEPTED
    )
    return and_(condition, Proposal.pi_id != actor.person_id, Proposal.id.not_in(team))


def entries(session: Session, actor: Actor, call: Call) -> list[Entry]:
    """Everything on the viewer's list, by id; one statement, whatever the number of proposals."""
    points = func.sum(Score.value * Criterion.weight)
    query = (
        select(
            Proposal.id,
            Proposal.state,
            Review.reviewer_id,
            Review.state,
            Review.confidence,
            points,
            func.sum(Criterion.weight),
        )
        .outerjoin(Review, and_(Review.proposal_id == Proposal.id, Review.state.in_(READING)))
        .outerjoin(Score, Score.review_id == Review.id)
        .outerjoin(Criterion, Criterion.id == Score.criterion_id)
        .where(shown(actor, call))
        .group_by(Proposal.id, Review.id)
        .order_by(Proposal.id, Review.id)
    )
    states: dict[int, State] = {}
    asked: dict[int, int] = {}
    given: dict[int, list[Given]] = {}
    for proposal, state, reviewer, review_state, confidence, total, weight in session.execute(query):
        states[proposal] = state
        asked[proposal] = asked.get(proposal, 0) + (reviewer is not None)
        if review_state == ReviewState.SUBMITTED and weight:
            # The database has seen to it that a submitted review says how confident its writer is.
            one = Given(reviewer, float(total) / float(weight), confidence or 3)
            given.setdefault(proposal, []).append(one)
    return [Entry(key, state, asked[key], tuple(given.get(key, ()))) for key, state in states.items()]


def ranks(values: Mapping[int, float | None]) -> dict[int, int]:
    """Rank by proposal, 1 for the highest; equal values share one, and without a value there is none."""
    known = {key: value for key, value in values.items() if value is not None}
    ordered = sorted(-value for value in known.values())
    return {key: 1 + bisect_left(ordered, -value) for key, value in known.items()}


def loaded(session: Session, ids: Sequence[int]) -> dict[int, Proposal]:
    """The proposals of one page with requests and team; whoever asks has found them on a viewer's list."""
    # A subquery, because the other way takes one statement for each five hundred.
    with_them = (subqueryload(Proposal.requests), joinedload(Proposal.team))
    found = session.scalars(select(Proposal).where(Proposal.id.in_(ids)).options(*with_them))
    return {proposal.id: proposal for proposal in found.unique()}


def asked_for(session: Session, actor: Actor, call: Call) -> dict[int, int]:
    """What undecided proposals of the list ask for, in micro-units by resource id."""
    query = (
        select(ResourceRequest.resource_id, func.sum(ResourceRequest.requested))
        .join(Proposal, Proposal.id == ResourceRequest.proposal_id)
        .where(shown(actor, call), Proposal.state == State.IN_REVIEW)
        .group_by(ResourceRequest.resource_id)
    )
    return {resource: int(total) for resource, total in session.execute(query)}


def names(session: Session, ids: Sequence[int]) -> dict[int, str]:
    return dict(session.execute(select(Person.id, Person.name).where(Person.id.in_(ids))).all())


def hidden_from_panel(session: Session, call: Call, ids: Iterable[int]) -> list[list[int]]:
    """Each set of these proposals that is kept from somebody who may open the panel's pages, or who sits in
    a meeting of the panel.

    What is computed is computed for each of them anew, as if those proposals did not exist. Two statements
    for each of the office: they are few, and the worker asks.
    """
    known, kept = set(ids), set[tuple[int, ...]]()
    for person in _office(session, call):
        seen = set(session.scalars(select(Proposal.id).where(shown(actor_of(session, person), call))))
        kept.add(tuple(sorted(known - seen)))
    for person in _members(session, call):
        closed = select(Proposal.id).where(Proposal.call_id == call.id, barred(person))
        kept.add(tuple(sorted(known & set(session.scalars(closed)))))
    return [list(one) for one in sorted(kept - {()})]


def barred(person: Person) -> ColumnElement[bool]:
    """Of proposals, as SQL: this person must not judge them, whatever they are asked to sit in."""
    actor = Actor(person_id=person.id, name=person.name, institution_id=person.institution_id)
    closed = (bars.related(actor), bars.declared(actor), meetings.shut_to(actor))
    return or_(*(Proposal.id.in_(ids) for ids in closed))


def _members(session: Session, call: Call) -> Sequence[Person]:
    """Of the call's meetings that are not over."""
    sitting = select(Seat.person_id).join(Meeting, Meeting.id == Seat.meeting_id)
    sitting = sitting.where(Meeting.call_id == call.id, Meeting.state.in_(meetings.LIVE))
    return session.scalars(select(Person).where(Person.id.in_(sitting)).order_by(Person.id)).all()


def _office(session: Session, call: Call) -> Sequence[Person]:
    """Programme officers, and the chairs of this call."""
    chairs = and_(
        RoleGrant.role == Role.PANEL_CHAIR,
        or_(RoleGrant.scope_id.is_(None), RoleGrant.scope_id == call.id),
    )
    held = select(RoleGrant.person_id).where(live(), or_(RoleGrant.role == Role.PROGRAMME_OFFICER, chairs))
    active = (Person.id.in_(held), Person.disabled_at.is_(None))
    return session.scalars(select(Person).where(*active).order_by(Person.id)).all()
