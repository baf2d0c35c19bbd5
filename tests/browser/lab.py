"""What a member does with a notebook: start, open, run cells in JupyterLab, stop, start again."""

import re
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from tests.browser.visitors import Visitor

SOON = 60_000
CELL = """
from pathlib import Path
print("first reading", Path("datasets/weather-stations/daily.csv").read_text().splitlines()[1])
for folder in ("weather-stations", "clinical-imaging"):
    try:
        Path("datasets", folder, "mine.txt").write_text("no")
        print(folder, "was changed")
    except OSError as error:
        print(folder, "refuses", type(error).__name__)
Path("kept.txt").write_text("still here")
print("home", Path("kept.txt").read_text())
"""


def start(uma: Visitor, project: str) -> str:
    """The path of the notebook's page, once it can be opened."""
    uma.visit(project)
    uma.press("Start a notebook")
    uma.tick("Scientific Python")
    uma.fill({"gpus": "1", "hours": "1"})
    uma.press("Start the notebook")
    wait_until_open(uma)
    return uma.page.url.removeprefix(uma.address)


def wait_until_open(uma: Visitor) -> None:
    """The status fragment comes again by itself; nothing is reloaded."""
    expect(uma.page.get_by_role("link", name="Open notebook")).to_be_visible(timeout=SOON)
    uma.look()


def enter(uma: Visitor) -> Page:
    """JupyterLab in a tab of its own, on an origin of its own."""
    with uma.context.expect_page() as opened:
        uma.page.get_by_role("link", name="Open notebook").click()
    lab = opened.value
    expect(lab.locator(".jp-Launcher").first).to_be_visible(timeout=SOON)
    ours, theirs = urlsplit(uma.address), urlsplit(lab.url)
    assert (ours.hostname, ours.port) != (theirs.hostname, theirs.port)
    assert "token" not in theirs.query, "the token stays in the address"
    return lab


def run_cell(lab: Page, code: str) -> str:
    """A new Python notebook, one cell, and what its kernel printed."""
    lab.locator(".jp-LauncherCard[data-category='Notebook']").first.click()
    editor = lab.locator(".jp-Notebook .jp-CodeCell .cm-content").first
    expect(editor).to_be_visible(timeout=SOON)
    # A cell that is run before its kernel is there is not run at all.
    expect(lab.locator("#jp-main-statusbar").get_by_text("| Idle")).to_be_visible(timeout=SOON)
    editor.click()
    lab.keyboard.insert_text(code.strip())
    expect(editor).to_contain_text("first reading")
    lab.keyboard.press("Shift+Enter")
    output = lab.locator(".jp-Notebook .jp-OutputArea-output").first
    expect(output).to_contain_text(re.compile(r"home .+|Error"), timeout=SOON)
    return output.inner_text()


def read_file(lab: Page, name: str) -> str:
    """A file of the home folder, as the server of this notebook gives it."""
    address = f"{urlsplit(lab.url).scheme}://{urlsplit(lab.url).netloc}/files/{name}"
    text: str = lab.evaluate("async (address) => (await fetch(address)).text()", address)
    return text


def stop(uma: Visitor) -> None:
    uma.press("Stop")
    expect(uma.page.locator("#status")).to_contain_text("Stopped", timeout=SOON)


def start_again(uma: Visitor) -> None:
    uma.press("Start again")
    wait_until_open(uma)
