"""A file that somebody sent in, checked and cleaned before anybody else may see it."""

import csv
import hashlib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from allocations.kernel.errors import Invalid
from portal.attachments import pdfs, pictures

PDF, PNG, JPEG, TEXT, CSV = "application/pdf", "image/png", "image/jpeg", "text/plain", "text/csv"
WORDS = {
    PDF: "a PDF file",
    PNG: "a PNG picture",
    JPEG: "a JPEG picture",
    TEXT: "a text file",
    CSV: "a CSV table",
}
ENDINGS = {
    PDF: (".pdf",),
    PNG: (".png",),
    JPEG: (".jpg", ".jpeg"),
    TEXT: (".txt", ".md", ".csv"),
    CSV: (".csv",),
}
NAME = 80
# Browsers take text for a page when it starts like this, whatever its name.
_MARKUP = re.compile(r"\s*<(!doctype|html|head|body|svg|\?xml|\?php|!--)|<script", re.IGNORECASE)
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Checked:
    """A clean file. The name is safe to store and offer, but it may still say who wrote the file.

    `digest` is SHA-256 (hexadecimal) of the cleaned content; `pages` counts those of a PDF.
    """

    name: str
    media_type: str
    content: bytes
    digest: str
    pages: int | None = None


def checked(
    name: str, content: bytes, *, allowed: frozenset[str], most: int, most_pages: int = pdfs.PAGES
) -> Checked:
    """The file without what it says about its authors, or `Invalid` for the field `file`.

    `allowed` are media types, `most` is in bytes. The type is what the content is; the name has no say.
    """
    if not content:
        raise Invalid({"file": "This file is empty."})
    if len(content) > most:
        raise Invalid({"file": f"This file is too large: at most {_size(most)} can be sent."})
    media_type = _media_type(name, content, allowed)
    if media_type not in allowed:
        raise Invalid({"file": f"Send {_one_of(allowed)}. {_what_it_is(media_type)}"})
    safe = _safe_name(name, media_type)
    cleaned, pages = _clean(media_type, content, most_pages)
    return Checked(safe, media_type, cleaned, hashlib.sha256(cleaned).hexdigest(), pages)


def _clean(media_type: str, content: bytes, most_pages: int) -> tuple[bytes, int | None]:
    if media_type == PDF:
        return pdfs.cleaned(content, most_pages=most_pages)
    ways: dict[str, Callable[[bytes], bytes]] = {PNG: pictures.cleaned_png, JPEG: pictures.cleaned_jpeg}
    return ways.get(media_type, _without_mark)(content), None


def _without_mark(content: bytes) -> bytes:
    return content.removeprefix(b"\xef\xbb\xbf")


def _media_type(name: str, content: bytes, allowed: frozenset[str]) -> str:
    """Empty when it is none of ours. Only the very first bytes count: a PDF after something else is none."""
    starts = {PDF: b"%PDF-", PNG: b"\x89PNG\r\n\x1a\n", JPEG: b"\xff\xd8\xff"}
    for media_type, start in starts.items():
        if content.startswith(start):
            return media_type
    text = _text(content)
    if text is None:
        return ""
    table = CSV in allowed and (TEXT not in allowed or name.lower().endswith(".csv")) and _is_table(text)
    return CSV if table else TEXT


def _text(content: bytes) -> str | None:
    """None for what is not plain text: other encodings, control characters, pages and programs."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    odd = any(unicodedata.category(char) == "Cc" and char not in "\t\n\r\f" for char in text)
    return None if odd or _MARKUP.match(text) or "<script" in text.lower() or "%PDF-" in text else text


def _is_table(text: str) -> bool:
    """Rows of equally many cells, two at least, in the first lines."""
    lines = [line for line in text.splitlines()[:200] if line.strip()]
    for mark in (",", ";", "\t"):
        try:
            widths = {len(row) for row in csv.reader(lines, delimiter=mark)}
        except csv.Error:
            return False
        if len(widths) == 1 and max(widths) > 1:
            return True
    return False


def _safe_name(name: str, media_type: str) -> str:
    """At most 80 characters without path, control characters, marks of direction or reserved names."""
    plain = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    plain = "".join(
        char for char in plain if char.isspace() or not unicodedata.category(char).startswith("C")
    )
    plain = re.sub(r'[<>:"|?*;%]', "-", " ".join(plain.split())).rstrip(" .")
    # "Results v2.1 final" has no ending, only a full stop.
    found = re.search(r"\.[a-z][a-z0-9]{0,4}$", plain, re.IGNORECASE)
    ending = found[0].lower() if found else ""
    if ending and ending not in ENDINGS[media_type]:
        raise Invalid({"file": f"The name of this file ends in {ending}, but it is {WORDS[media_type]}."})
    stem = plain[: len(plain) - len(ending)].strip(" .") or "file"
    if _RESERVED.fullmatch(stem):
        stem = f"file {stem}"
    ending = ending or ENDINGS[media_type][0]
    return stem[: NAME - len(ending)].rstrip(" .") + ending


def _one_of(allowed: frozenset[str]) -> str:
    *first, last = [words for media_type, words in WORDS.items() if media_type in allowed]
    return f"{', '.join(first)} or {last}" if first else last


def _what_it_is(media_type: str) -> str:
    return (
        f"This is {WORDS[media_type]}."
        if media_type
        else "This file is something else, whatever its name says."
    )


def _size(count: int) -> str:
    return f"{count // 1_000_000} MB" if count >= 1_000_000 else f"{count:,} bytes"
