"""Log-in through the certified provider, two institutions at once: what people see and what is kept."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode, urljoin, urlsplit

import pytest

from allocations.people.persons import Identity
from tests.federation import certified
from tests.federation.certified import MFA, NORTH, SAME_SUB, SOUTH, TWIN, Certified
from tests.federation.forms import heading
from tests.federation.refusals import LONGEST
from tests.federation.stage import Browser, Portal

Browsers = Callable[[], Browser]
# Subject at the north -> affiliations that are believed, and the institution.
BELIEVED: dict[str, tuple[list[str], str | None]] = {
    SAME_SUB: (["faculty@northern.example", "member@northern.example"], "northern.example"),
    "uma": (["student@northern.example"], "northern.example"),
    "nils": ([], "northern.example"),
    "xenia": ([], None),
    "vera": (["staff@northern.example"], "northern.example"),
}


def only(portal: Portal) -> Identity:
    found = portal.identities()
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("persona", BELIEVED, ids=lambda sub: str(NORTH[sub]["name"]))
def test_a_first_log_in_makes_a_person_of_the_right_institution(
    persona: str, federated: Portal, browser: Browser
) -> None:
    answer = browser.log_in_at("north", persona)

    affiliations, home = BELIEVED[persona]
    identity = only(federated)
    institution = identity.person.institution
    assert answer.url == f"{federated.address}/home"
    assert NORTH[persona]["name"] in answer.text
    assert (identity.issuer, identity.subject) == (_issuer(federated), persona)
    assert identity.affiliations == affiliations
    assert (institution.name if institution else None) == home


def _issuer(portal: Portal) -> str:
    return portal.issuers()["north"]


def test_claims_of_scopes_that_come_from_userinfo_alone_are_read(federated: Portal, browser: Browser) -> None:
    """The provider of the south does as the standard says; CILogon's habit is the north's."""
    answer = browser.log_in_at("south", SAME_SUB)

    identity = only(federated)
    assert SOUTH[SAME_SUB]["name"] in answer.text
    assert identity.affiliations == ["member@southern.example"]
    assert identity.person.institution
    assert identity.person.institution.name == "southern.example"


def test_row_45_one_subject_at_two_institutions_is_two_persons(federated: Portal, browsers: Browsers) -> None:
    priya, ruth = browsers(), browsers()

    homes = [priya.log_in_at("north", SAME_SUB), ruth.log_in_at("south", SAME_SUB)]

    assert federated.accounts() == (2, 2)
    assert "Priya Nair" in homes[0].text
    assert "Ruth Okafor" in homes[1].text


def test_row_45_a_subject_in_other_letters_is_another_person(federated: Portal, browsers: Browsers) -> None:
    browsers().log_in_at("south", SAME_SUB)

    answer = browsers().log_in_at("south", TWIN)

    assert federated.accounts() == (2, 2)
    assert "Rita Okafor" in answer.text


def test_a_person_who_comes_back_is_known_and_not_asked_again(federated: Portal, browsers: Browsers) -> None:
    browsers().log_in_at("north", "uma")
    again = browsers()

    answer = again.choose(again.start("north", "/projects", follow=True), "uma")

    assert answer.url == f"{federated.address}/projects"
    assert federated.accounts() == (1, 1)


def test_one_browser_may_log_in_at_both(federated: Portal, browser: Browser) -> None:
    browser.log_in_at("north", SAME_SUB)

    answer = browser.log_in_at("south", SAME_SUB)

    assert "Ruth Okafor" in answer.text
    assert "Priya Nair" not in browser.get("/home").text


@pytest.mark.parametrize("path", ["/home", "/projects", "/proposals", "/account/sessions", "/reviews"])
def test_nothing_personal_opens_before_the_welcome_is_done(
    path: str, federated: Portal, browser: Browser
) -> None:
    browser.choose(browser.start("north", follow=True), "uma")

    answer = browser.get(path)

    assert answer.url == f"{federated.address}/welcome"


def test_the_welcome_leads_to_the_wanted_page(federated: Portal, browser: Browser) -> None:
    page = browser.choose(browser.start("north", "/datasets?q=climate", follow=True), "uma")
    assert heading(page.text)
    assert "Uma Lind" in page.text

    answer = browser.welcomed(page)

    assert answer.url == f"{federated.address}/datasets?q=climate"


def test_the_terms_have_to_be_agreed_to(federated: Portal, browser: Browser) -> None:
    page = browser.choose(browser.start("north", follow=True), "uma")

    answer = browser.submit(page, {"name": "Uma Lind"})

    assert answer.status_code == 422
    assert browser.get("/home").url.endswith("/welcome")
    assert only(federated).person.terms_version == ""


def test_a_person_who_cancels_at_the_provider_is_told_so(federated: Portal, browser: Browser) -> None:
    page = browser.start("north", follow=True)

    answer = browser.submit(page, {"persona": "uma", "answer": "cancel"})

    assert answer.status_code in (400, 403)
    assert "pressed Cancel" not in answer.text
    assert not browser.logged_in()
    assert federated.accounts() == (0, 0)


def test_row_33_a_code_that_was_meant_for_another_browser_is_refused(
    federated: Portal, federation: dict[str, Certified], browsers: Browsers
) -> None:
    """The attacker brings a stolen code with a state of their own: the provider misses the verifier."""
    victim, attacker = browsers(), browsers()
    stolen = _code(victim, "nils")
    own = _code(attacker, "uma")

    answer = attacker.get(own.replace(_value(own, "code"), _value(stolen, "code")))

    assert answer.status_code in (400, 403, 502)
    assert not attacker.logged_in()
    assert federated.accounts() == (0, 0)


def _code(browser: Browser, persona: str) -> str:
    """The callback's address, as far as the provider sends the browser; not visited."""
    page = browser.start("north", follow=True)
    form = {"persona": persona, "acr": certified.SFA, "answer": "go"}
    step = browser.post(page.url, form, follow=False)
    while not step.headers["Location"].startswith(browser.portal.address):
        step = browser.get(urljoin(step.url, step.headers["Location"]), follow=False)
    return step.headers["Location"]


def _value(address: str, name: str) -> str:
    pairs = dict(pair.split("=", 1) for pair in urlsplit(address).query.split("&"))
    return pairs[name]


def test_another_way_back_is_refused_by_the_provider(federated: Portal, browser: Browser) -> None:
    asked = browser.start("north").headers["Location"]
    ours = urlencode({"redirect_uri": f"{federated.address}/login/north/callback"})
    assert ours in asked

    answer = browser.get(
        asked.replace(ours, urlencode({"redirect_uri": "http://127.0.0.1:9/login/x/callback"}))
    )

    assert answer.status_code == 400
    assert urlsplit(answer.url).port == urlsplit(asked).port


@pytest.mark.parametrize("trusted", [True, False])
def test_row_47_assurance_and_second_factor_count_where_the_registry_trusts_them(
    trusted: bool, portal: Portal, federation: dict[str, Certified], browser: Browser
) -> None:
    homes = {certified.NORTHERN: "northern.example"}
    trust = {"trusts_assurance": trusted, "trusts_mfa": trusted}
    portal.register("north", federation["north"].issuer, homes=homes, kind="cilogon", **trust)

    browser.log_in_at("north", SAME_SUB, acr=MFA)

    assert only(portal).assurance == (NORTH[SAME_SUB]["eduperson_assurance"] if trusted else [])
    assert portal.acrs() == [MFA if trusted else ""]


def test_nothing_secret_is_written_to_the_log(
    federated: Portal, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    """Even at the chattiest level; the test's own client and server are not listened to."""
    with caplog.at_level(logging.DEBUG):
        address = _code(browser, "uma")
        caplog.clear()
        browser.get(address)

    own = [record for record in caplog.records if record.name.split(".")[0] not in ("werkzeug", "urllib3")]
    told = "\n".join(record.getMessage() for record in own)
    secret = ("eyJ", "code_verifier", "access_token", _value(address, "code"), certified.SECRET, "uma@")
    assert [word for word in secret if word in told] == []
    assert "logged in through north with one factor" in told


def test_rotated_keys_are_accepted_without_a_restart(
    tmp_path: Path, portal: Portal, browsers: Browsers
) -> None:
    with certified.running("north", NORTH, tmp_path) as provider:
        portal.register("north", provider.issuer, homes={}, kind="cilogon", keys_seconds=1)
        browsers().log_in_at("north", "uma")
        provider.rotate()
        time.sleep(1.1)
        browser = browsers()

        browser.log_in_at("north", "nils")

        assert browser.logged_in()


def test_killing_the_provider_in_mid_log_in_ends_on_a_page(
    tmp_path: Path, portal: Portal, browser: Browser
) -> None:
    with certified.running("north", NORTH, tmp_path) as provider:
        portal.register("north", provider.issuer, homes={}, kind="cilogon")
        address = _code(browser, "uma")
        provider.kill()
        began = time.monotonic()

        answer = browser.get(address)

    assert answer.status_code in (502, 504)
    assert heading(answer.text)
    assert "Traceback" not in answer.text
    assert time.monotonic() - began < LONGEST
    assert not browser.logged_in()
    assert portal.accounts() == (0, 0)
