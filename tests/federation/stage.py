"""The portal on an address of its own, and people at browsers before it."""

import atexit
import functools
import itertools
import json
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import requests
from flask import Flask
from requests.adapters import HTTPAdapter
from sqlalchemy import StaticPool, create_engine, func, select, update
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.serving import BaseWSGIServer, make_server

from allocations.people.institutions import HomeOrganisation, IdentityProvider, Institution
from allocations.people.persons import Identity, Person
from portal.app import create_app
from portal.auth.sessions import LoginSession
from portal.migrations import METADATA
from portal.settings import Settings
from tests import compiled
from tests.federation import certified, hostile
from tests.federation.forms import Fields, forms_of

KEY = "a key that only these tests know, long enough"
PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Portal:
    app: Flask
    address: str

    @property
    def sessions(self) -> "sessionmaker[Session]":
        found: sessionmaker[Session] = self.app.extensions["sessions"]
        return found

    def register(self, slug: str, issuer: str, *, homes: Mapping[str, str], **more: object) -> None:
        """A provider whose entity ids stand for institutions of the same name as their scope."""
        given = {"name": f"Log-in of {slug}", "client_id": hostile.CLIENT, "secret_setting": slug, **more}
        with self.sessions() as session, session.begin():
            provider = IdentityProvider(slug=slug, issuer=issuer, **given)  # type: ignore[arg-type]
            session.add(provider)
            for entity, scope in homes.items():
                known = session.scalar(select(Institution).where(Institution.name == scope))
                home = known or Institution(name=scope, country="US")
                row = HomeOrganisation(provider=provider, entity_id=entity, institution=home, scopes=[scope])
                session.add(row)

    def register_hostile(self, provider: hostile.Hostile, slug: str = "odd", **more: object) -> None:
        given: dict[str, object] = {"kind": "cilogon", "keys_seconds": 300, **more}
        self.register(slug, provider.issuer, homes={hostile.ENTITY: "hostile.example"}, **given)

    def disable(self, slug: str) -> None:
        with self.sessions() as session, session.begin():
            session.execute(
                update(IdentityProvider).where(IdentityProvider.slug == slug).values(enabled=False)
            )

    def accounts(self) -> tuple[int, int]:
        """How many persons and identities there are."""
        with self.sessions() as session:
            counts = [session.scalar(select(func.count()).select_from(row)) for row in (Person, Identity)]
        return counts[0] or 0, counts[1] or 0

    def issuers(self) -> dict[str, str]:
        with self.sessions() as session:
            return {row.slug: row.issuer for row in session.scalars(select(IdentityProvider))}

    def acrs(self) -> list[str]:
        """What is known of how people proved themselves, in the order of their sessions."""
        with self.sessions() as session:
            return list(session.scalars(select(LoginSession.acr).order_by(LoginSession.id)))

    def identities(self) -> list[Identity]:
        with self.sessions() as session:
            return list(session.scalars(select(Identity).order_by(Identity.id)))


class _From(HTTPAdapter):
    """Connects from an address of one's choice."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, source_address=(self.address, 0), **kwargs)


class Browser:
    """Keeps cookies, follows redirects from server to server, sends forms. It runs no scripts."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.jar = requests.Session()
        # No proxies and no .netrc of the machine.
        self.jar.trust_env = False
        self.jar.headers["User-Agent"] = "Test browser"

    def close(self) -> None:
        self.jar.close()

    def come_from(self, address: str) -> None:
        """Another address of this machine, such as 127.0.0.2."""
        self.jar.mount("http://", _From(address))

    def get(self, address: str, *, follow: bool = True) -> requests.Response:
        whole = urljoin(self.portal.address, address)
        return self.jar.get(whole, allow_redirects=follow, timeout=PATIENCE)

    def post(
        self, address: str, data: Fields | None = None, *, follow: bool = True, **headers: str
    ) -> requests.Response:
        whole = urljoin(self.portal.address, address)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.jar.post(whole, data=data or {}, headers=sent, allow_redirects=follow, timeout=PATIENCE)

    def submit(self, page: requests.Response, fields: Fields) -> requests.Response:
        """Sends the page's form that has these fields, the others filled as they are."""
        form = next(one for one in forms_of(page.text) if set(fields) <= one.names)
        return self.post(urljoin(page.url, form.action), {**form.fields, **fields})

    def start(self, slug: str = "odd", wanted: str = "/home", *, follow: bool = False) -> requests.Response:
        """Presses the provider's button on the log-in page; without `follow`, stops before the provider."""
        return self.post(f"/login/{slug}", {"next": wanted}, follow=follow)

    def callback(self, slug: str = "odd", wanted: str = "/home") -> str:
        """Logs in as far as the address that the (hostile) provider sends the browser to; not visited."""
        asked = self.start(slug, wanted).headers["Location"]
        return self.get(asked, follow=False).headers["Location"]

    def choose(self, page: requests.Response, persona: str, acr: str = certified.SFA) -> requests.Response:
        """Fills in the form of the certified provider."""
        answer = self.submit(page, {"persona": persona, "acr": acr, "answer": "go"})
        # When somebody else was logged in there: a form that real browsers send by themselves.
        between = any("xsrf" in form.names for form in forms_of(answer.text))
        return self.submit(answer, {"logout": "yes"}) if between else answer

    def log_in_at(
        self, slug: str, persona: str, *, wanted: str = "/home", acr: str = certified.SFA
    ) -> requests.Response:
        """Through the certified provider and the welcome page; answers the page where this ends."""
        return self.welcomed(self.choose(self.start(slug, wanted, follow=True), persona, acr))

    def welcomed(self, page: requests.Response) -> requests.Response:
        """Gives the short profile if asked for it, and agrees to the terms."""
        if not page.url.endswith("/welcome"):
            return page
        return self.submit(page, {"agree": "yes"})

    def logged_in(self) -> bool:
        """Whether the home page (or the welcome before it) opens."""
        answer = self.get("/home", follow=False)
        return answer.status_code == 200 or answer.headers["Location"].endswith("/welcome")


@functools.cache
def _empty() -> bytes:
    """A database with all tables and no rows: copied, because making one takes longer than most tests."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.begin() as connection:
        METADATA.create_all(connection)
    with engine.connect() as connection:
        file: bytes = connection.connection.driver_connection.serialize()  # type: ignore[union-attr]
    engine.dispose()
    return file


@functools.cache
def _house() -> Path:
    """Where the databases of all portals of this run are."""
    folder = tempfile.TemporaryDirectory(prefix="portals-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


_numbers = itertools.count()
_idle: list[Flask] = []


def _made() -> Flask:
    """An application with a database file of its own; `running` gives it what else it has to know."""
    settings = Settings(mode="test", secret_key=KEY, database_url=f"sqlite:///{_house()}/{next(_numbers)}.db")
    return compiled.shared(create_app(settings))


@contextmanager
def _lent() -> Iterator[Flask]:
    """As new, with an empty database: only the statements and pages that are compiled already stay."""
    app = _idle.pop() if _idle else _made()
    before, engine = dict(app.extensions), app.extensions["engine"]
    file = Path(engine.url.database)
    for end in ("", "-wal", "-shm"):
        Path(f"{file}{end}").unlink(missing_ok=True)
    file.write_bytes(_empty())
    yield app
    app.extensions.clear()
    app.extensions.update(before)
    engine.dispose()
    _idle.append(app)


@contextmanager
def running(folder: Path, *, host: str = "127.0.0.1", **more: object) -> Iterator[Portal]:
    """With an empty database, in a thread; each portal knows nothing of what others have seen.

    As `localhost` it is another site than its providers, for cookies and for the content policy.
    `more`: settings that are asked for again with each request.
    """
    secrets_file = folder / "secrets.json"
    known = dict.fromkeys(("odd", "other"), hostile.SECRET)
    secrets_file.write_text(json.dumps({**known, **dict.fromkeys(("north", "south"), certified.SECRET)}))
    with _lent() as app:
        server = make_server("127.0.0.1", 0, app, threaded=True)
        address = f"http://{host}:{server.server_port}"
        given = {"secrets_file": str(secrets_file), "public_url": address, **more}
        app.extensions["settings"] = replace(app.extensions["settings"], **given)
        with _served(server):
            yield Portal(app, address)


@contextmanager
def _served(server: BaseWSGIServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
