"""From verified claims to a person: (issuer, subject) and nothing else finds an account."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.kernel import audit, clock
from allocations.people.institutions import HomeOrganisation, IdentityProvider, home_of
from allocations.people.persons import Identity, Person
from allocations.people.roles import SYSTEM


@dataclass(frozen=True, slots=True)
class Claims:
    """What a provider says of a person, in one dialect; absent things are empty."""

    issuer: str
    subject: str
    name: str
    mail: str = ""
    eppn: str = ""
    orcid: str = ""
    entity_id: str = ""
    affiliations: tuple[str, ...] = ()
    assurance: tuple[str, ...] = ()
    acr: str = ""
    amr: tuple[str, ...] = ()
    auth_time: datetime | None = None
    sid: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """The identity is known, but everything else about it changed: staff look at it first."""

    identity_id: int


def recognise(session: Session, provider: IdentityProvider, claims: Claims) -> Identity | Held:
    """The identity of these claims, made with its person at the first log-in."""
    known = session.scalar(
        select(Identity).where(Identity.issuer == claims.issuer, Identity.subject == claims.subject)
    )
    if known is None:
        return _first(session, provider, claims, known)
    if known.held_at is not None or (known.unlinked_at is None and is_somebody_else(known, claims)):
        known.held_at = known.held_at or clock.now()
        audit.record(session, SYSTEM, "identity.hold", subject=f"identity-{known.id}")
        return Held(known.id)
    if known.unlinked_at is not None:
        return _first(session, provider, claims, known)
    refresh(session, known, provider, claims)
    return known


def is_somebody_else(known: Identity, claims: Claims) -> bool:
    """Name, mail and eppn were all known, all are sent, and all differ (the 2016 identifier accident)."""
    pairs = ((known.name, claims.name), (known.mail, claims.mail), (known.eppn, claims.eppn))
    return all(old and new and old.casefold() != new.casefold() for old, new in pairs)


def believed(claims: Claims, home: HomeOrganisation | None) -> list[str]:
    """The affiliations whose scope is registered for the entity id that asserts them."""
    scopes = {scope.lower() for scope in home.scopes} if home else set()
    return [a for a in claims.affiliations if a.rpartition("@")[2].lower() in scopes]


def _first(
    session: Session, provider: IdentityProvider, claims: Claims, unlinked: Identity | None
) -> Identity:
    """A new account; for a log-in that was taken off another one as well."""
    home = _home(session, provider, claims)
    person = Person(
        name=claims.name or "Unnamed person",
        email=claims.mail,
        institution=home.institution if home else None,
    )
    identity = unlinked or Identity(issuer=claims.issuer, subject=claims.subject, person=person)
    identity.person, identity.unlinked_at = person, None
    session.add(identity)
    refresh(session, identity, provider, claims)
    session.flush()
    audit.record(session, SYSTEM, "identity.first_seen", subject=f"person-{person.id}", note=claims.issuer)
    return identity


def _home(session: Session, provider: IdentityProvider, claims: Claims) -> HomeOrganisation | None:
    return home_of(session, provider, claims.entity_id) if claims.entity_id else None


def refresh(session: Session, identity: Identity, provider: IdentityProvider, claims: Claims) -> None:
    """What the provider says now, as far as the registry lets it."""
    identity.name, identity.mail, identity.eppn = claims.name, claims.mail, claims.eppn
    identity.entity_id, identity.assurance = claims.entity_id, list(claims.assurance)
    identity.last_seen_at = clock.now()
    home = _home(session, provider, claims)
    identity.affiliations = believed(claims, home)
    if identity.person.institution is None and home is not None:
        # Its log-in was registered, or linked, after the account was made. Nobody is ever moved here.
        identity.person.institution = home.institution
    if identity.affiliations:
        identity.affiliated_at = clock.now()
