"""Institutions, and the registry of identity providers with what each may say about them."""

import enum
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from allocations.kernel.db import Base


class InstitutionKind(enum.StrEnum):
    """What sort of place it is; statistics are told by it."""

    UNIVERSITY = "university"
    TEACHING = "teaching"
    LABORATORY = "laboratory"
    HOSPITAL = "hospital"
    COMPANY = "company"
    OTHER = "other"


KINDS = {
    InstitutionKind.UNIVERSITY: "University",
    InstitutionKind.TEACHING: "Teaching-focused university or college",
    InstitutionKind.LABORATORY: "Public laboratory",
    InstitutionKind.HOSPITAL: "Hospital",
    InstitutionKind.COMPANY: "Company",
    InstitutionKind.OTHER: "Another kind of place",
}


class Institution(Base):
    __tablename__ = "institution"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    country: Mapped[str] = mapped_column(String(2), default="")
    # The last part of https://ror.org/…; known institutions have one.
    ror: Mapped[str | None] = mapped_column(String(9), unique=True, default=None)
    domains: Mapped[list[str]] = mapped_column(default_factory=list)
    # None: not known.
    kind: Mapped[InstitutionKind | None] = mapped_column(default=None)
    # Not taking part for the time being: its people lead and compute nothing.
    suspended_at: Mapped[datetime | None] = mapped_column(default=None)


class ProviderKind(enum.StrEnum):
    """Whose dialect a provider's claims are written in."""

    GENERIC = "generic"
    CILOGON = "cilogon"
    ORCID = "orcid"
    GLOBUS = "globus"
    KEYCLOAK = "keycloak"


class IdentityProvider(Base):
    """An OpenID provider that people may log in through, and how far it is believed."""

    __tablename__ = "identity_provider"
    __table_args__ = (
        CheckConstraint("metadata_seconds BETWEEN 0 AND 86400", "metadata_seconds_range"),
        CheckConstraint("keys_seconds BETWEEN 0 AND 3600", "keys_seconds_range"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    slug: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    # Compared letter by letter with what tokens say: no slash is added or taken away.
    issuer: Mapped[str] = mapped_column(String(255), unique=True)
    client_id: Mapped[str] = mapped_column(String(255))
    # A key of the secrets file. The secret itself is never in the database.
    secret_setting: Mapped[str] = mapped_column(String(120))
    kind: Mapped[ProviderKind] = mapped_column(default=ProviderKind.GENERIC)
    # Our list, whatever the provider's own document offers.
    algorithms: Mapped[list[str]] = mapped_column(default_factory=lambda: ["RS256", "ES256"])
    metadata_seconds: Mapped[int] = mapped_column(default=3600)
    keys_seconds: Mapped[int] = mapped_column(default=300)
    trusts_assurance: Mapped[bool] = mapped_column(default=False)
    trusts_mfa: Mapped[bool] = mapped_column(default=False)
    sirtfi: Mapped[bool] = mapped_column(default=False)
    enabled: Mapped[bool] = mapped_column(default=True)


class HomeOrganisation(Base):
    """An entity id that a provider may name, the institution it stands for, and its affiliation scopes."""

    __tablename__ = "home_organisation"
    __table_args__ = (UniqueConstraint("provider_id", "entity_id"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    provider_id: Mapped[int] = mapped_column(ForeignKey("identity_provider.id"), init=False)
    provider: Mapped[IdentityProvider] = relationship()
    entity_id: Mapped[str] = mapped_column(String(500))
    institution_id: Mapped[int] = mapped_column(ForeignKey("institution.id"), init=False, index=True)
    institution: Mapped[Institution] = relationship(lazy="joined", innerjoin=True)
    scopes: Mapped[list[str]]


def enabled_providers(session: Session) -> Sequence[IdentityProvider]:
    query = select(IdentityProvider).where(IdentityProvider.enabled)
    return session.scalars(query.order_by(IdentityProvider.name, IdentityProvider.id)).all()


def provider_by_slug(session: Session, slug: str) -> IdentityProvider | None:
    """An enabled provider; None for a disabled one as for none."""
    named = (IdentityProvider.slug == slug, IdentityProvider.enabled)
    return session.scalar(select(IdentityProvider).where(*named))


def home_of(session: Session, provider: IdentityProvider, entity_id: str) -> HomeOrganisation | None:
    """What the registry says of an entity id that this provider names; nothing is guessed."""
    mine = (HomeOrganisation.provider_id == provider.id, HomeOrganisation.entity_id == entity_id)
    return session.scalar(select(HomeOrganisation).where(*mine))


def names(session: Session) -> Sequence[str]:
    """All that take part, for people to choose from."""
    query = select(Institution.name).where(Institution.suspended_at.is_(None))
    return session.scalars(query.order_by(Institution.name)).all()


def by_name(session: Session, name: str) -> Institution | None:
    return session.scalar(select(Institution).where(Institution.name == name))
