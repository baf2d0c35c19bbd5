"""Resource providers and the resources they lend."""

import enum
from collections.abc import Sequence

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from allocations.kernel.db import Base
from allocations.kernel.errors import NotFound


class Provider(Base):
    __tablename__ = "provider"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    url: Mapped[str] = mapped_column(String(500), default="")


class Kind(enum.StrEnum):
    """GPU is charged by time; storage is a size that is held and never used up."""

    GPU = "gpu"
    STORAGE = "storage"


UNITS = {Kind.GPU: "GPU-hours", Kind.STORAGE: "GiB"}


class Resource(Base):
    __tablename__ = "resource"
    __table_args__ = (CheckConstraint("quantity > 0", "quantity_positive"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    slug: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    kind: Mapped[Kind]
    provider_id: Mapped[int] = mapped_column(ForeignKey("provider.id"), init=False)
    provider: Mapped[Provider] = relationship(lazy="joined", innerjoin=True)
    # How many GPUs (or GiB) there are in all.
    quantity: Mapped[int]
    gpu_memory_gb: Mapped[int] = mapped_column(default=0)
    summary: Mapped[str] = mapped_column(Text, default="")

    @property
    def unit(self) -> str:
        return UNITS[self.kind]


def all_resources(session: Session) -> Sequence[Resource]:
    return session.scalars(select(Resource).order_by(Resource.kind, Resource.name, Resource.id)).all()


def get(session: Session, slug: str) -> Resource:
    """Resources are public."""
    resource = session.scalar(select(Resource).where(Resource.slug == slug))
    if resource is None:
        raise NotFound
    return resource
