"""Awards and their allocations: offered by the panel, consented to by providers, accepted by the PI."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Text, false, or_, select, true
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship, selectinload

from allocations.accounts import ledger, projects
from allocations.accounts.ledger import Movement, Purpose
from allocations.accounts.pools import Pool
from allocations.accounts.projects import Membership, Project
from allocations.accounts.resources import Resource
from allocations.kernel import audit, clock, outbox, units
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.db import Amount, Base
from allocations.kernel.errors import Invalid
from allocations.kernel.events import Event
from allocations.kernel.refs import Referenced, checked, id_of
from allocations.kernel.states import Moves, expect, move
from allocations.people.roles import SYSTEM, Actor, Role


@dataclass(frozen=True, slots=True)
class AllocationConsented(Event):
    allocation_id: int


@dataclass(frozen=True, slots=True)
class AllocationActivated(Event):
    allocation_id: int
    project_id: int


@dataclass(frozen=True, slots=True)
class AwardAccepted(Event):
    award_id: int


class AwardState(enum.StrEnum):
    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"


class Award(Referenced, Base):
    __tablename__ = "award"
    __table_args__ = (CheckConstraint("ends_at > starts_at", "ends_after_start"),)
    PREFIX: ClassVar[str] = "AWD"
    NOUN: ClassVar[str] = "award"
    MOVES: ClassVar[Moves] = {
        AwardState.OFFERED: frozenset({AwardState.ACCEPTED, AwardState.DECLINED}),
    }

    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"), init=False, index=True)
    project: Mapped[Project] = relationship(lazy="joined", innerjoin=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    terms: Mapped[str] = mapped_column(Text)
    state: Mapped[AwardState] = mapped_column(default=AwardState.OFFERED)
    state_since: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
    version: Mapped[int] = mapped_column(init=False)
    allocations: Mapped[list["Allocation"]] = relationship(
        init=False, back_populates="award", order_by="Allocation.id"
    )
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class AllocationState(enum.StrEnum):
    OFFERED = "offered"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"
    CLOSED = "closed"
    DECLINED = "declined"


class Consent(enum.StrEnum):
    PENDING = "pending"
    GIVEN = "given"
    REDUCED = "reduced"
    REFUSED = "refused"


class Allocation(Referenced, Base):
    __tablename__ = "allocation"
    __table_args__ = (
        CheckConstraint("amount >= 0", "amount_not_negative"),
        CheckConstraint("ends_at > starts_at", "ends_after_start"),
    )
    PREFIX: ClassVar[str] = "ALC"
    NOUN: ClassVar[str] = "allocation"
    MOVES: ClassVar[Moves] = {
        AllocationState.OFFERED: frozenset({AllocationState.ACTIVE, AllocationState.DECLINED}),
        AllocationState.ACTIVE: frozenset({AllocationState.SUSPENDED, AllocationState.ENDED}),
        AllocationState.SUSPENDED: frozenset({AllocationState.ACTIVE, AllocationState.ENDED}),
        AllocationState.ENDED: frozenset({AllocationState.CLOSED}),
    }

    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"), init=False, index=True)
    award: Mapped[Award] = relationship(back_populates="allocations", lazy="joined", innerjoin=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"), index=True)
    resource_id: Mapped[int] = mapped_column(ForeignKey("resource.id"), init=False)
    resource: Mapped[Resource] = relationship(lazy="joined", innerjoin=True)
    pool_id: Mapped[int] = mapped_column(ForeignKey("pool.id"), init=False)
    pool: Mapped[Pool] = relationship(lazy="select")
    # What was awarded, less what the provider took back.
    amount: Mapped[Amount]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    consent: Mapped[Consent] = mapped_column(default=Consent.PENDING)
    consent_note: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[AllocationState] = mapped_column(default=AllocationState.OFFERED)
    state_since: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
    version: Mapped[int] = mapped_column(init=False)
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


def visible(actor: Actor) -> ColumnElement[bool]:
    """Of allocations: the project's members, the resource's provider, the programme's staff."""
    staff = actor.has(Role.PROGRAMME_OFFICER) or actor.has(Role.ADMINISTRATOR)
    if staff or actor.has(Role.PROVIDER_OPERATOR):
        return true()
    if actor.project_id is not None:
        return Allocation.project_id == actor.project_id
    if actor.person_id is None:
        return false()
    mine = select(Membership.project_id).where(Membership.person_id == actor.person_id)
    operated = select(Resource.id).where(Resource.provider_id.in_(actor.scopes(Role.PROVIDER_OPERATOR)))
    return or_(Allocation.project_id.in_(mine), Allocation.resource_id.in_(operated))


def get(session: Session, actor: Actor, ref: str) -> Allocation:
    key = id_of(Allocation, ref)
    query = select(Allocation).where(Allocation.id == key, visible(actor))
    return checked(session.scalar(query), ref)


def get_award(session: Session, actor: Actor, ref: str) -> Award:
    """An award is seen by whoever sees its project."""
    key = id_of(Award, ref)
    query = select(Award).join(Project).where(Award.id == key, projects.visible(actor))
    loaded = (selectinload(Award.allocations), selectinload(Award.project, Project.members))
    return checked(session.scalar(query.options(*loaded)), ref)


def awaiting_consent(session: Session, actor: Actor) -> Sequence[Allocation]:
    """What this provider operator has to answer, oldest first."""
    pending = (Allocation.consent == Consent.PENDING, Allocation.state == AllocationState.OFFERED)
    operated = Resource.provider_id.in_(actor.scopes(Role.PROVIDER_OPERATOR))
    scope = true() if actor.has(Role.PROVIDER_OPERATOR) else operated
    query = select(Allocation).join(Resource, Allocation.resource_id == Resource.id).where(*pending, scope)
    return session.scalars(query.order_by(Allocation.id).limit(100)).all()


def may_consent(actor: Actor, allocation: Allocation) -> Answer:
    provider = allocation.resource.provider
    return first_no(
        when(
            actor.has(Role.PROVIDER_OPERATOR, provider.id),
            f"Only {provider.name} can answer for its resource.",
        ),
        when(
            not allocation.award.project.role_of(actor),
            "Nobody answers for a resource that their own project is to get. Ask a colleague to do it.",
        ),
        when(allocation.consent == Consent.PENDING, "The provider has already answered."),
        when(allocation.state == AllocationState.OFFERED, "This allocation is no longer on offer."),
    )


def may_accept(actor: Actor, award: Award) -> Answer:
    return first_no(
        when(award.project.role_of(actor) == projects.ProjectRole.PI, "Only the PI can accept the terms."),
        when(award.state == AwardState.OFFERED, f"The award is already {award.state}."),
    )


def consent(
    session: Session,
    actor: Actor,
    allocation: Allocation,
    *,
    amount: int,
    reason: str = "",
    version: int | None = None,
) -> None:
    """The provider gives all, less, or nothing (0) of what was awarded; less and nothing need a reason."""
    require(may_consent(actor, allocation))
    expect(allocation, version)
    _check_consent(allocation, amount, reason)
    returned = allocation.amount - amount
    if returned:
        _return_to_pool(session, allocation, returned)
    answers = {allocation.amount: Consent.GIVEN, 0: Consent.REFUSED}
    allocation.consent = answers.get(amount, Consent.REDUCED)
    allocation.consent_note = reason
    allocation.amount = amount
    note = f"{allocation.consent}: {units.shown(amount)} {allocation.resource.unit}. {reason}".strip()
    audit.record(session, actor, "allocation.consent", subject=allocation.ref, note=note)
    if amount == 0:
        move(session, allocation, AllocationState.DECLINED, actor, note=reason)
    outbox.put(session, AllocationConsented(allocation.id))
    activate_if_due(session, allocation)


def consent_ahead(session: Session, allocation: Allocation, *, note: str) -> None:
    """The provider had agreed to awards like this one before it was made."""
    allocation.consent, allocation.consent_note = Consent.GIVEN, note
    audit.record(session, SYSTEM, "allocation.consent", subject=allocation.ref, note=note)


def _check_consent(allocation: Allocation, amount: int, reason: str) -> None:
    if not 0 <= amount <= allocation.amount:
        most = units.shown(allocation.amount)
        raise Invalid({"amount": f"Enter between 0 and {most} {allocation.resource.unit}."})
    if amount < allocation.amount and not reason.strip():
        raise Invalid({"reason": "Say why you give less than was awarded; the PI will read it."})


def _return_to_pool(session: Session, allocation: Allocation, amount: int) -> None:
    ledger.post(
        session,
        Movement.RETURN,
        amount,
        source=(ledger.allocation(allocation.id), Purpose.OFFERED),
        target=(ledger.pool(allocation.pool_id), Purpose.FREE),
        cause=allocation.ref,
    )


def accept(session: Session, actor: Actor, award: Award) -> None:
    """The PI agrees to the terms; what providers have consented to becomes active on its start date."""
    require(may_accept(actor, award))
    move(session, award, AwardState.ACCEPTED, actor)
    outbox.put(session, AwardAccepted(award.id))
    for allocation in award.allocations:
        activate_if_due(session, allocation)


def accept_as_agreed(session: Session, award: Award) -> None:
    """The PI agreed to the terms by submitting: calls without a step of acceptance say so on their form."""
    move(session, award, AwardState.ACCEPTED, SYSTEM, note="agreed to at submission")
    outbox.put(session, AwardAccepted(award.id))
    for allocation in award.allocations:
        activate_if_due(session, allocation)


def decline(session: Session, actor: Actor, award: Award, *, reason: str = "") -> None:
    """The PI turns the award down; everything returns to the pools."""
    require(may_accept(actor, award))
    move(session, award, AwardState.DECLINED, actor, note=reason)
    for allocation in award.allocations:
        if allocation.state == AllocationState.OFFERED:
            _return_to_pool(session, allocation, allocation.amount)
            move(session, allocation, AllocationState.DECLINED, actor, note=reason)


def is_due(allocation: Allocation) -> bool:
    """Agreed by all sides and its start has come."""
    agreed = allocation.consent in (Consent.GIVEN, Consent.REDUCED)
    accepted = allocation.award.state == AwardState.ACCEPTED
    offered = allocation.state == AllocationState.OFFERED
    return agreed and accepted and offered and allocation.starts_at <= clock.now()


def activate_if_due(session: Session, allocation: Allocation) -> bool:
    """Post the grant and let the project use it; does nothing when it is not time yet."""
    if not is_due(allocation):
        return False
    owner = ledger.allocation(allocation.id)
    ledger.post(
        session,
        Movement.GRANT,
        allocation.amount,
        source=(owner, Purpose.OFFERED),
        target=(owner, Purpose.AVAILABLE),
        cause=allocation.award.ref,
    )
    move(session, allocation, AllocationState.ACTIVE, SYSTEM)
    outbox.put(session, AllocationActivated(allocation.id, allocation.project_id))
    return True
