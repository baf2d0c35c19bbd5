"""Sessions of people: which there are, how each ends, and what is kept of them."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from itsdangerous import TimestampSigner, URLSafeTimedSerializer
from sqlalchemy import select, text, update

from allocations.kernel import audit, clock
from allocations.people.persons import Person
from portal.auth.sessions import LoginSession
from tests.federation.forms import forms_of
from tests.federation.hostile import PERSON, Hostile
from tests.federation.stage import Browser, Portal

Browsers = Callable[[], Browser]
END = "/account/sessions/end"


def entered(browser: Browser, agent: str = "Test browser") -> Browser:
    browser.jar.headers["User-Agent"] = agent
    browser.welcomed(browser.start(follow=True))
    assert browser.logged_in()
    return browser


def ends(browser: Browser) -> list[str]:
    """The numbers of the sessions that this person's page offers to end."""
    forms = forms_of(browser.get("/account/sessions").text)
    return [str(form.fields["session"]) for form in forms if form.action.endswith(END)]


def older(portal: Portal, **by: int) -> None:
    """All sessions began so much earlier."""
    with portal.sessions() as session, session.begin():
        session.execute(update(LoginSession).values(began_at=clock.now() - timedelta(**by)))


def test_people_see_their_sessions_and_end_another(odd: Hostile, browsers: Browsers) -> None:
    desk, phone = entered(browsers(), "Desk browser"), entered(browsers(), "Phone browser")
    page = desk.get("/account/sessions").text
    assert "Desk browser" in page
    assert "Phone browser" in page

    answer = desk.post(END, {"session": ends(desk)[0]})

    assert answer.url.endswith("/account/sessions")
    assert "Phone browser" not in answer.text
    assert desk.logged_in()
    assert not phone.logged_in()


def test_nobody_sees_or_ends_the_sessions_of_others(odd: Hostile, portal: Portal, browsers: Browsers) -> None:
    victim = entered(browsers(), "Browser of the victim")
    other = entered(browsers(), "Another browser of the victim")
    number = ends(victim)[0]
    odd.person = {**PERSON, "sub": "eve", "name": "Eve"}
    eve = entered(browsers())

    eve.post(END, {"session": number})

    assert "of the victim" not in eve.get("/account/sessions").text
    with portal.sessions() as session:
        assert [entry.verb for entry in audit.everything(session) if entry.verb == "session.end"] == []
    assert victim.logged_in()
    assert other.logged_in()


@pytest.mark.parametrize("number", ["", "x", "-1", "0", "9" * 40, "1 OR 1=1", "²"], ids=ascii)
def test_a_session_that_there_is_not_cannot_be_ended(number: str, odd: Hostile, browser: Browser) -> None:
    entered(browser)

    answer = browser.post(END, {"session": number})

    assert answer.status_code < 500
    assert browser.logged_in()


def test_log_out_ends_this_session_only(odd: Hostile, browsers: Browsers) -> None:
    desk, phone = entered(browsers()), entered(browsers())

    answer = desk.post("/logout")

    assert answer.status_code == 200
    assert not desk.logged_in()
    assert phone.logged_in()


def test_log_out_is_never_a_get_and_never_from_another_site(odd: Hostile, browser: Browser) -> None:
    entered(browser)

    answers = [
        browser.get("/logout").status_code,
        browser.post("/logout", Origin="https://evil.example").status_code,
        browser.post("/logout", Sec_Fetch_Site="cross-site").status_code,
    ]

    assert answers == [405, 403, 403]
    assert browser.logged_in()


def test_everything_of_a_disabled_person_ends_at_once(
    portal: Portal, odd: Hostile, browsers: Browsers
) -> None:
    both = [entered(browsers()), entered(browsers())]

    with portal.sessions() as session, session.begin():
        session.scalars(select(Person)).one().disabled_at = clock.now()

    assert [browser.logged_in() for browser in both] == [False, False]


@pytest.mark.parametrize(("hours", "alive"), [(11, True), (13, False)])
def test_a_session_ends_after_twelve_hours_however_busy(
    hours: int, alive: bool, portal: Portal, odd: Hostile, browser: Browser
) -> None:
    entered(browser)

    older(portal, hours=hours)

    assert browser.logged_in() is alive


@pytest.mark.parametrize(("minutes", "alive"), [(50, True), (70, False)])
def test_a_session_ends_after_an_hour_without_use(
    minutes: int, alive: bool, odd: Hostile, browser: Browser
) -> None:
    entered(browser)

    age(browser, minutes=minutes)

    assert browser.logged_in() is alive


def age(browser: Browser, *, minutes: int) -> str:
    """The browser's cookie as if it had been given so long ago; answers its value."""
    signer = browser.portal.app.session_interface.get_signing_serializer(browser.portal.app)  # type: ignore[attr-defined]
    assert isinstance(signer, URLSafeTimedSerializer)

    class Earlier(TimestampSigner):
        def get_timestamp(self) -> int:
            return super().get_timestamp() - minutes * 60

    cookie = next(iter(browser.jar.cookies))
    content = signer.loads(cookie.value or "")
    signer.signer = Earlier
    made = str(signer.dumps(content))
    browser.jar.cookies.clear()
    browser.jar.cookies.set(cookie.name, made, domain=cookie.domain, path=cookie.path)
    return made


def test_an_open_session_outlives_an_hour_of_use(odd: Hostile, browser: Browser) -> None:
    """Each page renews the hour."""
    entered(browser)
    old = age(browser, minutes=50)

    browser.get("/home")

    assert next(iter(browser.jar.cookies)).value != old


@pytest.mark.parametrize("value", ["", "x", "e30.x.y", "A" * 5000, '"; DROP TABLE person;'], ids=ascii)
def test_a_cookie_that_is_not_ours_is_no_session(value: str, portal: Portal, browser: Browser) -> None:
    browser.jar.headers["Cookie"] = f"commons={value}"

    answer = browser.get("/home")

    assert answer.url.startswith(f"{portal.address}/login")
    assert answer.status_code == 200


def test_a_copy_of_the_database_opens_no_session(portal: Portal, odd: Hostile, browser: Browser) -> None:
    """Neither handles nor states, nor the tokens of providers are in it as they are."""
    entered(browser)
    held = portal.app.session_interface.get_signing_serializer(portal.app)  # type: ignore[attr-defined]
    secret = [str(value) for cookie in browser.jar.cookies for value in held.loads(cookie.value).values()]
    states = [login.asked["state"] for login in odd.logins.values()]

    dump = everything(portal)

    assert [
        word for word in (*secret, *states, *odd.given(), *odd.logins) if len(word) > 8 and word in dump
    ] == []


def everything(portal: Portal) -> str:
    with portal.sessions() as session:
        named = "SELECT name FROM sqlite_master WHERE type = 'table'"
        tables = session.scalars(text(named)).all()
        rows = [session.execute(text(f'SELECT * FROM "{table}"')).all() for table in tables]
    return str(rows)


def test_the_audit_tells_of_a_first_log_in(portal: Portal, odd: Hostile, browser: Browser) -> None:
    entered(browser)

    assert "identity.first_seen" in everything(portal)
