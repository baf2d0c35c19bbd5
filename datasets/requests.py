"""Access requests: a proposal asks for a dataset; the custodian decides on controlled ones."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, Text, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship, selectinload
from sqlalchemy.orm.attributes import flag_modified

from allocations.kernel import clock, outbox
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.db import Base
from allocations.kernel.errors import Incomplete, Invalid
from allocations.kernel.events import Event
from allocations.kernel.refs import Referenced, checked, id_of
from allocations.kernel.states import Moves, move
from allocations.people.roles import SYSTEM, Actor
from allocations.programme import proposals
from allocations.programme.proposals import Proposal
from datasets.catalogue import Dataset, by_slugs, keeps, kept_by


@dataclass(frozen=True, slots=True)
class AccessRequested(Event):
    request_id: int


@dataclass(frozen=True, slots=True)
class AccessDecided(Event):
    request_id: int


class RequestState(enum.StrEnum):
    DRAFT = "draft"
    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"


class AccessRequest(Referenced, Base):
    __tablename__ = "access_request"
    __table_args__ = (UniqueConstraint("proposal_id", "dataset_id"),)
    PREFIX: ClassVar[str] = "DAR"
    NOUN: ClassVar[str] = "access_request"
    MOVES: ClassVar[Moves] = {
        RequestState.DRAFT: frozenset({RequestState.PENDING, RequestState.APPROVED}),
        # Back to a draft when a returned proposal declares another use: an approval is for what was declared.
        RequestState.PENDING: frozenset({RequestState.APPROVED, RequestState.REFUSED, RequestState.DRAFT}),
        RequestState.APPROVED: frozenset({RequestState.DRAFT}),
    }

    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"), init=False)
    proposal: Mapped[Proposal] = relationship(lazy="joined", innerjoin=True)
    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataset.id"), init=False, index=True)
    dataset: Mapped[Dataset] = relationship(lazy="joined", innerjoin=True)
    declared_use: Mapped[str] = mapped_column(Text)
    state: Mapped[RequestState] = mapped_column(default=RequestState.DRAFT)
    state_since: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
    # What the custodian wrote.
    message: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column(init=False)
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


def get(session: Session, actor: Actor, ref: str) -> AccessRequest:
    """For the dataset's custodian and committee, once it has been asked for."""
    query = (
        select(AccessRequest)
        .join(Dataset)
        .where(
            AccessRequest.id == id_of(AccessRequest, ref),
            kept_by(actor),
            AccessRequest.state != RequestState.DRAFT,
        )
    )
    return checked(session.scalar(query.options(selectinload(AccessRequest.proposal, Proposal.team))), ref)


def page(
    session: Session, actor: Actor, *, before: int | None = None, size: int = 50
) -> Sequence[AccessRequest]:
    """What was asked of this custodian or committee member, newest first."""
    query = (
        select(AccessRequest).join(Dataset).where(kept_by(actor), AccessRequest.state != RequestState.DRAFT)
    )
    if before is not None:
        query = query.where(AccessRequest.id < before)
    return session.scalars(query.order_by(AccessRequest.id.desc()).limit(size)).all()


def of_proposal(session: Session, proposal: Proposal) -> Sequence[AccessRequest]:
    """For whoever may see the proposal."""
    query = select(AccessRequest).where(AccessRequest.proposal_id == proposal.id)
    return session.scalars(query.order_by(AccessRequest.id)).all()


def may_decide(actor: Actor, request: AccessRequest) -> Answer:
    """Members of the project that a proposal has led to are on its team, however they came in."""
    proposal = request.proposal
    return first_no(
        when(keeps(actor, request.dataset), "Only the custodian or the committee of the dataset decides."),
        when(not proposals.on_team(actor, proposal), "Nobody decides about access for their own team."),
        when(
            not proposals.same_house(actor, proposal),
            "Nobody decides about access for their own institution.",
        ),
        when(
            request.state == RequestState.PENDING,
            f"This request is {request.state}; it is not waiting for a decision.",
        ),
    )


def save(session: Session, actor: Actor, proposal: Proposal, uses: Mapping[str, str]) -> None:
    """The listed datasets (slug -> declared use) become what the proposal asks for."""
    require(proposals.may_edit(actor, proposal))
    wanted = {dataset.slug: dataset for dataset in by_slugs(session, list(uses))}
    unknown = set(uses) - set(wanted)
    if unknown:
        raise Invalid({f"use_{slug}": "This dataset is not in the catalogue." for slug in unknown})
    flag_modified(proposal, "months")
    for old in of_proposal(session, proposal):
        if wanted.pop(old.dataset.slug, None):
            _redeclare(session, actor, old, use=uses[old.dataset.slug])
        elif old.state != RequestState.REFUSED:
            # A refusal stays: taking the dataset out and asking again does not shake it off.
            session.delete(old)
    for slug, dataset in wanted.items():
        session.add(AccessRequest(proposal=proposal, dataset=dataset, declared_use=uses[slug]))


def _redeclare(session: Session, actor: Actor, request: AccessRequest, *, use: str) -> None:
    decided = request.state in (RequestState.PENDING, RequestState.APPROVED)
    if decided and use != request.declared_use:
        move(session, request, RequestState.DRAFT, actor, note="The declared use was changed.")
    request.declared_use = use


def missing(requests: Sequence[AccessRequest]) -> dict[str, str]:
    """What has to be written before the proposal is submitted, by form field."""
    return {
        f"use_{request.dataset.slug}": f"Say what you will use {request.dataset.title} for."
        for request in requests
        if not request.declared_use.strip()
    }


def snapshot(requests: Sequence[AccessRequest]) -> dict[str, Any]:
    """The part of a submitted version that this package holds."""
    asked = [{"dataset": r.dataset.title, "use": r.declared_use} for r in requests]
    return {"datasets": asked}


def submit(session: Session, proposal_id: int) -> None:
    """The proposal was submitted: open ones are approved by rule, the custodian hears of the others."""
    drafts = (AccessRequest.proposal_id == proposal_id, AccessRequest.state == RequestState.DRAFT)
    for request in session.scalars(select(AccessRequest).where(*drafts).order_by(AccessRequest.id)):
        if request.dataset.needs_approval:
            move(session, request, RequestState.PENDING, SYSTEM)
            outbox.put(session, AccessRequested(request.id))
        else:
            move(session, request, RequestState.APPROVED, SYSTEM, note="No approval needed.")


def approve(session: Session, actor: Actor, request: AccessRequest, *, message: str = "") -> None:
    require(may_decide(actor, request))
    request.message = message
    move(session, request, RequestState.APPROVED, actor, note=message)
    outbox.put(session, AccessDecided(request.id))


def refuse(session: Session, actor: Actor, request: AccessRequest, *, message: str) -> None:
    require(may_decide(actor, request))
    if not message.strip():
        raise Incomplete({"message": "Give the reason; the PI will read it."})
    request.message = message
    move(session, request, RequestState.REFUSED, actor, note=message)
    outbox.put(session, AccessDecided(request.id))
