"""Authors of a publication as one text: a line each, with the ORCID iD behind the name where it is known."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from allocations.people import orcids

# Of a collaboration of thousands the first are kept; the DOI finds the others.
MOST, NAME = 100, 120
BETWEEN = re.compile(r"\n|;|\s+and\s+|\s+&\s+")
LEFT = re.compile(r"https?://orcid\.org/?|[()\[\]<>]|ORCID:?(?:\s*iD:?)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Author:
    name: str
    orcid: str = ""


def read(text: str) -> tuple[Author, ...]:
    """Names between semicolons, “and” or line ends; an iD is recognised wherever it stands."""
    each = (_author(part) for part in BETWEEN.split(text))
    return tuple(author for author in each if author.name or author.orcid)[:MOST]


def written(authors: Iterable[Author]) -> str:
    return "\n".join(f"{author.name} {author.orcid}".strip() for author in authors)


def _author(part: str) -> Author:
    orcid = orcids.found_in(part)
    name = LEFT.sub(" ", orcids.FOUND.sub(" ", part))
    plain = " ".join(name.split()).strip(" ,")
    return Author("" if plain.casefold() in ("others", "et al.", "et al") else plain[:NAME], orcid)
