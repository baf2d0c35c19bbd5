"""The questions of a call's form, and what a valid answer to each is."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from allocations.kernel.db import Base

# A table in an answer: rows of cells, as wide as the question has columns.
Cells = list[list[str]]
MOST_ROWS = 50
MOST_WORDS = 5_000
MOST_CHARACTERS = 40_000


class QuestionKind(enum.StrEnum):
    TEXT = "text"
    CHOICE = "choice"
    NUMBER = "number"
    TABLE = "table"
    FILE = "file"


class Question(Base):
    """`options` are the choices of a choice and the columns of a table; `words` limits a text."""

    __tablename__ = "question"
    __table_args__ = (
        UniqueConstraint("call_id", "position"),
        CheckConstraint("words BETWEEN 1 AND 5000", "words_range"),
        CheckConstraint("most >= least", "most_not_below_least"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"), init=False)
    position: Mapped[int]
    section: Mapped[str] = mapped_column(String(80))
    kind: Mapped[QuestionKind]
    label: Mapped[str] = mapped_column(String(200))
    hint: Mapped[str] = mapped_column(Text, default="")
    needed: Mapped[bool] = mapped_column(default=True)
    words: Mapped[int | None] = mapped_column(default=None)
    least: Mapped[int | None] = mapped_column(default=None)
    most: Mapped[int | None] = mapped_column(default=None)
    options: Mapped[list[str]] = mapped_column(default_factory=list)

    @property
    def field(self) -> str:
        """Its name in forms."""
        return f"q{self.id}"


@dataclass(frozen=True, slots=True)
class QuestionDraft:
    section: str
    kind: QuestionKind
    label: str
    hint: str = ""
    needed: bool = True
    words: int | None = None
    least: int | None = None
    most: int | None = None
    options: tuple[str, ...] = ()


# What a call asks unless its officer asks something else.
STANDARD = (
    QuestionDraft(
        section="Case",
        kind=QuestionKind.TEXT,
        label="Scientific merit",
        hint="The question, why it matters, and what will be known afterwards.",
        words=1000,
    ),
    QuestionDraft(
        section="Case",
        kind=QuestionKind.TEXT,
        label="Computational plan",
        hint="Models and their sizes, number of runs, GPU-hours of a run, and how you know.",
        words=1000,
    ),
    QuestionDraft(
        section="Case",
        kind=QuestionKind.TEXT,
        label="Data plan",
        hint="What data you use and make, where they are kept, and what is published.",
        words=600,
    ),
)


def sections(questions: Sequence[Question]) -> list[str]:
    """Their names in the order of their first question."""
    return list(dict.fromkeys(question.section for question in questions))


def faults(drafts: Sequence[QuestionDraft]) -> dict[str, str]:
    """What is wrong with a form before it is published, by form field."""
    wrong: dict[str, str] = {}
    for place, draft in enumerate(drafts):
        if draft.kind == QuestionKind.CHOICE and len(set(draft.options)) < 2:
            wrong[f"question_{place}_options"] = "A choice needs two different options, one a line."
        elif draft.kind == QuestionKind.TABLE and not 1 <= len(draft.options) <= 6:
            wrong[f"question_{place}_options"] = "A table has one to six columns, one a line."
        elif any(len(option) > 120 for option in draft.options):
            wrong[f"question_{place}_options"] = "An option or column has at most 120 characters."
        if draft.words is not None and not 1 <= draft.words <= MOST_WORDS:
            wrong[f"question_{place}_words"] = f"Enter 1 to {MOST_WORDS:,} words."
        if draft.least is not None and draft.most is not None and draft.most < draft.least:
            wrong[f"question_{place}_most"] = "The largest number is below the smallest."
    labels = [draft.label.casefold() for draft in drafts]
    for place, label in enumerate(labels):
        if label in labels[:place]:
            wrong[f"question_{place}_label"] = "Another question has the same text."
    return wrong


def trouble(question: Question, text: str, cells: Cells) -> str:
    """Why this cannot be kept as an answer, even in a draft; empty when it can.

    The number of words is asked at submission only: a text that is too long must be kept while it is cut.
    """
    if len(text) > MOST_CHARACTERS:
        return f"This is {len(text):,} characters long; at most {MOST_CHARACTERS:,} can be kept."
    if question.kind == QuestionKind.CHOICE and text and text not in question.options:
        return "Choose one of the options."
    if question.kind == QuestionKind.NUMBER and text:
        return _number_trouble(question, text)
    if question.kind == QuestionKind.TABLE:
        return _table_trouble(question, cells)
    return ""


def _number_trouble(question: Question, text: str) -> str:
    digits = text.removeprefix("-")
    if not digits.isascii() or not digits.isdecimal() or len(digits) > 15:
        return "Enter a whole number, such as 12."
    if question.least is not None and int(text) < question.least:
        return f"Enter {question.least:,} or more."
    if question.most is not None and int(text) > question.most:
        return f"Enter {question.most:,} or less."
    return ""


def _table_trouble(question: Question, cells: Cells) -> str:
    if len(cells) > MOST_ROWS:
        return f"A table has at most {MOST_ROWS} rows."
    if any(len(row) != len(question.options) for row in cells):
        return "A row has one cell for each column."
    if any(len(cell) > 500 for row in cells for cell in row):
        return "A cell has at most 500 characters."
    return ""
