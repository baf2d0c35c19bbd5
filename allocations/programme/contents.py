"""What a submitted version holds, field by field, and what changed from one version to another."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from allocations.programme.differences import Ellipsis, Piece, abbreviated, differences

# Versions from before calls asked questions of their own.
FIXED = (("merit", "Scientific merit"), ("plan", "Computational plan"), ("data_plan", "Data plan"))


@dataclass(frozen=True, slots=True)
class Words:
    section: str
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Lines:
    section: str
    label: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Part = Words | Lines


@dataclass(frozen=True, slots=True)
class Change:
    """One field that is not the same: pieces of its text, or rows that went and came."""

    section: str
    label: str
    pieces: tuple[Piece | Ellipsis, ...] = ()
    columns: tuple[str, ...] = ()
    removed: tuple[tuple[str, ...], ...] = ()
    added: tuple[tuple[str, ...], ...] = ()


def parts(content: Mapping[str, Any], *, names: bool) -> list[Part]:
    """In reading order. Without names, nothing is in it that says whose the proposal is.

    Only what is known here is told: a key that some other edition added might name somebody.
    """
    return [*_summary(content), *(_people(content) if names else ()), *_case(content, names), *_plan(content)]


def _summary(content: Mapping[str, Any]) -> Iterator[Part]:
    yield Words("Summary", "Title", _text(content, "title"))
    yield Words("Summary", "Abstract", _text(content, "abstract"))
    yield Words("Summary", "Fields of science", ", ".join(map(str, content.get("fields_of_science", []))))
    yield Words("Summary", "Keywords", _text(content, "keywords"))
    if content.get("high_risk"):
        yield Words("Summary", "High risk", "Yes")


def _people(content: Mapping[str, Any]) -> Iterator[Part]:
    yield Words("People", "PI", _text(content, "pi"))
    yield Words("People", "Institution", _text(content, "institution"))
    yield _lines("People", "Team", content.get("team", []), {"E-mail address": "email", "Role": "role"})


def _case(content: Mapping[str, Any], names: bool) -> Iterator[Part]:
    for key, label in FIXED:
        if key in content:
            yield Words("Case", label, _text(content, key))
    for answer in content.get("answers", []):
        section, label = _text(answer, "section"), _text(answer, "question")
        if answer.get("cells"):
            rows = tuple(tuple(map(str, row)) for row in answer["cells"])
            yield Lines(section, label, tuple(map(str, answer.get("columns", []))), rows)
        else:
            yield Words(section, label, _file(answer, names) or _text(answer, "text"))


def _file(answer: Mapping[str, Any], names: bool) -> str:
    """People name files after themselves: without names it is told by its size and digest."""
    file = answer.get("file")
    if not file:
        return ""
    name = f"{file.get('name')}: " if names else ""
    return f"{name}a file of {int(file.get('size', 0)):,} bytes, SHA-256 {file.get('digest', '')}"


def _plan(content: Mapping[str, Any]) -> Iterator[Part]:
    asked = [{**each, "amount": _amount(each)} for each in content.get("resources", [])]
    columns = {"Resource": "resource", "Amount": "amount", "Why": "why"}
    yield _lines("Resources", "Resources asked for", asked, columns)
    yield Words("Resources", "Start", _day(_text(content, "starts_on")))
    yield Words("Resources", "Length", _months(_text(content, "months")))
    if content.get("datasets"):
        columns = {"Dataset": "dataset", "Use": "use"}
        yield _lines("Datasets", "Datasets asked for", content["datasets"], columns)


def _amount(asked: Mapping[str, Any]) -> str:
    amount = f"{_text(asked, 'amount')} {_text(asked, 'unit')}".strip()
    least = f"at least {_text(asked, 'least')}" if asked.get("least") else ""
    instead = f"or {', or '.join(map(str, asked['instead']))}" if asked.get("instead") else ""
    return ", ".join(filter(None, (amount, least, instead)))


def _lines(section: str, label: str, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> Lines:
    told = tuple(tuple(_text(row, key) for key in columns.values()) for row in rows)
    return Lines(section, label, tuple(columns), told)


def _day(text: str) -> str:
    """Short forms ask for no start."""
    return f"{date.fromisoformat(text):%-d %B %Y}" if text else "As soon as it is awarded"


def _months(text: str) -> str:
    return f"{text} {'month' if text == '1' else 'months'}" if text else ""


def _text(holder: Mapping[str, Any], key: str) -> str:
    return str(holder.get(key, "") or "")


def changes(old: Sequence[Part], new: Sequence[Part]) -> list[Change]:
    """Fields that differ, in the order of the newer version; those that are gone come last."""
    before = {(part.section, part.label): part for part in old}
    after = {(part.section, part.label): part for part in new}
    keys = [*after, *(key for key in before if key not in after)]
    return [_change(before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key)]


def _change(old: Part | None, new: Part | None) -> Change:
    known = new or old
    assert known is not None  # noqa: S101 - one of the two gave the key
    if isinstance(old or known, Words) and isinstance(new or known, Words):
        pieces = abbreviated(differences(_as_text(old), _as_text(new)))
        return Change(known.section, known.label, pieces=pieces)
    before, after = _as_rows(old), _as_rows(new)
    return Change(
        known.section,
        known.label,
        columns=known.columns if isinstance(known, Lines) else (),
        removed=tuple(row for row in before if row not in after),
        added=tuple(row for row in after if row not in before),
    )


def _as_text(part: Part | None) -> str:
    return part.text if isinstance(part, Words) else ""


def _as_rows(part: Part | None) -> tuple[tuple[str, ...], ...]:
    if isinstance(part, Lines):
        return part.rows
    return ((part.text,),) if part is not None and part.text else ()
