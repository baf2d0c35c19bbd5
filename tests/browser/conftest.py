"""A real Chromium before the real portal; without a browser these tests are not collected."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser import servers
from tests.browser.servers import ROOT, Portal
from tests.browser.visitors import WIDE, Visitor
from tests.federation import certified

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TIMINGS: dict[str, float] = {}
Admit = Callable[..., Visitor]
Arrive = Callable[..., Visitor]
Screenshot = Callable[[Visitor, str], None]


def chromium() -> str:
    """The browser's program, from CHROMIUM or the path; empty when there is none."""
    named = os.environ.get("CHROMIUM", "")
    return named or next((found for name in NAMES if (found := shutil.which(name))), "")


if not chromium():
    if os.environ.get("REQUIRE_BROWSER") == "1":
        raise pytest.UsageError("REQUIRE_BROWSER is set, but there is no Chromium to test with")
    collect_ignore_glob = ["test_*.py"]
elif not certified.node():
    if os.environ.get("REQUIRE_NODE") == "1":
        raise pytest.UsageError("REQUIRE_NODE is set, but there is no Node with npm to test with")
    collect_ignore_glob = ["test_federation.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """At the end, because the header is printed before this folder's conftest is read."""
    if not chromium():
        terminalreporter.write_line("browser: NOT TESTED, no Chromium found and CHROMIUM is not set")
    if TIMINGS:
        told = ", ".join(f"{what} {seconds:.1f} s" for what, seconds in TIMINGS.items())
        terminalreporter.write_line(f"browser: {chromium()}; {told}")


@pytest.fixture(scope="session")
def timings() -> dict[str, float]:
    """What was measured on the way; the test run ends with it."""
    return TIMINGS


# Not for the whole session: Playwright keeps an event loop running in this thread, and servers cost time.
@pytest.fixture(scope="package")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with servers.running(tmp_path_factory.mktemp("portal")) as started:
        TIMINGS["start with demo data"] = started.took
        yield started


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=list(QUIET))
        yield opened
        opened.close()


@pytest.fixture
def arrive(browser: Browser) -> Iterator[Arrive]:
    """Brings a person before a portal: `arrive(address)`; each has a browser context of their own."""
    visitors: list[Visitor] = []

    def come(address: str, *, scripts: bool = True) -> Visitor:
        context = browser.new_context(viewport=WIDE, java_script_enabled=scripts)
        context.set_default_timeout(20_000)
        visitors.append(Visitor(context, address, scripts=scripts))
        return visitors[-1]

    yield come
    for visitor in visitors:
        visitor.context.close()
        assert not visitor.complaints, visitor.complaints


@pytest.fixture
def admit(arrive: Arrive, portal: Portal) -> Admit:
    """Lets a person in: `admit("priya")`, without a name a visitor who is not logged in."""

    def enter(who: str = "", *, scripts: bool = True) -> Visitor:
        visitor = arrive(portal.address, scripts=scripts)
        if who:
            visitor.log_in(who)
        return visitor

    return enter


@pytest.fixture
def writer(admit: Admit) -> Visitor:
    """Sam, on the first page of a new proposal."""
    sam = admit("sam")
    sam.visit("/calls")
    sam.press("AI for Science, second round")
    sam.press("Start a proposal")
    return sam


@pytest.fixture
def screenshot() -> Screenshot:
    """Keeps a picture of the page at desk and phone width, to be looked at by people."""

    def keep(visitor: Visitor, name: str) -> None:
        safe = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "front"
        for width, height in ((1280, 900), (390, 844)):
            visitor.page.set_viewport_size({"width": width, "height": height})
            folder = ROOT / "screenshots" / str(width)
            folder.mkdir(parents=True, exist_ok=True)
            visitor.page.screenshot(path=folder / f"{safe}.png", full_page=True)
        visitor.page.set_viewport_size(WIDE)

    return keep
