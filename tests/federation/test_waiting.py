"""A provider that keeps us waiting: the person gets an answer in time, and everybody else is not kept."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
import requests

from tests.federation import hostile, stage
from tests.federation.hostile import Hostile, Reply, Script, late
from tests.federation.refusals import LONGEST, assert_refused
from tests.federation.stage import Browser
from tests.threads import at_once

NEVER, DRIPS = Reply(wait=60), Reply(body=b" " * 1000, drip=0.5)
HEADERS = Reply(endless_head=True)
SLOW = {
    "row 22: the token endpoint never answers": Script(token=lambda *_: NEVER),
    "row 22: the token endpoint answers a letter at a time": Script(token=lambda *_: DRIPS),
    "row 22: its headers come a letter at a time": Script(token=lambda *_: HEADERS),
    "row 22: the keys never come": Script(jwks=lambda _: NEVER),
    "row 22: the keys come a letter at a time": Script(jwks=lambda _: DRIPS),
    "row 22: userinfo never answers": Script(userinfo=lambda *_: NEVER),
    "row 22: discovery never answers": Script(discovery=lambda _: NEVER),
    "row 22: discovery comes a letter at a time": Script(discovery=lambda _: DRIPS),
    "row 22: all answers are slow": Script(
        token=lambda told, _: late(told), jwks=late, userinfo=lambda told, _: late(told)
    ),
}
HONEST = "an honest provider meanwhile"


@dataclass(frozen=True, slots=True)
class Outcome:
    answer: requests.Response
    # Of the slowest page on the way.
    seconds: float
    browser: Browser
    provider: Hostile


# An exception when even the test's patience came to its end.
Outcomes = dict[str, Outcome | Exception]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcomes]:
    """All of them at once at one portal, because each takes as long as a person is made to wait."""
    scripts = {**SLOW, HONEST: hostile.HONEST}
    with ExitStack() as stack:
        portal = stack.enter_context(stage.running(tmp_path_factory.mktemp("slow")))
        tried: list[tuple[Browser, Hostile, str]] = []
        for number, script in enumerate(scripts.values()):
            provider, browser = stack.enter_context(hostile.running(script)), Browser(portal)
            stack.callback(browser.close)
            portal.register_hostile(provider, f"slow-{number}", secret_setting="odd")
            tried.append((browser, provider, f"slow-{number}"))
        results = at_once(len(tried), lambda number: _tried(*tried[number]))
        yield dict(zip(scripts, results, strict=True))


def _tried(browser: Browser, provider: Hostile, slug: str) -> Outcome:
    if provider.script == hostile.HONEST:
        time.sleep(1)
    began = time.monotonic()
    answer = browser.start(slug)
    seconds = time.monotonic() - began
    if answer.is_redirect:
        began = time.monotonic()
        answer = browser.get(answer.headers["Location"])
        seconds = max(seconds, time.monotonic() - began)
    return Outcome(answer, seconds, browser, provider)


@pytest.mark.parametrize("words", SLOW)
def test_nobody_waits_longer_than_ten_seconds(words: str, outcomes: Outcomes) -> None:
    outcome = outcomes[words]

    assert isinstance(outcome, Outcome), outcome
    assert_refused(outcome.browser, outcome.answer, outcome.provider)
    assert outcome.seconds < LONGEST


def test_a_provider_that_hangs_keeps_nobody_else_waiting(outcomes: Outcomes) -> None:
    meanwhile = outcomes[HONEST]

    assert isinstance(meanwhile, Outcome), meanwhile
    assert meanwhile.answer.url.endswith("/welcome")
    assert meanwhile.seconds < 3
