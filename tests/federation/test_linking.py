"""Linking in browsers: two fresh log-ins in one session, shown side by side; nothing else joins accounts."""

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from allocations.people import merging
from allocations.people.merging import MergeRequest
from allocations.people.persons import Identity
from allocations.people.roles import SYSTEM
from tests.federation import certified
from tests.federation.attacks import drop
from tests.federation.certified import MFA, SAME_SUB
from tests.federation.forms import forms_of, heading
from tests.federation.hostile import Hostile, Script
from tests.federation.linked import ADD, PAGE, bait, confirmed, letters, offer_of, other, owners
from tests.federation.stage import Browser, Portal

Browsers = Callable[[], Browser]


def here(browser: Browser) -> str:
    return browser.get("/home").text


def test_two_log_ins_of_one_person_open_one_account(
    trusted: Portal, uma: Browser, browsers: Browsers
) -> None:
    page = other(uma)
    assert heading(page.text) == "Are both of these you?"
    assert "Uma Lind" in page.text
    assert "Ruth Okafor" in page.text
    assert owners(trusted) == {"Uma Lind": "Uma Lind"}, "linked before anybody confirmed"

    answer = confirmed(uma, page)

    assert answer.url == f"{trusted.address}{PAGE}"
    assert owners(trusted) == {"Uma Lind": "Uma Lind", "Ruth Okafor": "Uma Lind"}
    assert trusted.accounts() == (1, 2)
    second = browsers()
    assert "Uma Lind" in second.log_in_at("south", SAME_SUB).text
    assert trusted.accounts() == (1, 2)


def test_the_session_has_a_new_handle_and_the_old_cookie_is_dead(uma: Browser, browsers: Browsers) -> None:
    page, thief = other(uma), browsers()
    thief.jar.cookies.update({cookie.name: cookie.value for cookie in uma.jar.cookies})
    assert thief.logged_in()

    confirmed(uma, page)

    assert uma.logged_in()
    assert not thief.logged_in()


def test_every_known_address_gets_a_letter(trusted: Portal, uma: Browser) -> None:
    confirmed(uma, other(uma))

    assert letters(trusted, "log-in was added") == {"uma@northern.example", "ruth@southern.example"}


def test_linking_wants_a_second_factor_on_the_first(trusted: Portal, browser: Browser) -> None:
    browser.log_in_at("north", "uma")

    answer = browser.post(f"{ADD}/south", follow=False)

    assert answer.headers["Location"].startswith("/step-up?")
    page = browser.submit(browser.get(answer.headers["Location"]), {"next": "/resume/1"})
    kept = browser.choose(page, "uma", MFA)
    sent = browser.post(forms_of(kept.text)[-1].action)
    assert "Ruth Okafor" in browser.choose(sent, SAME_SUB).text


def test_linking_asks_the_second_provider_for_a_fresh_log_in(
    trusted: Portal, uma: Browser, browsers: Browsers
) -> None:
    asked = uma.post(f"{ADD}/south", follow=False).headers["Location"]

    assert "max_age=0" in asked
    assert "prompt=login" in asked


def test_row_44_the_second_log_in_finishes_in_another_browser(
    trusted: Portal, uma: Browser, browsers: Browsers
) -> None:
    """Uma sends Ruth the address that would add Ruth's log-in to Uma's account, and the reverse."""
    address, victim = bait(uma), browsers()
    victim.log_in_at("north", "nils", acr=MFA)
    before = owners(trusted)

    answer = victim.get(address)

    assert answer.status_code == 403
    assert owners(trusted) == before
    assert victim.get(ADD).status_code == 404
    assert uma.get(ADD).status_code == 404


def test_row_44_the_second_log_in_finishes_in_another_session(trusted: Portal, uma: Browser) -> None:
    """The same browser, by now somebody else: the victim of a shared machine."""
    address = bait(uma)
    uma.post("/logout")
    for cookie in [each for each in uma.jar.cookies if each.name.startswith("_north")]:
        uma.jar.cookies.clear(cookie.domain, cookie.path, cookie.name)
    uma.log_in_at("north", "nils", acr=MFA)

    answer = uma.get(address)

    assert answer.status_code == 403
    assert "Ruth Okafor" not in owners(trusted)
    assert uma.get(ADD).status_code == 404


def test_row_44_the_second_log_in_finishes_after_log_out(trusted: Portal, uma: Browser) -> None:
    address = bait(uma)
    uma.post("/logout")

    assert uma.get(address).status_code == 403
    assert not uma.logged_in()
    assert trusted.accounts() == (1, 1)


def test_row_44_the_session_was_ended_elsewhere_meanwhile(
    trusted: Portal, uma: Browser, browsers: Browsers
) -> None:
    """The browser still knows that it began this; the session that asked is over."""
    address, desk = bait(uma), browsers()
    desk.log_in_at("north", "uma", acr=MFA)
    page = desk.get("/account/sessions")
    desk.submit(page, {"session": forms_of(page.text)[-1].fields["session"]})
    assert not uma.logged_in()

    answer = uma.get(address)

    assert answer.status_code == 403
    assert trusted.accounts() == (1, 1)


def test_row_44_a_log_in_that_was_only_begun_to_link_enters_nowhere(trusted: Portal, uma: Browser) -> None:
    """The account of the second log-in is not opened on the way."""
    other(uma)

    assert "Uma Lind" in here(uma)
    assert trusted.accounts() == (1, 1)


def test_the_page_of_another_session_is_not_there(trusted: Portal, uma: Browser, browsers: Browsers) -> None:
    page, nils = other(uma), browsers()
    nils.log_in_at("north", "nils", acr=MFA)

    seen = nils.get(ADD)
    sent = nils.post(ADD, {"offer": offer_of(page)})

    assert (seen.status_code, sent.status_code) == (404, 404)
    assert "Ruth" not in seen.text + sent.text
    assert "Ruth Okafor" not in owners(trusted)


def test_an_answer_is_given_once(trusted: Portal, uma: Browser) -> None:
    page = other(uma)
    confirmed(uma, page)

    answer = confirmed(uma, page)

    assert answer.status_code == 404
    assert trusted.accounts() == (1, 2)
    assert uma.logged_in()


def test_a_page_that_shows_one_log_in_does_not_add_another(trusted: Portal, uma: Browser) -> None:
    """Two tabs: what is added is what the page in front of the person said."""
    first = other(uma)
    other(uma, certified.TWIN)

    answer = confirmed(uma, first)

    assert answer.status_code == 404
    assert trusted.accounts() == (1, 1)
    assert uma.logged_in()


def test_row_44_the_second_log_in_belongs_to_somebody_else(
    trusted: Portal, uma: Browser, browsers: Browsers
) -> None:
    ruth = browsers()
    ruth.log_in_at("south", SAME_SUB)
    before = owners(trusted)

    answer = confirmed(uma, other(uma))

    assert "has an account of its own" in answer.text
    assert owners(trusted) == before == {"Uma Lind": "Uma Lind", "Ruth Okafor": "Ruth Okafor"}
    assert ruth.logged_in()
    assert letters(trusted, "asks to join your account") == {"ruth@southern.example"}
    with trusted.sessions() as session:
        asked = session.scalars(select(MergeRequest)).one()
        assert (asked.person.name, asked.other.name, asked.state) == ("Uma Lind", "Ruth Okafor", "asked")


def test_after_a_merge_the_other_account_is_closed_and_its_sessions_are_over(
    trusted: Portal, uma: Browser, browsers: Browsers
) -> None:
    ruth = browsers()
    ruth.log_in_at("south", SAME_SUB)
    confirmed(uma, other(uma))
    with trusted.sessions() as session, session.begin():
        merging.merge(session, SYSTEM, session.scalars(select(MergeRequest)).one())

    assert not ruth.logged_in()
    assert uma.logged_in()
    assert "Uma Lind" in browsers().log_in_at("south", SAME_SUB).text
    assert letters(trusted, "one now") == {"uma@northern.example", "ruth@southern.example"}


def test_ones_own_log_in_adds_nothing_and_the_session_lives_on(trusted: Portal, uma: Browser) -> None:
    confirmed(uma, other(uma))

    answer = confirmed(uma, other(uma))

    assert answer.status_code == 409
    assert "belongs to your account already" in answer.text
    assert uma.logged_in()
    assert trusted.accounts() == (1, 2)


@pytest.mark.parametrize(
    "script",
    [
        Script(claims=lambda told, _: told | {"auth_time": told["iat"] - 3600}),
        Script(claims=lambda told, _: told | {"auth_time": told["iat"] + 3600}),
        Script(claims=drop("auth_time"), userinfo=lambda told, _: {"sub": told["sub"]}),
    ],
    ids=["an hour old", "to come", "none"],
)
def test_a_second_log_in_that_is_not_fresh_is_refused(
    script: Script, trusted: Portal, uma: Browser, odd: Hostile
) -> None:
    """Somebody left logged in at the second provider has not been asked."""
    odd.script = script

    answer = uma.post(f"{ADD}/odd")

    assert answer.status_code == 403
    assert uma.get(ADD).status_code == 404
    assert trusted.accounts() == (1, 1)
    odd.script = Script()
    assert "Mallory" in uma.post(f"{ADD}/odd").text


def test_linking_needs_a_session(trusted: Portal, browser: Browser) -> None:
    answers = [browser.post(f"{ADD}/south"), browser.get(ADD), browser.post(ADD), browser.get(PAGE)]

    assert all(answer.url.startswith(f"{trusted.address}/login") for answer in answers if answer.history)
    with trusted.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Identity)) == 0
