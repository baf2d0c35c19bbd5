"""People see what sites and programs hold of them, and take it back."""

import pytest

from tests.federation.stage import Browser
from tests.provider.party import Failed
from tests.provider.stage import Site, log_in


def test_a_person_sees_what_a_site_holds_and_takes_it_back(site: Site, browser: Browser) -> None:
    done = site.log_in(browser)
    listed = browser.get("/account/sites")
    assert "Recognise you by an identifier" in listed.text

    answer = browser.submit(listed, {"client": "1"})

    assert "You have agreed to nothing yet." in answer.text
    assert site.do("introspect", token=done["access_token"]) == {"active": False}
    with pytest.raises(Failed) as refresh:
        site.do("refresh", token=done["refresh_token"])
    assert refresh.value.error == "invalid_grant"
    asked_again = browser.get(site.ask()["url"], follow=False)
    assert asked_again.status_code == 200, "the person is asked again"


def test_nobody_takes_back_what_somebody_else_agreed_to(site: Site, browser: Browser) -> None:
    done = site.log_in(browser)
    other = Browser(browser.portal)
    log_in(other, "uma")

    assert "You have agreed to nothing yet." in other.get("/account/sites").text
    other.post("/account/sites/take-back", {"client": "1"})
    other.close()

    assert site.do("introspect", token=done["access_token"])["active"] is True
