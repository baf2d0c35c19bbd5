"""ORCID iDs in what people type or paste: found, checked and written one way."""

import re

FOUND = re.compile(r"(?<![\dX-])(\d{4}-\d{4}-\d{4}-\d{3}[\dXx])(?![\dXx-])")


def is_valid(orcid: str) -> bool:
    """The last character is a check digit (ISO 7064, 11-2)."""
    if not FOUND.fullmatch(orcid):
        return False
    total = 0
    for digit in orcid.replace("-", "")[:-1]:
        total = (total + int(digit)) * 2 % 11
    return "0123456789X"[(12 - total) % 11] == orcid[-1].upper()


def found_in(text: str) -> str:
    """The first valid iD in a text, as an address of orcid.org or bare; empty without one."""
    each = (match[1].upper() for match in FOUND.finditer(text) if match[1].isascii())
    return next((orcid for orcid in each if is_valid(orcid)), "")
