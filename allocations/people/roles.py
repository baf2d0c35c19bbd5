"""Role grants, and the actor that rules are asked about. A grant is never overwritten: it is revoked."""

import enum
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Text,
    and_,
    exists,
    or_,
    select,
    text,
)
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column

from allocations.kernel import audit, clock
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.db import Base
from allocations.kernel.errors import IllegalMove, Incomplete, Invalid
from allocations.people.institutions import Institution
from allocations.people.persons import Identity, Person, latest_identity
from allocations.people.standing import NOWHERE, Standing, standing_of


class Role(enum.StrEnum):
    PROGRAMME_OFFICER = "programme_officer"
    PANEL_CHAIR = "panel_chair"
    REVIEWER = "reviewer"
    CUSTODIAN = "custodian"
    DAC_MEMBER = "dac_member"
    PROVIDER_OPERATOR = "provider_operator"
    REPRESENTATIVE = "representative"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class ScopeKind(enum.StrEnum):
    """What kind of object a role is held on."""

    CALL = "call"
    DATASET = "dataset"
    PROVIDER = "provider"
    INSTITUTION = "institution"


# Held on an object of this kind only.
SCOPED = {
    Role.CUSTODIAN: ScopeKind.DATASET,
    Role.DAC_MEMBER: ScopeKind.DATASET,
    Role.PROVIDER_OPERATOR: ScopeKind.PROVIDER,
    Role.REPRESENTATIVE: ScopeKind.INSTITUTION,
}
# Held on one call or everywhere. The roles that are in neither table are held everywhere.
SCOPABLE = {Role.PANEL_CHAIR: ScopeKind.CALL, Role.REVIEWER: ScopeKind.CALL}


class RoleGrant(Base):
    """A role, everywhere or on one object (`scope_id` is the call, dataset, provider or institution)."""

    __tablename__ = "role_grant"
    # Two indexes, because a database takes no two NULLs for the same scope.
    __table_args__ = (
        Index(
            "uq_role_grant_scoped",
            "person_id",
            "role",
            "scope_id",
            unique=True,
            sqlite_where=text("revoked_at IS NULL"),
            postgresql_where=text("revoked_at IS NULL"),
        ),
        Index(
            "uq_role_grant_everywhere",
            "person_id",
            "role",
            unique=True,
            sqlite_where=text("scope_id IS NULL AND revoked_at IS NULL"),
            postgresql_where=text("scope_id IS NULL AND revoked_at IS NULL"),
        ),
        CheckConstraint("granted_by_id <> person_id", "not_to_oneself"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    role: Mapped[Role]
    scope_id: Mapped[int | None] = mapped_column(default=None)
    until: Mapped[datetime | None] = mapped_column(default=None)
    # Empty for the system itself.
    granted_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), default=None)
    granted_by: Mapped[str] = mapped_column(String(200), default="system")
    reason: Mapped[str] = mapped_column(Text, default="")
    granted_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)
    revoked_by: Mapped[str] = mapped_column(String(200), default="")
    revoke_reason: Mapped[str] = mapped_column(Text, default="")

    @property
    def is_live(self) -> bool:
        return self.revoked_at is None and (self.until is None or self.until > clock.now())


def live() -> ColumnElement[bool]:
    """Of grants: neither revoked nor past their date."""
    lasting = or_(RoleGrant.until.is_(None), RoleGrant.until > clock.now())
    return and_(RoleGrant.revoked_at.is_(None), lasting)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a person with the roles held at this moment, a visitor, or the system itself."""

    person_id: int | None = None
    name: str = "visitor"
    institution_id: int | None = None
    roles: frozenset[tuple[Role, int | None]] = frozenset()
    is_system: bool = False
    standing: Standing = NOWHERE
    # A token of one project: a user there and nobody anywhere else; a person answers for what it does.
    project_id: int | None = None
    owner_id: int | None = None

    def has(self, role: Role, scope_id: int | None = None) -> bool:
        """Holds the role everywhere, or on this very object."""
        if self.is_system:
            return True
        return (role, None) in self.roles or (scope_id is not None and (role, scope_id) in self.roles)

    def scopes(self, role: Role) -> frozenset[int]:
        """The objects on which this actor holds the role (not counting a role held everywhere)."""
        return frozenset(scope for held, scope in self.roles if held == role and scope is not None)

    def is_person(self, person_id: int | None) -> bool:
        return self.person_id is not None and self.person_id == person_id

    @property
    def answerable_id(self) -> int | None:
        """The person who answers for what this actor does."""
        return self.owner_id if self.person_id is None else self.person_id


VISITOR = Actor()
SYSTEM = Actor(name="system", is_system=True)


def actor_of(session: Session, person: Person, identity: Identity | None = None) -> Actor:
    """With the roles of this moment; a grant that has ended does not count.

    `identity` is the one that the person is here with: without it, the one used last.
    """
    identity = identity or latest_identity(session, person)
    grants = session.execute(
        select(RoleGrant.role, RoleGrant.scope_id).where(RoleGrant.person_id == person.id, live())
    )
    held = frozenset((role, scope) for role, scope in grants)
    return Actor(
        person_id=person.id,
        name=person.name,
        institution_id=person.institution_id,
        roles=held,
        standing=standing_of(person, identity),
    )


def holding(person_id: InstrumentedAttribute[int], *roles: Role) -> ColumnElement[bool]:
    """Of rows that name a person: the person holds one of these roles now."""
    return exists().where(RoleGrant.person_id == person_id, RoleGrant.role.in_(roles), live())


def may_grant(actor: Actor, person: Person) -> Answer:
    return first_no(
        when(actor.has(Role.ADMINISTRATOR), "Only an administrator grants roles."),
        when(not actor.is_person(person.id), "Nobody grants a role to themselves."),
        when(person.disabled_at is None, "This person is disabled. Enable them first."),
    )


def may_revoke(actor: Actor, row: RoleGrant) -> Answer:
    return first_no(
        when(actor.has(Role.ADMINISTRATOR), "Only an administrator revokes roles."),
        when(row.is_live, "This role has ended already."),
    )


@dataclass(frozen=True, slots=True)
class Given:
    """A role that is about to be granted: on what, until when, and why."""

    role: Role
    scope_id: int | None = None
    until: datetime | None = None
    reason: str = ""


def grant(
    session: Session,
    actor: Actor,
    person: Person,
    *,
    role: Role,
    scope_id: int | None = None,
    reason: str = "",
) -> RoleGrant:
    """A role without an end; `confer` also takes a date."""
    return confer(session, actor, person, given=Given(role, scope_id, None, reason))


def confer(session: Session, actor: Actor, person: Person, *, given: Given) -> RoleGrant:
    """The system (demo data, first administrator) may leave the reason out; people may not."""
    require(may_grant(actor, person))
    if not given.reason.strip() and not actor.is_system:
        raise Incomplete({"reason": "Give the reason; it stays with the role."})
    row = give(session, actor, person, given=given)
    note = f"{given.role}: {given.reason}"
    audit.record(session, actor, "role.grant", subject=f"person-{person.id}", note=note)
    return row


def give(session: Session, granter: Actor, person: Person, *, given: Given) -> RoleGrant:
    """The row of a grant that has been allowed, by `confer` or by an accepted invitation."""
    check(session, given)
    same = select(RoleGrant).where(
        RoleGrant.person_id == person.id,
        RoleGrant.role == given.role,
        RoleGrant.scope_id.is_(None) if given.scope_id is None else RoleGrant.scope_id == given.scope_id,
        RoleGrant.revoked_at.is_(None),
    )
    held = session.scalar(same)
    if held is not None and held.is_live:
        raise IllegalMove(f"{person.name} holds this role already.")
    if held is not None:
        # It ended on its date. Closed now, because the index knows no time.
        held.revoked_at, held.revoked_by, held.revoke_reason = held.until, "system", "Ended on its date."
        session.flush()
    row = RoleGrant(
        person_id=person.id,
        role=given.role,
        scope_id=given.scope_id,
        until=given.until,
        granted_by_id=granter.person_id,
        granted_by=granter.name,
        reason=given.reason,
    )
    session.add(row)
    return row


def check(session: Session, given: Given) -> None:
    """The role fits what it is held on, and has not ended before it begins; raises Invalid."""
    kind, has = SCOPED.get(given.role), given.scope_id is not None
    words = str(given.role).replace("_", " ")
    if kind is not None and not has:
        raise Invalid({"scope": f"Choose the {kind} that the role of {words} is for."})
    if kind is None and has and given.role not in SCOPABLE:
        raise Invalid({"scope": f"The role of {words} is held everywhere, not on one thing."})
    if kind == ScopeKind.INSTITUTION and session.get(Institution, given.scope_id) is None:
        raise Invalid({"scope": "There is no such institution."})
    if given.until is not None and given.until <= clock.now():
        raise Invalid({"until": "Choose a date that is still to come."})


def revoke(session: Session, actor: Actor, row: RoleGrant, *, reason: str) -> None:
    require(may_revoke(actor, row))
    if not reason.strip():
        raise Incomplete({"reason": "Give the reason; it stays with the role."})
    others = exists().where(RoleGrant.role == Role.ADMINISTRATOR, RoleGrant.id != row.id, live())
    if row.role == Role.ADMINISTRATOR and not session.scalar(select(others)):
        raise IllegalMove("This is the last administrator. Make somebody else one first.")
    row.revoked_at, row.revoked_by, row.revoke_reason = clock.now(), actor.name, reason
    note = f"{row.role}: {reason}"
    audit.record(session, actor, "role.revoke", subject=f"person-{row.person_id}", note=note)


def of_person(session: Session, person: Person) -> list[RoleGrant]:
    """All grants of a person, live and ended, newest first."""
    mine = select(RoleGrant).where(RoleGrant.person_id == person.id)
    return list(session.scalars(mine.order_by(RoleGrant.id.desc()).limit(200)))


def holders(session: Session, role: Role, scope_id: int | None = None) -> list[Person]:
    """Who holds the role everywhere or on this object, by name."""
    scope = or_(RoleGrant.scope_id.is_(None), RoleGrant.scope_id == scope_id)
    held = select(RoleGrant.person_id).where(RoleGrant.role == role, live(), scope)
    people = select(Person).where(Person.id.in_(held), Person.disabled_at.is_(None))
    return list(session.scalars(people.order_by(Person.name, Person.id)))
