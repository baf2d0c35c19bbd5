"""What a client may ask of the log-in itself: silence, a new log-in, a second factor; and who gets none."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import requests
from sqlalchemy import select, update

from allocations.kernel import clock
from allocations.people.persons import Person
from portal.auth.sessions import LoginSession
from portal.auth.step_up import MFA
from portal.provider.clients import Client
from portal.provider.codes import Code
from portal.provider.families import Family
from tests.federation.stage import Browser, Portal
from tests.provider.party import Failed, Party
from tests.provider.stage import Site, arrive, log_in, stopped, told
from tests.provider.stage import site as new_site

Browsers = Callable[[], Browser]


def _path(answer: requests.Response) -> str:
    return urlsplit(answer.headers["Location"]).path


def _next(answer: requests.Response) -> str:
    return told(answer.headers["Location"])["next"]


def _age(portal: Portal, by: timedelta, acr: str = "") -> None:
    """All sessions began so much earlier, in this way."""
    with portal.sessions() as session, session.begin():
        then = clock.now() - by
        session.execute(update(LoginSession).values(auth_time=then, began_at=then, acr=acr))


def test_somebody_who_is_not_logged_in_does_so_first_and_comes_back(site: Site, browsers: Browsers) -> None:
    browser = browsers()
    asked = site.ask("openid profile email entitlements groups ga4gh_passport_v1", state="s" * 600)
    seen = stopped(browser, asked["url"])
    assert seen.url.split("?")[0].endswith("/login")

    answer = browser.post("/login", {"who": "priya", "next": told(seen.url)["next"]}, follow=False)

    assert answer.headers["Location"] == asked["url"].removeprefix(site.portal.address)
    landed = arrive(browser, answer.headers["Location"])
    assert site.finish({**asked, "state": "s" * 600}, landed)["access_token"]


@pytest.mark.parametrize("state", ["nobody", "no consent", "too old", "no factor"])
def test_with_prompt_none_the_client_hears_what_was_needed(
    state: str, site: Site, browsers: Browsers
) -> None:
    browser = browsers()
    more = {"max_age": "60"} if state == "too old" else {"acr_values": MFA} if state == "no factor" else {}
    if state != "nobody":
        log_in(browser, "priya")
    if state in ("too old", "no factor"):
        arrive(browser, site.ask()["url"])
        _age(site.portal, timedelta(minutes=5))

    answer = stopped(browser, site.ask(prompt="none", **more)["url"])

    heard = {
        "nobody": "login_required",
        "no consent": "consent_required",
        "too old": "login_required",
        "no factor": "unmet_authentication_requirements",
    }
    assert told(answer.headers["Location"])["error"] == heard[state]


def test_with_prompt_none_somebody_who_agreed_before_sees_nothing(site: Site, browser: Browser) -> None:
    site.log_in(browser)
    asked = site.ask(prompt="none")

    answer = browser.get(asked["url"], follow=False)

    assert site.finish(asked, answer.headers["Location"])["access_token"]


@pytest.mark.parametrize("more", [{"prompt": "login"}, {"max_age": "60"}, {"max_age": "0"}], ids=str)
def test_a_client_that_wants_a_new_log_in_gets_one(
    more: dict[str, str], site: Site, browser: Browser
) -> None:
    """Ninety seconds could be a slow clock at the identity provider; ours knows when the session began."""
    site.log_in(browser)
    _age(site.portal, timedelta(seconds=90))
    asked = site.ask(**more)

    first = browser.get(asked["url"], follow=False)
    again = browser.get(_next(first), follow=False)
    page = browser.get(first.headers["Location"])
    log_in(browser, "priya")
    landed = arrive(browser, _next(first))

    assert _path(first) == _path(again) == "/login", "coming back without a log-in is not enough"
    assert "prompt=login" not in _next(first)
    assert page.status_code == 200
    done = site.finish(asked, landed, maxAge=60)
    assert done["claims"]["auth_time"] >= clock.now().timestamp() - 30


def test_a_second_factor_is_asked_for_and_told(site: Site, browser: Browser) -> None:
    _age(site.portal, timedelta(minutes=5), "https://refeds.org/profile/sfa")
    weak = site.log_in(browser)
    asked = site.ask(acr_values=MFA)

    answer = browser.get(asked["url"], follow=False)
    _age(site.portal, timedelta(minutes=5), MFA)
    done = site.finish(asked, arrive(browser, asked["url"]))

    assert _path(answer) == "/step-up"
    assert _next(answer) == asked["url"].removeprefix(site.portal.address)
    assert (weak["claims"]["acr"], done["claims"]["acr"]) == ("https://refeds.org/profile/sfa", MFA)


def test_an_old_second_factor_is_not_enough(site: Site, browser: Browser) -> None:
    _age(site.portal, timedelta(minutes=20), MFA)

    assert _path(browser.get(site.ask(acr_values=MFA)["url"], follow=False)) == "/step-up"


def test_somebody_who_was_not_welcomed_yet_is_welcomed_first(site: Site, browser: Browser) -> None:
    with site.portal.sessions() as session, session.begin():
        session.execute(update(Person).values(welcomed_at=None))
    asked = site.ask()

    page = browser.get(browser.get(asked["url"], follow=False).headers["Location"])
    back = browser.submit(page, {"agree": "yes"})

    assert page.url.endswith("/welcome")
    assert "Continue to Site site-a?" in back.text


def test_a_closed_person_loses_everything_at_once(site: Site, browser: Browser) -> None:
    done, asked = site.log_in(browser), site.ask()
    landed = arrive(browser, asked["url"])
    with site.portal.sessions() as session, session.begin():
        session.execute(update(Person).values(disabled_at=clock.now()))

    with pytest.raises(Failed) as refresh:
        site.do("refresh", token=done["refresh_token"])
    with pytest.raises(Failed) as code:
        site.finish(asked, landed)
    with pytest.raises(Failed):
        site.do("userinfo", token=done["access_token"], sub=done["claims"]["sub"])
    assert (refresh.value.error, code.value.error) == ("invalid_grant", "invalid_grant")
    assert site.do("introspect", token=done["access_token"]) == {"active": False}
    assert _path(browser.get(site.ask()["url"], follow=False)) == "/login"


def test_a_disabled_client_loses_everything_at_once(site: Site, browser: Browser, party: Party) -> None:
    neighbour = new_site(site.portal, party, "site-n", house="North Computing")
    done = site.log_in(browser)
    with site.portal.sessions() as session, session.begin():
        session.execute(update(Client).where(Client.client_id == "site-a").values(disabled_at=clock.now()))

    with pytest.raises(Failed) as refused:
        site.do("refresh", token=done["refresh_token"])
    assert refused.value.status == 401
    assert neighbour.do("introspect", token=done["access_token"]) == {"active": False}
    assert browser.get(site.ask()["url"], follow=False).status_code == 400


def test_a_family_ends_after_twelve_hours_however_often_it_was_refreshed(
    site: Site, browser: Browser
) -> None:
    done = site.do("refresh", token=site.log_in(browser)["refresh_token"])
    with site.portal.sessions() as session, session.begin():
        session.execute(update(Family).values(ends_at=clock.now()))

    with pytest.raises(Failed) as refused:
        site.do("refresh", token=done["refresh_token"])
    assert refused.value.error == "invalid_grant"


def test_a_code_is_good_for_a_minute(site: Site, browser: Browser) -> None:
    asked = site.ask()
    landed = arrive(browser, asked["url"])
    with site.portal.sessions() as session, session.begin():
        row = session.scalars(select(Code)).one()
        assert timedelta(0) < row.expires_at - clock.now() <= timedelta(minutes=1)
        row.expires_at = clock.now()

    with pytest.raises(Failed) as refused:
        site.finish(asked, landed)
    assert refused.value.error == "invalid_grant"
