"""What a request says to the database: statements, and the ends of transactions."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

SILENT = ("BEGIN", "PRAGMA", "COMMIT", "ROLLBACK")
WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")


@contextmanager
def listened(engine: Engine) -> Iterator[list[str]]:
    """The statements inside, in order; a commit is the word COMMIT."""
    heard: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.lstrip().upper().startswith(SILENT):
            heard.append(statement)

    def hear_commit(_connection: Any) -> None:
        heard.append("COMMIT")

    event.listen(engine, "before_cursor_execute", hear)
    event.listen(engine, "commit", hear_commit)
    try:
        yield heard
    finally:
        event.remove(engine, "before_cursor_execute", hear)
        event.remove(engine, "commit", hear_commit)


def writes(heard: list[str]) -> list[str]:
    """What changes rows, or would let a change last."""
    return [text for text in heard if text == "COMMIT" or text.lstrip().upper().startswith(WRITES)]
