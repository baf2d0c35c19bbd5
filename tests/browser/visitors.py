"""A person at a browser: pages are looked at as a whole each time one is reached."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Response, expect

AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RUN_AXE = """async (tags) => {
  const found = await axe.run(document, {runOnly: tags, resultTypes: ['violations']});
  const told = (rule, node) => `${rule.id}: ${node.html.slice(0, 200)} ${node.failureSummary}`;
  return found.violations.flatMap(rule => rule.nodes.map(node => told(rule, node)));
}"""
OVERFLOW = """() => [...document.querySelectorAll('body *')]
  .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
  .filter(e => !e.closest('.table-scroll, pre, .usa-skipnav'))
  .map(e => e.outerHTML.slice(0, 120))"""
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
# A refused form answers 4xx with the form, an identity provider that does not answer is a 502;
# the browser tells that to the console, and it is meant.
MEANT = re.compile(r"status of (401|403|404|409|422|502)")


class Visitor:
    """One person in a browser context of their own."""

    def __init__(self, context: BrowserContext, address: str, *, scripts: bool = True) -> None:
        self.context = context
        self.address = address
        self.scripts = scripts
        # Whether axe-core looks at the narrow page, too.
        self.thorough = False
        # What no page may show them.
        self.unseen: tuple[str, ...] = ()
        self.complaints: list[str] = []
        self.page = context.new_page()
        self.listen(self.page)

    def listen(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not MEANT.search(message.text):
            self.complaints.append(f"{message.page.url if message.page else ''}: {message.text}")

    def visit(self, path: str) -> Response | None:
        """Goes there by address, and looks at the page."""
        answer = self.page.goto(self.address + path)
        self.look()
        return answer

    def log_in(self, who: str, *, then: str = "/home") -> None:
        self.page.goto(f"{self.address}/login?next={then}")
        self.page.locator(f"button[value={who}]").click()
        self.page.wait_for_url(f"**{then}")
        self.look()

    def press(self, name: str, *, within: Locator | None = None) -> None:
        """Presses a button or follows a link by what it says, waits for the next page and looks at it."""
        place = within or self.page.locator("main")
        named = place.get_by_role("button", name=name, exact=True).or_(
            place.get_by_role("link", name=name, exact=True)
        )
        with self.page.expect_navigation(wait_until="load"):
            named.first.click()
        self.look()

    def fill(self, values: dict[str, str]) -> None:
        """Types into fields by their names."""
        for name, value in values.items():
            self.page.locator(f"[name={name}]").fill(value)

    def tick(self, label: str) -> None:
        """USWDS moves the real box off screen; people press its label."""
        self.page.locator("main label").filter(has_text=label).first.click()

    def score(self, name: str, value: str) -> None:
        self.page.locator(f"input[name={name}][value='{value}'] + label").click()

    def reads(self, text: str) -> None:
        expect(self.page.locator(".page")).to_contain_text(text)

    def refuses(self, text: str) -> None:
        expect(self.page.locator(".error-summary")).to_contain_text(text)

    def until(self, path: str, holds: Callable[[], bool], *, seconds: float = 60) -> None:
        """Loads the page again until what is waited for is on it, as a person would; then looks at it."""
        deadline = time.monotonic() + seconds
        self.page.goto(self.address + path)
        while not holds():
            assert time.monotonic() < deadline, f"{path} does not show it after {seconds:.0f} seconds"
            self.page.wait_for_timeout(250)
            self.page.reload()
        self.look()

    def look(self) -> None:
        """Everything that must hold for each page, at desk and phone width."""
        where = self.page.url
        assert self.page.locator("h1").count() == 1, f"{where} has no single h1"
        if self.scripts:
            self.check_access()
        before = self.page.viewport_size
        self.page.set_viewport_size(NARROW)
        beyond = self.page.evaluate(OVERFLOW)
        if self.thorough:
            self.check_access()
        if before:
            self.page.set_viewport_size(before)
        assert not beyond, f"{where} is wider than a phone: {beyond[:4]}"
        assert not self.complaints, self.complaints
        shown = [words for words in self.unseen if words in self.page.content()]
        assert not shown, f"{where} shows {shown}"

    def check_access(self) -> None:
        # Runtime.evaluate is not subject to the page's content policy, so the policy stays as it is.
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(AXE + "\n;undefined")
        found: list[Any] = self.page.evaluate(RUN_AXE, RULES)
        assert not found, f"{self.page.url}: {found[0]}"
