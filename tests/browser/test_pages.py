"""Every page that links lead to, for each person, at desk and phone width."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from tests.browser.conftest import Admit
from tests.browser.visitors import Visitor

PEOPLE = ["", "priya", "carlos", "uma", "owen", "ruth", "chen", "pat", "dana", "sam"]
# Pages of the same kind look alike: so many of each are enough.
EXAMPLES = 3
NOT_PAGES = re.compile(r"/(static|theme\.css|healthz|readyz)|/open$|/status$|^/logout")


def links(visitor: Visitor) -> list[str]:
    # Letters stay as they were written; what they point to may be over.
    hrefs: list[str] = visitor.page.evaluate(
        "() => [...document.links].filter(a => !a.closest('.letter')).map(a => a.href)"
    )
    ours = [urlsplit(href) for href in hrefs if href.startswith(visitor.address)]
    paths = [part.path + (f"?{part.query}" if part.query else "") for part in ours]
    return [path for path in dict.fromkeys(paths) if not NOT_PAGES.search(path)]


def kind(path: str) -> str:
    return re.sub(r"[A-Z]{2,3}\d\d-\d+|(?<=/(?:datasets)/)[^/]+|(?<=/(?:resources)/)[^/]+", "*", path)


def crawl(visitor: Visitor, seen: Callable[[Visitor, str], None]) -> list[str]:
    waiting, visited, kinds = ["/", "/home", "/login", "/status"], [], {}
    while waiting:
        path = waiting.pop(0)
        if path in visited or kinds.get(kind(path), 0) >= EXAMPLES:
            continue
        visited.append(path)
        kinds[kind(path)] = kinds.get(kind(path), 0) + 1
        answer = visitor.visit(path)
        assert answer is not None
        assert answer.status == 200, f"{path} answers {answer.status}"
        seen(visitor, path)
        waiting += links(visitor)
    return visited


@pytest.mark.slow
@pytest.mark.parametrize("who", PEOPLE)
def test_every_page_that_links_lead_to_is_whole(
    who: str, admit: Admit, screenshot: Callable[[Visitor, str], None]
) -> None:
    kept: set[str] = set()

    def seen(visitor: Visitor, path: str) -> None:
        if kind(path) not in kept:
            kept.add(kind(path))
            screenshot(visitor, f"{who or 'visitor'} {kind(path)}".replace("*", "one"))

    visitor = admit(who)
    visited = crawl(visitor, seen)
    assert len(visited) > 8
