"""A submitted proposal as a PDF: the same input gives the same bytes, and the file names nobody."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from portal.documents.characters import REPLACEMENT, needs_wide, shown
from portal.documents.sheets import BODY, MUTED, SMALL, Sheets

LANGUAGE = "en"
NOTHING = "Not given"


@dataclass(frozen=True, slots=True)
class Prose:
    """An answer in words; empty lines separate paragraphs."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Grid:
    """An answer in rows; a row that is short of cells is filled up."""

    label: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A headed group of answers."""

    heading: str
    parts: tuple[Prose | Grid, ...]


@dataclass(frozen=True, slots=True)
class Paper:
    """What was submitted; `people` (label, text) is empty where reviewers must not know who applies."""

    reference: str
    title: str
    call: str
    submitted_at: datetime
    digest: str
    people: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]


def proposal_pdf(paper: Paper) -> bytes:
    """A tagged PDF with bookmarks. Any text is drawn; what no font has is shown as U+FFFD and said so."""
    words = shown("".join(_texts(paper)))
    sheets = Sheets(footer=_footer(paper), wide=needs_wide(words))
    _describe(sheets, paper)
    sheets.add_page()
    _head(sheets, paper)
    for section in paper.sections:
        sheets.heading(shown(section.heading), 0)
        for part in section.parts:
            _part(sheets, part)
    if REPLACEMENT in words:
        _say_what_is_missing(sheets)
    return bytes(sheets.output())


def _describe(sheets: Sheets, paper: Paper) -> None:
    """Properties that viewers show. Reviewers who must not know the applicants see them too."""
    sheets.set_title(shown(paper.reference))
    sheets.set_lang(LANGUAGE)
    sheets.set_producer("")
    sheets.set_creation_date(paper.submitted_at.astimezone(UTC))


def _footer(paper: Paper) -> str:
    return f"{shown(paper.reference)[:60]}\nDigest {shown(paper.digest)[:80]}"


def _head(sheets: Sheets, paper: Paper) -> None:
    sheets.face(SMALL + 1, grey=MUTED)
    sheets.write_lines(shown(paper.call), after=1)
    sheets.face(18, "B")
    sheets.write_lines(shown(paper.title).strip() or NOTHING, kind="/H1", after=2)
    when = paper.submitted_at.astimezone(UTC)
    known = (
        ("Proposal", paper.reference),
        ("Submitted", f"{when:%-d %B %Y, %H:%M} UTC"),
        *paper.people,
    )
    for label, text in known:
        sheets.face(SMALL + 0.5, "B", grey=MUTED)
        sheets.write_lines(shown(label))
        sheets.face(BODY)
        sheets.write_lines(shown(text).strip() or NOTHING, after=1)


def _part(sheets: Sheets, part: Prose | Grid) -> None:
    sheets.heading(shown(part.label), 1)
    sheets.face(BODY)
    if isinstance(part, Prose):
        _prose(sheets, part.text)
    else:
        _grid(sheets, part)


def _prose(sheets: Sheets, text: str) -> None:
    paragraphs = [block.strip("\n") for block in shown(text).split("\n\n") if block.strip()]
    for paragraph in paragraphs or [NOTHING]:
        sheets.write_lines(paragraph, after=2)


def _grid(sheets: Sheets, grid: Grid) -> None:
    columns = [shown(name).strip() for name in grid.columns]
    rows = [_cells(row, len(columns)) for row in grid.rows]
    if not columns or not rows:
        _prose(sheets, "")
        return
    widths = _widths(columns, rows, sheets.epw)
    if len(columns) > 6 or not all(sheets.fits(row, widths) for row in [columns, *rows]):
        _listed(sheets, columns, rows)
        return
    sheets.face(SMALL + 0.5, "B", grey=MUTED)
    sheets.row(columns, widths)
    sheets.face(BODY - 0.5)
    for row in rows:
        sheets.row(row, widths)
    sheets.ln(2)


def _widths(columns: list[str], rows: list[list[str]], whole: float) -> list[float]:
    """Wider where there is more to read, within limits."""
    longest = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    shares = [min(max(length, 10), 40) for length in longest]
    return [whole * share / sum(shares) for share in shares]


def _cells(row: tuple[str, ...], many: int) -> list[str]:
    """Exactly as many as there are columns; what is too much goes into the last one."""
    texts = [shown(cell).strip() for cell in row]
    texts[many - 1 :] = [" ".join(texts[many - 1 :])] if len(texts) >= many else []
    return [text or "–" for text in texts + [""] * (many - len(texts))]


def _listed(sheets: Sheets, columns: list[str], rows: list[list[str]]) -> None:
    """For rows that fit on no page: each cell a paragraph after the name of its column."""
    for row in rows:
        for column, cell in zip(columns, row, strict=True):
            sheets.write_lines(f"{column}: {cell}")
        sheets.ln(2)


def _say_what_is_missing(sheets: Sheets) -> None:
    sheets.ln(4)
    sheets.face(SMALL, grey=MUTED)
    sheets.write_lines(
        f"{REPLACEMENT} stands for a character that this document cannot draw. The portal's page shows it."
    )


def _texts(paper: Paper) -> Iterator[str]:
    yield from (paper.reference, paper.title, paper.call, paper.digest)
    for pair in paper.people:
        yield from pair
    for section in paper.sections:
        yield section.heading
        for part in section.parts:
            yield part.label
            yield from _words(part)


def _words(part: Prose | Grid) -> Iterator[str]:
    if isinstance(part, Prose):
        yield part.text
        return
    yield from part.columns
    for row in part.rows:
        yield from row
