"""Server time and SQL statements of the main pages, at demo size and with much more data."""

import statistics
import time
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, insert, select
from sqlalchemy.orm import Session

from allocations.people.persons import Person
from allocations.programme.calls import Call
from allocations.programme.proposals import Proposal, ResourceRequest, State
from portal import database, migrations
from portal.app import create_app
from portal.demo import story
from portal.settings import Settings
from portal.worker import Worker

PAGES = (
    ("nobody", "/"),
    ("nobody", "/calls"),
    ("nobody", "/calls/CALL26-0002"),
    ("nobody", "/datasets"),
    ("priya", "/home"),
    ("priya", "/proposals"),
    ("priya", "/proposals/AIR26-0005"),
    ("priya", "/projects/PRJ26-0001"),
    ("priya", "/allocations/ALC26-0001"),
    ("uma", "/projects/PRJ26-0001/notebooks/new"),
    ("owen", "/screening"),
    ("owen", "/screening?state=in_review"),
    ("owen", "/operations"),
    ("chen", "/calls/CALL26-0002/panel"),
    ("chen", "/proposals/AIR26-0003/decide"),
    ("ruth", "/reviews"),
    ("pat", "/consents"),
    ("dana", "/access-requests"),
)
REPEATS = 30
MORE = 2000


def run(folder: Path) -> None:
    app = _app(folder)
    small = {page: _measure(app, *page) for page in PAGES}
    with app.app_context(), database.sessions()() as session, session.begin():
        _add_proposals(session)
    large = {page: _measure(app, *page) for page in PAGES}
    print(f"\nPages: SQL statements and median server time, demo size and with {MORE} more proposals")
    print(f"{'who':8} {'page':42} {'SQL':>4} {'ms':>7} {'SQL':>5} {'ms':>7} {'ratio':>6}")
    for page in PAGES:
        (count, took), (count_large, took_large) = small[page], large[page]
        ratio = took_large / took
        print(
            f"{page[0]:8} {page[1]:42} {count:4} {took:7.1f} {count_large:5} {took_large:7.1f} {ratio:6.2f}"
        )


def _app(folder: Path) -> Flask:
    folder.mkdir(parents=True)
    settings = Settings(
        mode="test",
        database_url=f"sqlite:///{folder / 'portal.db'}",
        secret_key="benchmark-" * 4,
        data_dir=str(folder),
    )
    app = create_app(settings)
    with app.app_context():
        migrations.METADATA.create_all(database.engine())
        story.load(Worker(database.sessions(), settings), settings)
    return app


def _client(app: Flask, who: str) -> FlaskClient:
    client = app.test_client()
    if who != "nobody":
        client.post("/login", data={"who": who})
    return client


def _measure(app: Flask, who: str, page: str) -> tuple[int, float]:
    """(statements, median milliseconds)."""
    client, count = _client(app, who), [0]
    with app.app_context():
        engine = database.engine()

    def counted(*_: object) -> None:
        count[0] += 1

    event.listen(engine, "before_cursor_execute", counted)
    try:
        answer = client.get(page)
        assert answer.status_code == 200, (who, page, answer.status_code)
    finally:
        event.remove(engine, "before_cursor_execute", counted)
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        client.get(page)
        times.append(1000 * (time.perf_counter() - began))
    return count[0], statistics.median(times)


def _add_proposals(session: Session) -> None:
    """Many proposals of the open call, half of them waiting for screening, half in review."""
    call = session.scalars(select(Call).where(Call.title.contains("second round"))).one()
    pi = session.scalars(select(Person).order_by(Person.id)).all()[-1]
    now = datetime.now(UTC)
    common = {"call_id": call.id, "pi_id": pi.id, "fields_of_science": [], "version": 1}
    written = {"abstract": "a", "keywords": "", "message": ""}
    rows = [
        common
        | written
        | {
            "title": f"Benchmark proposal {number}",
            "months": 6,
            "created_at": now,
            "state_since": now,
            "state": State.SUBMITTED if number % 2 else State.IN_REVIEW,
        }
        for number in range(MORE)
    ]
    session.execute(insert(Proposal), rows)
    made = session.scalars(select(Proposal.id).where(Proposal.title.startswith("Benchmark"))).all()
    resource = call.pools[0].pool.resource_id
    asks = [{"proposal_id": key, "resource_id": resource, "requested": 10**8, "why": "w"} for key in made]
    session.execute(insert(ResourceRequest), asks)
