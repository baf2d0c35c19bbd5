"""The record of a meeting in a real browser: the room polls and goes on, and nothing typed is lost."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Arrive
from tests.portal import fixtures
from tests.portal.in_room import item
from tests.portal.stage import Portal
from tests.portal.test_meeting_crowd import served

# The portal of the tests over HTTP: it has meetings, which the demonstration has not.
demo_file, opened_once, staged = fixtures.demo_file, fixtures.opened_once, fixtures.portal


@pytest.fixture
def address(staged: Portal) -> Iterator[str]:
    with served(staged) as port:
        yield f"http://127.0.0.1:{port}"


def test_what_the_chair_types_outlives_the_polls_and_goes_along(
    staged: Portal, address: str, arrive: Arrive
) -> None:
    first, second = item(staged, 0), item(staged, 1)
    chen, ruth = arrive(address), arrive(address)
    for visitor, who in ((chen, "chen"), (ruth, "ruth")):
        visitor.log_in(who)
        visitor.visit(first.room)
    minutes = chen.page.get_by_label("Minutes of this item")
    minutes.fill("Said while the room went on asking.")
    ruth.press("Come into the room")
    # Chen's screen has asked again, and shows it.
    expect(chen.page.locator("main")).to_contain_text("Chen Wei, Owen Brandt, Ruth Adeyemi")
    expect(minutes).to_have_value("Said while the room went on asking.")

    chen.press("Next item")

    expect(chen.page.locator("h1")).to_have_text(second.title)
    expect(ruth.page.locator("h1")).to_have_text(second.title)
    chen.press("Take this one", within=chen.page.locator("li", has_text=first.ref))
    expect(chen.page.get_by_label("Minutes of this item")).to_have_value(
        "Said while the room went on asking."
    )
