"""A hundred wrong tokens from one address: slowed down and recorded, and nobody else notices."""

from collections.abc import Callable

import requests
from sqlalchemy import func, select

from allocations.kernel import clock
from allocations.people.persons import Identity, Person
from allocations.people.roles import actor_of
from portal.auth import tokens
from portal.auth.throttle import MOST, Failure
from portal.auth.tokens import Scope, TokenDraft
from tests.federation.stage import Browser, Portal

Browsers = Callable[[], Browser]


def _token(portal: Portal) -> str:
    """Of somebody who has logged in lately."""
    with portal.sessions() as session, session.begin():
        person = Person(name="Nadia", email="nadia@example.edu", welcomed_at=clock.now())
        session.add(Identity(issuer="elsewhere", subject="n", person=person))
        session.flush()
        draft = TokenDraft("A program", (Scope.READ_PROFILE,), 1, "a form")
        return tokens.make(session, actor_of(session, person), draft)


def _me(program: Browser, token: str) -> requests.Response:
    program.jar.headers["Authorization"] = f"Bearer {token}"
    return program.get("/api/v1/me")


def test_a_hundred_wrong_tokens_are_slowed_down_and_recorded(browser: Browser) -> None:
    right = _token(browser.portal)

    codes = [_me(browser, tokens.fresh("prt_")).status_code for _ in range(100)]
    last = _me(browser, right)

    assert codes == [401] * MOST["token"] + [429] * (100 - MOST["token"])
    assert MOST["token"] == 20
    assert last.status_code == 429, "whoever guesses must not learn that a guess was right"
    assert 0 < int(last.headers["Retry-After"]) <= 600
    assert last.headers["Content-Type"] == "application/problem+json"
    assert last.json()["status"] == 429
    assert _recorded(browser.portal) == {("127.0.0.1", "token"): 20}


def test_a_good_token_from_another_address_works_meanwhile(browsers: Browsers, portal: Portal) -> None:
    attacker, honest = browsers(), browsers()
    attacker.come_from("127.0.0.2")
    codes = {_me(attacker, "prt_guess").status_code for _ in range(MOST["token"] + 1)}

    answer = _me(honest, _token(portal))

    assert codes == {401, 429}
    assert answer.json()["name"] == "Nadia"
    assert _recorded(portal) == {("127.0.0.2", "token"): 20}


def test_pages_still_open_where_tokens_are_slowed_down(browser: Browser) -> None:
    for _ in range(MOST["token"] + 1):
        _me(browser, "prt_guess")

    assert browser.get("/calls").status_code == 200
    assert browser.get("/api/v1/openapi.json").status_code == 200


def _recorded(portal: Portal) -> dict[tuple[str, str], int]:
    query = select(Failure.address, Failure.kind, func.count()).group_by(Failure.address, Failure.kind)
    with portal.sessions() as session:
        return {(row[0], row[1]): row[2] for row in session.execute(query)}
