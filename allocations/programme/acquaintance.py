"""Personal relations between people who are asked to judge and teams, as either side states them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import CompoundSelect, or_, select
from sqlalchemy.orm import Session

from allocations.kernel import clock
from allocations.people import names, personal_relations
from allocations.people.names import Name
from allocations.people.personal_relations import PersonalRelation, RelationKind
from allocations.people.persons import Person
from allocations.programme.conflicts import WINDOW

WORDS = {
    RelationKind.SUPERVISOR: "their supervisor",
    RelationKind.STUDENT: "their student",
    # Who is married to whom is nothing for a list in the office.
    RelationKind.FAMILY: "somebody close to them",
    RelationKind.COLLABORATOR: "a close collaborator",
}


@dataclass(frozen=True, slots=True)
class Bond:
    """`own`: stated by whoever is asked to judge; `sure`: known by account or ORCID iD, not by the name."""

    person_id: int
    kind: RelationKind
    own: bool
    sure: bool


@dataclass(slots=True)
class Stated:
    """What is on record: by who states it, and by whom it is about."""

    by_person: dict[int, list[PersonalRelation]] = field(default_factory=dict)
    about_id: dict[int, list[PersonalRelation]] = field(default_factory=dict)
    about_orcid: dict[str, list[PersonalRelation]] = field(default_factory=dict)
    about_family: dict[str, list[tuple[Name, PersonalRelation]]] = field(default_factory=dict)
    wanted: Mapping[int, Person] = field(default_factory=dict)


def stated(session: Session, wanted: Mapping[int, Person], team: CompoundSelect[Any]) -> Stated:
    """By these people and by everybody on the teams, in one statement."""
    since = (clock.now() - WINDOW).date()
    theirs = or_(PersonalRelation.person_id.in_(list(wanted)), PersonalRelation.person_id.in_(team))
    query = select(PersonalRelation).where(theirs, personal_relations.holding(since))
    found = Stated(wanted=wanted)
    for row in session.scalars(query.order_by(PersonalRelation.id)):
        found.by_person.setdefault(row.person_id, []).append(row)
        if row.person_id in wanted:
            _index(found, row)
    return found


def _index(found: Stated, row: PersonalRelation) -> None:
    if row.other_id is not None:
        found.about_id.setdefault(row.other_id, []).append(row)
    if row.other_orcid:
        found.about_orcid.setdefault(row.other_orcid, []).append(row)
    name = names.parsed(row.other_name)
    if name and _is_by_name(row):
        found.about_family.setdefault(name.family, []).append((name, row))


def _is_by_name(row: PersonalRelation) -> bool:
    return row.other_id is None and not row.other_orcid


def with_member(known: Stated, member: Person) -> dict[tuple[int, RelationKind], Bond]:
    """The people asked about who are bound to this member of a team; the surest of each."""
    best: dict[tuple[int, RelationKind], Bond] = {}
    for bond in (*_of_those_asked(known, member), *_of_the_member(known, member)):
        held = best.get((bond.person_id, bond.kind))
        if held is None or (bond.sure, bond.own) > (held.sure, held.own):
            best[bond.person_id, bond.kind] = bond
    return best


def _of_those_asked(known: Stated, member: Person) -> Iterator[Bond]:
    by_orcid = known.about_orcid.get(member.orcid, ()) if member.orcid else ()
    for row in (*known.about_id.get(member.id, ()), *by_orcid):
        yield Bond(row.person_id, row.kind, own=True, sure=True)
    name = names.parsed(member.name)
    for other, row in known.about_family.get(name.family, ()) if name else ():
        if name and name.may_be(other):
            yield Bond(row.person_id, row.kind, own=True, sure=False)


def _of_the_member(known: Stated, member: Person) -> Iterator[Bond]:
    for row in known.by_person.get(member.id, ()):
        for person, sure in _meant(row, known.wanted.values()):
            yield Bond(person.id, row.kind, own=False, sure=sure)


def _meant(row: PersonalRelation, people: Iterable[Person]) -> Iterator[tuple[Person, bool]]:
    name = names.parsed(row.other_name) if _is_by_name(row) else None
    for person in people:
        by_orcid = row.other_orcid != "" and row.other_orcid == person.orcid
        if person.id == row.other_id or by_orcid:
            yield person, True
        elif name and (other := names.parsed(person.name)) and name.may_be(other):
            yield person, False


def words(bond: Bond, member: Person) -> str:
    """The evidence, to follow the name of whoever is asked to judge."""
    if not bond.sure and bond.own:
        return f"has named somebody with the name of {member.name} as {WORDS[bond.kind]}"
    if not bond.sure:
        return f"has the name of somebody whom {member.name} has named as {WORDS[bond.kind]}"
    if bond.own:
        return f"has stated that {member.name} is {WORDS[bond.kind]}"
    return f"was named by {member.name} as {WORDS[bond.kind]}"
