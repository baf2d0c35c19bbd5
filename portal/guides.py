"""Pages of `docs/` that people read in the portal: the little of Markdown that they use, as HTML."""

import functools
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from markupsafe import Markup, escape

DOCS = Path(__file__).resolve().parents[1] / "docs"
# Pages beside it are for the repository: of a link to one only its words are left.
BESIDE = re.compile(r"\[([^]]+)\]\([^)]+\)")
STRONG = re.compile(r"\*\*(.+?)\*\*")
STARTS = {"## ": "h2", "* ": "ul"}
NUMBERED = re.compile(r"\d+\. ")


@functools.cache
def read(name: str) -> tuple[str, Markup]:
    """The title, and what stands below it."""
    title, _, text = (DOCS / f"{name}.md").read_text(encoding="utf-8").partition("\n")
    return title.removeprefix("# "), Markup("\n").join(_parts(text))


def _parts(text: str) -> Iterator[Markup]:
    lines = [line for line in text.splitlines() if line.strip()]
    for kind, found in groupby(lines, _kind):
        yield from _part(kind, [_inline(line) for line in found])


def _kind(line: str) -> str:
    if NUMBERED.match(line):
        return "ol"
    return next((kind for start, kind in STARTS.items() if line.startswith(start)), "p")


def _part(kind: str, lines: list[str]) -> Iterator[Markup]:
    if kind in ("ol", "ul"):
        items = "".join(f"<li>{line}</li>" for line in lines)
        yield Markup(f"<{kind}>{items}</{kind}>")  # noqa: S704 - escaped by `_inline`
    else:
        yield from (Markup(f"<{kind}>{line}</{kind}>") for line in lines)  # noqa: S704


def _inline(line: str) -> str:
    """Without the mark of its kind; everything but **strong** words is text."""
    bare = NUMBERED.sub("", line, count=1) if NUMBERED.match(line) else re.sub(r"^(## |\* )", "", line)
    return STRONG.sub(r"<strong>\1</strong>", str(escape(BESIDE.sub(r"\1", bare))))
