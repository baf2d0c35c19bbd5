"""Texts that save themselves: what the writer is told, what two writers see, and what a browser keeps."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.allocations.test_differences import COUNTS
from tests.browser.conftest import Admit
from tests.browser.visitors import Visitor

QUESTION = "Scientific merit"


@pytest.fixture
def writer(writer: Visitor) -> Visitor:
    """Before the questions."""
    writer.fill({"title": "Saved by itself"})
    writer.press("Save and continue")
    return writer


def box(page: Page) -> Locator:
    return page.get_by_label(QUESTION)


def told(page: Page) -> Locator:
    return page.locator(".saving").first


def test_a_text_saves_itself_and_its_words_are_counted(writer: Visitor) -> None:
    page = writer.page
    box(page).fill("Why is rock wet?")
    expect(told(page)).to_have_text(re.compile(r"Saved \d\d:\d\d UTC"))
    expect(page.locator(".word-count").first).to_have_text("4 of 1,000 words")
    box(page).press_sequentially(" And why not?")
    expect(page.locator(".word-count").first).to_have_text("7 of 1,000 words")
    page.wait_for_timeout(2500)
    writer.look()
    page.reload()
    expect(box(page)).to_have_value("Why is rock wet? And why not?")
    expect(told(page)).to_be_empty()


def test_the_browser_counts_words_as_the_portal_does(writer: Visitor) -> None:
    count = "async texts => texts.map((await import('/static/words.js')).wordCount)"

    assert writer.page.evaluate(count, [text for text, _ in COUNTS]) == [number for _, number in COUNTS]


def test_saving_the_page_at_once_does_not_meet_itself(writer: Visitor) -> None:
    page, here = writer.page, writer.page.url
    box(page).fill("First.")
    page.wait_for_timeout(1150)
    box(page).press_sequentially(" Second.")
    writer.press("Save and continue")
    expect(page.locator("h1")).to_have_text("Resources")
    page.goto(here)
    expect(box(page)).to_have_value("First. Second.")
    expect(told(page)).to_be_empty()


def test_two_tabs_in_one_answer_see_each_other_and_lose_nothing(writer: Visitor) -> None:
    other = Visitor(writer.context, writer.address)
    other.page.goto(writer.page.url)
    box(writer.page).fill("Of the first tab.")
    expect(told(writer.page)).to_contain_text("Saved")

    box(other.page).fill("Of the second tab.")

    expect(told(other.page)).to_contain_text("wrote meanwhile")
    expect(told(other.page)).to_contain_text("Of the first tab.")
    expect(box(other.page)).to_have_value("Of the second tab.")
    other.look()
    other.page.get_by_role("button", name="Take theirs").click()
    expect(box(other.page)).to_have_value("Of the first tab.")
    expect(told(other.page)).to_contain_text("Of the second tab.")
    box(other.page).fill("Of both.")
    expect(told(other.page)).to_contain_text("Saved")


def test_without_a_network_the_text_is_kept_and_offered_on_the_next_visit(writer: Visitor) -> None:
    page = writer.page
    page.route("**/answers/*", lambda route: route.abort())
    box(page).fill("Written in a tunnel.")
    expect(told(page)).to_contain_text("the portal cannot be reached")
    expect(box(page)).to_have_value("Written in a tunnel.")
    writer.complaints.clear()

    page.unroute("**/answers/*")
    page.reload()
    expect(box(page)).to_have_value("")
    expect(told(page)).to_contain_text("Written in a tunnel.")
    expect(told(page)).to_contain_text(re.compile(r"A text of \d+ [A-Z][a-z]+ 20\d\d, \d\d:\d\d UTC was not"))
    writer.look()
    page.get_by_role("button", name="Put it back").click()
    expect(told(page)).to_contain_text("Saved")
    page.reload()
    expect(box(page)).to_have_value("Written in a tunnel.")
    expect(told(page)).to_be_empty()


def test_after_logging_out_elsewhere_the_text_stays_and_is_saved_after_logging_in(writer: Visitor) -> None:
    other = Visitor(writer.context, writer.address)
    other.page.goto(writer.page.url)
    other.page.locator(".menu--person summary").click()
    other.press("Log out", within=other.page.locator(".nav--wide"))
    box(writer.page).fill("Still here.")
    expect(told(writer.page)).to_contain_text("you are logged out")
    other.log_in("sam")
    box(writer.page).press_sequentially(" And saved.")
    expect(told(writer.page)).to_contain_text("Saved")


def test_a_kept_text_is_not_put_back_over_what_somebody_else_wrote(writer: Visitor, admit: Admit) -> None:
    page, other = writer.page, admit("sam")
    page.route("**/answers/*", lambda route: route.abort())
    box(page).fill("Written in a tunnel.")
    expect(told(page)).to_contain_text("the portal cannot be reached")
    writer.complaints.clear()
    other.page.goto(page.url)
    box(other.page).fill("Written in the office.")
    expect(told(other.page)).to_contain_text("Saved")
    page.unroute("**/answers/*")
    page.reload()

    page.get_by_role("button", name="Put it back").click()

    expect(told(page)).to_contain_text("wrote meanwhile")
    expect(told(page)).to_contain_text("Written in the office.")
    expect(box(page)).to_have_value("Written in a tunnel.")
    page.get_by_role("button", name="Save mine").click()
    expect(told(page)).to_contain_text("Saved")
    page.reload()
    expect(box(page)).to_have_value("Written in a tunnel.")
    expect(told(page)).to_be_empty()
