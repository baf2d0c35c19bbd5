"""A program without a browser: a code on its screen, typed by a person who sees what they agree to."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests
from sqlalchemy import select, update

from allocations.kernel import clock
from allocations.kernel.audit import AuditEntry
from allocations.people.persons import Person
from portal.auth.throttle import Failure
from portal.provider.clients import DEVICE, Client
from portal.provider.devices import LETTERS, DeviceRequest
from tests.federation.forms import heading
from tests.federation.stage import Browser, Portal
from tests.provider.party import Failed, Party
from tests.provider.stage import LOCAL, Site, agree, log_in
from tests.provider.stage import site as new_site

Browsers = Callable[[], Browser]


@pytest.fixture
def kubectl(portal: Portal, party: Party) -> Site:
    given = {"public": True, "redirect_uris": (LOCAL,), "scopes": ("openid", "groups")}
    return new_site(portal, party, "kubectl", **given)


def _begin(site: Site) -> dict[str, Any]:
    begun: dict[str, Any] = site.do("device", scope="openid groups")
    return begun


def _poll(site: Site, begun: dict[str, Any]) -> dict[str, Any]:
    form = {"device_code": begun["device_code"]}
    got: dict[str, Any] = site.do("grant", type=DEVICE, form=form)
    return got


def _refused(site: Site, begun: dict[str, Any]) -> str:
    with pytest.raises(Failed) as refused:
        _poll(site, begun)
    return str(refused.value.error)


def _type(browser: Browser, code: str) -> requests.Response:
    return browser.submit(browser.get("/device"), {"user_code": code})


def _answer(browser: Browser, code: str, answer: str = "allow") -> requests.Response:
    return agree(browser, _type(browser, code), answer)


def test_a_program_gets_its_tokens_after_the_person_agreed(kubectl: Site, browser: Browser) -> None:
    begun = _begin(kubectl)
    assert _refused(kubectl, begun) == "authorization_pending"
    page = _type(browser, begun["user_code"].lower().replace("-", " "))
    assert agree(browser, page).status_code == 303

    done = _poll(kubectl, begun)

    assert heading(page.text) == "Let Site kubectl log in as you?"
    assert "127.0.0.1" in page.text
    assert "projects as groups" in page.text
    assert done["claims"]["aud"] == "kubectl"
    assert kubectl.do("refresh", token=done["refresh_token"])["id_token"]


def test_the_code_of_a_link_is_filled_in_and_still_asked_about(kubectl: Site, browser: Browser) -> None:
    begun = _begin(kubectl)

    page = browser.get(begun["verification_uri_complete"])

    assert f'value="{begun["user_code"]}"' in page.text
    assert _refused(kubectl, begun) == "authorization_pending"


def test_a_user_code_is_long_and_of_clear_letters(kubectl: Site) -> None:
    codes = [_begin(kubectl)["user_code"] for _ in range(5)]

    assert len(set(codes)) == 5
    assert all(len(code.replace("-", "")) == 8 for code in codes)
    assert set("".join(codes)) <= {*LETTERS, "-"}
    assert not set("AEIOU01") & set(LETTERS)


def test_a_program_that_asks_too_often_is_told_to_slow_down(kubectl: Site, browser: Browser) -> None:
    begun = _begin(kubectl)

    heard = [_refused(kubectl, begun) for _ in range(3)]

    assert heard == ["authorization_pending", "slow_down", "slow_down"]
    with kubectl.portal.sessions() as session:
        assert session.scalars(select(DeviceRequest.interval)).one() == begun["interval"] + 10


def test_a_device_code_gives_once_and_a_second_use_ends_it(kubectl: Site, browser: Browser) -> None:
    begun = _begin(kubectl)
    _answer(browser, begun["user_code"])
    done = _poll(kubectl, begun)

    assert _refused(kubectl, begun) == "invalid_grant"
    with pytest.raises(Failed):
        kubectl.do("refresh", token=done["refresh_token"])


def test_a_person_who_does_not_agree_says_so_to_the_program(kubectl: Site, browser: Browser) -> None:
    begun = _begin(kubectl)

    _answer(browser, begun["user_code"], "deny")

    assert _refused(kubectl, begun) == "access_denied"


def test_a_code_is_answered_once(kubectl: Site, browser: Browser, browsers: Browsers) -> None:
    begun = _begin(kubectl)
    page = _type(browser, begun["user_code"])
    _answer(log_in(browsers(), "uma"), begun["user_code"], "deny")

    late = agree(browser, page)

    assert late.status_code == 409
    assert "answered already" in late.text
    assert _refused(kubectl, begun) == "access_denied"


def test_an_old_code_is_good_for_nobody(kubectl: Site, browser: Browser) -> None:
    begun = _begin(kubectl)
    with kubectl.portal.sessions() as session, session.begin():
        session.execute(update(DeviceRequest).values(expires_at=clock.now() - timedelta(seconds=1)))

    assert _type(browser, begun["user_code"]).status_code == 422
    assert _refused(kubectl, begun) == "expired_token"


def test_after_five_wrong_codes_a_person_waits_and_nobody_else(
    kubectl: Site, browser: Browser, browsers: Browsers
) -> None:
    begun = _begin(kubectl)

    wrong = [_type(browser, f"BCDF-GHJ{letter}") for letter in "KLMNP"]
    right = _type(browser, begun["user_code"])

    assert {answer.status_code for answer in wrong} == {422}
    assert all("Nothing waits" in answer.text for answer in wrong)
    assert (right.status_code, "too many wrong codes" in right.text) == (422, True)
    assert _type(log_in(browsers(), "uma"), begun["user_code"]).status_code == 200
    with kubectl.portal.sessions() as session:
        assert session.scalars(select(Failure.kind)).all() == ["code"] * 5


@pytest.mark.parametrize("gone", ["person", "client"])
def test_what_was_agreed_to_ends_with_its_person_and_its_client(
    gone: str, kubectl: Site, browser: Browser
) -> None:
    begun = _begin(kubectl)
    _answer(browser, begun["user_code"])
    with kubectl.portal.sessions() as session, session.begin():
        session.execute(update(Person if gone == "person" else Client).values(disabled_at=clock.now()))

    assert _refused(kubectl, begun) in ("invalid_grant", "invalid_client")


def test_a_client_without_the_grant_gets_no_code(site: Site, portal: Portal, party: Party) -> None:
    web = new_site(portal, party, "site-w", grant_types=("authorization_code",))

    with pytest.raises(Failed) as refused:
        web.do("device", scope="openid")
    with pytest.raises(Failed) as greedy:
        site.do("device", scope="openid nonsense")

    assert (refused.value.error, greedy.value.error) == ("unauthorized_client", "invalid_scope")


def test_a_device_code_is_for_the_program_that_asked(kubectl: Site, site: Site, browser: Browser) -> None:
    begun = _begin(kubectl)
    _answer(browser, begun["user_code"])

    assert _refused(site, begun) == "unauthorized_client"
    assert _poll(kubectl, begun)["access_token"]


def test_agreeing_is_in_the_audit_trail(kubectl: Site, browser: Browser) -> None:
    _answer(browser, _begin(kubectl)["user_code"])

    with kubectl.portal.sessions() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.verb == "client.consent")).one()
    assert (entry.actor_name, entry.subject) == ("Priya", "client-kubectl")
    assert "127.0.0.1" in entry.note
