"""What the programme's people do in the browser: from a call to an accepted award."""

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from tests.browser.visitors import Visitor

CALL = "Models of rain and rock"
TITLE = "Rain that falls on rock"
RUBRIC = (("Merit", "60"), ("Plan", "40"))
WHY = "Each of the four runs takes 20 GPU-hours, as a pilot has shown."
CASE = {
    "Scientific merit": "Floods.",
    "Computational plan": "Four runs on one GPU each.",
    "Data plan": "All is published.",
}


def open_call(owen: Visitor) -> None:
    owen.visit("/calls")
    owen.press("Open a new call")
    owen.fill({"title": CALL})
    owen.press("Save as a draft")
    owen.fill({"summary": "For projects that learn from weather stations."})
    owen.tick("Standard")
    owen.press("Save and continue")
    now = datetime.now(UTC)
    owen.fill(
        {
            "timezone": "UTC",
            "opens_at": f"{now - timedelta(days=1):%Y-%m-%dT%H:%M}",
            "closes_at": f"{now + timedelta(days=9):%Y-%m-%dT%H:%M}",
            "max_months": "12",
        }
    )
    owen.press("Save and continue")
    _ask_the_standard_questions(owen)
    _set_the_review(owen)
    owen.fill({"pool_h100": "500", "pool_storage": "100"})
    owen.press("Save and continue")
    owen.press("Save and continue")
    owen.press("Publish the call")
    owen.reads("The call is published.")


def _ask_the_standard_questions(owen: Visitor) -> None:
    """They are there already; a row that was added by mistake is taken away again."""
    owen.press("Add a question")
    owen.reads("Not saved yet")
    owen.press("Remove question 4")
    owen.press("Save and continue")


def _set_the_review(owen: Visitor) -> None:
    for step in ("Technical assessment", "Reply of the PI", "Discussion"):
        owen.tick(step)
    owen.fill({"reviewers": "1"})
    for place, (name, weight) in enumerate(RUBRIC):
        owen.page.locator(f"#criterion-{place} > summary").click()
        owen.fill({f"criterion_{place}_name": name, f"criterion_{place}_weight": weight})
        for score in range(5):
            owen.fill({f"criterion_{place}_anchor_{score}": f"{name} at {score + 1}"})
    while owen.page.locator(f"#criterion-{len(RUBRIC)}").count():
        owen.page.locator(f"#criterion-{len(RUBRIC)} > summary").click()
        owen.press(f"Remove criterion {len(RUBRIC) + 1}")
    owen.press("Save and continue")


def write_proposal(priya: Visitor, *, call: str = CALL, title: str = TITLE) -> str:
    """Section by section; the public reference of the proposal."""
    priya.visit("/calls")
    priya.press(call)
    priya.press("Start a proposal")
    found = re.search(r"/proposals/([^/]+)/summary", priya.page.url)
    assert found, priya.page.url
    priya.fill({"title": title, "abstract": "We learn where rain falls.", "keywords": "rain, rock"})
    priya.tick("Earth and environmental sciences")
    priya.press("Save and continue")
    for question, words in CASE.items():
        priya.page.get_by_label(question).fill(words)
    priya.press("Save and continue")
    priya.fill({"amount_h100": "80", "why_h100": WHY, "amount_storage": "10", "why_storage": "Checkpoints."})
    priya.fill({"starts_on": f"{datetime.now(UTC):%Y-%m-%d}", "months": "6"})
    priya.press("Save and continue")
    _ask_for_data(priya)
    priya.fill({"email_0": "uma@commons.example"})
    priya.press("Save and continue")
    return found[1]


def _ask_for_data(priya: Visitor) -> None:
    """The use of the controlled dataset is left out at first, to see that it is missed."""
    priya.tick("Use National weather stations")
    priya.fill({"use_weather-stations": "Temperatures as input."})
    priya.tick("Use Clinical imaging archive")
    priya.press("Save and continue")


def submit(priya: Visitor, ref: str) -> None:
    priya.reads("Still missing")
    priya.page.locator(".usa-alert--warning a").first.click()
    priya.page.wait_for_url("**/data#*")
    priya.fill({"use_clinical-imaging": "Lungs after floods; only statistics leave the project."})
    priya.press("Save and continue")
    priya.visit(f"/proposals/{ref}/check")
    expect(priya.page.locator("main")).not_to_contain_text("Still missing")
    priya.press("Submit the proposal")
    priya.reads(f"{ref} is submitted.")


def join(uma: Visitor) -> None:
    """Through the link in her letter, which the worker writes."""
    letter = uma.page.locator(".letter", has_text=TITLE)
    uma.until("/mailbox", lambda: letter.count() > 0)
    if letter.first.get_attribute("open") is None:
        letter.first.locator("summary").click()
    letter.first.locator("a[href*='/invitations/']").click()
    uma.page.wait_for_url("**/invitations/**")
    uma.look()
    uma.press("Accept")
    uma.reads("You are on the team.")


def forward(owen: Visitor) -> None:
    owen.visit("/screening")
    owen.press(TITLE)
    owen.tick("Forward to review")
    owen.press("Record the decision")
    owen.reads("is in review.")


def approve_data(dana: Visitor) -> None:
    dana.visit("/access-requests")
    dana.press(TITLE)
    dana.tick("Yes")
    dana.press("Record the decision")
    dana.reads("is approved.")


def assign(owen: Visitor, ref: str) -> None:
    owen.visit(f"/proposals/{ref}")
    owen.press("Assign reviewers")
    team = owen.page.locator("tr", has_text="Ruth Adeyemi")
    owen.press("Ask", within=team)
    owen.reads("Ruth Adeyemi is asked for a review.")


def review(ruth: Visitor) -> None:
    ruth.visit("/reviews")
    ruth.press(TITLE)
    ruth.press("Accept")
    for name, _ in RUBRIC:
        ruth.page.get_by_role("radiogroup", name=re.compile(name)).get_by_text("4 –").click()
    ruth.fill({"to_pi": "A clear question."})
    ruth.press("Save a draft")
    ruth.reads("Your draft is saved.")
    ruth.score("confidence", "4")
    ruth.fill({"to_panel": "Give them what they ask for."})
    ruth.press("Submit the review")
    ruth.reads("Your review is submitted.")


def award(chen: Visitor, *, units: str) -> None:
    chen.visit("/panel")
    chen.press(CALL)
    expect(chen.page.locator("tr", has_text=TITLE)).to_contain_text("4")
    chen.press(TITLE)
    chen.fill({"amount_h100": units, "summary": "The panel was of one mind."})
    chen.tick("Award these amounts")
    chen.press("Record")
    chen.reads("is awarded")


def consent(pat: Visitor) -> None:
    """To everything that the award takes from Pat's machines."""
    pat.visit("/consents")
    refs = pat.page.locator("tbody th a").all_inner_texts()
    assert refs, "nothing waits for consent"
    for ref in refs:
        pat.visit(f"/allocations/{ref}/consent")
        pat.press("Record your answer")
        pat.reads("your answer is recorded")


def accept_award(priya: Visitor) -> str:
    """The address of the project's page."""
    priya.visit("/projects")
    priya.press(TITLE)
    priya.press("Read the terms and accept")
    priya.tick("I have read the terms")
    priya.press("Accept the award")
    priya.reads("You have accepted the award.")
    return priya.page.url.removeprefix(priya.address)
