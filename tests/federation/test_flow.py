"""The way there and back: whose answer it is, where it leads, and which session comes out of it."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.federation import hostile
from tests.federation.attacks import WORDS, drop, listing
from tests.federation.hostile import PERSON, Hostile, Script
from tests.federation.refusals import assert_refused
from tests.federation.stage import Browser, Portal

Browsers = Callable[[], Browser]
# A provider from before RFC 9207.
WITHOUT_ISS = Script(
    discovery=lambda told: told | {"authorization_response_iss_parameter_supported": False}, back=drop("iss")
)
ALICE = {
    **PERSON,
    "sub": "alice",
    "name": "Alice Able",
    "email": "alice@other.example",
    "eppn": "alice@other.example",
}
EVIL = [
    "//evil.example",
    "https://evil.example",
    "\\\\evil.example",
    "/\\evil.example",
    "/\t/evil.example",
    "/\r\nLocation: https://evil.example",
    "/\0/evil.example",
    " //evil.example",
    "/ /evil.example",
    "///evil.example",
    "javascript:alert(1)",
    "http:evil.example",
    "evil.example",
    "/\u2028/evil.example",
    "/" + "a" * 3000,
]


@pytest.fixture
def other(portal: Portal) -> Iterator[Hostile]:
    """A second provider, honest, where Alice logs in."""
    with hostile.running() as provider:
        provider.person = ALICE
        portal.register_hostile(provider, "other")
        yield provider


def changed(address: str, **values: str) -> str:
    """The address with these values in its query."""
    parts = urlsplit(address)
    given = {name: found[0] for name, found in parse_qs(parts.query).items()}
    return parts._replace(query=urlencode({**given, **values})).geturl()


def part(address: str, name: str) -> str:
    return parse_qs(urlsplit(address).query)[name][0]


def handle(browser: Browser) -> str:
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.jar.cookies)


def replayed(browsers: Browsers, cookies: str) -> Browser:
    """Another browser that sends these cookies."""
    thief = browsers()
    thief.jar.headers["Cookie"] = cookies
    return thief


def test_row_24_a_state_of_another_browser_is_refused(
    portal: Portal, odd: Hostile, browsers: Browsers
) -> None:
    attacker, victim = browsers(), browsers()
    bait = attacker.callback()
    victim.start()

    answer = victim.get(bait)

    assert_refused(victim, answer, odd)
    assert odd.seen["/token"] == 0
    assert portal.accounts() == (0, 0)


def test_row_24_somebody_elses_try_does_not_spoil_the_log_in(odd: Hostile, browsers: Browsers) -> None:
    person, other = browsers(), browsers()
    address = person.callback()
    other.get(address)

    person.welcomed(person.get(address))

    assert person.logged_in()


def test_row_24_a_browser_without_cookies_is_refused(odd: Hostile, browsers: Browsers) -> None:
    address, victim = browsers().callback(), browsers()

    answer = victim.get(address)

    assert_refused(victim, answer, odd)
    assert odd.seen["/token"] == 0


def test_row_24_a_state_is_good_for_one_time(odd: Hostile, browser: Browser) -> None:
    address = browser.callback()
    browser.welcomed(browser.get(address))
    browser.post("/logout")

    answer = browser.get(address)

    assert_refused(browser, answer, odd)
    assert odd.seen["/token"] == 1


def test_row_24_a_refused_answer_uses_the_state_up(odd: Hostile, browser: Browser) -> None:
    address = browser.callback()
    browser.get(changed(address, iss="https://elsewhere.example"))

    answer = browser.get(address)

    assert_refused(browser, answer, odd)
    assert odd.seen["/token"] == 0


def test_row_25_an_error_without_a_state_says_nothing_foreign(odd: Hostile, browser: Browser) -> None:
    answer = browser.get("/login/odd/callback?" + urlencode({"error": WORDS, "error_description": WORDS}))

    assert_refused(browser, answer, odd)


def test_row_25_an_unknown_provider_has_no_callback(odd: Hostile, browser: Browser) -> None:
    address = browser.callback().replace("/login/odd/", "/login/unheard-of/")

    assert browser.get(address).status_code == 404
    assert not browser.logged_in()


@pytest.mark.parametrize("script", [hostile.HONEST, WITHOUT_ISS], ids=["iss given", "iss unheard of"])
def test_row_27_a_code_of_one_provider_is_refused_at_the_callback_of_another(
    script: Script, odd: Hostile, other: Hostile, browser: Browser
) -> None:
    odd.script = other.script = script
    address = browser.callback("other").replace("/login/other/", "/login/odd/")

    answer = browser.get(address)

    assert_refused(browser, answer, odd)
    assert (odd.seen["/token"], other.seen["/token"]) == (0, 0)


@pytest.mark.parametrize("advertised", [True, False], ids=["iss advertised", "iss not advertised"])
def test_row_28_an_honest_code_never_reaches_the_hostile_provider(
    advertised: bool, odd: Hostile, other: Hostile, browser: Browser
) -> None:
    odd.script = Script(
        discovery=lambda told: told | {"authorization_response_iss_parameter_supported": advertised}
    )
    honest, bait = browser.callback("other"), browser.callback("odd")

    answer = browser.get(changed(bait, code=part(honest, "code"), iss=other.issuer))

    assert_refused(browser, answer, odd)
    assert odd.seen["/token"] == 0


def test_row_29_a_callback_is_never_posted_to(portal: Portal, odd: Hostile, browser: Browser) -> None:
    address = browser.callback()
    path, _, query = address.partition("?")

    posted = [
        browser.post(address).status_code,
        browser.post(path, {name: found[0] for name, found in parse_qs(query).items()}).status_code,
        browser.post(address, Origin=odd.issuer, Sec_Fetch_Site="cross-site").status_code,
    ]

    assert posted[:2] == [405, 405]
    assert posted[2] in (403, 405)
    assert portal.accounts() == (0, 0)
    assert not browser.logged_in()


@pytest.mark.parametrize("address", EVIL, ids=ascii)
def test_row_34_log_in_leads_nowhere_else(
    address: str, portal: Portal, odd: Hostile, browser: Browser
) -> None:
    browser.welcomed(browser.start(follow=True))
    page = browser.get("/login?" + urlencode({"next": address}))

    answer = browser.start(wanted=address, follow=True)

    assert answer.url in (f"{portal.address}/", f"{portal.address}/home")
    assert all(
        "Location" not in step.headers or "evil" not in step.headers["Location"] for step in answer.history
    )
    assert "evil" not in page.text


@pytest.mark.parametrize("address", EVIL[:4], ids=ascii)
def test_row_34_a_first_log_in_leads_nowhere_else(
    address: str, portal: Portal, odd: Hostile, browser: Browser
) -> None:
    answer = browser.welcomed(browser.start(wanted=address, follow=True))

    assert answer.url in (f"{portal.address}/", f"{portal.address}/home")


@pytest.mark.parametrize("address", ["/projects", "/calls?before=5", "/%09/evil.example"])
def test_log_in_leads_where_the_person_wanted_to_go(
    address: str, portal: Portal, odd: Hostile, browsers: Browsers
) -> None:
    first, again = browsers(), browsers()

    ends = [
        first.welcomed(first.start(wanted=address, follow=True)).url,
        again.start(wanted=address, follow=True).url,
    ]

    assert ends == [portal.address + address] * 2


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "Forwarded"])
def test_row_35_the_way_back_is_never_taken_from_a_header(
    header: str, odd: Hostile, browser: Browser
) -> None:
    forged = {"Forwarded": "host=evil.example;proto=https"}.get(header, "evil.example")

    answer = browser.post("/login/odd", {"next": "/home"}, follow=False, **{header: forged})

    if answer.is_redirect:
        assert part(answer.headers["Location"], "redirect_uri").startswith(browser.portal.address)
    else:
        assert answer.status_code == 400
    assert "evil" not in answer.text + str(answer.headers)


def test_row_35_another_name_of_ours_leads_back_to_the_public_one(odd: Hostile, browser: Browser) -> None:
    answer = browser.post("/login/odd", {"next": "/home"}, follow=False, Host="localhost")

    assert part(answer.headers["Location"], "redirect_uri") == f"{browser.portal.address}/login/odd/callback"


def test_row_36_log_in_as_somebody_else_ends_the_session_before(
    portal: Portal, odd: Hostile, other: Hostile, browser: Browser, browsers: Browsers
) -> None:
    browser.welcomed(browser.start("odd", follow=True))
    before = handle(browser)

    browser.welcomed(browser.start("other", follow=True))

    assert browser.logged_in()
    assert "Alice Able" in browser.get("/home").text
    assert handle(browser) != before
    assert not replayed(browsers, before).logged_in()


def test_row_37_a_handle_from_before_log_in_opens_nothing(odd: Hostile, browsers: Browsers) -> None:
    attacker, victim = browsers(), browsers()
    attacker.start()
    planted = handle(attacker)
    victim.jar.cookies.update(attacker.jar.cookies)

    victim.welcomed(victim.start(follow=True))

    assert victim.logged_in()
    assert handle(victim) != planted
    assert not replayed(browsers, planted).logged_in()
    assert not attacker.logged_in()


def test_row_37_a_second_log_in_gives_a_new_handle(
    odd: Hostile, browser: Browser, browsers: Browsers
) -> None:
    browser.welcomed(browser.start(follow=True))
    before = handle(browser)

    browser.start(follow=True)

    assert handle(browser) != before
    assert not replayed(browsers, before).logged_in()


def test_row_38_a_cookie_is_worth_nothing_after_log_out(
    odd: Hostile, browser: Browser, browsers: Browsers
) -> None:
    browser.welcomed(browser.start(follow=True))
    kept = handle(browser)
    assert replayed(browsers, kept).logged_in()

    browser.post("/logout")

    assert not browser.logged_in()
    assert not replayed(browsers, kept).logged_in()


def test_row_39_there_is_one_cookie_and_scripts_cannot_read_it(odd: Hostile, browser: Browser) -> None:
    answer = browser.start(follow=True)
    given = [step.headers["Set-Cookie"] for step in answer.history if "Set-Cookie" in step.headers]

    assert {cookie.name for cookie in browser.jar.cookies} == {"commons"}
    assert given
    assert all("HttpOnly" in text and "SameSite=Lax" in text for text in given)
    assert all(re.search(r"max-age=\d{6}", text, re.IGNORECASE) is None for text in given)


@pytest.mark.parametrize("path", ["/home", "/account/sessions", "/projects", "/welcome"])
def test_row_41_options_show_nothing_to_a_visitor(path: str, browser: Browser) -> None:
    answer = browser.jar.options(browser.portal.address + path, allow_redirects=False, timeout=10)

    assert answer.text == "" or answer.headers["Location"].startswith("/login")
    assert answer.headers.get("Access-Control-Allow-Origin") is None


def test_a_listed_algorithm_of_the_provider_does_not_widen_ours(portal: Portal, browser: Browser) -> None:
    """Honest in everything, but this provider is registered for ES256 alone."""
    with hostile.running(Script(discovery=listing("ES256"))) as provider:
        portal.register_hostile(provider, algorithms=["ES256"])

        answer = browser.start(follow=True)

        assert_refused(browser, answer, provider)


def test_a_disabled_provider_is_gone(portal: Portal, odd: Hostile, browser: Browser) -> None:
    address = browser.callback()
    portal.disable("odd")

    answers = [browser.get(address).status_code, browser.start().status_code]

    assert answers == [404, 404]
    assert "Log-in of odd" not in browser.get("/login").text
    assert portal.accounts() == (0, 0)


def test_the_clients_secret_may_not_be_missing(portal: Portal, odd: Hostile, browser: Browser) -> None:
    """A name that the secrets file does not hold: no log-in without a secret."""
    with hostile.running() as provider:
        portal.register_hostile(provider, "nameless", secret_setting="unheard-of")

        answer = browser.start("nameless", follow=True)

        assert_refused(browser, answer, provider)
