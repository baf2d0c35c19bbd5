"""Projects: the lasting home of people, allocations, data and namespaces."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from sqlalchemy import ColumnElement, ForeignKey, Index, String, Text, false, select, true
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship, selectinload

from allocations.kernel import audit, clock, outbox
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.db import Base
from allocations.kernel.errors import Invalid
from allocations.kernel.events import Event
from allocations.kernel.refs import Referenced, checked, id_of
from allocations.people import eligibility
from allocations.people.persons import Person
from allocations.people.roles import Actor, Role


class ProjectRole(enum.StrEnum):
    PI = "pi"
    CO_PI = "co_pi"
    ALLOCATION_MANAGER = "allocation_manager"
    USER = "user"


@dataclass(frozen=True, slots=True)
class MembershipChanged(Event):
    project_id: int


class Membership(Base):
    __tablename__ = "membership"
    __table_args__ = (
        Index("uq_membership_person", "project_id", "person_id", unique=True),
        Index("ix_membership_of_person", "person_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"), init=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True, foreign_keys=person_id)
    role: Mapped[ProjectRole]
    # The leader who answers for a student or a guest, and until when.
    sponsor_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False)
    sponsor: Mapped[Person | None] = relationship(foreign_keys=sponsor_id, default=None)
    sponsored_until: Mapped[datetime | None] = mapped_column(default=None)
    since: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)

    @property
    def is_sponsored(self) -> bool:
        return self.sponsored_until is not None and clock.now() < self.sponsored_until


class PastMembership(Base):
    """Who was a member and has left: working together is remembered."""

    __tablename__ = "past_membership"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    role: Mapped[ProjectRole]
    since: Mapped[datetime]
    left_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)


class Project(Referenced, Base):
    __tablename__ = "project"
    PREFIX: ClassVar[str] = "PRJ"

    title: Mapped[str] = mapped_column(String(300))
    summary: Mapped[str] = mapped_column(Text, default="")
    members: Mapped[list[Membership]] = relationship(
        init=False, cascade="all, delete-orphan", order_by="Membership.id"
    )

    @property
    def pi(self) -> Person:
        return next(member.person for member in self.members if member.role == ProjectRole.PI)

    def membership_of(self, actor: Actor) -> Membership | None:
        return next((m for m in self.members if actor.is_person(m.person_id)), None)

    def role_of(self, actor: Actor) -> ProjectRole | None:
        if actor.project_id is not None:
            return ProjectRole.USER if actor.project_id == self.id else None
        member = self.membership_of(actor)
        return member.role if member else None


SPONSORED = timedelta(days=365)
LEADERS = frozenset({ProjectRole.PI, ProjectRole.CO_PI, ProjectRole.ALLOCATION_MANAGER})


def visible(actor: Actor) -> ColumnElement[bool]:
    """Members see their project, and so do its tokens; the programme's staff see all."""
    if actor.has(Role.PROGRAMME_OFFICER) or actor.has(Role.ADMINISTRATOR):
        return true()
    if actor.project_id is not None:
        return Project.id == actor.project_id
    if actor.person_id is None:
        return false()
    return _joined(actor)


def may_see(actor: Actor, project: Project) -> Answer:
    staff = actor.has(Role.PROGRAMME_OFFICER) or actor.has(Role.ADMINISTRATOR)
    return when(staff or project.role_of(actor), "Only members see a project.")


def get(session: Session, actor: Actor, ref: str) -> Project:
    key = id_of(Project, ref)
    found = select(Project).where(Project.id == key, visible(actor)).options(selectinload(Project.members))
    return checked(session.scalar(found), ref)


def _joined(actor: Actor) -> ColumnElement[bool]:
    mine = select(Membership.project_id).where(Membership.person_id == actor.person_id)
    return Project.id.in_(mine)


def page(
    session: Session, actor: Actor, *, mine: bool = False, before: int | None = None, size: int = 50
) -> Sequence[Project]:
    """Newest first, by keyset; `mine` leaves out what is only seen by office."""
    wanted = [visible(actor)] + ([_joined(actor)] if mine else [])
    if before is not None:
        wanted.append(Project.id < before)
    query = select(Project).where(*wanted).options(selectinload(Project.members))
    return session.scalars(query.order_by(Project.id.desc()).limit(size)).all()


def joined_by(session: Session, actor: Actor, person: Person) -> list[tuple[Project, ProjectRole]]:
    """For the people desk: what a person is a member of, among what the actor sees; newest first."""
    query = select(Project, Membership.role).join(Membership).where(Membership.person_id == person.id)
    shown = query.where(visible(actor)).order_by(Project.id.desc()).limit(50)
    return [(project, role) for project, role in session.execute(shown)]


def may_work(actor: Actor, project: Project) -> Answer:
    """To start notebooks and read the project's data."""
    member = project.membership_of(actor)
    joined = when(project.role_of(actor), "Only members of the project can do this.")
    if actor.project_id is not None:
        # A project's token: its two owners stand for it.
        return joined
    return first_no(
        joined,
        eligibility.may_use(actor, member.sponsored_until if member else None),
    )


def may_sponsor(actor: Actor, project: Project, member: Membership) -> Answer:
    """To answer for a student or a guest of the project, for a year."""
    return first_no(
        may_manage_members(actor, project),
        when(not actor.is_person(member.person_id), "Nobody sponsors themselves."),
        when(member.role == ProjectRole.USER, "Only users are sponsored; leaders stand for themselves."),
        eligibility.may_be_pi(actor),
    )


def may_manage_members(actor: Actor, project: Project) -> Answer:
    return when(
        project.role_of(actor) in LEADERS, "Only the PI, a co-PI or an allocation manager changes members."
    )


def may_remove(actor: Actor, project: Project, member: Membership) -> Answer:
    leaving = when(actor.is_person(member.person_id), "")
    return first_no(
        when(member.role != ProjectRole.PI, "The PI answers for the project and cannot be removed."),
        leaving or may_manage_members(actor, project),
    )


def found(session: Session, *, title: str, summary: str, pi: Person) -> Project:
    """A new project with its PI."""
    project = Project(title=title, summary=summary)
    project.members.append(Membership(person=pi, role=ProjectRole.PI))
    session.add(project)
    session.flush()
    return project


def add_member(
    session: Session,
    actor: Actor,
    project: Project,
    *,
    person: Person,
    role: ProjectRole,
    sponsor: Person | None = None,
) -> None:
    """Add a person, or do nothing when they are a member already. The PI's place is never given away here."""
    require(when(actor.is_system or may_manage_members(actor, project), "You cannot add members here."))
    if role == ProjectRole.PI:
        raise Invalid({"role": "A project has one PI."})
    if any(member.person is person for member in project.members):
        return
    if sponsor is not None:
        sponsor = _who_answers(project, sponsor)
    until = clock.now() + SPONSORED if sponsor else None
    project.members.append(Membership(person=person, role=role, sponsor=sponsor, sponsored_until=until))
    audit.record(session, actor, "project.add_member", subject=project.ref, note=f"{person.name}: {role}")
    outbox.put(session, MembershipChanged(project.id))


def sponsor(session: Session, actor: Actor, project: Project, member: Membership) -> None:
    """The actor answers for this member for a year from now."""
    require(may_sponsor(actor, project, member))
    member.sponsor, member.sponsored_until = session.get_one(Person, actor.person_id), clock.now() + SPONSORED
    audit.record(session, actor, "project.sponsor", subject=project.ref, note=member.person.name)


def remove_member(session: Session, actor: Actor, project: Project, member: Membership) -> None:
    require(may_remove(actor, project, member))
    let_go(session, actor, project, member)


def let_go(session: Session, actor: Actor, project: Project, member: Membership) -> None:
    """Take somebody out whose time is over; whoever calls this has seen to the right of it."""
    project.members.remove(member)
    left = PastMembership(
        project_id=project.id, person_id=member.person_id, role=member.role, since=member.since
    )
    session.add(left)
    for other in project.members:
        if other.sponsor is not None:
            other.sponsor = _who_answers(project, other.sponsor)
    audit.record(session, actor, "project.remove_member", subject=project.ref, note=member.person.name)
    outbox.put(session, MembershipChanged(project.id))


def _who_answers(project: Project, sponsor: Person) -> Person:
    """The sponsor while they lead the project; otherwise its PI, who answers for everything there."""
    leading = (member.person for member in project.members if member.role in LEADERS)
    return sponsor if sponsor in leading else project.pi
