"""A portal that is a provider, people of it at browsers, and clients that are registered."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.accounts.resources import Provider
from allocations.kernel import clock
from allocations.people.persons import Identity, Person
from allocations.people.roles import SYSTEM
from portal.auth.views import DEMO_ISSUER
from portal.provider import clients, keys
from portal.provider.clients import CODE, DEVICE, EXCHANGE, REFRESH, SCOPES, Registration
from tests.federation import stage
from tests.federation.stage import Browser, Portal
from tests.provider.party import Party

# Nothing listens there: browsers are stopped before it.
REDIRECT = "https://site.example/callback"
OTHER_REDIRECT = "https://site.example/other"
LOCAL = "http://localhost:8000"
ALL = " ".join(SCOPES)
PASSPORT = "urn:ga4gh:params:oauth:token-type:passport"
ACCESS = "urn:ietf:params:oauth:token-type:access_token"


def people(portal: Portal, *names: str) -> None:
    """Welcomed persons who log in by name."""
    with portal.sessions() as session, session.begin():
        for name in names:
            person = Person(name=name.capitalize(), email=f"{name}@north.example")
            person.welcomed_at = clock.now()
            identity = Identity(issuer=DEMO_ISSUER, subject=name, person=person, name=name)
            identity.affiliations = ["member@north.example"]
            identity.assurance = ["https://refeds.org/assurance/IAP/medium"]
            session.add(identity)


def person(session: Session, name: str) -> Person:
    return session.scalars(select(Person).where(Person.name == name.capitalize())).one()


@dataclass
class Site:
    """One client at a portal, as its own program and as rows."""

    portal: Portal
    party: Party
    client_id: str
    secret: str
    redirect: str = REDIRECT
    algorithm: str = "ES256"
    known: dict[str, Any] = field(default_factory=dict)

    def do(self, what: str, **given: Any) -> Any:
        return self.party.do(what, name=self.client_id, **given)

    def ask(self, scope: str = "openid", **more: str) -> dict[str, Any]:
        asked: dict[str, Any] = self.do("ask", redirect=self.redirect, scope=scope, more=more)
        return asked

    def finish(self, asked: dict[str, Any], landed: str, **more: Any) -> dict[str, Any]:
        kept = {name: asked[name] for name in ("verifier", "state", "nonce")}
        done: dict[str, Any] = self.do("finish", landed=landed, **{**kept, **more})
        return done

    def log_in(self, browser: Browser, scope: str = "openid", **more: str) -> dict[str, Any]:
        """The whole way; the browser is logged in at the portal."""
        asked = self.ask(scope, **more)
        return self.finish(asked, arrive(browser, asked["url"]))

    def post(self, path: str, data: dict[str, str]) -> requests.Response:
        """Without the library: for what no honest client sends."""
        own = {"client_id": self.client_id, "client_secret": self.secret}
        sent = {name: value for name, value in {**own, **data}.items() if value}
        return requests.post(f"{self.portal.address}/oauth/{path}", data=sent, timeout=20)


def stopped(browser: Browser, address: str) -> requests.Response:
    """Follows redirects within the portal, and stops at a page or before another site."""
    answer = browser.get(address, follow=False)
    while answer.is_redirect and not answer.headers["Location"].startswith(("https://", LOCAL)):
        answer = browser.get(answer.headers["Location"], follow=False)
    return answer


def arrive(browser: Browser, address: str, answer: str = "allow") -> str:
    """The client's address that the browser is sent to, after agreeing if asked."""
    seen = stopped(browser, address)
    if seen.status_code == 200:
        seen = agree(browser, seen, answer)
    assert seen.status_code == 303, seen.text
    return seen.headers["Location"]


def agree(browser: Browser, seen: requests.Response, answer: str = "allow") -> requests.Response:
    form = next(one for one in stage.forms_of(seen.text) if "answer" in one.names)
    return browser.post(form.action, {**form.fields, "answer": answer}, follow=False)


def told(address: str) -> dict[str, str]:
    """The parameters in an address."""
    return dict(parse_qsl(urlsplit(address).query, keep_blank_values=True))


def log_in(browser: Browser, who: str) -> Browser:
    assert browser.post("/login", {"who": who}, follow=False).status_code == 303
    return browser


def register(portal: Portal, told: Registration, *, house: str = "") -> str:
    with portal.sessions() as session, session.begin():
        owner = session.scalar(select(Provider).where(Provider.name == house)) if house else None
        owner = owner or (Provider(name=house) if house else None)
        return clients.register(session, SYSTEM, told, provider=owner)[1]


def discovered(made: Site) -> dict[str, Any]:
    """A fresh start of the program, which keeps keys for some minutes."""
    method = "basic" if made.secret else "none"
    about = {"client": made.client_id, "secret": made.secret, "method": method, "alg": made.algorithm}
    found: dict[str, Any] = made.do("discover", issuer=made.portal.address, **about)
    return found


def site(portal: Portal, party: Party, client_id: str, *, house: str = "", **more: Any) -> Site:
    """A confidential client that may do everything, unless said otherwise."""
    given: dict[str, Any] = {
        "redirect_uris": (REDIRECT, OTHER_REDIRECT),
        "scopes": tuple(SCOPES),
        "grant_types": (CODE, REFRESH, DEVICE, EXCHANGE),
        **more,
    }
    about = Registration(client_id, f"Site {client_id}", **given)
    secret = register(portal, about, house=house)
    made = Site(portal, party, client_id, secret, redirect=given["redirect_uris"][0])
    made.algorithm = about.algorithm
    made.known = discovered(made)
    return made


@functools.cache
def _first_keys() -> keys.KeyRing:
    """Made once a run: drawing RSA keys takes longer than most tests."""
    return keys.first()


@contextmanager
def running(folder: Path, **more: object) -> Iterator[Portal]:
    """With keys and two people."""
    key_file = folder / "keys.json"
    keys.write(key_file, _first_keys())
    with stage.running(folder, provider_keys=str(key_file), **more) as portal:
        people(portal, "priya", "uma")
        yield portal


def later(folder: Path, by: timedelta, *, emergency: bool = False) -> None:
    """Rotates the keys as if so much time had passed."""
    path = folder / "keys.json"
    with clock.at(clock.now() + by):
        ring = keys._read(path, 0, path.stat().st_mtime_ns)
        keys.write(path, keys.first(ring) if emergency else keys.rotated(ring))
