"""Step-up: what matters wants a second factor just now, of the same identity in the same session."""

import time
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.federation import hostile
from tests.federation.attacks import drop, put
from tests.federation.certified import MFA, NORTHERN, SFA, Certified
from tests.federation.forms import forms_of
from tests.federation.hostile import PERSON, Change, Hostile, Script
from tests.federation.stage import Browser, Portal

Browsers = Callable[[], Browser]
WEAK: dict[str, Change] = {
    "the log-in is an hour old": lambda told, _: told | {"auth_time": told["iat"] - 3600},
    "no time of log-in": drop("auth_time"),
    "a time of log-in to come": lambda told, _: told | {"auth_time": told["iat"] + 3600},
    "a time of log-in as text": lambda told, _: told | {"auth_time": str(told["iat"])},
    "a lower level": put(acr=SFA),
    "no level": drop("acr"),
    "methods only": lambda told, _: {**drop("acr")(told, _), "amr": ["pwd", "otp", "mfa"]},
    "the level inside a list": put(acr=[MFA]),
    "the level with words around it": put(acr=f"{SFA} {MFA}"),
    "somebody else": put(sub="somebody-else"),
}


@pytest.fixture
def strong(portal: Portal) -> Iterator[Hostile]:
    """A provider that the registry trusts for second factors; honest, and everybody uses one."""
    with hostile.running() as provider:
        provider.person = {**PERSON, "acr": SFA}
        portal.register_hostile(provider, trusts_mfa=True)
        yield provider


def entered(browser: Browser) -> Browser:
    browser.welcomed(browser.start(follow=True))
    assert browser.logged_in()
    return browser


def form_that_matters(browser: Browser, reason: str = "A good reason.") -> str:
    """Sends one that wants a second factor; the address of the step-up page it leads to."""
    answer = browser.post("/access-grants/1/revoke", {"reason": reason}, follow=False)
    assert answer.status_code == 303
    return answer.headers["Location"]


def wanted(address: str) -> str:
    return parse_qs(urlsplit(address).query)["next"][0]


def test_a_form_that_matters_comes_back_after_the_step_up(strong: Hostile, browser: Browser) -> None:
    address = form_that_matters(entered(browser), reason="Words that took <an hour>.")
    assert address.startswith("/step-up?")
    strong.person = {**PERSON, "acr": MFA}

    answer = browser.submit(browser.get(address), {"next": wanted(address)})

    assert answer.url.endswith(wanted(address))
    assert "Words that took &lt;an hour&gt;." in answer.text


def test_the_provider_is_asked_for_a_second_factor_now(strong: Hostile, browser: Browser) -> None:
    address = form_that_matters(entered(browser))

    browser.submit(browser.get(address), {"next": wanted(address)})

    asked = list(strong.logins.values())[-1].asked
    assert asked["max_age"] == "0"
    assert MFA in asked["acr_values"].split()
    assert strong.complaints == []


@pytest.mark.parametrize("weakness", WEAK)
def test_row_42_a_weak_answer_is_refused(
    weakness: str, portal: Portal, strong: Hostile, browser: Browser
) -> None:
    address = form_that_matters(entered(browser))
    before = portal.acrs()
    strong.person = {**PERSON, "acr": MFA}
    strong.script = Script(claims=WEAK[weakness], userinfo=lambda told, _: {"sub": told["sub"]})

    answer = browser.submit(browser.get(address), {"next": wanted(address)})

    assert answer.status_code == 403
    assert portal.acrs() == before, "a session was begun"
    assert portal.accounts() == (1, 1)
    assert form_that_matters(browser).startswith("/step-up?")


def test_row_42_userinfo_does_not_step_anybody_up(strong: Hostile, browser: Browser) -> None:
    """The level is of the token that answers this request, not of a description of the person."""
    address = form_that_matters(entered(browser))
    strong.person = {**PERSON, "acr": MFA}
    strong.script = Script(claims=drop("acr", "auth_time"), userinfo=put(acr=MFA, auth_time=int(time.time())))

    answer = browser.submit(browser.get(address), {"next": wanted(address)})

    assert answer.status_code == 403


def test_a_step_up_gives_a_new_handle(strong: Hostile, browser: Browser, browsers: Browsers) -> None:
    address = form_that_matters(entered(browser))
    before = {cookie.name: cookie.value for cookie in browser.jar.cookies}
    strong.person = {**PERSON, "acr": MFA}

    browser.submit(browser.get(address), {"next": wanted(address)})

    thief = browsers()
    thief.jar.cookies.update(before)
    assert browser.logged_in()
    assert not thief.logged_in()


def test_row_44_a_step_up_does_not_finish_in_another_session(strong: Hostile, browsers: Browsers) -> None:
    """Begun in one session, log-out and log-in in between: the answer fits no longer."""
    browser = entered(browsers())
    address = form_that_matters(browser)
    strong.person = {**PERSON, "acr": MFA}
    sent = browser.post("/step-up", {"next": wanted(address)}, follow=False).headers["Location"]
    bait = browser.get(sent, follow=False).headers["Location"]
    browser.post("/logout")
    strong.person = {**PERSON, "sub": "another", "acr": SFA}
    browser.welcomed(browser.start(follow=True))

    answer = browser.get(bait)

    assert answer.status_code == 403
    assert form_that_matters(browser).startswith("/step-up?")


def test_a_session_that_was_ended_meanwhile_is_not_revived(strong: Hostile, browsers: Browsers) -> None:
    lost, desk = entered(browsers()), entered(browsers())
    address = form_that_matters(lost)
    strong.person = {**PERSON, "acr": MFA}
    sent = lost.post("/step-up", {"next": wanted(address)}, follow=False).headers["Location"]
    bait = lost.get(sent, follow=False).headers["Location"]
    page = desk.get("/account/sessions")
    desk.submit(page, {"session": forms_of(page.text)[-1].fields["session"]})
    assert not lost.logged_in()

    answer = lost.get(bait)

    assert answer.status_code == 403
    assert not lost.logged_in()
    assert desk.logged_in()


def test_a_kept_form_is_for_its_sender_only(strong: Hostile, browsers: Browsers) -> None:
    kept = wanted(form_that_matters(entered(browsers()), reason="Between us."))
    strong.person = {**PERSON, "sub": "eve", "name": "Eve"}
    eve = entered(browsers())

    answer = eve.get(kept)

    assert answer.status_code == 404
    assert "Between us." not in answer.text


def test_a_provider_that_is_not_trusted_for_it_cannot_confirm(odd: Hostile, browser: Browser) -> None:
    odd.person = {**PERSON, "acr": MFA}
    address = form_that_matters(entered(browser))
    before = odd.seen["/authorize"]

    answer = browser.post("/step-up", {"next": wanted(address)})

    assert answer.status_code < 500
    assert "cannot confirm a second factor" in answer.text
    assert odd.seen["/authorize"] == before


@pytest.mark.parametrize("address", ["//evil.example", "https://evil.example", "/\\evil.example"], ids=ascii)
def test_a_step_up_leads_nowhere_else(address: str, strong: Hostile, browser: Browser) -> None:
    entered(browser)
    strong.person = {**PERSON, "acr": MFA}

    answer = browser.post("/step-up", {"next": address})

    assert answer.url == f"{browser.portal.address}/home"


def test_the_certified_provider_steps_up(
    portal: Portal, federation: dict[str, Certified], browser: Browser
) -> None:
    homes = {NORTHERN: "northern.example"}
    portal.register("north", federation["north"].issuer, homes=homes, kind="cilogon", trusts_mfa=True)
    browser.log_in_at("north", "uma")
    address = form_that_matters(browser, reason="Words of Uma.")

    page = browser.submit(browser.get(address), {"next": wanted(address)})
    answer = browser.choose(page, "uma", MFA)

    assert answer.url.endswith(wanted(address))
    assert "Words of Uma." in answer.text
    assert portal.acrs() == [SFA, MFA]


@pytest.mark.parametrize(
    ("persona", "acr"), [("uma", SFA), ("nils", MFA)], ids=["no factor", "somebody else"]
)
def test_the_certified_provider_does_not_step_up(
    persona: str, acr: str, portal: Portal, federation: dict[str, Certified], browser: Browser
) -> None:
    portal.register("north", federation["north"].issuer, homes={}, kind="cilogon", trusts_mfa=True)
    browser.log_in_at("north", "uma")
    address = form_that_matters(browser)

    page = browser.submit(browser.get(address), {"next": wanted(address)})
    answer = browser.choose(page, persona, acr)

    assert answer.status_code in (400, 403)
    assert portal.acrs() == [SFA]
    assert form_that_matters(browser).startswith("/step-up?")
