"""Technical assessment: the provider says whether its machines can do what a proposal asks of them."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, String, Text, UniqueConstraint, and_, exists, select, true
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship, selectinload

from allocations.accounts.resources import Provider, Resource
from allocations.kernel import audit, clock
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.db import Base
from allocations.kernel.errors import Incomplete, NotFound
from allocations.people.persons import Person
from allocations.people.roles import Actor, Role
from allocations.programme import progress, proposals
from allocations.programme.proposals import Proposal, ResourceRequest, State, on_team, same_house
from allocations.programme.steps import StepKind
from allocations.programme.teams import InvitationState, TeamMember


class Verdict(enum.StrEnum):
    FEASIBLE = "feasible"
    WITH_CHANGES = "with_changes"
    UNSUITABLE = "unsuitable"


class Assessment(Base):
    """One provider's word on one proposal; the panel reads it, and it decides nothing by itself."""

    __tablename__ = "assessment"
    __table_args__ = (UniqueConstraint("proposal_id", "provider_id"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"))
    provider_id: Mapped[int] = mapped_column(ForeignKey("provider.id"))
    provider: Mapped[Provider] = relationship(init=False, lazy="joined", innerjoin=True, viewonly=True)
    verdict: Mapped[Verdict]
    text: Mapped[str] = mapped_column(Text)
    assessed_by: Mapped[str] = mapped_column(String(200))
    assessed_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)


# Under the question whether the machines suit.
WORDS = {Verdict.FEASIBLE: "Yes", Verdict.WITH_CHANGES: "With changes", Verdict.UNSUITABLE: "No"}


@dataclass(frozen=True, slots=True)
class Finding:
    verdict: Verdict
    text: str


def providers_of(proposal: Proposal) -> list[Provider]:
    """Whose resources it asks for."""
    return list({r.resource.provider_id: r.resource.provider for r in proposal.requests}.values())


def may_assess(actor: Actor, proposal: Proposal, provider: Provider) -> Answer:
    waits = proposal.state == State.SUBMITTED and proposal.step == StepKind.TECHNICAL
    return first_no(
        when(
            actor.has(Role.PROVIDER_OPERATOR, provider.id),
            f"Only {provider.name} assesses what is asked of its machines.",
        ),
        when(not on_team(actor, proposal), "Nobody assesses a proposal of their own team."),
        when(not same_house(actor, proposal), "Nobody assesses a proposal of their own institution."),
        when(waits, "This proposal does not wait for a technical assessment."),
    )


def waiting(session: Session, actor: Actor) -> Sequence[Proposal]:
    """Proposals that wait for this operator's word, the most urgent first."""
    loaded = (selectinload(Proposal.requests), selectinload(Proposal.team))
    query = select(Proposal).where(due(actor)).options(*loaded)
    return session.scalars(query.order_by(Proposal.step_due, Proposal.id).limit(100)).all()


def due(actor: Actor) -> ColumnElement[bool]:
    """Of proposals, as SQL: those that the actor may assess and whose provider has not said anything yet."""
    everywhere = actor.has(Role.PROVIDER_OPERATOR)
    operated = true() if everywhere else Resource.provider_id.in_(actor.scopes(Role.PROVIDER_OPERATOR))
    here = (
        Assessment.proposal_id == ResourceRequest.proposal_id,
        Assessment.provider_id == Resource.provider_id,
    )
    asking = select(ResourceRequest.proposal_id).join(Resource, ResourceRequest.resource_id == Resource.id)
    own_team = select(TeamMember.proposal_id).where(
        TeamMember.person_id == actor.person_id, TeamMember.state == InvitationState.ACCEPTED
    )
    known = Person.institution_id.is_not(None)
    house = select(Person.id).where(known, Person.institution_id == actor.institution_id)
    return and_(
        proposals.visible(actor),
        Proposal.state == State.SUBMITTED,
        Proposal.step == StepKind.TECHNICAL,
        Proposal.id.in_(asking.where(operated, ~exists().where(*here))),
        Proposal.id.not_in(own_team),
        Proposal.pi_id != actor.person_id,
        Proposal.pi_id.not_in(house),
    )


def of_proposal(session: Session, proposal: Proposal) -> Sequence[Assessment]:
    query = select(Assessment).where(Assessment.proposal_id == proposal.id)
    return session.scalars(query.order_by(Assessment.id)).all()


def own_provider(actor: Actor, proposal: Proposal) -> Provider:
    """The provider for which this operator speaks about this proposal."""
    for provider in providers_of(proposal):
        if actor.has(Role.PROVIDER_OPERATOR, provider.id):
            return provider
    raise NotFound


def assess(session: Session, actor: Actor, proposal: Proposal, provider: Provider, finding: Finding) -> None:
    """Once for each provider; the last one ends the step."""
    require(may_assess(actor, proposal, provider))
    if finding.verdict != Verdict.FEASIBLE and not finding.text.strip():
        raise Incomplete({"text": "Say what has to change, or why the machines do not suit."})
    assessment = Assessment(
        proposal_id=proposal.id,
        provider_id=provider.id,
        verdict=finding.verdict,
        text=finding.text,
        assessed_by=actor.name,
    )
    session.add(assessment)
    session.flush()
    note = f"{provider.name}: {finding.verdict}. {finding.text}"
    audit.record(session, actor, "proposal.assess", subject=proposal.ref, note=note)
    heard = {one.provider_id for one in of_proposal(session, proposal)}
    if heard >= {one.id for one in providers_of(proposal)}:
        progress.go_on(session, proposal, actor=actor)
