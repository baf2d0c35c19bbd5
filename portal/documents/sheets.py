"""Sheets of a document: fonts, tags for screen readers, running footer, rows of a table."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fpdf import FPDF
from fpdf.enums import MethodReturnValue, PageMode, XPos, YPos
from fpdf.prefs import ViewerPreferences

from portal.documents import characters

MARGIN, FOOT = 20.0, 22.0
INK, MUTED, RULE = 27, 92, 178
BODY, SMALL = 10.5, 8.5
LEADING = 1.45
# Private characters: no shown text has them, so that "{nb}" in a text stays what it is.
TOTAL = "\ue0f0\ue0f1"


class Sheets(FPDF):
    """An A4 document whose text is tagged and whose pages carry a footer."""

    def __init__(self, *, footer: str, wide: bool) -> None:
        super().__init__(orientation="portrait", unit="mm", format="A4")
        self.running = footer
        self._open = ""
        self.set_margins(MARGIN, MARGIN, MARGIN)
        self.set_auto_page_break(True, margin=FOOT)
        self.alias_nb_pages(TOTAL)
        self.add_font("body", "", characters.REGULAR)
        self.add_font("body", "B", characters.BOLD)
        if wide:
            self.add_font("wide", "", characters.WIDE)
        # A glyph that only the regular face has is better than none.
        self.set_fallback_fonts(["body", "wide"] if wide else ["body"], exact_match=False)
        self.page_mode = PageMode.USE_OUTLINES
        self.viewer_preferences = ViewerPreferences(display_doc_title=True)

    def header(self) -> None:
        """A page has begun: what was open on the last one goes on."""
        if self._open:
            self._begin(self._open)

    def footer(self) -> None:
        """A page ends: marked content cannot run over it."""
        if self._open:
            self._out("EMC")
        self._out("/Artifact <</Type /Pagination>> BDC")
        self.set_y(-FOOT + 6)
        self.face(SMALL, grey=MUTED)
        self.multi_cell(self.epw, 4, self.running, align="L", new_x=XPos.LMARGIN, new_y=YPos.TOP)
        self.set_y(-FOOT + 10)
        self.cell(self.epw, 4, f"Page {self.page_no()} of {TOTAL}", align="R")
        self._out("EMC")

    def face(self, size: float, style: str = "", *, grey: int = INK) -> None:
        self.set_font("body", style, size)
        self.set_text_color(grey)

    @contextmanager
    def tagged(self, kind: str) -> Iterator[None]:
        """What is written inside is one structure element (`/H2`, `/P`), two when it runs over a page."""
        self._open = kind
        self._begin(kind)
        yield
        self._out("EMC")
        self._open = ""

    def _begin(self, kind: str) -> None:
        mark = self.struct_builder.next_mcid_for_page(self.page)
        _, number = self.struct_builder.add_marked_content(self.page, kind, mcid=mark)
        self.pages[self.page].struct_parents = number
        self._out(f"{kind} <</MCID {mark}>> BDC")

    def write_lines(self, text: str, *, kind: str = "/P", after: float = 0) -> None:
        """One block of text in the current face, over as many lines and pages as it takes."""
        with self.tagged(kind):
            for line in text.split("\n"):
                side = "R" if characters.right_to_left(line) else "L"
                self._lines(self.epw, line, align=side, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(after)

    def _lines(self, width: float, text: str, **how: Any) -> Any:
        """Shaping only where a text needs it: it costs time with its length."""
        self.set_text_shaping(characters.needs_shaping(text))
        return self.multi_cell(width, self.font_size * LEADING, text, **how)

    def heading(self, text: str, level: int) -> None:
        """A heading with its bookmark; it stays with the lines after it."""
        self.ln(3)
        self.face(14.0 if level == 0 else 11.0, "B")
        if self.will_page_break(24):
            self.add_page()
        if text.strip():
            self.start_section(" ".join(text.split())[:120], level, strict=False)
            self.write_lines(text, kind=f"/H{level + 2}", after=1.5)

    def row(self, cells: Sequence[str], widths: Sequence[float]) -> None:
        """Cells side by side, which together fit on a page."""
        tall = max(self._height(cell, width) for cell, width in zip(cells, widths, strict=True))
        if self.will_page_break(tall + 2):
            self.add_page()
        top = self.y
        with self.tagged("/P"):
            for cell, width in zip(cells, widths, strict=True):
                self.set_xy(self.x, top + 1)
                self._lines(width, cell, align="L", new_x=XPos.RIGHT, new_y=YPos.TOP)
        self.set_xy(self.l_margin, top + tall + 2)
        self.set_draw_color(RULE)
        self._out("/Artifact BMC")
        self.line(self.l_margin, self.y, self.l_margin + sum(widths), self.y)
        self._out("EMC")

    def fits(self, cells: Sequence[str], widths: Sequence[float]) -> bool:
        """Whether a row of these cells takes less than a third of a page."""
        return all(
            self._height(cell, width) < self.eph / 3 for cell, width in zip(cells, widths, strict=True)
        )

    def _height(self, text: str, width: float) -> float:
        return float(self._lines(width, text, align="L", dry_run=True, output=MethodReturnValue.HEIGHT))
