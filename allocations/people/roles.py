"""Role grants, and the actor that rules are asked about."""

import enum
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, or_, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from allocations.kernel import audit, clock
from allocations.kernel.answers import Answer, require, when
from allocations.kernel.db import Base
from allocations.people.persons import Person


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


class RoleGrant(Base):
    """A role, everywhere or on one object (`scope_id` is the call, provider or dataset, by role)."""

    __tablename__ = "role_grant"
    # Two indexes, because a database takes no two NULLs for the same scope.
    __table_args__ = (
        Index("uq_role_grant_scoped", "person_id", "role", "scope_id", unique=True),
        Index(
            "uq_role_grant_everywhere",
            "person_id",
            "role",
            unique=True,
            sqlite_where=text("scope_id IS NULL"),
            postgresql_where=text("scope_id IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    role: Mapped[Role]
    scope_id: Mapped[int | None] = mapped_column(default=None)
    until: Mapped[datetime | None] = mapped_column(default=None)
    granted_by: Mapped[str] = mapped_column(String(200), default="system")
    reason: Mapped[str] = mapped_column(Text, default="")
    granted_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a person with the roles held at this moment, a visitor, or the system itself."""

    person_id: int | None = None
    name: str = "visitor"
    institution_id: int | None = None
    roles: frozenset[tuple[Role, int | None]] = frozenset()
    is_system: bool = False
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


def actor_of(session: Session, person: Person) -> Actor:
    """One statement; a grant that has ended does not count."""
    live = or_(RoleGrant.until.is_(None), RoleGrant.until > clock.now())
    grants = session.execute(
        select(RoleGrant.role, RoleGrant.scope_id).where(RoleGrant.person_id == person.id, live)
    )
    held = frozenset((role, scope) for role, scope in grants)
    return Actor(person_id=person.id, name=person.name, institution_id=person.institution_id, roles=held)


def may_grant(actor: Actor) -> Answer:
    return when(actor.has(Role.ADMINISTRATOR), "Only an administrator grants roles.")


def grant(
    session: Session,
    actor: Actor,
    person: Person,
    *,
    role: Role,
    scope_id: int | None = None,
    reason: str = "",
) -> RoleGrant:
    require(may_grant(actor))
    row = RoleGrant(person_id=person.id, role=role, scope_id=scope_id, granted_by=actor.name, reason=reason)
    session.add(row)
    audit.record(session, actor, "role.grant", subject=f"person-{person.id}", note=f"{role} {reason}")
    return row


def holders(session: Session, role: Role, scope_id: int | None = None) -> list[Person]:
    """Who holds the role everywhere or on this object, by name."""
    live = or_(RoleGrant.until.is_(None), RoleGrant.until > clock.now())
    scope = or_(RoleGrant.scope_id.is_(None), RoleGrant.scope_id == scope_id)
    held = select(RoleGrant.person_id).where(RoleGrant.role == role, live, scope)
    people = select(Person).where(Person.id.in_(held), Person.disabled_at.is_(None))
    return list(session.scalars(people.order_by(Person.name, Person.id)))
