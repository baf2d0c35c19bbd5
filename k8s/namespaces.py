"""Project namespaces: one a project and cluster; what is wanted of it, and its phase."""

import enum
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from allocations.accounts.awards import Allocation, AllocationState
from allocations.accounts.projects import Project
from allocations.accounts.resources import Kind
from allocations.kernel import clock, units
from allocations.kernel.db import Base
from datasets import grants
from k8s import names
from k8s.bundle import Gpus, Mount, NamespaceSpec
from k8s.clusters import Cluster, Product
from k8s.due import Due

STORAGE_GIB = 100
SWEEP = timedelta(minutes=5)
SOON = timedelta(seconds=2)


class Phase(enum.StrEnum):
    PROVISIONING = "provisioning"
    READY = "ready"
    FROZEN = "frozen"
    REMOVING = "removing"
    CLOSED = "closed"


class Wanted(enum.StrEnum):
    """Compute and data; data only; nothing."""

    ON = "on"
    DATA = "data"
    GONE = "gone"


class ProjectNamespace(Due, Base):
    __tablename__ = "project_namespace"
    __table_args__ = (UniqueConstraint("project_id", "cluster_id"),)

    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"), init=False)
    project: Mapped[Project] = relationship(lazy="joined", innerjoin=True)
    cluster_id: Mapped[int] = mapped_column(ForeignKey("cluster.id"), init=False, index=True)
    cluster: Mapped[Cluster] = relationship(lazy="joined", innerjoin=True)
    phase: Mapped[Phase] = mapped_column(default=Phase.PROVISIONING)
    # Of the namespace as first seen: only that very object is ever deleted.
    uid: Mapped[str] = mapped_column(String(64), default="")
    ready_at: Mapped[datetime | None] = mapped_column(default=None)

    @property
    def name(self) -> str:
        return names.namespace(self.project)


def of_project(session: Session, project_id: int) -> Sequence[ProjectNamespace]:
    query = select(ProjectNamespace).where(ProjectNamespace.project_id == project_id)
    return session.scalars(query.order_by(ProjectNamespace.id)).all()


def make_due(session: Session, project_id: int) -> None:
    """Something about the project changed: look at its namespaces now, and make those that are missing."""
    existing = {row.cluster_id: row for row in of_project(session, project_id)}
    for row in existing.values():
        row.due_at = clock.now()
    serving = select(Product.cluster_id).join(Allocation, Allocation.resource_id == Product.resource_id)
    homes = serving.where(
        Allocation.project_id == project_id,
        Allocation.state.in_([AllocationState.ACTIVE, AllocationState.SUSPENDED]),
    )
    for cluster in session.scalars(select(Cluster).where(Cluster.id.in_(homes)).order_by(Cluster.id)):
        if cluster.id not in existing:
            project = session.get_one(Project, project_id)
            session.add(ProjectNamespace(project=project, cluster=cluster))


def wanted(allocations: Sequence[Allocation]) -> Wanted:
    """From the allocations of the project on this cluster."""
    states = {allocation.state for allocation in allocations}
    if AllocationState.ACTIVE in states:
        return Wanted.ON
    kept = {AllocationState.SUSPENDED, AllocationState.ENDED, AllocationState.OFFERED}
    return Wanted.DATA if states & kept else Wanted.GONE


def phase(wish: Wanted, *, applied: bool, observed: str) -> Phase:
    """`observed` is the namespace's own phase on the cluster, empty when it is not there."""
    if wish == Wanted.GONE:
        return Phase.REMOVING if observed else Phase.CLOSED
    if not applied or observed != "Active":
        return Phase.PROVISIONING
    return Phase.READY if wish == Wanted.ON else Phase.FROZEN


def on_cluster(session: Session, row: ProjectNamespace) -> Sequence[Allocation]:
    """The project's allocations of this cluster's GPU products."""
    here = select(Product.resource_id).where(Product.cluster_id == row.cluster_id)
    query = select(Allocation).where(
        Allocation.project_id == row.project_id, Allocation.resource_id.in_(here)
    )
    return session.scalars(query.order_by(Allocation.id)).all()


def spec(session: Session, row: ProjectNamespace) -> tuple[Wanted, NamespaceSpec]:
    """What rows ask for at this moment."""
    session.refresh(row.project, ["members"])
    allocations = on_cluster(session, row)
    wish = wanted(allocations)
    active = {a.resource_id for a in allocations if a.state == AllocationState.ACTIVE}
    return wish, NamespaceSpec(
        name=row.name,
        project_ref=row.project.ref,
        compute=wish == Wanted.ON,
        gpus=tuple(_gpus(product, active) for product in row.cluster.products),
        members=tuple(member.person_id for member in row.project.members),
        datasets=tuple(
            Mount(slug=grant.dataset.slug, location=grant.dataset.location)
            for grant in grants.live(session, row.project_id)
        ),
        storage_gib=_storage(session, row.project_id),
    )


def _gpus(product: Product, active: set[int]) -> Gpus:
    return Gpus(
        priority_class=product.priority_class,
        label=product.label,
        extended_resource=product.extended_resource,
        most=product.most_at_once if product.resource_id in active else 0,
    )


def _storage(session: Session, project_id: int) -> int:
    """GiB: what was awarded as storage, at least the default that every project gets.

    A claim cannot shrink, so an allocation counts until it is closed.
    """
    kept = [AllocationState.ACTIVE, AllocationState.SUSPENDED, AllocationState.ENDED]
    query = select(Allocation).where(Allocation.project_id == project_id, Allocation.state.in_(kept))
    held = [a for a in session.scalars(query) if a.resource.kind == Kind.STORAGE]
    return max(STORAGE_GIB, int(units.units(sum(a.amount for a in held))))


def with_projects(session: Session, *, size: int = 200) -> Sequence[ProjectNamespace]:
    """For operators: all namespaces, those in trouble first."""
    calm = ProjectNamespace.trouble == ""
    query = select(ProjectNamespace).order_by(calm, ProjectNamespace.id.desc())
    return session.scalars(query.limit(size)).all()
