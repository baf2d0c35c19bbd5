"""Clusters that the portal provisions on, and the GPU products they offer."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from allocations.accounts.resources import Resource
from allocations.kernel.db import Base
from k8s.due import Due


class Cluster(Due, Base):
    __tablename__ = "cluster"

    name: Mapped[str] = mapped_column(String(63), unique=True)
    # A path on the worker's machine. The credentials in it are never copied into the database.
    kubeconfig: Mapped[str] = mapped_column(String(500))
    # Where a notebook answers, with {pod} and {namespace}; empty on the embedded cluster, whose pods say so.
    notebook_url: Mapped[str] = mapped_column(String(500), default="")
    # The volume source of a dataset, with {location}, {namespace} and {slug} in its strings.
    dataset_volume: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    storage_class: Mapped[str] = mapped_column(String(120), default="")
    simulated: Mapped[bool] = mapped_column(default=False)
    # Where people reach its API server, and the certificate authority that signs for it (PEM): both public.
    api_url: Mapped[str] = mapped_column(String(500), default="")
    api_ca: Mapped[str] = mapped_column(Text, default="")
    unreachable_since: Mapped[datetime | None] = mapped_column(default=None)
    # When what stands once on the cluster was last applied.
    prepared_at: Mapped[datetime | None] = mapped_column(default=None)
    products: Mapped[list["Product"]] = relationship(init=False, order_by="Product.id", lazy="selectin")


class Product(Base):
    """How a cluster names a GPU resource: extended resource, node label value, and a priority class."""

    __tablename__ = "product"
    __table_args__ = (
        UniqueConstraint("cluster_id", "slug"),
        CheckConstraint("most_at_once > 0", "most_at_once_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    cluster_id: Mapped[int] = mapped_column(ForeignKey("cluster.id"))
    resource_id: Mapped[int] = mapped_column(ForeignKey("resource.id"), init=False, unique=True)
    resource: Mapped[Resource] = relationship(lazy="joined", innerjoin=True)
    slug: Mapped[str] = mapped_column(String(40))
    label: Mapped[str] = mapped_column(String(63))
    # GPUs that one project may hold at the same time.
    most_at_once: Mapped[int]
    extended_resource: Mapped[str] = mapped_column(String(63), default="nvidia.com/gpu")

    @property
    def priority_class(self) -> str:
        return f"gpu-{self.slug}"


@dataclass(frozen=True, slots=True)
class Site:
    """What builders need to know of a cluster."""

    name: str
    kubeconfig: str
    notebook_url: str
    dataset_volume: dict[str, Any]
    storage_class: str
    simulated: bool


def site(cluster: Cluster) -> Site:
    return Site(
        name=cluster.name,
        kubeconfig=cluster.kubeconfig,
        notebook_url=cluster.notebook_url,
        dataset_volume=cluster.dataset_volume,
        storage_class=cluster.storage_class,
        simulated=cluster.simulated,
    )


def of_resource(session: Session, resource_id: int) -> tuple[Cluster, Product] | None:
    """Where a resource lives; None for one that no cluster serves."""
    query = select(Cluster, Product).join(Product, Product.cluster_id == Cluster.id)
    found = session.execute(query.where(Product.resource_id == resource_id)).first()
    return (found[0], found[1]) if found else None


def most_at_once(session: Session, resource_ids: Iterable[int]) -> dict[int, int]:
    """How many GPUs of each resource one project may hold at the same time, where a cluster serves it."""
    query = select(Product.resource_id, Product.most_at_once).where(Product.resource_id.in_(resource_ids))
    return {row.resource_id: row.most_at_once for row in session.execute(query)}


def all_clusters(session: Session) -> list[Cluster]:
    return list(session.scalars(select(Cluster).order_by(Cluster.id)))
