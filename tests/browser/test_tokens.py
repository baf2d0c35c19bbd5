"""People make tokens, look after them and take them back."""

from tests.browser.conftest import Admit, Screenshot


def test_a_person_makes_a_token_and_revokes_it(admit: Admit, screenshot: Screenshot) -> None:
    sam = admit("sam")
    sam.visit("/account/tokens")
    sam.press("Make a token")
    sam.press("Make the token")
    sam.refuses("Choose what the token is for.")
    sam.fill({"name": "Nightly report of " + "usage" * 20, "days": "7"})
    sam.tick("Read calls")
    sam.press("Make the token")
    sam.reads("It is shown this once")
    assert sam.page.locator("code").inner_text().startswith("prt_")
    screenshot(sam, "sam token made")
    sam.press("I have copied it")
    sam.reads("Read calls")
    screenshot(sam, "sam tokens")
    sam.page.get_by_role("button", name="Revoke Nightly").click()
    sam.reads("You have no tokens.")


def test_two_leaders_give_their_project_a_token(admit: Admit, screenshot: Screenshot) -> None:
    priya = admit("priya")
    priya.visit("/projects")
    priya.page.locator("main a[href^='/projects/PRJ']").last.click()
    priya.press("Tokens for programs of the project")
    here = priya.page.url.removeprefix(priya.address)
    priya.press("Make a token")
    priya.fill({"name": "Nightly"})
    priya.tick("Start and stop notebooks")
    priya.press("Make the token")
    priya.reads("Another leader of the project has to confirm it")
    priya.press("I have copied it")
    carlos = admit("carlos")
    carlos.visit(here)
    screenshot(carlos, "carlos project tokens")
    carlos.press("Confirm Nightly")
    carlos.reads("The token works now.")
