"""Long typed text survives a wrong value elsewhere, somebody else's save, and a closed session."""

from playwright.sync_api import Dialog, expect

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


def asks_before_leaving(visitor: Visitor) -> None:
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    visitor.page.on("dialog", stay)
    visitor.page.get_by_role("link", name="Calls", exact=True).first.click()
    visitor.page.wait_for_timeout(300)
    visitor.page.remove_listener("dialog", stay)
    assert asked == ["beforeunload"]


def test_a_browser_asks_before_it_leaves_a_page_with_a_wrong_value(writer: Visitor) -> None:
    writer.page.goto(writer.page.url.replace("/summary", "/resources"))
    writer.fill({"why_h100": "Four runs.", "amount_h100": "many"})
    writer.press("Save and continue")

    asks_before_leaving(writer)

    writer.fill({"amount_h100": "20"})
    expect(writer.page.locator(".saving--rest")).to_contain_text("Saved")
    writer.page.get_by_role("link", name="Calls", exact=True).first.click()
    writer.page.wait_for_url("**/calls")


def test_a_refused_summary_waits_for_its_writer_to_decide(writer: Visitor) -> None:
    other = second_tab(writer)
    other.fill({"title": "From the other tab", "abstract": "Theirs."})
    other.press("Save and leave")
    writer.fill({"abstract": LONG})
    here = writer.page.url
    writer.press("Save and continue")
    writer.page.wait_for_timeout(1500)

    asks_before_leaving(writer)

    writer.page.get_by_role("button", name="Save mine").click()
    expect(writer.page.locator(".saving--rest")).to_contain_text("Saved")
    writer.page.goto(here)
    assert abstract(writer) == LONG.strip()


def test_a_refused_answer_waits_for_its_writer_and_is_kept_by_the_browser(writer: Visitor) -> None:
    writer.press("Save and continue")
    other = second_tab(writer)
    box, told = writer.page.get_by_label("Scientific merit"), writer.page.locator(".saving").first
    other.page.get_by_label("Scientific merit").fill("Theirs.")
    expect(other.page.locator(".saving").first).to_contain_text("Saved")
    box.fill("Mine.")
    here = writer.page.url
    writer.press("Save and continue")
    writer.page.wait_for_timeout(1500)
    expect(told).to_contain_text("Theirs.")

    asks_before_leaving(writer)

    expect(box).to_have_value("Mine.")
    writer.page.on("dialog", lambda dialog: dialog.accept())
    writer.page.goto(here)
    expect(box).to_have_value("Theirs.")
    expect(told).to_contain_text("Mine.")
    writer.look()
