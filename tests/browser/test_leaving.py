"""Whoever types and at once leaves a page of a proposal finds the text there afterwards."""

from playwright.sync_api import Dialog, Locator, expect

from tests.browser.visitors import Visitor

LONG = "Rain falls on rock, and some of it stays. " * 60


def told(visitor: Visitor) -> Locator:
    return visitor.page.locator(".saving--rest")


def away_and_back(visitor: Visitor) -> None:
    here = visitor.page.url
    visitor.page.get_by_role("link", name="Calls", exact=True).first.click()
    visitor.page.wait_for_url("**/calls")
    visitor.page.goto(here)


def test_the_summary_is_there_after_a_link_was_followed_at_once(writer: Visitor) -> None:
    writer.fill({"title": "Of rain", "abstract": LONG})
    writer.tick("Mathematics")

    away_and_back(writer)

    expect(writer.page.locator("[name=title]")).to_have_value("Of rain")
    assert writer.page.locator("[name=abstract]").input_value().strip() == LONG.strip()
    expect(writer.page.get_by_label("Mathematics", exact=True)).to_be_checked()


def test_an_answer_is_there_after_a_link_was_followed_at_once(writer: Visitor) -> None:
    writer.press("Save and continue")
    writer.page.get_by_label("Scientific merit").fill("Why is rock wet?")

    away_and_back(writer)

    expect(writer.page.get_by_label("Scientific merit")).to_have_value("Why is rock wet?")
    expect(writer.page.locator(".saving").first).to_be_empty()


def test_what_was_typed_while_something_was_being_saved_is_there_too(writer: Visitor) -> None:
    """The browser leaves before it has heard that the first part was saved."""
    page = writer.page
    page.route("**/summary", lambda route: (page.wait_for_timeout(400), route.continue_())[1])
    writer.fill({"title": "Of"})
    with page.expect_request(lambda request: request.method == "POST"):
        pass
    page.locator("[name=title]").press_sequentially(" rain", delay=1)

    away_and_back(writer)

    expect(page.locator("[name=title]")).to_have_value("Of rain")


def test_amounts_save_themselves_and_what_is_wrong_is_said(writer: Visitor) -> None:
    page = writer.page
    page.goto(page.url.replace("/summary", "/resources"))
    writer.fill({"why_h100": "Four runs."})
    expect(told(writer)).to_contain_text("Enter how much you need")
    writer.fill({"amount_h100": "20"})
    expect(told(writer)).to_contain_text("Saved")
    writer.look()

    page.reload()

    expect(page.locator("[name=why_h100]")).to_have_value("Four runs.")
    expect(page.locator("[name=amount_h100]")).to_have_value("20")


def test_two_tabs_in_one_summary_see_each_other_and_lose_nothing(writer: Visitor) -> None:
    other = Visitor(writer.context, writer.address)
    other.page.goto(writer.page.url)
    writer.fill({"title": "Of the first tab", "keywords": "first"})
    expect(told(writer)).to_contain_text("Saved")

    other.fill({"abstract": LONG})
    expect(told(other)).to_contain_text("Saved")
    other.fill({"title": "Of the second tab"})

    expect(told(other)).to_contain_text("Of the first tab")
    expect(other.page.locator("[name=title]")).to_have_value("Of the second tab")
    other.look()
    other.page.get_by_role("button", name="Save mine").click()
    expect(told(other)).to_contain_text("Saved")
    other.page.reload()
    expect(other.page.locator("[name=title]")).to_have_value("Of the second tab")
    expect(other.page.locator("[name=keywords]")).to_have_value("first")


def test_a_browser_asks_before_it_leaves_what_cannot_be_saved(writer: Visitor) -> None:
    page, asked = writer.page, list[str]()

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    writer.context.set_offline(True)
    page.locator("[name=title]").click()
    page.keyboard.type("In a tunnel")
    page.get_by_role("link", name="Calls", exact=True).first.click()
    page.wait_for_timeout(300)

    assert asked == ["beforeunload"]
    expect(page.locator("[name=title]")).to_have_value("In a tunnel")
    writer.context.set_offline(False)
    writer.complaints.clear()
    expect(told(writer)).to_contain_text("Saved", timeout=30_000)


def test_people_are_asked_onto_the_team_only_by_the_button(writer: Visitor) -> None:
    page, asked = writer.page, list[str]()
    page.goto(page.url.replace("/summary", "/team"))
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept())[1])
    page.locator("[name=email_0]").click()
    page.keyboard.type("carlos@commons.ex")
    page.wait_for_timeout(1500)

    away_and_back(writer)

    assert asked == ["beforeunload"]
    expect(page.locator("[name=email_0]")).to_have_value("")
