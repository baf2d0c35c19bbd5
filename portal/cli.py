"""The command line: `flask worker`, `flask migrate`, `flask demo`, `flask ledger`."""

import json
from typing import TextIO

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext

from allocations.accounts import ledger
from allocations.kernel import audit as audit_trail
from allocations.kernel import chain
from allocations.people.roles import SYSTEM
from allocations.programme import drawing, ties
from portal import database, migrations, registry, sites, worker
from portal.demo import cast, story
from portal.provider import commands, keys
from portal.settings import Settings
from portal.worker import Worker

audit = AppGroup("audit", help="The audit trail.")
draw = AppGroup("draw", help="Lots of calls.")
demo = AppGroup("demo", help="Demo data: the cast and the journey, driven through the verbs.")


def init(app: Flask) -> None:
    groups = (audit, demo, draw, sites.group, registry.group, commands.client, commands.provider)
    for command in (run_worker, migrate, prepare, check_ledger, *groups):
        app.cli.add_command(command)


def _worker() -> Worker:
    chosen: Settings = current_app.extensions["settings"]
    return Worker(database.sessions(), chosen)


@click.command("worker")
@click.option("--once", is_flag=True, help="Work until nothing is due, then end.")
@with_appcontext
def run_worker(once: bool) -> None:
    """Deliver events, send letters, keep time and reconcile clusters."""
    if once:
        worker.once(_worker())
    else:
        worker.run(_worker(), worker.stop_on_signals())


@click.command("migrate")
@with_appcontext
def migrate() -> None:
    """Bring the database to the newest schema."""
    migrations.upgrade(database.engine())


@click.command("prepare")
@with_appcontext
def prepare() -> None:
    """For a laptop: the newest schema and, where there are none yet, the demo data and signing keys."""
    migrations.upgrade(database.engine())
    path = keys.path_of(current_app.extensions["settings"])
    if path is not None:
        keys.begin(path)
    _load_demo()


@click.command("ledger")
@with_appcontext
def check_ledger() -> None:
    """Recount every balance from its entries; ends with 1 when one differs."""
    with database.sessions()() as session:
        wrong = ledger.recount(session)
    for account, (kept, summed) in wrong.items():
        click.echo(f"account {account}: kept {kept}, entries say {summed}")
    if wrong:
        raise SystemExit(1)
    click.echo("The ledger is sound.")


@demo.command("load")
@with_appcontext
def load_demo() -> None:
    """Load the cast, resources, datasets, calls in every state and a project with a history."""
    click.echo("Demo data loaded." if _load_demo() else "The demo data are there already.")


def _load_demo() -> bool:
    chosen: Settings = current_app.extensions["settings"]
    with database.sessions()() as session:
        if cast.present(session):
            return False
    story.load(_worker(), chosen)
    return True


@demo.command("tick")
@with_appcontext
def tick() -> None:
    """Let the worker do everything that is due now."""
    worker.once(_worker())


@draw.command("replay")
@click.argument("record", type=click.File(encoding="utf-8"))
def replay_draw(record: TextIO) -> None:
    """Draw again from a published record (`/calls/…/draw.json` or `tie.json`); else ends with 1."""
    try:
        kept = json.load(record)["record"]
        sound = ties.is_sound(kept) if "tie" in kept else drawing.is_sound(kept)
    except (KeyError, TypeError, ValueError):
        raise SystemExit("This is not a record of a draw.") from None
    if not sound:
        raise SystemExit("The record does not follow from its inputs: somebody changed it.")
    click.echo("The draw comes out the same.")


@audit.command("verify")
@with_appcontext
def verify_audit() -> None:
    """Follow the chain; ends with 1 and says where when an entry was edited, removed or put in."""
    with database.reading() as session:
        broken = chain.verify(session)
        length, _ = chain.end(session)
    found = f"The audit trail is whole: {length} entries."
    if broken is not None:
        found = f"The trail is broken at seal {broken.seal}, entry {broken.entry_id}: {broken.what}."
    # The page of the trail says when this was done last, and with what result.
    with database.sessions()() as writing, writing.begin():
        audit_trail.record(writing, SYSTEM, "audit.verify", subject="audit", note=found)
    click.echo(found)
    if broken is not None:
        raise SystemExit(1)


@audit.command("export")
@with_appcontext
def export_audit() -> None:
    """Every entry as JSON lines, oldest first."""
    with database.sessions()() as session:
        for entry in audit_trail.everything(session):
            click.echo(audit_trail.line(entry))
