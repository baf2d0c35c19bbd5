"""ORCID: a log-in there proves an iD for the profile, and opens no account."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from allocations.people.persons import Person
from tests.federation import hostile
from tests.federation.hostile import PERSON, Hostile
from tests.federation.linked import PAGE, confirmed
from tests.federation.stage import Browser, Portal

ORCID = "0000-0002-1825-0097"


@pytest.fixture
def orcid(trusted: Portal) -> Iterator[Hostile]:
    """Of the kind that proves an iD; the person's subject is one."""
    with hostile.running() as provider:
        provider.person = {"sub": ORCID, "name": "Uma Lind"}
        trusted.register("odd", provider.issuer, homes={}, kind="orcid", name="ORCID")
        yield provider


def proof(browser: Browser, provider: Hostile) -> dict[str, Any]:
    """Goes to ORCID and confirms what comes back."""
    page = browser.post("/account/orcid/odd")
    answer = confirmed(browser, page)
    with browser.portal.sessions() as session:
        kept = session.scalars(select(Person.orcid).order_by(Person.id)).all()
    return {"page": page.text, "answer": answer, "kept": kept}


def test_an_orcid_log_in_proves_an_id_and_opens_nothing(
    trusted: Portal, browser: Browser, orcid: Hostile
) -> None:
    """No second factor is asked for: an iD opens no door."""
    browser.log_in_at("north", "uma")

    found = proof(browser, orcid)

    assert ORCID in found["page"]
    assert found["kept"] == [ORCID]
    assert found["answer"].url == f"{trusted.address}{PAGE}"
    assert trusted.accounts() == (1, 1)


def test_an_orcid_id_is_proved_from_the_welcome_page(
    trusted: Portal, browser: Browser, orcid: Hostile
) -> None:
    page = browser.choose(browser.start("north", follow=True), "uma")
    assert page.url.endswith("/welcome")
    assert "/account/orcid/odd" in page.text

    found = proof(browser, orcid)

    assert found["kept"] == [ORCID]
    assert found["answer"].url.endswith("/welcome")
    assert ORCID in found["answer"].text
    assert browser.welcomed(found["answer"]).url.endswith("/home")


def test_nobody_logs_in_through_orcid(trusted: Portal, browser: Browser, orcid: Hostile) -> None:
    answer = browser.start("odd", follow=True)

    assert answer.status_code == 404
    assert "ORCID" not in browser.get("/login").text.partition("<main")[2]
    assert trusted.accounts() == (0, 0)
    assert not browser.logged_in()


def test_a_subject_that_is_no_id_proves_none(trusted: Portal, browser: Browser, orcid: Hostile) -> None:
    browser.log_in_at("north", "uma")
    proof(browser, orcid)
    orcid.person = PERSON

    found = proof(browser, orcid)

    assert found["answer"].status_code == 409
    assert found["kept"] == [ORCID]
    assert browser.logged_in()


def test_another_kind_of_provider_is_not_asked_for_an_id(trusted: Portal, uma: Browser) -> None:
    """It would add a log-in without a second factor."""
    assert uma.post("/account/orcid/south").status_code == 404
    assert uma.post("/account/orcid/nobody").status_code == 404
