"""Who has published with whom: by DOI, by ORCID iD, and by name together with a second signal."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import CompoundSelect, or_, select
from sqlalchemy.orm import Session

from allocations.kernel import clock
from allocations.people import names
from allocations.people.names import Name
from allocations.people.persons import Person
from allocations.programme import authorship
from allocations.programme.expertise import Publication, ReviewerProfile

# Funders ask about the last four years; publications are dated by their year alone.
YEARS = 4


@dataclass(frozen=True, slots=True)
class Paper:
    person_id: int
    year: int
    doi: str
    orcids: frozenset[str]
    names: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Shared:
    """A publication that two people may share: `sure` by its DOI or an iD, otherwise by a name alone."""

    paper: Paper
    sure: bool

    @property
    def when(self) -> str:
        return f"in {self.paper.year}" + (f" (doi:{self.paper.doi})" if self.paper.doi else "")


@dataclass(slots=True)
class Papers:
    """Publications of the window by owner; those of the people who are asked about by their marks, too."""

    of_person: dict[int, list[Paper]] = field(default_factory=dict)
    by_mark: dict[str, list[Paper]] = field(default_factory=dict)
    by_family: dict[str, list[tuple[Name, Paper]]] = field(default_factory=dict)
    by_orcid: dict[str, int] = field(default_factory=dict)
    named: dict[str, list[tuple[Name, int]]] = field(default_factory=dict)


def since() -> int:
    return clock.today().year - YEARS


def papers(session: Session, wanted: Mapping[int, Person], team: CompoundSelect[Any]) -> Papers:
    """Of these people and of everybody on the teams, in one statement."""
    query = (
        select(ReviewerProfile.person_id, Publication.year, Publication.doi, Publication.authors)
        .join(Publication, Publication.profile_id == ReviewerProfile.id)
        .where(
            Publication.year >= since(),
            or_(ReviewerProfile.person_id.in_(list(wanted)), ReviewerProfile.person_id.in_(team)),
        )
        # The latest first: it is the one that is named.
        .order_by(Publication.year.desc(), Publication.id)
    )
    found = Papers()
    for person in wanted.values():
        name = names.parsed(person.name)
        if name:
            found.named.setdefault(name.family, []).append((name, person.id))
        if person.orcid:
            found.by_orcid[person.orcid] = person.id
    for row in session.execute(query):
        paper = _paper(*row)
        found.of_person.setdefault(paper.person_id, []).append(paper)
        if paper.person_id in wanted:
            _mark(found, paper)
    return found


def _paper(person_id: int, year: int, doi: str | None, authors: str) -> Paper:
    known = authorship.read(authors)
    parsed = (names.parsed(author.name) for author in known)
    return Paper(
        person_id,
        year,
        doi or "",
        frozenset(author.orcid for author in known if author.orcid),
        tuple(name for name in parsed if name),
    )


def _mark(found: Papers, paper: Paper) -> None:
    for mark in {paper.doi, *paper.orcids} - {""}:
        found.by_mark.setdefault(mark, []).append(paper)
    for name in paper.names:
        found.by_family.setdefault(name.family, []).append((name, paper))


def with_member(known: Papers, member: Person) -> dict[int, Shared]:
    """Whom of the people asked about this member of a team has published with; the surest of each."""
    best: dict[int, Shared] = {}
    for person_id, shared in (*_sure(known, member), *_likely(known, member)):
        best.setdefault(person_id, shared)
    best.pop(member.id, None)
    return best


def _sure(known: Papers, member: Person) -> Iterator[tuple[int, Shared]]:
    mine = known.of_person.get(member.id, [])
    marks = [paper.doi for paper in mine if paper.doi] + ([member.orcid] if member.orcid else [])
    for paper in (paper for mark in marks for paper in known.by_mark.get(mark, ())):
        yield paper.person_id, Shared(paper, sure=True)
    for paper in mine:
        for orcid in sorted(paper.orcids & known.by_orcid.keys()):
            yield known.by_orcid[orcid], Shared(paper, sure=True)


def _likely(known: Papers, member: Person) -> Iterator[tuple[int, Shared]]:
    name = names.parsed(member.name)
    for other, paper in known.by_family.get(name.family, ()) if name else ():
        if name and name.may_be(other):
            yield paper.person_id, Shared(paper, sure=False)
    for paper, author in _authors(known.of_person.get(member.id, ())):
        for other, person_id in known.named.get(author.family, ()):
            if author.may_be(other):
                yield person_id, Shared(paper, sure=False)


def _authors(mine: Iterable[Paper]) -> Iterator[tuple[Paper, Name]]:
    return ((paper, name) for paper in mine for name in paper.names)


def second_signal(person: Person, member: Person, fields: Sequence[str]) -> str:
    """What speaks for one name meaning one person: the institution, or a field; empty when nothing does."""
    if person.institution_id is not None and person.institution_id == member.institution_id:
        return "the institution"
    theirs = {*member.fields_of_science, *fields}
    return next((f"the field {each}" for each in person.fields_of_science if each in theirs), "")
