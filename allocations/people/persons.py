"""Persons, and the identities they log in with."""

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from allocations.kernel import audit, clock
from allocations.kernel.audit import Doer
from allocations.kernel.db import Base
from allocations.kernel.errors import Invalid, NotFound
from allocations.kernel.refs import Referenced
from allocations.people.institutions import Institution

# In the `info` of a column that points to a person: the row belongs to a log-in, not to the person's work.
OF_LOG_IN = {"of_log_in": True}


class Place(enum.StrEnum):
    """What somebody is at their institution, as far as rules care."""

    RESEARCHER = "researcher"
    STUDENT = "student"


class CareerStage(enum.StrEnum):
    """What people say of themselves if they like; it is counted, and shown to nobody else."""

    STUDENT = "student"
    POSTDOC = "postdoc"
    EARLY = "early"
    ESTABLISHED = "established"
    NOT_SAID = "not_said"


STAGES = {
    CareerStage.STUDENT: "Student",
    CareerStage.POSTDOC: "Postdoc",
    CareerStage.EARLY: "Early career, with a position of my own",
    CareerStage.ESTABLISHED: "Established",
    CareerStage.NOT_SAID: "I prefer not to say",
}


class Person(Referenced, Base):
    __tablename__ = "person"
    PREFIX: ClassVar[str] = "PSN"

    name: Mapped[str] = mapped_column(String(200))
    # Where letters go. It never finds or joins an account (see identity).
    email: Mapped[str] = mapped_column(String(254))
    institution_id: Mapped[int | None] = mapped_column(ForeignKey("institution.id"), init=False)
    institution: Mapped[Institution | None] = relationship(lazy="joined", default=None)
    disabled_at: Mapped[datetime | None] = mapped_column(default=None)
    disabled_reason: Mapped[str] = mapped_column(Text, default="")
    # When the short profile was filled in and which terms of use were accepted with it.
    welcomed_at: Mapped[datetime | None] = mapped_column(default=None)
    terms_version: Mapped[str] = mapped_column(String(20), default="")
    fields_of_science: Mapped[list[str]] = mapped_column(default_factory=list)
    # Told voluntarily, for statistics alone.
    career_stage: Mapped[CareerStage | None] = mapped_column(default=None)
    # Proved by a log-in at ORCID, never typed.
    orcid: Mapped[str] = mapped_column(String(19), default="")
    # By a representative of the institution, when its log-in releases nothing.
    confirmed_as: Mapped[Place | None] = mapped_column(default=None)
    confirmed_until: Mapped[datetime | None] = mapped_column(default=None)

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
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True, info=OF_LOG_IN)
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    # What the provider said at the last log-in: for display and for eligibility, never to find an account.
    name: Mapped[str] = mapped_column(String(200), default="")
    mail: Mapped[str] = mapped_column(String(254), default="")
    eppn: Mapped[str] = mapped_column(String(254), default="")
    entity_id: Mapped[str] = mapped_column(String(500), default="")
    affiliations: Mapped[list[str]] = mapped_column(default_factory=list)
    assurance: Mapped[list[str]] = mapped_column(default_factory=list)
    affiliated_at: Mapped[datetime | None] = mapped_column(default=None)
    first_seen_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
    last_seen_at: Mapped[datetime] = mapped_column(default_factory=clock.now)
    # Held for review by staff: everything about a known subject changed at once.
    held_at: Mapped[datetime | None] = mapped_column(default=None)
    # Taken off its account: the next log-in with it begins a new one.
    unlinked_at: Mapped[datetime | None] = mapped_column(default=None)
    # Staff have looked at it and found that it is somebody else: it stays held.
    rejected_at: Mapped[datetime | None] = mapped_column(default=None)


def by_identity(session: Session, issuer: str, subject: str) -> Person | None:
    """The person who logs in this way, unless disabled."""
    mine = select(Identity).where(Identity.issuer == issuer, Identity.subject == subject)
    identity = session.scalar(mine)
    if identity is None or identity.person.disabled_at or identity.unlinked_at:
        return None
    return identity.person


def latest_identity(session: Session, person: Person) -> Identity | None:
    """The one that this person logged in with last."""
    usable = (Identity.unlinked_at.is_(None), Identity.held_at.is_(None))
    mine = select(Identity).where(Identity.person_id == person.id, *usable)
    return session.scalar(mine.order_by(Identity.last_seen_at.desc(), Identity.id.desc()).limit(1))


def get(session: Session, actor: Doer) -> Person:
    """The actor's own row; NotFound for who is no person."""
    person = session.get(Person, actor.person_id) if actor.person_id is not None else None
    if person is None:
        raise NotFound
    return person


@dataclass(frozen=True, slots=True)
class Profile:
    """What people tell about themselves at their first log-in."""

    name: str
    email: str
    fields_of_science: tuple[str, ...]
    career_stage: CareerStage | None = None


def welcome(session: Session, actor: Doer, person: Person, *, profile: Profile, terms: str) -> None:
    """The short profile is filled in and the terms of use (by version) are accepted."""
    local, _, domain = profile.email.partition("@")
    if not local or "." not in domain:
        raise Invalid({"email": "Enter an e-mail address, such as name@university.edu."})
    person.name, person.email = profile.name, profile.email
    person.fields_of_science = list(profile.fields_of_science)
    person.career_stage = profile.career_stage
    person.welcomed_at, person.terms_version = clock.now(), terms
    audit.record(session, actor, "person.welcome", subject=f"person-{person.id}", note=f"terms {terms}")
