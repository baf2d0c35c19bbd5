"""Whether two names may be of one person: family name and what is known of the given name."""

import re
import unicodedata
from dataclasses import dataclass

AROUND = frozenset({"jr", "sr", "ii", "iii", "dr", "prof"})


@dataclass(frozen=True, slots=True)
class Name:
    """Both in small letters without accents; `given` is the first given name or its initial."""

    family: str
    given: str

    def may_be(self, other: "Name") -> bool:
        """An initial fits every name that begins with it; two whole given names have to be the same."""
        short = min(len(self.given), len(other.given))
        return self.family == other.family and self.given[:short] == other.given[:short] and self._fits(other)

    def _fits(self, other: "Name") -> bool:
        return self.given == other.given or 1 in (len(self.given), len(other.given))


def parsed(text: str) -> Name | None:
    """“Roe, Ruth”, “Ruth Roe”, “R. S. Roe” or “Roe RS”; None where one of the two parts is missing."""
    family, comma, given = text.partition(",")
    if not comma:
        family, given = _parts(text)
    surname, first = _words(family), _words(given)
    return Name(surname[-1], first[0]) if surname and first else None


def _parts(text: str) -> tuple[str, str]:
    words = [word for word in text.split() if _fold(word) not in AROUND]
    if len(words) < 2:
        return text, ""
    # Capitals at the end are initials, as medical journals write them, unless the whole name is in capitals.
    if re.fullmatch(r"[A-Z]{1,3}", words[-1]) and not words[0].isupper():
        return " ".join(words[:-1]), " ".join(words[-1])
    return words[-1], " ".join(words[:-1])


def _words(text: str) -> list[str]:
    folded = (_fold(word) for word in re.split(r"[\s.]+", text))
    return [word for word in folded if word and word not in AROUND]


def _fold(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word.casefold())
    return "".join(char for char in plain if char.isalnum())
