"""Personal relations as people state them of themselves: supervisors, students, family, collaborators."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    String,
    UniqueConstraint,
    func,
    or_,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from allocations.kernel import audit, clock
from allocations.kernel.answers import Answer, require, when
from allocations.kernel.db import Base
from allocations.kernel.errors import IllegalMove, Invalid, NotFound
from allocations.people import orcids
from allocations.people.persons import OF_LOG_IN, Person
from allocations.people.roles import Actor

MOST, NAME = 40, 200


class RelationKind(enum.StrEnum):
    """What the other one is to whoever states it."""

    SUPERVISOR = "supervisor"
    STUDENT = "student"
    FAMILY = "family"
    COLLABORATOR = "collaborator"


# A thesis is never forgotten; what else has ended is, some time later.
FOR_EVER = frozenset({RelationKind.SUPERVISOR, RelationKind.STUDENT})


class PersonalRelation(Base):
    __tablename__ = "personal_relation"
    __table_args__ = (
        UniqueConstraint("person_id", "kind", "other_name", "other_orcid"),
        CheckConstraint("other_id IS NULL OR other_id <> person_id", "not_to_oneself"),
        CheckConstraint("until IS NULL OR since IS NULL OR until >= since", "in_order"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    # Being named is no work of one's own: it does not hinder joining two accounts.
    other_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True, info=OF_LOG_IN)
    other_name: Mapped[str] = mapped_column(String(NAME))
    kind: Mapped[RelationKind]
    other_orcid: Mapped[str] = mapped_column(String(19), default="")
    since: Mapped[date | None] = mapped_column(default=None)
    until: Mapped[date | None] = mapped_column(default=None)
    declared_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)


@dataclass(frozen=True, slots=True)
class RelationDraft:
    """As typed; the address finds an account once and is not kept."""

    kind: RelationKind
    name: str
    orcid: str = ""
    email: str = ""
    since: date | None = None
    until: date | None = None


def may_keep(actor: Actor, person: Person) -> Answer:
    """To state relations of this person: nobody speaks for another."""
    return when(actor.is_person(person.id), "Everybody states their own relations.")


def of_person(session: Session, actor: Actor, person: Person) -> Sequence[PersonalRelation]:
    require(may_keep(actor, person))
    mine = select(PersonalRelation).where(PersonalRelation.person_id == person.id)
    return session.scalars(mine.order_by(PersonalRelation.id).limit(MOST)).all()


def holding(since: date) -> ColumnElement[bool]:
    """What is still remembered, if things that ended before `since` are not."""
    lasting = or_(PersonalRelation.until.is_(None), PersonalRelation.until >= since)
    return or_(PersonalRelation.kind.in_(FOR_EVER), lasting)


def declare(session: Session, actor: Actor, person: Person, *, draft: RelationDraft) -> PersonalRelation:
    held = of_person(session, actor, person)
    clean = _checked(draft, person)
    other_id = _account(session, clean, person)
    mark = (clean.kind, clean.name, clean.orcid)
    if mark in {(each.kind, each.other_name, each.other_orcid) for each in held}:
        raise IllegalMove("You have stated this already. Remove it first to change its days.")
    if len(held) >= MOST:
        raise IllegalMove(f"You have stated {MOST} relations; no more fit. Write to the programme office.")
    stated = PersonalRelation(
        person_id=person.id,
        other_id=other_id,
        other_name=clean.name,
        kind=clean.kind,
        other_orcid=clean.orcid,
        since=clean.since,
        until=clean.until,
    )
    session.add(stated)
    # Whom it names is nobody's business but theirs and the office's: the trail has the kind alone.
    audit.record(session, actor, "personal_relation.declare", subject=person.ref, note=str(clean.kind))
    return stated


def withdraw(session: Session, actor: Actor, person: Person, *, relation_id: int) -> None:
    found = next((each for each in of_person(session, actor, person) if each.id == relation_id), None)
    if found is None:
        raise NotFound
    session.delete(found)
    audit.record(session, actor, "personal_relation.withdraw", subject=person.ref, note=str(found.kind))


def _checked(draft: RelationDraft, person: Person) -> RelationDraft:
    name, orcid, wrong = " ".join(draft.name.split()), orcids.found_in(draft.orcid), dict[str, str]()
    if not name:
        wrong["name"] = "Write who it is."
    if len(name) > NAME:
        wrong["name"] = f"The name is {len(name):,} characters long; at most {NAME:,} fit."
    if draft.orcid.strip() and not orcid:
        wrong["orcid"] = "This is no ORCID iD, such as 0000-0002-1825-0097. Check each figure."
    if orcid and orcid == person.orcid:
        wrong["orcid"] = "This is you."
    if draft.email and draft.email.casefold() == person.email.casefold():
        wrong["email"] = "This is you."
    if draft.since and draft.until and draft.until < draft.since:
        wrong["until"] = "This day is before the first one."
    if wrong:
        raise Invalid(wrong)
    return RelationDraft(draft.kind, name, orcid, draft.email, draft.since, draft.until)


def _account(session: Session, draft: RelationDraft, person: Person) -> int | None:
    """The account with this address or iD, if there is one; whether there is, nobody is told."""
    if not draft.email and not draft.orcid:
        return None
    by_orcid = Person.orcid == draft.orcid if draft.orcid else Person.id.is_(None)
    by_email = func.lower(Person.email) == draft.email.casefold() if draft.email else Person.id.is_(None)
    mine = select(Person.id).where(or_(by_orcid, by_email), Person.id != person.id)
    # Who has proved the iD goes before who has the address.
    order = (Person.orcid != draft.orcid if draft.orcid else Person.id.is_(None), Person.id)
    return session.scalar(mine.order_by(*order).limit(1))
