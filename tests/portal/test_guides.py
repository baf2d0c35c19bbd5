"""Pages for people in `docs/`: served in the portal, linked where they are needed, true to the screen."""

import re
from pathlib import Path

import pytest

from portal import guides
from tests.portal import stage
from tests.portal.stage import Portal

ROOT = Path(__file__).resolve().parents[2]
SCREENS = (*(ROOT / "portal").rglob("*.html"), *(ROOT / "portal").rglob("*.py"))
NAMES = (*SCREENS, *(ROOT / "allocations/programme").glob("st*.py"))
GUIDE = guides.DOCS / "running-a-call.md"
WHAT_HAPPENS = re.compile(r"\*\*[^*]+\.\*\*")


def test_every_bold_name_stands_on_a_screen() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in NAMES)
    bold = set(re.findall(r"\*\*(.+?)\*\*", WHAT_HAPPENS.sub("", GUIDE.read_text(encoding="utf-8"))))
    shown = {name for name in bold if re.search(rf"""['">]{re.escape(name)} ?['"<{{]""", text)}

    assert len(bold) > 40
    assert bold - shown == set()


def test_everybody_reads_it_in_the_portal(portal: Portal) -> None:
    text = portal.visitor().get("/docs/running-a-call").text

    assert "<h1>Running a call</h1>" in text
    assert "<h2>When something goes wrong</h2>" in text
    assert text.count("<ol>") == 5
    assert "press <strong>Copy</strong>" in text
    assert "**" not in text
    assert ".md" not in text


@pytest.mark.parametrize("path", ["/home", "/calls", "/calls/{call_panel}", "/docs"])
def test_an_officer_is_led_to_it(portal: Portal, path: str) -> None:
    link = 'href="/docs/running-a-call"'
    address = path.format_map(stage.places(portal))

    assert link in portal.log_in("owen").get(address).text
    assert (link in portal.log_in("priya").get(address).text) == (path == "/docs")


def test_what_is_written_is_text_and_not_markup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "odd.md").write_text("# <A>\n\nOne <b>&</b> **two**.\n\n* a\n* [b](c.md)\n", encoding="utf-8")
    monkeypatch.setattr(guides, "DOCS", tmp_path)
    title, body = guides.read("odd")

    assert title == "<A>"
    assert body == "<p>One &lt;b&gt;&amp;&lt;/b&gt; <strong>two</strong>.</p>\n<ul><li>a</li><li>b</li></ul>"
