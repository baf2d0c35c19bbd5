"""Whoever writes a review, a profile or a choice does not lose it by following a link."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Dialog, expect

from tests.browser.conftest import Arrive
from tests.browser.visitors import Visitor
from tests.portal import fixtures, stage
from tests.portal.in_room import item
from tests.portal.stage import Portal
from tests.portal.test_meeting_crowd import served

# The portal of the tests over HTTP: it has reviews in every state, which the demonstration has not.
demo_file, opened_once, staged = fixtures.demo_file, fixtures.opened_once, fixtures.portal


@pytest.fixture
def address(staged: Portal) -> Iterator[str]:
    with served(staged) as port:
        yield f"http://127.0.0.1:{port}"


def come(arrive: Arrive, address: str, who: str, path: str) -> Visitor:
    visitor = arrive(address)
    visitor.log_in(who)
    visitor.visit(path)
    return visitor


def test_a_review_is_there_after_stepping_back_was_thought_better_of(
    staged: Portal, address: str, arrive: Arrive
) -> None:
    petra = come(arrive, address, "petra", f"/reviews/{stage.places(staged)['review_petra']}")
    petra.fill({"to_pi": "The method fits the question.", "private_note": "Ask about the grid."})
    petra.score("confidence", "4")

    petra.press("Step back, or declare a conflict of interest")
    petra.press("Cancel")

    expect(petra.page.locator("[name=to_pi]")).to_have_value("The method fits the question.")
    expect(petra.page.locator("[name=private_note]")).to_have_value("Ask about the grid.")
    expect(petra.page.locator("[name=confidence][value='4']")).to_be_checked()


def test_two_tabs_in_one_review_see_each_other_and_lose_nothing(
    staged: Portal, address: str, arrive: Arrive
) -> None:
    one = come(arrive, address, "petra", f"/reviews/{stage.places(staged)['review_petra']}")
    other = Visitor(one.context, address)
    other.page.goto(one.page.url)
    one.fill({"to_pi": "Of the first tab."})
    expect(one.page.locator(".saving--rest")).to_contain_text("Saved")

    other.fill({"to_pi": "Of the second tab."})

    told = other.page.locator(".saving--rest")
    expect(told).to_contain_text("Comments to the PI, as it was saved meanwhile:")
    expect(told).to_contain_text("Of the first tab.")
    other.look()
    other.page.get_by_role("button", name="Save mine").click()
    expect(told).to_contain_text("Saved")
    other.page.reload()
    expect(other.page.locator("[name=to_pi]")).to_have_value("Of the second tab.")


@dataclass(frozen=True)
class Typing:
    """A form that only its buttons save: who fills which field of it, and a button that keeps that."""

    who: str
    path: str
    field: str
    button: str

    def on(self, visitor: Visitor) -> None:
        """Types, or chooses, as people do: a browser asks nobody who has not touched the page."""
        visitor.page.locator(self.field).first.click()
        visitor.page.keyboard.type("Rain")


BY_BUTTON = {
    "record": Typing("chen", "{room}", "[name=minutes]", "Next item"),
    "bids": Typing("ruth", "/calls/{call_panel}/bids", "[name^=bid-][value=willing] + label", "Save"),
    "profile": Typing("ruth", "/reviews/profile", "[name=keywords]", "Save"),
}


@pytest.mark.parametrize("form", BY_BUTTON.values(), ids=BY_BUTTON)
def test_a_browser_asks_before_it_leaves_what_only_a_button_saves(
    staged: Portal, address: str, arrive: Arrive, form: Typing
) -> None:
    path = form.path.format_map(stage.places(staged) | {"room": item(staged, 0).room})
    visitor, asked = come(arrive, address, form.who, path), list[str]()

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    visitor.page.on("dialog", stay)
    visitor.page.get_by_role("link", name="Docs").click()
    visitor.page.wait_for_url("**/docs")
    visitor.page.go_back()
    assert not asked
    form.on(visitor)
    visitor.page.get_by_role("link", name="Docs").click()
    visitor.page.wait_for_timeout(300)
    assert asked == ["beforeunload"]

    visitor.press(form.button)

    assert asked == ["beforeunload"]
