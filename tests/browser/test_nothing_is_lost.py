"""Long typed text survives a wrong value elsewhere, somebody else's save, and a closed session."""

from playwright.sync_api import expect

from tests.browser.visitors import Visitor

LONG = "Rain falls on rock, and some of it stays. " * 60


def second_tab(visitor: Visitor) -> Visitor:
    other = Visitor(visitor.context, visitor.address)
    other.page.goto(visitor.page.url)
    return other


def abstract(visitor: Visitor) -> str:
    return visitor.page.locator("[name=abstract]").input_value().strip()


def test_text_survives_a_wrong_value_in_another_field(writer: Visitor) -> None:
    writer.page.goto(writer.page.url.replace("/summary", "/resources"))
    why = writer.page.locator("[name^=why_]").first
    why.fill(LONG)
    writer.page.locator("[name^=amount_]").first.fill("many")
    writer.press("Save and continue")
    expect(writer.page.locator(".error-summary")).to_be_visible()
    assert why.input_value().strip() == LONG.strip()


def test_text_survives_a_save_from_another_tab(writer: Visitor) -> None:
    other = second_tab(writer)
    other.fill({"title": "From the other tab", "abstract": "Theirs."})
    other.press("Save and leave")
    writer.fill({"abstract": LONG})
    writer.press("Save and continue")
    writer.refuses("This was changed while you had it open.")
    expect(writer.page.locator(".theirs")).to_contain_text("Theirs.")
    expect(writer.page.locator("[name=title]")).to_have_value("From the other tab")
    assert abstract(writer) == LONG.strip()
    again = writer.page.url
    writer.press("Save and continue")
    writer.page.goto(again)
    assert abstract(writer) == LONG.strip()


def test_text_survives_logging_out_in_another_tab(writer: Visitor) -> None:
    other = second_tab(writer)
    other.page.locator(".menu--person summary").click()
    other.press("Log out", within=other.page.locator(".nav--wide"))
    writer.fill({"title": "Still here", "abstract": LONG})
    summary = writer.page.url
    writer.press("Save and continue")
    writer.reads("You are logged out")
    other.log_in("sam")
    writer.press("Send it again")
    expect(writer.page.locator("h1")).to_have_text("Case")
    writer.page.goto(summary)
    assert abstract(writer) == LONG.strip()
