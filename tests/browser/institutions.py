"""What a person does at the log-in of an institution, on pages that are not ours, and on the way back."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import expect

from tests.browser.visitors import Visitor
from tests.federation.certified import SFA


def turn_to(visitor: Visitor, slug: str, *, wanted: str = "/home") -> None:
    """From a page that wants a log-in, by way of ours, to the form of the institution."""
    visitor.page.goto(visitor.address + wanted)
    visitor.page.wait_for_url("**/login?next=*")
    visitor.look()
    send(visitor, f"Log-in of {slug}")


def send(visitor: Visitor, button: str) -> None:
    """Presses what leads to the institution; its pages are not looked at."""
    visitor.page.locator("main").get_by_role("button", name=button, exact=True).click()
    visitor.page.wait_for_url(lambda address: not address.startswith(visitor.address))
    expect(visitor.page.locator("h1")).to_contain_text("Log in at")


def choose(visitor: Visitor, persona: str, *, acr: str = SFA) -> None:
    """Fills in the form of the institution, as far as the page of ours that this leads to."""
    with _coming_back(visitor):
        visitor.page.locator("select[name=persona]").select_option(label=persona)
        visitor.page.locator("select[name=acr]").select_option(acr)
        visitor.page.get_by_role("button", name="Continue").click()


def cancel(visitor: Visitor) -> None:
    with _coming_back(visitor):
        visitor.page.get_by_role("button", name="Cancel").click()


@contextmanager
def _coming_back(visitor: Visitor) -> Iterator[None]:
    yield
    visitor.page.wait_for_url(lambda address: address.startswith(visitor.address), timeout=30_000)
    visitor.look()


def agree(visitor: Visitor) -> None:
    """The short profile of a first log-in: what the institution told is filled in."""
    visitor.page.wait_for_url("**/welcome")
    assert visitor.page.locator("[name=email]").input_value()
    visitor.tick("I use this service for research")
    visitor.press("Continue")


def log_in(visitor: Visitor, slug: str, persona: str, *, wanted: str = "/home", acr: str = SFA) -> None:
    """The whole way of somebody who has been here before."""
    turn_to(visitor, slug, wanted=wanted)
    choose(visitor, persona, acr=acr)
    visitor.page.wait_for_url(f"**{wanted}")


def log_out(visitor: Visitor) -> None:
    visitor.page.locator(".menu--person summary").click()
    visitor.press("Log out", within=visitor.page.locator(".nav--wide"))


def expect_logged_in(visitor: Visitor, name: str) -> None:
    expect(visitor.page.locator(".nav--wide .menu__name")).to_have_text(name)
