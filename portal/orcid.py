"""Works, employments and the name that somebody has at ORCID: its public API, version 3.0, read with care."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from allocations.kernel.errors import DomainError, Invalid
from allocations.people import orcids
from allocations.programme import authorship, publications
from allocations.programme.authorship import Author
from allocations.programme.bibliography import Refusal
from allocations.programme.publications import ABSTRACT, TITLE, Listed, PublicationDraft
from portal.auth.transport import Unreachable, get_json, patience

# Bytes: what the API says of one work is about 2 kB in a list, and more with its contributors.
LARGEST = 8 * 1024 * 1024
# Works shown, the newest first, and asked for in full at once: the API gives a hundred.
MOST = 100
EMPLOYMENTS, PLACE = 10, 200
MARKUP = re.compile(r"</?(?:i|b|em|strong|sub|sup|scp|jats|mml|p)\b[^<>]{0,200}>", re.IGNORECASE)
AUTHORS = re.compile(r"author|credit\.niso\.org", re.IGNORECASE)


class NoAnswer(DomainError):
    """ORCID said nothing usable; the text tells the person."""


@dataclass(frozen=True, slots=True)
class Work:
    """One work in the list: enough to choose it."""

    put_code: int
    title: str
    year: int
    where: str
    doi: str


@dataclass(frozen=True, slots=True)
class Employment:
    place: str
    role: str
    since: str
    until: str

    @property
    def words(self) -> str:
        years = f"{self.since or '?'}–{self.until}" if self.since or self.until else ""
        return ", ".join(part for part in (self.role, self.place, years.rstrip("–?") or "") if part)


@dataclass(frozen=True, slots=True)
class Shown:
    """What somebody can choose from; `passed_over` are works without a title or a year."""

    works: tuple[Work, ...]
    passed_over: int
    employments: tuple[Employment, ...]


def shown(api: str, orcid: str) -> Shown:
    """Raises NoAnswer, after some seconds at most."""
    with patience():
        listed = _got(api, orcid, "works")
        employed = _got(api, orcid, "employments")
    works, passed_over = _works(listed)
    return Shown(works, passed_over, _employments(employed))


def drafts(api: str, orcid: str, put_codes: Sequence[int]) -> Listed:
    """The chosen works in full, as a list to take in; what cannot be had is among the refused."""
    wanted = list(dict.fromkeys(put_codes))[:MOST]
    with patience():
        found = _got(api, orcid, "works/" + ",".join(str(code) for code in wanted))
    by_code = {_code(work): work for each in _list(found, "bulk") if (work := _at(each, "work"))}
    made, refused = list[PublicationDraft](), list[Refusal]()
    for code in wanted:
        try:
            made.append(_draft(by_code.get(code)))
        except Invalid as error:
            refused.append(Refusal(code, " ".join(error.fields.values())))
    return Listed(tuple(made), tuple(refused))


def _got(api: str, orcid: str, what: str) -> dict[str, Any]:
    if not api:
        raise NoAnswer("This portal does not read from ORCID.")
    if not orcids.is_valid(orcid):
        raise NoAnswer("There is no ORCID iD on your profile.")
    try:
        return get_json(f"{api.rstrip('/')}/{orcid}/{what}", largest=LARGEST)
    except Unreachable:
        raise NoAnswer("ORCID did not answer in a usable way. Nothing is changed; try again later.") from None


def _works(found: dict[str, Any]) -> tuple[tuple[Work, ...], int]:
    """One work of each group, in which versions stand together; the preferred has the highest index."""
    each = [_preferred(group) for group in _list(found, "group")]
    works = [work for one in each if (work := _work(one)) is not None]
    newest = sorted(works, key=lambda work: (-work.year, work.title, work.put_code))
    return tuple(newest[:MOST]), len(each) - len(works)


def _preferred(group: Any) -> Any:
    return max(_list(group, "work-summary"), key=lambda one: _number(_at(one, "display-index")), default=None)


def _work(summary: Any) -> Work | None:
    code, title, year = _code(summary), _title(summary), _year(_at(summary, "publication-date"))
    if not code or not title or not year:
        return None
    where = _text(_at(summary, "journal-title", "value"))[:PLACE]
    return Work(code, title, int(year), where, _doi(summary))


def _draft(work: Any) -> PublicationDraft:
    if work is None:
        raise Invalid({"work": "ORCID did not give this work."})
    year, abstract = _year(_at(work, "publication-date")), _text(_at(work, "short-description"))
    draft = PublicationDraft(
        _title(work), abstract[:ABSTRACT], int(year or 0), _doi(work), authorship.written(_authors(work))
    )
    try:
        return publications.checked(draft)
    except Invalid as error:
        if set(error.fields) != {"doi"}:
            raise
        return publications.checked(replace(draft, doi=""))


def _title(work: Any) -> str:
    title, more = (_text(_at(work, "title", part, "value")) for part in ("title", "subtitle"))
    return (f"{title}: {more}" if title and more else title)[:TITLE]


def _doi(work: Any) -> str:
    """Its own; that of a journal or a book that it is part of says nothing about its authors."""
    for each in _list(_at(work, "external-ids"), "external-id"):
        own = _at(each, "external-id-relationship") in ("self", "version-of")
        if own and str(_at(each, "external-id-type")).casefold() == "doi":
            return _text(_at(each, "external-id-value"))[:PLACE]
    return ""


def _authors(work: Any) -> Iterator[Author]:
    for each in _list(_at(work, "contributors"), "contributor"):
        role = _at(each, "contributor-attributes", "contributor-role")
        name = _text(_at(each, "credit-name", "value")).replace(";", ",")
        orcid = orcids.found_in(_text(_at(each, "contributor-orcid", "path")))
        if role is None or AUTHORS.search(str(role)):
            yield Author(name[: authorship.NAME], orcid)


def _employments(found: dict[str, Any]) -> tuple[Employment, ...]:
    """The present ones first, as ORCID has them."""
    each = [
        _at(summary, "employment-summary")
        for group in _list(found, "affiliation-group")
        for summary in _list(group, "summaries")
    ]
    known = [employment for one in each if (employment := _employment(one)).place]
    return tuple(sorted(known, key=lambda one: one.until != "")[:EMPLOYMENTS])


def _employment(found: Any) -> Employment:
    parts = (_at(found, "department-name"), _at(found, "organization", "name"))
    place = ", ".join(text for part in parts if (text := _text(part)))
    role = _text(_at(found, "role-title"))[:PLACE]
    return Employment(place[:PLACE], role, _year(_at(found, "start-date")), _year(_at(found, "end-date")))


def _at(found: Any, *keys: str) -> Any:
    """What stands there; None wherever the way ends, for anybody may send anything."""
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _list(found: Any, key: str) -> list[Any]:
    value = _at(found, key)
    return value if isinstance(value, list) else []


def _code(work: Any) -> int:
    return _number(_at(work, "put-code"))


def _number(value: Any) -> int:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return int(text) if re.fullmatch(r"[0-9]{1,15}", text) else 0


def _year(date: Any) -> str:
    text = _text(_at(date, "year", "value"))
    return text if re.fullmatch(r"[12][0-9]{3}", text) else ""


def _text(value: Any) -> str:
    """One line without markup or characters that nothing can keep."""
    if not isinstance(value, str):
        return ""
    plain = MARKUP.sub("", value)
    kept = (" " if ord(char) < 32 or ord(char) == 127 else char for char in plain)
    return " ".join("".join(char for char in kept if not 0xD800 <= ord(char) <= 0xDFFF).split())


def as_text(name: str, orcid: str, found: Shown, *, put_codes: Sequence[int]) -> str:
    """A short account of somebody for a proposal: name, iD, present employment, and the chosen works."""
    present = [one.words for one in found.employments if not one.until]
    works = [_line(work) for work in found.works if work.put_code in put_codes]
    return "\n".join([f"{name}, https://orcid.org/{orcid}", *present, *works])


def _line(work: Work) -> str:
    where = f" {work.where}." if work.where else ""
    return f"- {work.title} ({work.year}).{where}" + (f" doi:{work.doi}" if work.doi else "")
