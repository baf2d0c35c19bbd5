"""The registry desk: administrators keep identity providers, their home organisations, and institutions."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from allocations.kernel import audit
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.errors import Incomplete, Invalid, NotFound
from allocations.people.institutions import KINDS, HomeOrganisation, IdentityProvider, Institution
from allocations.people.persons import Identity
from allocations.people.roles import Actor, Role
from portal.entries import HomeEntry, InstitutionEntry, KindEntry, ProviderEntry


def may_edit(actor: Actor) -> Answer:
    return when(actor.has(Role.ADMINISTRATOR), "Only an administrator keeps the registry.")


def all_providers(session: Session, actor: Actor) -> Sequence[IdentityProvider]:
    require(may_edit(actor))
    query = select(IdentityProvider).order_by(IdentityProvider.name, IdentityProvider.id)
    return session.scalars(query.limit(200)).all()


def get(session: Session, actor: Actor, slug: str) -> IdentityProvider:
    """Disabled ones as well; there is no provider for whoever does not keep the registry."""
    found = None
    if may_edit(actor):
        found = session.scalar(select(IdentityProvider).where(IdentityProvider.slug == slug))
    if found is None:
        raise NotFound
    return found


def homes(session: Session, provider: IdentityProvider) -> Sequence[HomeOrganisation]:
    mine = select(HomeOrganisation).where(HomeOrganisation.provider_id == provider.id)
    return session.scalars(mine.order_by(HomeOrganisation.entity_id, HomeOrganisation.id).limit(500)).all()


def people_through(session: Session, issuers: Sequence[str]) -> Mapping[str, int]:
    """Issuer -> how many people have logged in through it."""
    counted = select(Identity.issuer, func.count(Identity.person_id.distinct()))
    rows = session.execute(counted.where(Identity.issuer.in_(issuers)).group_by(Identity.issuer))
    return dict(rows.all())


def add(session: Session, actor: Actor, entry: ProviderEntry, *, production: bool) -> IdentityProvider:
    require(may_edit(actor))
    _check_issuer(entry, production=production)
    row = IdentityProvider(**_values(entry))
    session.add(row)
    session.flush()
    audit.record(session, actor, "provider.add", subject=f"provider-{row.slug}", note=row.issuer)
    return row


def change(
    session: Session, actor: Actor, row: IdentityProvider, entry: ProviderEntry, *, production: bool
) -> None:
    """The issuer is half of every account's key: it stays once somebody has an account."""
    require(may_edit(actor))
    _check_issuer(entry, production=production)
    if entry.issuer != row.issuer and people_through(session, [row.issuer]):
        message = "People have accounts with this issuer, so it cannot change. Add another provider instead."
        raise Invalid({"issuer": message})
    before = {name: getattr(row, name) for name in _values(entry)}
    changed = {name: value for name, value in _values(entry).items() if value != before[name]}
    for name, value in changed.items():
        setattr(row, name, value)
    note = ", ".join(f"{name}: {before[name]} -> {value}" for name, value in changed.items())
    audit.record(session, actor, "provider.change", subject=f"provider-{row.slug}", note=note)


def _values(entry: ProviderEntry) -> dict[str, Any]:
    """Switching on and off is a step of its own, and so are homes."""
    return entry.model_dump(exclude={"homes", "enabled"})


def _check_issuer(entry: ProviderEntry, *, production: bool) -> None:
    if production and not entry.issuer.startswith("https://"):
        raise Invalid({"issuer": "Enter an address that begins with https://."})


def may_switch(actor: Actor, row: IdentityProvider, *, on: bool) -> Answer:
    words = "enabled" if on else "disabled"
    return first_no(may_edit(actor), when(row.enabled != on, f"This provider is {words} already."))


def switch(session: Session, actor: Actor, row: IdentityProvider, *, on: bool, reason: str) -> None:
    require(may_switch(actor, row, on=on))
    _need(reason)
    row.enabled = on
    now = "on" if on else "off"
    audit.record(session, actor, "provider.switch", subject=f"provider-{row.slug}", note=f"{now}: {reason}")


def add_home(
    session: Session, actor: Actor, provider: IdentityProvider, *, institution: Institution, entry: HomeEntry
) -> None:
    require(may_edit(actor))
    made = HomeOrganisation(
        provider=provider, entity_id=entry.entity_id, institution=institution, scopes=entry.scopes
    )
    session.add(made)
    note = f"{entry.entity_id}: {institution.name}, {' '.join(entry.scopes)}"
    audit.record(session, actor, "provider.add_home", subject=f"provider-{provider.slug}", note=note)


def home(session: Session, provider: IdentityProvider, home_id: int) -> HomeOrganisation:
    found = session.get(HomeOrganisation, home_id)
    if found is None or found.provider_id != provider.id:
        raise NotFound
    return found


def remove_home(session: Session, actor: Actor, found: HomeOrganisation, *, reason: str) -> None:
    require(may_edit(actor))
    _need(reason)
    subject, note = f"provider-{found.provider.slug}", f"{found.entity_id}: {reason}"
    session.delete(found)
    audit.record(session, actor, "provider.remove_home", subject=subject, note=note)


def _need(reason: str) -> None:
    if not reason.strip():
        raise Incomplete({"reason": "Give the reason; it goes on the audit trail."})


def institutions(
    session: Session, actor: Actor, *, text: str = "", before: int | None = None, size: int = 50
) -> Sequence[Institution]:
    """By a part of the name or the ROR id, the newest first, by keyset."""
    require(may_edit(actor))
    query = select(Institution)
    if text:
        found = (column.icontains(text, autoescape=True) for column in (Institution.name, Institution.ror))
        query = query.where(or_(*found))
    if before is not None:
        query = query.where(Institution.id < before)
    return session.scalars(query.order_by(Institution.id.desc()).limit(size)).all()


def add_institution(session: Session, actor: Actor, entry: InstitutionEntry) -> Institution:
    require(may_edit(actor))
    made = Institution(
        name=entry.name,
        country=entry.country,
        ror=entry.ror or None,
        domains=list(entry.domains),
        kind=entry.kind,
    )
    session.add(made)
    session.flush()
    audit.record(session, actor, "institution.add", subject=f"institution-{made.id}", note=made.name)
    return made


def institution(session: Session, actor: Actor, key: str) -> Institution:
    """By its number, as an address holds it."""
    plain = key.isascii() and key.isdecimal() and len(key) < 10
    found = session.get(Institution, int(key)) if plain else None
    if found is None:
        raise NotFound
    require(may_edit(actor))
    return found


def classify(session: Session, actor: Actor, one: Institution, entry: KindEntry) -> None:
    """Say what sort of place it is, or that it is not known."""
    require(may_edit(actor))
    one.kind = entry.kind
    note = f"{one.name}: {KINDS[entry.kind] if entry.kind else 'not known'}"
    audit.record(session, actor, "institution.classify", subject=f"institution-{one.id}", note=note)
