"""Files that come with a form: read and checked before anything in the database is locked for them."""

from collections.abc import Callable
from typing import Any

from flask import request

from allocations.kernel.errors import Invalid
from allocations.programme.answers import Attachment, Upload
from allocations.programme.proposals import Proposal
from allocations.programme.questions import Question
from portal.attachments.files import CSV, ENDINGS, JPEG, PDF, PNG, checked
from portal.database import session

MOST = 10_000_000
# A form has texts beside its files.
WHOLE = MOST + 2 * 1024 * 1024
ALLOWED = frozenset({PDF, PNG, JPEG, CSV})


def takes_files(view: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a view whose form may be larger than others, because it brings files."""
    view.most_bytes = WHOLE  # type: ignore[attr-defined]
    return view


def read_ahead(view: Any) -> None:
    """Take in a form with files while the database is still closed: some people's lines are slow."""
    most = getattr(view, "most_bytes", None)
    if most is not None and request.method == "POST":
        request.max_content_length = most
        request.files.keys()


def received() -> dict[str, Upload | str]:
    """By form field: the file after its check, or why it is refused."""
    # Taking a PDF apart takes its time; SQLite has but one writer, who must not be us meanwhile.
    session().rollback()
    return {field: _checked(file) for field, file in request.files.items() if file.filename}


def _checked(file: Any) -> Upload | str:
    try:
        found = checked(str(file.filename), file.read(), allowed=ALLOWED, most=MOST)
    except Invalid as error:
        return error.reason
    return Upload(found.name, found.media_type, found.content, found.digest, found.pages)


def neutral_name(proposal: Proposal, question: Question, file: Attachment) -> str:
    """Says which answer the file is, and nothing about whose: authors' names for files name authors."""
    return named(proposal.ref, question.label, ENDINGS[file.media_type][0])


def named(ref: str, label: str, ending: str) -> str:
    plain = "".join(char if char.isascii() and char.isalnum() else " " for char in label.lower())
    return f"{'-'.join([ref, *plain.split()])[:60].rstrip('-')}{ending}"
