"""Proposals: rows, states, who may do what, and the getter."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    String,
    Text,
    UniqueConstraint,
    and_,
    false,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Mapped, Session, joinedload, mapped_column, relationship, selectinload

from allocations.accounts.projects import ProjectRole
from allocations.accounts.resources import Resource
from allocations.kernel import clock
from allocations.kernel.answers import Answer, first_no, when
from allocations.kernel.db import Amount, Base
from allocations.kernel.events import Event
from allocations.kernel.refs import Referenced, checked, id_of
from allocations.kernel.states import Moves
from allocations.people import eligibility
from allocations.people.persons import Person
from allocations.people.roles import Actor, Role
from allocations.programme import bars, meetings
from allocations.programme.calls import Call
from allocations.programme.reviews import READING, Review
from allocations.programme.steps import StepKind
from allocations.programme.teams import InvitationState, TeamMember


@dataclass(frozen=True, slots=True)
class ProposalSubmitted(Event):
    proposal_id: int


@dataclass(frozen=True, slots=True)
class ProposalReturned(Event):
    proposal_id: int


@dataclass(frozen=True, slots=True)
class ProposalForwarded(Event):
    proposal_id: int


@dataclass(frozen=True, slots=True)
class ProposalScreenedOut(Event):
    proposal_id: int


@dataclass(frozen=True, slots=True)
class GraceGiven(Event):
    proposal_id: int


class State(enum.StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    IN_REVIEW = "in_review"
    AWARDED = "awarded"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


EDITABLE = frozenset({State.DRAFT, State.RETURNED})
UNDECIDED = frozenset({State.SUBMITTED, State.IN_REVIEW})
# What a panel talks about.
TALKED_ABOUT = (State.IN_REVIEW, State.AWARDED, State.DECLINED)


class ResourceRequest(Base):
    """One resource of a proposal, with its amounts in micro-units."""

    __tablename__ = "resource_request"
    __table_args__ = (
        UniqueConstraint("proposal_id", "resource_id"),
        CheckConstraint("requested > 0", "requested_positive"),
        CheckConstraint("minimum BETWEEN 1 AND requested", "minimum_within_request"),
        CheckConstraint("recommended >= 0", "recommended_not_negative"),
        CheckConstraint("awarded >= 0", "awarded_not_negative"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"), init=False)
    resource_id: Mapped[int] = mapped_column(ForeignKey("resource.id"), init=False, index=True)
    resource: Mapped[Resource] = relationship(lazy="joined", innerjoin=True)
    requested: Mapped[Amount]
    # The least that still makes sense, in the words of the form; None: the PI has not said.
    minimum: Mapped[Amount | None] = mapped_column(default=None)
    why: Mapped[str] = mapped_column(Text, default="")
    # Other resources that would do, by slug: see `substitutes`. The two amounts below count them in.
    substitutes: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    recommended: Mapped[Amount | None] = mapped_column(default=None)
    awarded: Mapped[Amount | None] = mapped_column(default=None)


class ProposalVersion(Base):
    """What was submitted, word for word; never changed afterwards."""

    __tablename__ = "proposal_version"
    __table_args__ = (UniqueConstraint("proposal_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"))
    number: Mapped[int]
    submitted_at: Mapped[datetime]
    content: Mapped[dict[str, Any]]
    # SHA-256 of the content as canonical JSON: shows that the row is what was submitted.
    digest: Mapped[str] = mapped_column(String(64))


class Proposal(Referenced, Base):
    __tablename__ = "proposal"
    __table_args__ = (CheckConstraint("months BETWEEN 1 AND 60", "months_range"),)
    PREFIX: ClassVar[str] = "AIR"
    NOUN: ClassVar[str] = "proposal"
    MOVES: ClassVar[Moves] = {
        State.DRAFT: frozenset({State.SUBMITTED, State.WITHDRAWN}),
        State.SUBMITTED: frozenset({State.IN_REVIEW, State.RETURNED, State.DECLINED, State.WITHDRAWN}),
        State.RETURNED: frozenset({State.SUBMITTED, State.WITHDRAWN}),
        State.IN_REVIEW: frozenset({State.AWARDED, State.DECLINED, State.WITHDRAWN}),
        # An appeal was upheld.
        State.DECLINED: frozenset({State.IN_REVIEW}),
    }

    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"), init=False, index=True)
    call: Mapped[Call] = relationship(lazy="joined", innerjoin=True)
    pi_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    pi: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    title: Mapped[str] = mapped_column(String(300), default="")
    abstract: Mapped[str] = mapped_column(Text, default="")
    fields_of_science: Mapped[list[str]] = mapped_column(default_factory=list)
    keywords: Mapped[str] = mapped_column(String(500), default="")
    # Might well not work; judged for what it would bring if it does.
    high_risk: Mapped[bool] = mapped_column(default=False)
    # The PI keeps the abstract back when the award is published.
    hides_abstract: Mapped[bool] = mapped_column(default=False, init=False)
    starts_on: Mapped[date | None] = mapped_column(default=None)
    months: Mapped[int] = mapped_column(default=12)
    state: Mapped[State] = mapped_column(default=State.DRAFT, index=True)
    state_since: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
    submitted_at: Mapped[datetime | None] = mapped_column(default=None, init=False)
    # Where it stands among the steps of its call, between submission and decision.
    step: Mapped[StepKind | None] = mapped_column(default=None, init=False)
    step_since: Mapped[datetime | None] = mapped_column(default=None, init=False)
    step_due: Mapped[datetime | None] = mapped_column(default=None, init=False, index=True)
    # An officer lets it in until then, although the call has closed.
    grace_until: Mapped[datetime | None] = mapped_column(default=None, init=False)
    # Where applicants review each other: the group in which it is ranked.
    review_group: Mapped[int | None] = mapped_column(default=None, init=False)
    # What the officer wrote when returning or declining it.
    message: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column(init=False)
    requests: Mapped[list[ResourceRequest]] = relationship(
        init=False, cascade="all, delete-orphan", order_by=ResourceRequest.resource_id
    )
    team: Mapped[list[TeamMember]] = relationship(
        init=False, cascade="all, delete-orphan", order_by=TeamMember.id, back_populates="proposal"
    )
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    @property
    def listed_team(self) -> list[TeamMember]:
        """Without those whose invitation was withdrawn; they still do not judge it."""
        return [member for member in self.team if member.withdrawn_at is None]

    @property
    def heading(self) -> str:
        return self.title or "Untitled proposal"


def visible(actor: Actor) -> ColumnElement[bool]:
    """Who sees a proposal, as SQL; a property test holds it against the rule in plain Python.

    Those who only judge it (reviewers, the chair, members of a panel's meeting) must have no relation that
    bars them; the office sees what it has to hand to somebody else. Whoever leaves the room for it in a
    meeting sees it, until the meeting is over, as an applicant at most.
    """
    if actor.is_system:
        return true()
    if actor.person_id is None:
        return false()
    team = select(TeamMember.proposal_id).where(
        TeamMember.person_id == actor.person_id, TeamMember.state == InvitationState.ACCEPTED
    )
    reading = select(Review.proposal_id).where(
        Review.reviewer_id == actor.person_id, Review.state.in_(READING)
    )
    read = and_(Proposal.id.in_(reading), Proposal.state.not_in(EDITABLE))
    applying = or_(Proposal.pi_id == actor.person_id, Proposal.id.in_(team))
    ways: list[ColumnElement[bool]] = []
    if actor.has(Role.PROGRAMME_OFFICER):
        ways.append(Proposal.state != State.DRAFT)
    if actor.has(Role.PROVIDER_OPERATOR) or actor.scopes(Role.PROVIDER_OPERATOR):
        assessed = (Proposal.state == State.SUBMITTED, Proposal.step == StepKind.TECHNICAL)
        ways.append(and_(*assessed, asks_operator(actor)))
    chaired = true() if actor.has(Role.PANEL_CHAIR) else Proposal.call_id.in_(actor.scopes(Role.PANEL_CHAIR))
    with_panel = and_(chaired, Proposal.state.not_in([State.DRAFT, State.RETURNED, State.WITHDRAWN]))
    seated = and_(Proposal.id.in_(meetings.read_by_seat(actor)), Proposal.state.in_(TALKED_ABOUT))
    ways.append(and_(or_(read, with_panel, seated), Proposal.id.not_in(bars.related(actor))))
    judging = and_(or_(*ways), Proposal.id.not_in(meetings.shut_to(actor)))
    return and_(or_(applying, judging), Proposal.id.not_in(bars.declared(actor)))


def is_seen_by(session: Session, actor: Actor, proposal: Proposal) -> bool:
    """For letters, which go to people who have not asked."""
    return session.scalar(select(Proposal.id).where(Proposal.id == proposal.id, visible(actor))) is not None


def asks_operator(actor: Actor) -> ColumnElement[bool]:
    """Asks for a resource of a provider that the actor operates."""
    everywhere = actor.has(Role.PROVIDER_OPERATOR)
    operated = true() if everywhere else Resource.provider_id.in_(actor.scopes(Role.PROVIDER_OPERATOR))
    asking = select(ResourceRequest.proposal_id).join(Resource, ResourceRequest.resource_id == Resource.id)
    return Proposal.id.in_(asking.where(operated))


def get(session: Session, actor: Actor, ref: str) -> Proposal:
    query = select(Proposal).where(Proposal.id == id_of(Proposal, ref), visible(actor))
    # Pools and questions are few: joined, they cost two statements less on every page about a proposal.
    loaded = (
        selectinload(Proposal.requests),
        selectinload(Proposal.team),
        joinedload(Proposal.call).joinedload(Call.pools),
        joinedload(Proposal.call).joinedload(Call.questions),
    )
    return checked(session.scalars(query.options(*loaded)).unique().one_or_none(), ref)


def page(
    session: Session,
    actor: Actor,
    *,
    only: ColumnElement[bool] | None = None,
    mine: bool = False,
    before: int | None = None,
    size: int = 50,
) -> Sequence[Proposal]:
    """Newest first, by keyset; `mine` leaves out what is only seen by office, `only` narrows further."""
    wanted = [visible(actor), true() if only is None else only]
    if mine:
        team = select(TeamMember.proposal_id).where(TeamMember.person_id == actor.person_id)
        wanted.append(or_(Proposal.pi_id == actor.person_id, Proposal.id.in_(team)))
    if before is not None:
        wanted.append(Proposal.id < before)
    # The team, because whether somebody may know the names depends on it.
    loaded = (selectinload(Proposal.requests), joinedload(Proposal.team))
    query = select(Proposal).where(*wanted).options(*loaded)
    return session.scalars(query.order_by(Proposal.id.desc()).limit(size)).unique().all()


def versions(session: Session, proposal: Proposal) -> Sequence[ProposalVersion]:
    query = select(ProposalVersion).where(ProposalVersion.proposal_id == proposal.id)
    return session.scalars(query.order_by(ProposalVersion.number.desc())).all()


def is_pi(actor: Actor, proposal: Proposal) -> Answer:
    return when(actor.is_person(proposal.pi_id), "Only the PI can do this.")


def on_team(actor: Actor, proposal: Proposal) -> bool:
    # The PI first: a list of one's own proposals must not load each team to find out.
    return actor.is_person(proposal.pi_id) or any(
        actor.is_person(member.person_id)
        for member in proposal.team
        if member.state == InvitationState.ACCEPTED
    )


def leads(actor: Actor, proposal: Proposal) -> bool:
    """The PI, or a co-PI who has joined."""
    joined = (member for member in proposal.team if member.state == InvitationState.ACCEPTED)
    co_pis = (member.person_id for member in joined if member.role == ProjectRole.CO_PI)
    return actor.is_person(proposal.pi_id) or any(actor.is_person(person) for person in co_pis)


def same_house(actor: Actor, proposal: Proposal) -> bool:
    """The actor's institution is the one that the proposal comes from: the PI's."""
    return actor.institution_id is not None and actor.institution_id == proposal.pi.institution_id


def may_edit(actor: Actor, proposal: Proposal) -> Answer:
    return first_no(
        when(leads(actor, proposal), "Only the PI and co-PIs write the proposal."),
        when(
            proposal.state in EDITABLE,
            "A submitted proposal does not change. Ask the programme office to return it for changes.",
        ),
    )


def is_in_time(proposal: Proposal) -> bool:
    """The call is open, or the office has asked for it (returned), or has given it grace."""
    graced = proposal.grace_until is not None and clock.now() < proposal.grace_until
    return proposal.call.window == "open" or proposal.state == State.RETURNED or graced


def may_submit(actor: Actor, proposal: Proposal) -> Answer:
    minutes = proposal.call.grace_minutes
    closed = (
        f"The call closed on {proposal.call.closes_at:%-d %B %Y at %H:%M} UTC. If you were held up, ask the "
        f"programme office at once: it can let you in for {minutes} minutes. Your draft is kept."
    )
    return first_no(
        is_pi(actor, proposal),
        when(proposal.state in EDITABLE, "This proposal has been submitted already."),
        when(is_in_time(proposal), closed),
        eligibility.may_be_pi(actor, proposal.call.assurance),
    )


def may_give_grace(actor: Actor, proposal: Proposal) -> Answer:
    """To let a draft in for some minutes after the close."""
    call = proposal.call
    return first_no(
        when(actor.has(Role.PROGRAMME_OFFICER), "Only a programme officer gives grace."),
        when(not on_team(actor, proposal), "Nobody gives grace to a proposal of their own team."),
        when(not same_house(actor, proposal), "Nobody gives grace to their own institution."),
        when(proposal.state == State.DRAFT, "Only a draft needs grace."),
        when(call.window == "closed" and call.grace_minutes, "This call gives no grace now."),
    )


def may_withdraw(actor: Actor, proposal: Proposal) -> Answer:
    open_states = EDITABLE | UNDECIDED
    return first_no(
        is_pi(actor, proposal),
        when(proposal.state in open_states, "A decided or withdrawn proposal cannot be withdrawn."),
    )


def may_see_desk(actor: Actor) -> Answer:
    """To see the officers' queue."""
    return when(actor.has(Role.PROGRAMME_OFFICER), "Only programme officers see this desk.")


def may_screen(actor: Actor, proposal: Proposal) -> Answer:
    return first_no(
        when(actor.has(Role.PROGRAMME_OFFICER), "Only a programme officer screens proposals."),
        when(not on_team(actor, proposal), "Nobody screens a proposal of their own team."),
        when(
            not same_house(actor, proposal),
            "Nobody screens a proposal of their own institution; another programme officer does.",
        ),
        when(
            proposal.state == State.SUBMITTED and proposal.step == StepKind.ADMIN_CHECK,
            f"This proposal is {words(proposal.state)}, not waiting for screening.",
        ),
    )


def words(state: State) -> str:
    return str(state).replace("_", " ")
