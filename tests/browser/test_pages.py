"""Every page that links lead to, for each person, at desk and phone width."""

import re
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.browser.conftest import Admit, Screenshot
from tests.browser.visitors import Visitor

NOT_PAGES = re.compile(
    r"/(static|api|theme\.css|healthz|readyz)|/open$|/status$|^/logout|/export\b|\.pdf$|/files/\d+$|/panel\.csv\b"
)
PEOPLE = [
    "owen",
    "priya",
    "carlos",
    "uma",
    "ruth",
    "chen",
    "pat",
    "dana",
    "aida",
    "ada",
    "inga",
    "lena",
    "sam",
]
# The same for everybody; the visitor's walk has them.
PUBLIC = re.compile(r"/$|/(about|accessibility|docs|login|resources)")


def links(visitor: Visitor) -> list[str]:
    # Letters stay as they were written; what they point to may be over.
    hrefs: list[str] = visitor.page.evaluate(
        "() => [...document.links].filter(a => !a.closest('.letter')).map(a => a.href)"
    )
    ours = [urlsplit(href) for href in hrefs if href.startswith(visitor.address)]
    paths = [part.path + (f"?{part.query}" if part.query else "") for part in ours]
    return [path for path in dict.fromkeys(paths) if not NOT_PAGES.search(path)]


def kind(path: str) -> str:
    return re.sub(r"[A-Z]{2,4}\d\d-\d+|(?<=/(?:datasets)/)[^/]+|(?<=/(?:resources)/)[^/]+", "*", path)


def crawl(visitor: Visitor, *, skip: re.Pattern[str] | None = None, most: int = 1) -> Iterator[str]:
    """Goes wherever links lead, to at most so many pages of one kind; says where it is."""
    waiting, visited = ["/", "/home", "/status"], set()
    kinds: Counter[str] = Counter()
    while waiting:
        path = waiting.pop(0)
        if path in visited or kinds[kind(path)] >= most or (skip and skip.match(path)):
            continue
        visited.add(path)
        kinds[kind(path)] += 1
        answer = visitor.visit(path)
        assert answer is not None
        assert answer.status == 200, f"{path} answers {answer.status}"
        waiting += links(visitor)
        yield path


def test_every_public_page_is_whole(admit: Admit) -> None:
    assert len(list(crawl(admit()))) > 8


# Everybody's pages are walked in full by the slow set.
@pytest.mark.parametrize("who", ["priya"])
def test_a_page_of_each_kind_is_whole_for(who: str, admit: Admit) -> None:
    assert len(list(crawl(admit(who), skip=PUBLIC))) > 8


# Pictures take as long as the walk itself.
@pytest.mark.slow
@pytest.mark.parametrize("who", ["", "priya"])
def test_there_is_a_picture_of_each_kind_of_page(who: str, admit: Admit, screenshot: Screenshot) -> None:
    visitor = admit(who)
    for path in crawl(visitor, skip=PUBLIC if who else None):
        screenshot(visitor, f"{who or 'visitor'} {kind(path)}".replace("*", "one"))


def test_a_title_of_one_endless_word_breaks_no_page(admit: Admit) -> None:
    sam = admit("sam")
    sam.visit("/calls")
    sam.press("Starter allocations")
    sam.press("Start a proposal")
    proposal = sam.page.url.removeprefix(sam.address).removesuffix("/short")
    sam.fill({"title": "<b>" + "Rindfleischetikettierung" * 8, "abstract": "w" * 250})
    sam.press("Save")
    pages = ("check", "team", "summary", "preview", "versions")
    for path in ("/home", "/proposals", proposal, *(f"{proposal}/{page}" for page in pages)):
        sam.visit(path)


@pytest.mark.slow
@pytest.mark.parametrize("who", PEOPLE)
def test_every_page_that_links_lead_to_is_whole_for(who: str, admit: Admit) -> None:
    visitor = admit(who)
    visitor.thorough = True
    assert len(list(crawl(visitor, most=20))) > 8
