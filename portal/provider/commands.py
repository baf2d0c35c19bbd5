"""`flask client` and `flask provider`: who may ask the portal to log people in, and the signing keys."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
import yaml
from flask.cli import AppGroup, with_appcontext
from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.accounts.resources import Provider
from allocations.kernel import audit
from allocations.kernel.errors import DomainError
from allocations.people.roles import SYSTEM
from portal import database
from portal.provider import clients, here, keys, kubernetes
from portal.provider.clients import ALGORITHMS, GRANT_TYPES, SCOPES, Registration
from portal.provider.keys import KeyRing, TooEarly

client = AppGroup("client", help="Sites and programs that people log in to through the portal.")
provider = AppGroup("provider", help="The portal as an OpenID provider.")
# The last word of each grant type is enough to name it.
GRANTS = {name.rsplit(":", 1)[-1]: name for name in GRANT_TYPES}


@contextmanager
def _writing() -> Iterator[Session]:
    """One transaction; a refusal becomes the command's message."""
    try:
        with database.sessions()() as session, session.begin():
            yield session
    except DomainError as error:
        raise click.ClickException(error.reason) from None


@client.command("add")
@click.argument("client_id")
@click.option("--name", required=True, help="As people read it when they are asked.")
@click.option("--redirect-uri", "addresses", multiple=True, help="Where answers may go, letter by letter.")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(list(SCOPES)), help="Besides openid.")
@click.option(
    "--grant", "grants", multiple=True, type=click.Choice(list(GRANTS)), default=["authorization_code"]
)
@click.option("--public", is_flag=True, help="Runs on people's own machines and has no secret.")
@click.option("--algorithm", type=click.Choice(ALGORITHMS), default="ES256", help="Of its id tokens.")
@click.option("--provider", "house", default="", help="The resource provider that runs it.")
@with_appcontext
def add(client_id: str, house: str, **given: Any) -> None:
    """Register a client and show its secret, this once."""
    with _writing() as session:
        told = _registration(client_id, **given)
        _, secret = clients.register(session, SYSTEM, told, provider=_house(session, house))
    click.echo(f"{client_id} is registered.")
    if secret:
        click.echo(f"Its secret, which is not shown again: {secret}")


def _registration(client_id: str, **given: Any) -> Registration:
    return Registration(
        client_id,
        given["name"],
        redirect_uris=tuple(given["addresses"]),
        scopes=tuple(dict.fromkeys(("openid", *given["scopes"]))),
        grant_types=tuple(GRANTS[grant] for grant in given["grants"]),
        public=given["public"],
        algorithm=given["algorithm"],
    )


def _house(session: Session, name: str) -> Provider | None:
    if not name:
        return None
    found = session.scalar(select(Provider).where(Provider.name == name))
    if found is None:
        raise click.ClickException(f"There is no resource provider {name}.")
    return found


@client.command("list")
@with_appcontext
def list_clients() -> None:
    """Every client, with what it may ask for."""
    with database.sessions()() as session:
        for row in clients.all_clients(session, SYSTEM):
            kind = "public" if row.public else "confidential"
            state = "disabled" if row.disabled_at else kind
            house = f" of {row.provider.name}" if row.provider else ""
            click.echo(f"{row.client_id}: {row.name}{house}, {state}, {' '.join(row.scopes)}")


@client.command("disable")
@click.argument("client_id")
@with_appcontext
def disable(client_id: str) -> None:
    """What it holds is worth nothing from now on."""
    with _writing() as session:
        clients.disable(session, SYSTEM, clients.get(session, SYSTEM, client_id))
    click.echo(f"{client_id} is disabled.")


@client.command("renew-secret")
@click.argument("client_id")
@with_appcontext
def renew_secret(client_id: str) -> None:
    """Show a new secret, this once; the old one ends now."""
    with _writing() as session:
        secret = clients.renew_secret(session, SYSTEM, clients.get(session, SYSTEM, client_id))
    click.echo(f"The new secret of {client_id}, which is not shown again: {secret}")


@provider.command("rotate")
@click.option("--emergency", is_flag=True, help="A key is known to others: drop all keys at once.")
@with_appcontext
def rotate(emergency: bool) -> None:
    """Sign with the next keys and publish new next ones; makes the first keys where there are none."""
    path = keys.path_of(here.settings())
    if path is None:
        raise click.ClickException("Set COMMONS_PROVIDER_KEYS to the file that shall hold the keys.")
    ring = keys.held(here.settings())
    try:
        fresh = keys.first(ring) if ring is None or emergency else keys.rotated(ring)
    except TooEarly as error:
        raise click.ClickException(str(error)) from None
    with _writing() as session:
        _note(session, fresh, "emergency" if emergency else "planned")
        path.parent.mkdir(parents=True, exist_ok=True)
        keys.write(path, fresh)
    click.echo(f"Signing with {_kids(fresh)}.")


def _note(session: Session, ring: KeyRing, why: str) -> None:
    audit.record(session, SYSTEM, "provider.rotate", subject="provider", note=f"{why}: {_kids(ring)}")


def _kids(ring: KeyRing) -> str:
    return " and ".join(ring.signing(algorithm).kid for algorithm in ALGORITHMS)


@provider.command("kubernetes-config")
@with_appcontext
def kubernetes_config() -> None:
    """The file for an API server's --authentication-config."""
    document = kubernetes.authentication_configuration(here.place())
    click.echo(yaml.safe_dump(document, sort_keys=False), nl=False)
