"""What the people of a competition do in the browser: office, applicants, reviewers, chair, provider."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from playwright.sync_api import Locator, expect

from tests.browser.clocked import House
from tests.browser.visitors import Visitor

FIELD = "Earth and environmental sciences"
CASE = {
    "Scientific merit": "Floods begin where nobody looks.",
    "Computational plan": "Four runs on one GPU each.",
    "Data plan": "All is published.",
}


@dataclass(frozen=True)
class Wanted:
    """What the officer changes of a starting point; days from now."""

    start: str
    title: str
    days: int
    # Resource -> in all, and at most for one proposal.
    pools: Mapping[str, tuple[str, str]]
    review: Mapping[str, str] = field(default_factory=dict)
    # Labels to press on the page about the review.
    ticks: Sequence[str] = ()
    questions: Sequence[Mapping[str, str]] = ()


def open_call(house: House, wanted: Wanted) -> str:
    """Part by part, as the forms come; the reference of the call."""
    owen = house.person("owen")
    owen.visit("/calls")
    owen.press("Open a new call")
    owen.fill({"title": wanted.title})
    owen.tick(wanted.start)
    owen.press("Save as a draft")
    owen.fill({"summary": "For work that asks a clear question."})
    owen.press("Save and continue")
    moments = {
        "opens_at": house.now - timedelta(days=1),
        "closes_at": house.now + timedelta(days=wanted.days),
    }
    owen.fill({"timezone": "UTC"} | {name: f"{moment:%Y-%m-%dT%H:%M}" for name, moment in moments.items()})
    owen.press("Save and continue")
    _ask(owen, wanted.questions)
    for label in wanted.ticks:
        owen.tick(label)
    owen.fill(dict(wanted.review))
    owen.press("Save and continue")
    for slug, (whole, most) in wanted.pools.items():
        owen.fill({f"pool_{slug}": whole, f"most_{slug}": most})
    owen.press("Save and continue")
    owen.press("Save and continue")
    owen.press("Publish the call")
    owen.reads("The call is published.")
    return owen.page.url.rsplit("/", 1)[1]


def _ask(owen: Visitor, questions: Sequence[Mapping[str, str]]) -> None:
    """Questions of the office's own, after those of the starting point."""
    there = owen.page.locator("details[id^=question-]").count()
    for place, question in enumerate(questions, start=there):
        owen.press("Add a question")
        given = {f"question_{place}_{name}": value for name, value in question.items() if name != "kind"}
        owen.page.locator(f"[name=question_{place}_kind]").select_option(question["kind"])
        owen.fill(given)
    owen.press("Save and continue")


def begin(writer: Visitor, call: str) -> str:
    """From the list of calls to the first page of a proposal; its reference."""
    writer.visit("/calls")
    writer.press(call)
    writer.press("Start a proposal")
    found = re.search(r"/proposals/([^/]+)/", writer.page.url)
    assert found, writer.page.url
    return found[1]


@dataclass(frozen=True)
class Work:
    """What one applicant writes; other answers by the labels of their questions."""

    title: str
    amount: tuple[str, str]
    table: Sequence[Sequence[str]] = ()
    file: tuple[str, str, bytes] | None = None


def apply(writer: Visitor, call: str, work: Work, *, then: Mapping[str, str] | None = None) -> str:
    """Section by section, and submitted; `then` are numbers and choices by label."""
    ref = begin(writer, call)
    writer.fill({"title": work.title, "abstract": "We learn where rain falls.", "keywords": "rain"})
    writer.tick(FIELD)
    writer.press("Save and continue")
    for label, words in CASE.items():
        writer.page.get_by_label(label).fill(words)
    writer.press("Save and continue")
    if work.file:
        _answer_the_rest(writer, work, then or {})
    slug, amount = work.amount
    writer.fill({f"amount_{slug}": amount, f"why_{slug}": "A pilot has shown it.", "months": "6"})
    writer.fill({"starts_on": f"{house_day(writer)}"})
    for _ in ("resources", "datasets", "team"):
        writer.press("Save and continue")
    writer.press("Submit the proposal")
    writer.reads(f"{ref} is submitted.")
    return ref


def _answer_the_rest(writer: Visitor, work: Work, then: Mapping[str, str]) -> None:
    """A section with a table, a file, a choice and a number."""
    writer.tick(then["choice"])
    writer.page.get_by_label("Users").fill(then["number"])
    for row, cells in enumerate(work.table):
        for column, cell in zip(("Run", "GPU-hours"), cells, strict=True):
            writer.page.get_by_label(f"{column}, row {row + 1}", exact=True).fill(cell)
    assert work.file
    name, kind, content = work.file
    writer.page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": kind, "buffer": content}
    )
    writer.press("Send the file")
    writer.reads("You sent")
    writer.press("Save and continue")


def house_day(writer: Visitor) -> str:
    """Today, as the page that is open knows it; the hint shows the form."""
    return str(writer.page.evaluate("() => new Date().toISOString().slice(0, 10)"))


def check(officer: Visitor, ref: str) -> None:
    """The administrative check, from the officer's list."""
    look_at(officer, ref)
    officer.tick("Forward to review")
    officer.press("Record the decision")


def look_at(officer: Visitor, ref: str) -> None:
    officer.visit("/screening")
    row = officer.page.locator("tr", has_text=ref)
    officer.press(row.locator("th a").inner_text(), within=row)


def make_officer(ada: Visitor, name: str) -> None:
    """A second one, for what the first may not touch."""
    ada.visit("/people")
    ada.press(name)
    ada.press("Grant a role")
    ada.page.locator("[name=role]").select_option("programme_officer")
    ada.fill({"reason": "A second officer, of another institution."})
    ada.press("Grant the role")
    ada.reads(f"{name} holds the role now.")


def ask_reviewer(house: House, ref: str, name: str) -> None:
    owen = house.person("owen")
    owen.visit(f"/proposals/{ref}")
    owen.press("Assign reviewers")
    owen.press("Ask", within=owen.page.locator("tr", has_text=name))
    owen.reads(f"{name} is asked for a review.")


def judge(reviewer: Visitor, title: str, *, score: int, words: str) -> None:
    """From the list of reviews to a submitted one; an invitation is accepted on the way."""
    reviewer.visit("/reviews")
    reviewer.press(title)
    accept = reviewer.page.get_by_role("button", name="Accept", exact=True)
    if accept.count():
        reviewer.press("Accept")
    for group in reviewer.page.get_by_role("radiogroup").all():
        if "weight" in (group.locator("legend").inner_text()):
            group.get_by_text(f"{score} –").click()
    reviewer.score("confidence", "4")
    reviewer.fill({"to_pi": words})
    reviewer.press("Submit the review")
    reviewer.reads("Your review is submitted.")


def consent(pat: Visitor) -> None:
    """To everything that waits on Pat's machines."""
    pat.visit("/consents")
    while (answer := pat.page.get_by_role("link", name="Answer for")).count():
        with pat.page.expect_navigation(wait_until="load"):
            answer.first.click()
        pat.look()
        pat.press("Record your answer")
        pat.reads("your answer is recorded")


def accept_award(pi: Visitor, title: str) -> None:
    pi.visit("/projects")
    pi.press(title)
    pi.press("Read the terms and accept")
    pi.tick("I have read the terms")
    pi.press("Accept the award")
    pi.reads("You have accepted the award.")


def letter(reader: Visitor, subject: str) -> str:
    """What the newest letter with this in its subject says; it is read on the page of letters."""
    reader.visit("/mailbox")
    found: Locator = reader.page.locator(".letter", has=reader.page.locator("summary", has_text=subject))
    expect(found.first).to_be_attached()
    if found.first.get_attribute("open") is None:
        found.first.locator("summary").click()
    return found.first.locator(".letter__body").inner_text()
