"""What roles are held on: the choices of a form, what was chosen, and names for pages."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from pydantic import BaseModel
from sqlalchemy import func, literal, or_, select, union_all
from sqlalchemy.orm import Session

from allocations.accounts.resources import Provider
from allocations.kernel.errors import Invalid
from allocations.people.institutions import Institution
from allocations.people.roles import SCOPABLE, SCOPED, Given, Role, ScopeKind
from allocations.programme.calls import Call
from datasets.catalogue import Dataset
from portal import fields

MOST = 200
NAMES: dict[ScopeKind, tuple[Any, Any]] = {
    ScopeKind.CALL: (Call.id, Call.title),
    ScopeKind.DATASET: (Dataset.id, Dataset.title),
    ScopeKind.PROVIDER: (Provider.id, Provider.name),
    ScopeKind.INSTITUTION: (Institution.id, Institution.name),
}
# Institutions are too many for a list: they are typed.
LISTED = (ScopeKind.CALL, ScopeKind.DATASET, ScopeKind.PROVIDER)


class RoleInput(BaseModel):
    """A role as a form asks for it."""

    role: Role
    scope: fields.Line = ""
    institution: fields.Line = ""
    until: fields.Day = None
    reason: fields.Note = ""


def kind_of(role: Role) -> ScopeKind | None:
    return SCOPED.get(role) or SCOPABLE.get(role)


def choices(session: Session, kinds: Iterable[ScopeKind] = LISTED) -> list[tuple[str, str]]:
    """For a select: value and label, the newest of each kind first."""
    found = [("", "Everywhere")]
    for kind in kinds:
        key, label = NAMES[kind]
        rows = session.execute(select(key, label).order_by(key.desc()).limit(MOST))
        found += [(f"{kind}-{number}", f"{str(kind).capitalize()}: {name}") for number, name in rows]
    return found


def given(session: Session, asked: RoleInput) -> Given:
    """What the form asks for, with the object looked up; raises Invalid."""
    scope_id = _chosen(session, asked)
    return Given(asked.role, scope_id, _end_of(asked.until), asked.reason)


def _chosen(session: Session, asked: RoleInput) -> int | None:
    kind = kind_of(asked.role)
    if kind == ScopeKind.INSTITUTION:
        return institution_named(session, asked.institution, field="institution").id
    if not asked.scope:
        return None
    if kind is None:
        raise Invalid({"scope": "This role is held everywhere, not on one thing."})
    named, _, number = asked.scope.rpartition("-")
    key, _ = NAMES[kind]
    known = named == kind and number.isascii() and number.isdecimal() and len(number) < 10
    if not known or session.scalar(select(key).where(key == int(number))) is None:
        raise Invalid({"scope": f"Choose a {kind} for this role."})
    return int(number)


def institution_named(session: Session, words: str, *, field: str) -> Institution:
    """By ROR id (also as an address) or by the whole name, whatever its capitals; raises Invalid."""
    ror = words.strip().rstrip("/").rpartition("/")[2].lower()
    named = or_(Institution.ror == ror, func.lower(Institution.name) == words.strip().lower())
    found = session.scalar(select(Institution).where(named).order_by(Institution.id).limit(1))
    if not words.strip() or found is None:
        raise Invalid(
            {field: "No institution has this name or ROR id. The registry lists all that there are."}
        )
    return found


def _end_of(day: date | None) -> datetime | None:
    """The role lasts through its last day."""
    return None if day is None else datetime.combine(day, time.min, tzinfo=UTC) + timedelta(days=1)


def names(session: Session, held: Iterable[tuple[Role, int | None]]) -> Mapping[tuple[Role, int | None], str]:
    """Role and object -> the object's name, in one statement."""
    wanted: dict[ScopeKind, set[int]] = {}
    pairs = set(held)
    for role, scope_id in pairs:
        kind = kind_of(role)
        if kind is not None and scope_id is not None:
            wanted.setdefault(kind, set()).add(scope_id)
    known = _names(session, wanted)
    return {
        (role, scope_id): known.get((kind_of(role), scope_id), "") for role, scope_id in pairs if scope_id
    }


def _names(
    session: Session, wanted: Mapping[ScopeKind, set[int]]
) -> Mapping[tuple[ScopeKind | None, int], str]:
    parts = [
        select(literal(str(kind)), NAMES[kind][0], NAMES[kind][1]).where(NAMES[kind][0].in_(sorted(ids)))
        for kind, ids in sorted(wanted.items())
    ]
    rows = session.execute(union_all(*parts)) if parts else ()
    return {(ScopeKind(kind), number): name for kind, number, name in rows}
