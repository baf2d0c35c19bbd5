"""Which account a log-in leads to, and what of a provider's words is believed."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import select

from allocations.kernel import clock
from allocations.people.persons import Identity
from tests.federation import hostile
from tests.federation.certified import MFA, UNLISTED
from tests.federation.hostile import PERSON, Hostile
from tests.federation.refusals import assert_refused
from tests.federation.stage import Browser, Portal

Browsers = Callable[[], Browser]
SUB = PERSON["sub"]
RAF = ["https://refeds.org/assurance/IAP/high", "https://refeds.org/assurance/ID/unique"]
BIDI = "Mallory\u202e ecilaM\x00\x1b[31m\r\nSet-Cookie: x=y"


@pytest.fixture
def other(portal: Portal) -> Iterator[Hostile]:
    with hostile.running() as provider:
        portal.register_hostile(provider, "other")
        yield provider


def log_in(browser: Browser, provider: Hostile, slug: str = "odd", **about: Any) -> Identity:
    """As the provider's person with these claims (None leaves one out); the identity it led to."""
    told = {**PERSON, **about}
    provider.person = {name: value for name, value in told.items() if value is not None}
    answer = browser.start(slug, follow=True)
    assert answer.status_code == 200, answer.text
    mine = (Identity.issuer == provider.issuer, Identity.subject == provider.person["sub"])
    with browser.portal.sessions() as session:
        return session.scalars(select(Identity).where(*mine)).one()


def test_the_same_subject_comes_back_to_the_same_person(
    portal: Portal, odd: Hostile, browsers: Browsers
) -> None:
    found = [log_in(browsers(), odd) for _ in range(2)]

    assert found[0].person_id == found[1].person_id
    assert portal.accounts() == (1, 1)


def test_row_45_one_subject_at_two_issuers_is_two_persons(
    portal: Portal, odd: Hostile, other: Hostile, browsers: Browsers
) -> None:
    found = [log_in(browsers(), odd), log_in(browsers(), other, "other")]

    assert found[0].person_id != found[1].person_id
    assert portal.accounts() == (2, 2)


@pytest.mark.parametrize("twin", [SUB.upper(), SUB + " ", SUB + "/", "ſ" + SUB], ids=ascii)
def test_row_45_a_subject_written_otherwise_is_another_person(
    twin: str, portal: Portal, odd: Hostile, browsers: Browsers
) -> None:
    first = log_in(browsers(), odd)

    odd.person = {**PERSON, "sub": twin}
    browsers().start(follow=True)

    persons = {identity.person_id for identity in portal.identities() if identity.subject != SUB}
    assert first.person_id not in persons


@pytest.mark.parametrize("shared", ["email", "eppn", "name"])
def test_no_other_claim_finds_an_account(
    shared: str, portal: Portal, odd: Hostile, browsers: Browsers
) -> None:
    """Two subjects with the same address, eppn and name, as a reassigned eppn would have."""
    log_in(browsers(), odd)

    log_in(browsers(), odd, sub="another", **{shared: PERSON[shared]})

    assert portal.accounts() == (2, 2)


def test_row_46_a_foreign_affiliation_is_dropped(odd: Hostile, browser: Browser) -> None:
    affiliation = (
        "faculty@mit.edu;member@hostile.example;staff@sub.hostile.example;staff@hostile.example.evil"
    )

    found = log_in(browser, odd, affiliation=affiliation)

    assert found.affiliations == ["member@hostile.example"]


@pytest.mark.parametrize(
    "affiliation",
    [
        ["faculty@hostile.example"],
        "faculty@hostile.example",
        "faculty@HOSTILE.example",
        "faculty@hostile.example;",
    ],
    ids=["a list", "a word", "capitals", "a semicolon too many"],
)
def test_an_affiliation_is_read_in_each_way_it_is_written(
    affiliation: object, odd: Hostile, browser: Browser
) -> None:
    found = log_in(browser, odd, affiliation=affiliation)

    assert [text.lower() for text in found.affiliations] == ["faculty@hostile.example"]


@pytest.mark.parametrize(
    "affiliation",
    [
        None,
        "",
        ";;;",
        "faculty",
        "@hostile.example",
        17,
        {"a": 1},
        [["x"]],
        "x" * 20_000,
        "a@b@hostile.example",
    ],
    ids=[
        "none",
        "empty",
        "separators",
        "no scope",
        "no word",
        "number",
        "object",
        "nested",
        "endless",
        "two scopes",
    ],
)
def test_no_usable_affiliation_is_none(affiliation: object, odd: Hostile, browser: Browser) -> None:
    found = log_in(browser, odd, affiliation=affiliation)

    assert found.affiliations == []
    assert found.affiliated_at is None


def test_an_institution_comes_from_the_entity_id_and_not_from_the_address(
    odd: Hostile, browsers: Browsers
) -> None:
    known = log_in(browsers(), odd)
    unlisted = log_in(browsers(), odd, sub="another", idp=UNLISTED)

    assert known.person.institution
    assert known.person.institution.name == "hostile.example"
    assert unlisted.person.institution is None
    assert unlisted.affiliations == []


@pytest.mark.parametrize("trusted", [True, False])
def test_row_47_assurance_counts_only_where_the_registry_trusts_it(
    trusted: bool, portal: Portal, browser: Browser
) -> None:
    with hostile.running() as provider:
        portal.register_hostile(provider, trusts_assurance=trusted)

        found = log_in(browser, provider, eduperson_assurance=RAF)

    assert found.assurance == (RAF if trusted else [])


@pytest.mark.parametrize("trusted", [True, False])
def test_row_47_a_second_factor_counts_only_where_the_registry_trusts_it(
    trusted: bool, portal: Portal, browser: Browser
) -> None:
    with hostile.running() as provider:
        portal.register_hostile(provider, trusts_mfa=trusted)

        log_in(browser, provider, acr=MFA)

    assert portal.acrs() == [MFA if trusted else ""]


def test_a_name_is_cleaned_before_it_is_shown(odd: Hostile, browser: Browser) -> None:
    found = log_in(browser, odd, name=BIDI)

    assert found.name.isprintable()
    assert "\u202e" not in browser.get("/welcome").text


@pytest.mark.parametrize(
    "name",
    [None, "", 17, ["Mallory"], "x" * 20_000, "\u202e"],
    ids=["none", "empty", "number", "list", "endless", "invisible"],
)
def test_a_person_without_a_usable_name_gets_in(name: object, odd: Hostile, browser: Browser) -> None:
    found = log_in(browser, odd, name=name)

    assert 0 < len(found.person.name) <= 200


def test_a_known_subject_with_everything_changed_is_held(odd: Hostile, browsers: Browsers) -> None:
    log_in(browsers(), odd)
    thief, owner = browsers(), browsers()
    odd.person = {**PERSON, "name": "Eve New", "email": "eve@new.example", "eppn": "eve@new.example"}

    answer = thief.start(follow=True)
    odd.person = PERSON
    owner.start(follow=True)

    assert answer.status_code == 403
    assert "Eve" not in answer.text
    assert not thief.logged_in()
    assert not owner.logged_in()
    assert browsers().portal.identities()[0].name == PERSON["name"]


def test_a_known_subject_with_a_new_name_and_address_is_not_held(odd: Hostile, browsers: Browsers) -> None:
    """People marry and move; the eppn stayed."""
    first = log_in(browsers(), odd)

    again = log_in(browsers(), odd, name="Mallory Married", email="mm@hostile.example")

    assert again.person_id == first.person_id


def test_a_disabled_person_is_refused(portal: Portal, odd: Hostile, browsers: Browsers) -> None:
    log_in(browsers(), odd)
    with portal.sessions() as session, session.begin():
        session.scalars(select(Identity)).one().person.disabled_at = clock.now()
    browser = browsers()

    answer = browser.start(follow=True)

    assert_refused(browser, answer, odd)
