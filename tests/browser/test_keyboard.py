"""Everything can be reached and done with the keyboard alone."""

from playwright.sync_api import Locator, expect

from tests.browser.conftest import Admit
from tests.browser.visitors import Visitor

FAR = 80


def tab_to(visitor: Visitor, target: Locator) -> None:
    """Presses Tab until the element has the focus."""
    for _ in range(FAR):
        if target.evaluate("element => element === document.activeElement"):
            return
        visitor.page.keyboard.press("Tab")
    raise AssertionError(f"{target} is not reached with {FAR} tabs")


def follow(visitor: Visitor, target: Locator) -> None:
    tab_to(visitor, target)
    with visitor.page.expect_navigation():
        visitor.page.keyboard.press("Enter")
    visitor.look()


def start_proposal(visitor: Visitor) -> None:
    page = visitor.page
    visitor.visit("/login")
    follow(visitor, page.locator("button[value=sam]"))
    follow(visitor, page.locator(".nav--wide").get_by_role("link", name="Calls"))
    follow(visitor, page.get_by_role("link", name="AI for Science, second round"))
    follow(visitor, page.get_by_role("button", name="Start a proposal"))


def test_the_skip_link_comes_first_and_leads_past_the_menu(admit: Admit) -> None:
    visitor = admit()
    visitor.visit("/login")
    visitor.page.keyboard.press("Tab")
    expect(visitor.page.locator(".usa-skipnav")).to_be_focused()
    expect(visitor.page.locator(".usa-skipnav")).to_be_in_viewport()
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.locator("main")).to_be_focused()
    visitor.page.keyboard.press("Tab")
    expect(visitor.page.locator(".person__button").first).to_be_focused()


def test_logging_in_and_saving_a_form_needs_no_mouse(admit: Admit) -> None:
    visitor = admit()
    start_proposal(visitor)
    tab_to(visitor, visitor.page.locator("[name=title]"))
    visitor.page.keyboard.type("Typed by hand")
    follow(visitor, visitor.page.get_by_role("button", name="Save and continue"))
    visitor.reads("Typed by hand")


def test_the_error_summary_takes_the_focus_and_leads_to_the_field(admit: Admit) -> None:
    visitor = admit()
    start_proposal(visitor)
    page = visitor.page
    follow(visitor, page.locator(".sections").get_by_role("button", name="Resources"))
    amount = page.locator("[name^=amount_]").first
    tab_to(visitor, amount)
    page.keyboard.type("many")
    follow(visitor, page.get_by_role("button", name="Save and continue"))
    expect(page.locator(".error-summary")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(amount).to_be_focused()
    expect(amount).to_have_value("many")
    page.keyboard.press("Control+A")
    page.keyboard.type("5")
    follow(visitor, page.get_by_role("button", name="Save and continue"))
    expect(page.locator("h1")).to_have_text("Datasets")
