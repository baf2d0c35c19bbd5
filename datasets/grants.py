"""Access grants: a project may use a dataset until a date; what follows for its mounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, Text, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from allocations.accounts.awards import Award
from allocations.accounts.projects import Project, may_work
from allocations.kernel import audit, clock, outbox
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.db import Base
from allocations.kernel.errors import Incomplete, NotFound
from allocations.kernel.events import Event
from allocations.people.roles import Actor
from allocations.programme.decisions import Decision
from datasets.catalogue import Dataset, keeps, kept_by
from datasets.requests import AccessRequest, RequestState


@dataclass(frozen=True, slots=True)
class AccessGranted(Event):
    project_id: int


@dataclass(frozen=True, slots=True)
class AccessRevoked(Event):
    project_id: int


class AccessGrant(Base):
    __tablename__ = "access_grant"
    __table_args__ = (
        # One grant a project and dataset: a revoked one is not silently given again.
        UniqueConstraint("project_id", "dataset_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    project: Mapped[Project] = relationship(init=False, viewonly=True)
    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataset.id"), init=False, index=True)
    dataset: Mapped[Dataset] = relationship(lazy="joined", innerjoin=True)
    until: Mapped[datetime]
    granted_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)
    reason: Mapped[str] = mapped_column(Text, default="")


def live(session: Session, project_id: int) -> Sequence[AccessGrant]:
    """What the project may mount at this moment."""
    now = clock.now()
    query = select(AccessGrant).where(
        AccessGrant.project_id == project_id, AccessGrant.revoked_at.is_(None), AccessGrant.until > now
    )
    return session.scalars(query.order_by(AccessGrant.id)).all()


def of_dataset(session: Session, actor: Actor, dataset: Dataset) -> Sequence[AccessGrant]:
    """For the custodian and the committee: which projects hold the dataset."""
    if not keeps(actor, dataset):
        return ()
    query = select(AccessGrant).where(AccessGrant.dataset_id == dataset.id)
    return session.scalars(query.order_by(AccessGrant.id.desc()).limit(200)).all()


def get(session: Session, actor: Actor, grant_id: int) -> AccessGrant:
    query = select(AccessGrant).join(Dataset).where(AccessGrant.id == grant_id, kept_by(actor))
    grant = session.scalar(query)
    if grant is None:
        raise NotFound
    return grant


def grant_for_proposal(session: Session, proposal_id: int) -> None:
    """Turn approved requests into grants of the project, once there is one; twice changes nothing."""
    query = select(Award).join(Decision, Decision.award_id == Award.id)
    award = session.scalar(query.where(Decision.proposal_id == proposal_id))
    if award is None:
        return
    approved = select(AccessRequest).where(
        AccessRequest.proposal_id == proposal_id, AccessRequest.state == RequestState.APPROVED
    )
    for request in session.scalars(approved.order_by(AccessRequest.id)).all():
        _grant(session, award.project_id, request.dataset, until=award.ends_at)


def _grant(session: Session, project_id: int, dataset: Dataset, *, until: datetime) -> bool:
    """False when the project holds the dataset, or held it until access was revoked."""
    held = select(AccessGrant.id).where(
        AccessGrant.project_id == project_id, AccessGrant.dataset_id == dataset.id
    )
    if session.scalar(held) is not None:
        return False
    session.add(AccessGrant(project_id=project_id, dataset=dataset, until=until))
    outbox.put(session, AccessGranted(project_id))
    return True


def may_add_open(actor: Actor, project: Project, dataset: Dataset) -> Answer:
    return first_no(
        may_work(actor, project),
        when(not dataset.needs_approval, "A controlled dataset is asked for in a proposal."),
    )


def add_open(session: Session, actor: Actor, project: Project, dataset: Dataset, *, until: datetime) -> None:
    """A member takes an open dataset into the project; nobody has to approve it."""
    require(may_add_open(actor, project, dataset))
    added = _grant(session, project.id, dataset, until=until)
    require(when(added, "The project has this dataset already, or its custodian has revoked access."))
    audit.record(session, actor, "access_grant.add_open", subject=project.ref, note=dataset.slug)


def may_revoke(actor: Actor, grant: AccessGrant) -> Answer:
    return first_no(
        when(
            keeps(actor, grant.dataset), "Only the custodian or the committee of the dataset revokes access."
        ),
        when(not grant.project.role_of(actor), "Nobody decides about access for their own project."),
        when(not _same_house(actor, grant), "Nobody decides about access for their own institution."),
        when(grant.revoked_at is None, "This access has been revoked already."),
    )


def _same_house(actor: Actor, grant: AccessGrant) -> bool:
    return actor.institution_id is not None and actor.institution_id == grant.project.pi.institution_id


def revoke(session: Session, actor: Actor, grant: AccessGrant, *, reason: str) -> None:
    """From now on the dataset is not mounted; running notebooks that hold it are stopped by the worker."""
    require(may_revoke(actor, grant))
    if not reason.strip():
        raise Incomplete({"reason": "Give the reason; the project will read it."})
    grant.revoked_at, grant.reason = clock.now(), reason
    audit.record(session, actor, "access_grant.revoke", subject=grant.dataset.slug, note=reason)
    outbox.put(session, AccessRevoked(grant.project_id))
