"""The catalogue: datasets, their access class and their custodian."""

import enum
from collections.abc import Sequence

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, String, Text, or_, select, true
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from allocations.kernel.db import Amount, Base
from allocations.kernel.errors import NotFound
from allocations.people.persons import Person
from allocations.people.roles import Actor, Role


class AccessClass(enum.StrEnum):
    """Decides who decides: nobody, a rule, or the custodian."""

    OPEN = "open"
    REGISTERED = "registered"
    CONTROLLED = "controlled"


class Dataset(Base):
    __tablename__ = "dataset"
    __table_args__ = (CheckConstraint("size_bytes >= 0", "size_not_negative"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    slug: Mapped[str] = mapped_column(String(40), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    summary: Mapped[str] = mapped_column(Text)
    access_class: Mapped[AccessClass]
    custodian_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    custodian: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    licence: Mapped[str] = mapped_column(String(120))
    # The folder below a cluster's dataset store that holds the files of this version.
    location: Mapped[str] = mapped_column(String(200))
    release: Mapped[str] = mapped_column(String(40), default="1.0")
    size_bytes: Mapped[Amount] = mapped_column(default=0)
    conditions: Mapped[str] = mapped_column(Text, default="")

    @property
    def needs_approval(self) -> bool:
        return self.access_class == AccessClass.CONTROLLED


def all_datasets(session: Session) -> Sequence[Dataset]:
    return session.scalars(select(Dataset).order_by(Dataset.title, Dataset.id).limit(500)).all()


def page(session: Session, *, before: int | None = None, size: int = 50) -> Sequence[Dataset]:
    """Newest first, by keyset."""
    older = Dataset.id < before if before is not None else true()
    return session.scalars(select(Dataset).where(older).order_by(Dataset.id.desc()).limit(size)).all()


def get(session: Session, slug: str) -> Dataset:
    """The catalogue is public; the data are not."""
    dataset = session.scalar(select(Dataset).where(Dataset.slug == slug))
    if dataset is None:
        raise NotFound
    return dataset


def keeps(actor: Actor, dataset: Dataset) -> bool:
    """Answers for the dataset: its custodian, or a member of its committee (DAC)."""
    held = actor.scopes(Role.CUSTODIAN) | actor.scopes(Role.DAC_MEMBER)
    return actor.is_person(dataset.custodian_id) or dataset.id in held


def kept_by(actor: Actor) -> ColumnElement[bool]:
    """Of datasets: `keeps`, as SQL."""
    held = actor.scopes(Role.CUSTODIAN) | actor.scopes(Role.DAC_MEMBER)
    return or_(Dataset.custodian_id == actor.person_id, Dataset.id.in_(held))


def by_slugs(session: Session, slugs: Sequence[str]) -> list[Dataset]:
    return list(session.scalars(select(Dataset).where(Dataset.slug.in_(slugs)).order_by(Dataset.id)))
