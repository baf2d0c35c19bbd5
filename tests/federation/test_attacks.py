"""What a provider may do wrong: nobody is logged in, nobody is made up, and the page is for people."""

import time

import pytest

from tests.federation.attacks import TABLE, Attack
from tests.federation.hostile import HONEST, Hostile
from tests.federation.refusals import LONGEST, assert_refused
from tests.federation.stage import Browser, Portal


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
