"""What every refused log-in has in common."""

import re

import requests

from tests.federation.attacks import OTHER, WORDS
from tests.federation.forms import heading
from tests.federation.hostile import PERSON, Hostile
from tests.federation.stage import Browser

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
