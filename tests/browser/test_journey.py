"""The main job, with the demo people and through forms only: from a call to a charge in the ledger."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.browser import lab, programme
from tests.browser.conftest import Admit
from tests.browser.visitors import Visitor

AWARDED = "60"


@contextmanager
def measured(timings: dict[str, float], what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    timings[what] = time.monotonic() - began


def award_project(admit: Admit) -> None:
    """Steps 1 to 6, up to the provider's consent."""
    owen, priya = admit("owen"), admit("priya")
    programme.open_call(owen)
    ref = programme.write_proposal(priya)
    programme.join(admit("uma"))
    programme.submit(priya, ref)
    programme.forward(owen)
    programme.approve_data(admit("dana"))
    programme.assign(owen, ref)
    programme.review(admit("ruth"))
    programme.award(admit("chen"), units=AWARDED)
    programme.consent(admit("pat"))


def charges(visitor: Visitor) -> list[float]:
    """Units of the charges among the ledger entries on the page."""
    charge = visitor.page.get_by_role("cell", name="Charge", exact=True)
    rows = visitor.page.get_by_role("row").filter(has=charge)
    return [float(text.replace(",", "")) for text in rows.locator("td.num").all_inner_texts()]


def work_in_lab(uma: Visitor, timings: dict[str, float]) -> None:
    opened = lab.enter(uma)
    with measured(timings, "first cell printed"):
        printed = lab.run_cell(opened, lab.CELL)
    assert "first reading 2026-01-01,281.4" in printed
    assert "weather-stations refuses" in printed
    assert "clinical-imaging refuses" in printed
    assert "home still here" in printed
    opened.close()


def test_a_proposal_becomes_a_running_notebook_that_is_charged(
    admit: Admit, timings: dict[str, float]
) -> None:
    award_project(admit)
    priya, uma = admit("priya"), admit("uma")
    project = programme.accept_award(priya)
    with measured(timings, "award accepted to namespace ready"):
        priya.until(project, lambda: priya.page.locator("aside .state-ready").count() > 0)
    with measured(timings, "notebook form to open"):
        notebook = lab.start(uma, project)
    work_in_lab(uma, timings)
    ledger = uma.page.get_by_role("link", name="See the ledger").get_attribute("href") or ""
    with measured(timings, "working in the notebook to charge seen"):
        uma.until(ledger, lambda: sum(charges(uma)) > 0, seconds=60)
    uma.visit(notebook)
    lab.stop(uma)
    lab.start_again(uma)
    again = lab.enter(uma)
    assert lab.read_file(again, "kept.txt") == "still here"
    again.close()
    lab.stop(uma)
    priya.visit(ledger)
    assert sum(charges(priya)) > 0
    priya.visit(project)
    priya.reads("hours remain")
