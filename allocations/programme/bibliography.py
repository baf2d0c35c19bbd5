"""Lists of publications as people keep them: BibTeX, RIS or CSV; what cannot be read is named by its line."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

NAMES = {
    "title": ("title", "ti", "t1"),
    "abstract": ("abstract", "ab", "n2"),
    "year": ("year", "date", "py", "y1"),
    "doi": ("doi", "do"),
    "authors": ("author", "authors", "au", "a1"),
}
BIBTEX = re.compile(r"^[ \t]*@(\w+)[ \t]*([{(])", re.MULTILINE)
RIS = re.compile(r"^([A-Z][A-Z0-9])  ?-(?: |$)(.*)$")
FIRST_OF_RIS = re.compile(r"^TY  ?-", re.MULTILINE)
# A backslash takes the next character with it, so that \} ends nothing.
MARKS = re.compile(r'\\.|[{}"]', re.DOTALL)
NAME = re.compile(r"\s*([A-Za-z][\w-]*)\s*=\s*")
SPACE = re.compile(r"\s*")
BARE = re.compile(r"[\w.+:/-]+")
ACCENT = re.compile(r"""\\(['"`^~=.]|[cvuHkr](?=[\s{]))\s{0,2}\{?\s{0,2}\\?([A-Za-z])\}?""")
ACCENTS = {
    "'": "\u0301",
    '"': "\u0308",
    "`": "\u0300",
    "^": "\u0302",
    "~": "\u0303",
    "=": "\u0304",
    ".": "\u0307",
    "c": "\u0327",
    "v": "\u030c",
    "u": "\u0306",
    "H": "\u030b",
    "k": "\u0328",
    "r": "\u030a",
}
LETTERS = {"ss": "ß", "o": "ø", "O": "Ø", "l": "ł", "L": "Ł", "ae": "æ", "AE": "Æ", "aa": "å", "AA": "Å"}
LETTER = re.compile(r"\\(ss|ae|AE|aa|AA|o|O|l|L)(?![A-Za-z])\s?")


@dataclass(frozen=True, slots=True)
class Refusal:
    """The line on which something begins that cannot be taken in, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One publication as it was written: `values` by the names of NAMES."""

    line: int
    values: Mapping[str, str]


@dataclass(slots=True)
class Reading:
    entries: list[Entry] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)

    def refuse(self, line: int, reason: str) -> None:
        self.refused.append(Refusal(line, reason))


class Unreadable(Exception):
    """An entry that breaks the rules of its format; the text says how."""


def read(text: str) -> Reading:
    """Which of the three formats it is shows in the text. Nothing is dropped without being named."""
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    bibtex, ris = BIBTEX.search(plain), FIRST_OF_RIS.search(plain)
    if ris and not (bibtex and bibtex.start() < ris.start()):
        return _ris(plain)
    return _bibtex(plain) if bibtex else _csv(plain)


def _wanted(given: Mapping[str, str]) -> dict[str, str]:
    """The fields that count, by our names; the first of several that mean the same."""
    found = {}
    for ours, theirs in NAMES.items():
        value = next((given[name] for name in theirs if given.get(name, "").strip()), "")
        # A whole date: the year is what is kept.
        dated = re.match(r"\s*(\d{4})[-/]", value) if ours == "year" else None
        found[ours] = dated[1] if dated else value
    return found


def _bibtex(text: str) -> Reading:
    """Entries begin where a line begins with `@`, so one that never ends does not swallow the next."""
    reading, starts = Reading(), [*BIBTEX.finditer(text)]
    ends = [match.start() for match in starts[1:]] + [len(text)]
    _outside(reading, text[: starts[0].start()], 1)
    line, counted = 1, 0
    for match, end in zip(starts, ends, strict=True):
        line += text.count("\n", counted, match.start())
        counted = match.start()
        if match[1].lower() in ("comment", "preamble", "string"):
            continue
        try:
            values, after = _fields(text[match.end() : end], "}" if match[2] == "{" else ")")
        except Unreadable as error:
            reading.refuse(line, str(error))
            continue
        reading.entries.append(Entry(line, _wanted({name: _plain(value) for name, value in values.items()})))
        after += match.end()
        _outside(reading, text[after:end], line + text.count("\n", match.start(), after))
    return reading


def _outside(reading: Reading, text: str, line: int) -> None:
    """What stands between entries: only empty lines and lines of comment."""
    for number, words in enumerate(text.split("\n"), line):
        if words.strip(" \t,") and not words.lstrip().startswith("%"):
            reading.refuse(number, "This stands outside of every entry.")


def _fields(body: str, close: str) -> tuple[dict[str, str], int]:
    """The fields behind the key, and where the entry has ended."""
    at, values = body.find(","), dict[str, str]()
    if at < 0:
        raise Unreadable("This entry has no fields.")
    while body[at : at + 1] == ",":
        name = NAME.match(body, at + 1)
        if name is None:
            at += 1
            break
        value, at = _value(body, name.end(), name[1].lower())
        values.setdefault(name[1].lower(), value)
    at = _past_space(body, at)
    if body[at : at + 1] != close:
        raise Unreadable("This entry does not end, or a field in it is not written as name = {value}.")
    return values, at + 1


def _value(body: str, at: int, name: str) -> tuple[str, int]:
    """Parts joined by `#`, up to the comma or the end of the entry."""
    parts = []
    while True:
        part, at = _part(body, at, name)
        parts.append(part)
        at = _past_space(body, at)
        if body[at : at + 1] != "#":
            return "".join(parts), at
        at += 1


def _part(body: str, at: int, name: str) -> tuple[str, int]:
    at = _past_space(body, at)
    if body[at : at + 1] in ("{", '"'):
        end = _closing(body, at)
        return body[at + 1 : end], end + 1
    bare = BARE.match(body, at)
    if bare is None:
        raise Unreadable(f"The field “{name[:40]}” has no value.")
    if not bare[0].isdecimal() and any(name in names for names in NAMES.values()):
        raise Unreadable(f"The field “{name}” uses the abbreviation “{bare[0][:40]}”. Write it out.")
    return bare[0], bare.end()


def _past_space(body: str, at: int) -> int:
    found = SPACE.match(body, at)
    return found.end() if found else at


def _closing(body: str, start: int) -> int:
    """Where the brace or quotation mark that opens at `start` closes."""
    depth, quoted = 0, body[start] == '"'
    for mark in MARKS.finditer(body, start + (1 if quoted else 0)):
        depth += {"{": 1, "}": -1}.get(mark[0], 0)
        if depth < 0:
            break
        if depth == 0 and mark[0] == ('"' if quoted else "}"):
            return mark.start()
    raise Unreadable("A brace or a quotation mark in this entry does not close.")


def _plain(value: str) -> str:
    """Without TeX: accents as letters, no braces, one space between words."""
    found = ACCENT.sub(lambda m: unicodedata.normalize("NFC", m[2] + ACCENTS[m[1]]), value)
    found = LETTER.sub(lambda m: LETTERS[m[1]], found)
    found = re.sub(r"\\([&%$#_])", r"\1", found).replace("---", "—").replace("--", "–")
    return " ".join(re.sub(r"(?<!\\)[{}]", "", found).replace("~", " ").split())


def _ris(text: str) -> Reading:
    """Records from `TY  -` to `ER  -`; a line without a tag goes on with the one before."""
    reading, given, begun, last = Reading(), dict[str, str](), 0, ""
    for number, words in enumerate(text.split("\n"), 1):
        tagged = RIS.match(words)
        tag, value = (tagged[1], tagged[2].strip()) if tagged else ("", words.strip())
        if tag == "TY":
            _unended(reading, begun)
            given, begun, last = {}, number, ""
        elif not begun and words.strip():
            reading.refuse(number, "This stands outside of every record: one begins with “TY  -”.")
        elif tag == "ER":
            reading.entries.append(Entry(begun, _wanted(given)))
            begun = 0
        elif tag:
            last = tag.lower()
            # Each author has a line; a second title is another title.
            known = given.setdefault(last, value)
            if last in NAMES["authors"] and known != value:
                given[last] = f"{known}; {value}"
        elif begun and last and value:
            given[last] = f"{given[last]} {value}"
    _unended(reading, begun)
    return reading


def _unended(reading: Reading, begun: int) -> None:
    if begun:
        reading.refuse(begun, "This record does not end with “ER  -”.")


def _csv(text: str) -> Reading:
    """A first line that names columns; commas, semicolons or tabs between them."""
    reading = Reading()
    skipped = len(text) - len(text.lstrip("\n"))
    first = text.lstrip("\n").partition("\n")[0]
    between = max(",;\t", key=first.count)
    rows = csv.reader(io.StringIO(text), delimiter=between, strict=True)
    heads: list[str] = []
    for line, row in _rows(rows, reading):
        if not heads:
            heads = [head.strip().lower() for head in row]
            if not {"title", "year"} <= set(heads):
                reading.refuse(
                    skipped + 1,
                    "This is neither BibTeX nor RIS, and no CSV whose first line names the columns "
                    "title, year, abstract and doi.",
                )
                break
        elif len(row) > len(heads):
            reading.refuse(line, "This line has more cells than the first one names.")
        else:
            reading.entries.append(Entry(line, _wanted(dict(zip(heads, row, strict=False)))))
    return reading


def _rows(rows: Any, reading: Reading) -> Iterator[tuple[int, list[str]]]:
    """Rows with something in them, each with the line on which it begins."""
    while True:
        line = rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            reading.refuse(line, "A quotation mark in this line does not close, or the line is too long.")
            continue
        if any(cell.strip() for cell in row):
            yield line, row
