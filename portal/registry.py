"""`flask idp` and `flask institutions`: the registry of identity providers and institutions, from files."""

import csv
import json
from importlib import resources
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup, with_appcontext
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.people.institutions import HomeOrganisation, IdentityProvider, Institution
from portal import database
from portal.entries import HomeEntry, ProviderEntry

group = AppGroup("idp", help="Identity providers that people log in through.")
SEED = "institutions.csv"


@group.command("load")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@with_appcontext
def load_providers(file: Path) -> None:
    """Add or change the providers of a JSON file; what the file does not name stays as it is."""
    entries = _entries(file)
    with database.sessions()() as session, session.begin():
        for entry in entries:
            _write(session, entry)
    click.echo(f"{len(entries)} providers loaded.")


@group.command("list")
@with_appcontext
def list_providers() -> None:
    """The registry, a line each."""
    with database.sessions()() as session:
        for row in session.scalars(select(IdentityProvider).order_by(IdentityProvider.slug)):
            click.echo(f"{row.slug}  {row.issuer}  {'enabled' if row.enabled else 'disabled'}")


@group.command("institutions")
@with_appcontext
def load_institutions() -> None:
    """Load the seed of known institutions; those that are there already stay as they are."""
    with database.sessions()() as session, session.begin():
        click.echo(f"{seed(session)} institutions added.")


def seed(session: Session) -> int:
    """How many of the known institutions were new."""
    known = set(session.scalars(select(Institution.ror)))
    names = set(session.scalars(select(Institution.name)))
    lines = resources.files("allocations.people").joinpath(SEED).read_text(encoding="utf-8").splitlines()
    fresh = [row for row in csv.DictReader(lines) if row["ror"] not in known and row["name"] not in names]
    for row in fresh:
        domains = [domain for domain in row["domains"].split(";") if domain]
        session.add(Institution(name=row["name"], country=row["country"], ror=row["ror"], domains=domains))
    return len(fresh)


def _entries(file: Path) -> list[ProviderEntry]:
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
        return [ProviderEntry.model_validate(item) for item in raw["providers"]]
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise click.BadParameter(f"{file.name}: {error}") from None


def _write(session: Session, entry: ProviderEntry) -> None:
    values: dict[str, Any] = entry.model_dump(exclude={"homes"})
    row = session.scalar(select(IdentityProvider).where(IdentityProvider.slug == entry.slug))
    if row is None:
        row = IdentityProvider(**values)
        session.add(row)
    for name, value in values.items():
        setattr(row, name, value)
    session.flush()
    for home in entry.homes:
        _write_home(session, row, home)


def _write_home(session: Session, provider: IdentityProvider, home: HomeEntry) -> None:
    institution = session.scalar(select(Institution).where(Institution.ror == home.ror))
    if institution is None:
        raise click.BadParameter(f"no institution has the ROR id {home.ror}; load the institutions first")
    mine = (HomeOrganisation.provider_id == provider.id, HomeOrganisation.entity_id == home.entity_id)
    row = session.scalar(select(HomeOrganisation).where(*mine))
    if row is None:
        row = HomeOrganisation(
            provider=provider, entity_id=home.entity_id, institution=institution, scopes=home.scopes
        )
        session.add(row)
    row.institution, row.scopes = institution, home.scopes
