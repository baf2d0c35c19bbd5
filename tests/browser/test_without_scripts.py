"""With JavaScript switched off the same forms do the same."""

from tests.browser import programme
from tests.browser.conftest import Admit

OPEN_CALL = "AI for Science, second round"
PROJECT = "/projects/PRJ26-0001"


def test_a_proposal_is_written_and_submitted_without_scripts(admit: Admit) -> None:
    carlos = admit("carlos", scripts=False)
    ref = programme.write_proposal(carlos, call=OPEN_CALL, title="Written without scripts")
    programme.submit(carlos, ref)
    carlos.visit("/proposals")
    carlos.reads("Written without scripts")


def test_a_notebook_is_started_and_watched_by_reloading(admit: Admit) -> None:
    carlos = admit("carlos", scripts=False)
    carlos.visit(PROJECT)
    carlos.press("Start a notebook")
    carlos.press("Start the notebook")
    notebook = carlos.page.url.removeprefix(carlos.address)
    ready = carlos.page.get_by_role("link", name="Open notebook")
    carlos.until(notebook, lambda: ready.count() > 0)
    carlos.press("Stop")
    carlos.until(notebook, lambda: carlos.page.get_by_text("Stopped").count() > 0)
