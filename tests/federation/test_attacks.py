"""What a provider may do wrong: nobody is logged in, nobody is made up, and the page is for people."""

import re
import time

import pytest
import requests

from tests.federation.attacks import OTHER, TABLE, WORDS, Attack
from tests.federation.forms import heading
from tests.federation.hostile import HONEST, PERSON, Hostile
from tests.federation.stage import Browser, Portal

TOOLS = ("Traceback", "joserfc", "authlib", "Exception", "urllib3", "requests.", 'File "')
REFUSALS = (400, 403, 409, 502, 504)
# Seconds that a person waits at most.
LONGEST = 10.0


def assert_refused(browser: Browser, answer: requests.Response, provider: Hostile) -> None:
    """A page for people that says nothing of the provider's; nobody is logged in."""
    assert answer.status_code in REFUSALS, f"{answer.status_code} {heading(answer.text)}"
    assert answer.url.startswith(browser.portal.address)
    assert len(heading(answer.text)) > 8
    assert re.search(r"reference\b.*\b[0-9a-f]{8}\b", answer.text, re.DOTALL | re.IGNORECASE)
    foreign = [*provider.given(), *provider.logins, *TOOLS, WORDS, "555-0199", OTHER, *person_words()]
    assert [text for text in foreign if text in answer.text] == []
    assert not browser.logged_in()
    assert "no-store" in answer.headers["Cache-Control"]


def person_words() -> list[str]:
    return [str(PERSON[name]) for name in ("sub", "name", "email", "eppn", "affiliation")]


@pytest.mark.parametrize("attack", TABLE, ids=str)
def test_a_provider_that_lies_logs_nobody_in(
    attack: Attack, portal: Portal, odd: Hostile, browser: Browser
) -> None:
    odd.script = attack.script
    before = portal.accounts()
    began = time.monotonic()

    answer = browser.start(follow=True)

    assert_refused(browser, answer, odd)
    assert portal.accounts() == before
    assert time.monotonic() - began < LONGEST
    assert odd.seen["/jku"] == 0
    assert odd.complaints == []
    if attack.row in (24, 25, 26):
        assert odd.seen["/token"] == 0, "the code was sent"


def test_the_same_provider_is_believed_when_it_is_honest(
    portal: Portal, odd: Hostile, browser: Browser
) -> None:
    """The control: without a script every row above ends here."""
    odd.script = HONEST

    answer = browser.welcomed(browser.start(follow=True))

    assert answer.url == f"{portal.address}/home"
    assert answer.status_code == 200
    assert browser.logged_in()
    assert portal.accounts() == (1, 1)
    assert odd.complaints == []
