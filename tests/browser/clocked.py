"""A real web server in this process whose time the test moves on, and a worker that the test drives."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from allocations.kernel import clock
from portal import migrations
from portal.computing import parent as computing
from portal.demo import cast
from portal.settings import Settings
from tests.browser.visitors import Visitor
from tests.portal import stage
from tests.portal.stage import SECRET, Portal

Arrive = Callable[..., Visitor]


class Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """The tests look at pages, not at lines of a log."""


class House:
    """The demo people and machines, no calls yet; every request happens `ahead` of the real time."""

    def __init__(self, portal: Portal, address: str, arrive: Arrive) -> None:
        self.portal = portal
        self.address = address
        self.ahead = timedelta(0)
        self._arrive = arrive
        self._inside: dict[str, tuple[Visitor, timedelta]] = {}

    @property
    def now(self) -> datetime:
        return clock.now() + self.ahead

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        with clock.at(self.now):
            return self.portal.app.wsgi_app(environ, start)

    def later(self, **span: float) -> None:
        """Time passes, and the worker does what it brings."""
        self.ahead += timedelta(**span)
        self.work()

    def work(self) -> None:
        """The worker's turn until nothing is due; there is no cluster here."""
        worker = self.portal.worker()
        steps = (
            worker.expand,
            worker.deliver,
            worker.keep_time,
            worker.remind,
            lambda: computing.step(self.portal.sessions),
        )
        with clock.at(self.now):
            while sum(step() for step in steps):
                pass

    def person(self, who: str) -> Visitor:
        """At their browser, logged in; after some time they have to log in again."""
        visitor, since = self._inside.get(who) or (self.visitor(), None)
        if since != self.ahead:
            visitor.log_in(who)
            self._inside[who] = (visitor, self.ahead)
        return visitor

    def visitor(self) -> Visitor:
        return self._arrive(self.address)


@contextmanager
def opened(folder: Path, arrive: Arrive) -> Iterator[House]:
    settings = Settings(
        mode="test",
        database_url=f"sqlite:///{folder}/portal.db",
        data_dir=str(folder),
        secret_key=SECRET,
    )
    portal = stage.opened(settings)
    migrations.METADATA.create_all(portal.engine)
    with portal.sessions() as session, session.begin():
        cast.load(session, kubeconfig="", files=folder / "datasets")
    house = House(portal, "", arrive)
    server = make_server("127.0.0.1", 0, house, threaded=True, request_handler=Quiet)
    house.address = f"http://127.0.0.1:{server.port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield house
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        portal.engine.dispose()
