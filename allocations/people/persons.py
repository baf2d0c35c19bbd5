"""Persons, their home institutions, and the identities they log in with."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from allocations.kernel.db import Base


class Institution(Base):
    __tablename__ = "institution"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    country: Mapped[str] = mapped_column(String(2), default="")


class Person(Base):
    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    name: Mapped[str] = mapped_column(String(200))
    # Where letters go. It never finds or joins an account (see identity).
    email: Mapped[str] = mapped_column(String(254))
    institution_id: Mapped[int | None] = mapped_column(ForeignKey("institution.id"), init=False)
    institution: Mapped[Institution | None] = relationship(lazy="joined", default=None)
    disabled_at: Mapped[datetime | None] = mapped_column(default=None)

    @property
    def affiliation(self) -> str:
        return self.institution.name if self.institution else "no institution"


class Identity(Base):
    """One log-in of a person: the pair (issuer, subject) is the account's only key."""

    __tablename__ = "identity"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)


def by_identity(session: Session, issuer: str, subject: str) -> Person | None:
    """The person who logs in this way, unless disabled."""
    mine = select(Identity).where(Identity.issuer == issuer, Identity.subject == subject)
    identity = session.scalar(mine)
    if identity is None or identity.person.disabled_at:
        return None
    return identity.person
