"""Courses: one award, many students who join by a link, each with a limit; all gone when the term ends."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship, selectinload

from allocations.accounts import projects
from allocations.accounts.awards import Allocation
from allocations.accounts.projects import Membership, Project, ProjectRole
from allocations.accounts.usage import UsageRecord
from allocations.kernel import audit, clock, units
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.db import Amount, Base
from allocations.kernel.errors import Invalid, NotFound, Stale
from allocations.people.persons import Person
from allocations.people.roles import SYSTEM, Actor

MOST_SEATS = 500


class Course(Base):
    """`cap` is what one student may use in all, in micro-units. An empty roster lets everybody in
    who has the link; `issue` counts links: a new one makes the older ones worthless."""

    __tablename__ = "course"
    __table_args__ = (
        CheckConstraint("seats BETWEEN 1 AND 500", "seats_range"),
        CheckConstraint("cap > 0", "cap_positive"),
    )

    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"), primary_key=True, init=False)
    project: Mapped[Project] = relationship(lazy="joined", innerjoin=True)
    seats: Mapped[int]
    cap: Mapped[Amount]
    ends_at: Mapped[datetime]
    roster: Mapped[list[str]] = mapped_column(default_factory=list)
    issue: Mapped[int] = mapped_column(default=1)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    version: Mapped[int] = mapped_column(init=False)
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class Seat(Base):
    """Who joined by the link of a course, and so leaves with its end."""

    __tablename__ = "course_seat"
    __table_args__ = (Index("uq_course_seat_person", "project_id", "person_id", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    project_id: Mapped[int] = mapped_column(ForeignKey("course.project_id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    joined_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)


@dataclass(frozen=True, slots=True)
class CourseDraft:
    """What a teacher sets; `roster` are e-mail addresses."""

    seats: int
    cap: int
    ends_at: datetime
    roster: tuple[str, ...] = ()


def of_project(session: Session, project: Project) -> Course | None:
    return session.get(Course, project.id)


def seats_taken(session: Session, project: Project) -> int:
    return session.scalar(select(func.count()).where(Seat.project_id == project.id)) or 0


def may_hold(actor: Actor, project: Project) -> Answer:
    """To set up a course in a project, and to change it."""
    return projects.may_manage_members(actor, project)


def hold(
    session: Session, actor: Actor, project: Project, draft: CourseDraft, *, version: int | None = None
) -> Course:
    """Set up the project's course, or change it; the newest values count for everybody."""
    require(may_hold(actor, project))
    course = of_project(session, project)
    _check(session, project, draft)
    roster = sorted({address.strip().casefold() for address in draft.roster if address.strip()})
    if course is None:
        course = Course(
            project=project, seats=draft.seats, cap=draft.cap, ends_at=draft.ends_at, roster=roster
        )
        session.add(course)
    else:
        if version is not None and course.version != version:
            raise Stale
        course.seats, course.cap, course.ends_at = draft.seats, draft.cap, draft.ends_at
        course.roster, course.ended_at = roster, None
    session.flush()
    _sponsor_until(project, _students(session, project), draft.ends_at)
    note = f"{draft.seats} seats, {units.shown(draft.cap)} each, until {draft.ends_at:%Y-%m-%d}"
    audit.record(session, actor, "course.hold", subject=project.ref, note=note)
    return course


def _check(session: Session, project: Project, draft: CourseDraft) -> None:
    wrong: dict[str, str] = {}
    latest = session.scalar(select(func.max(Allocation.ends_at)).where(Allocation.project_id == project.id))
    if not 1 <= draft.seats <= MOST_SEATS:
        wrong["seats"] = f"Enter 1 to {MOST_SEATS} students."
    elif draft.seats < seats_taken(session, project):
        wrong["seats"] = f"{seats_taken(session, project)} students have joined already."
    if draft.cap <= 0:
        wrong["cap"] = "Enter more than zero."
    if draft.ends_at <= clock.now():
        wrong["ends_at"] = "The end must be in the future."
    elif latest is None or draft.ends_at > latest:
        ends = f"on {latest:%-d %B %Y}" if latest else "before it has begun"
        wrong["ends_at"] = f"The project's last allocation ends {ends}."
    if wrong:
        raise Invalid(wrong)


def renew_link(session: Session, actor: Actor, course: Course) -> None:
    """Whoever has the old link joins no more; whoever has joined stays."""
    require(may_hold(actor, course.project))
    course.issue += 1
    audit.record(session, actor, "course.renew_link", subject=course.project.ref)


def for_link(session: Session, project_id: int, issue: int) -> Course:
    """The course that a genuine link leads to; NotFound for one that was replaced."""
    query = select(Course).where(Course.project_id == project_id, Course.issue == issue)
    course = session.scalar(query.options(selectinload(Course.project, Project.members)))
    if course is None:
        raise NotFound("This link has been replaced. Ask your teacher for the new one.")
    return course


def may_join(actor: Actor, course: Course) -> Answer:
    """Neither standing nor institution is asked: the course's PI answers for its students."""
    return first_no(
        when(actor.person_id is not None, "Log in to join the course."),
        when(not course.project.role_of(actor), "You are a member of this project already."),
        when(course.ended_at is None and clock.now() < course.ends_at, "This course is over."),
    )


def join(session: Session, actor: Actor, course: Course) -> None:
    """Take a seat: member at once, sponsored by the PI until the course ends."""
    require(may_join(actor, course))
    # Seats are counted by one at a time.
    session.refresh(course, ["seats", "roster", "version"], with_for_update=True)
    person = session.get_one(Person, actor.person_id)
    if course.roster and person.email.casefold() not in course.roster:
        raise Invalid({"_form": f"{person.email} is not on the list of this course. Ask your teacher."})
    if seats_taken(session, course.project) >= course.seats:
        raise Invalid({"_form": f"All {course.seats} seats are taken. Ask your teacher."})
    session.add(Seat(project_id=course.project_id, person_id=person.id))
    projects.add_member(
        session, SYSTEM, course.project, person=person, role=ProjectRole.USER, sponsor=course.project.pi
    )
    session.flush()
    joined = [member for member in course.project.members if member.person_id == person.id]
    _sponsor_until(course.project, {person.id}, course.ends_at)
    audit.record(session, actor, "course.join", subject=course.project.ref, note=joined[0].person.name)


def students_of(session: Session, project: Project) -> list[Membership]:
    """Members who joined by the link, in the order of joining."""
    students = _students(session, project)
    return [member for member in project.members if member.person_id in students]


def _students(session: Session, project: Project) -> set[int]:
    return set(session.scalars(select(Seat.person_id).where(Seat.project_id == project.id)))


def _sponsor_until(project: Project, students: set[int], until: datetime) -> None:
    for member in project.members:
        if member.person_id in students:
            member.sponsored_until = until


def allowance(session: Session, project: Project, person_id: int) -> int | None:
    """What this student may still be charged, in micro-units, before reservations; None without a limit."""
    seat = (Seat.project_id == project.id, Seat.person_id == person_id)
    cap = session.scalar(select(Course.cap).join(Seat, Seat.project_id == Course.project_id).where(*seat))
    if cap is None:
        return None
    mine = (Allocation.project_id == project.id, UsageRecord.person_id == person_id)
    used = select(func.coalesce(func.sum(UsageRecord.charged), 0)).join(
        Allocation, UsageRecord.allocation_id == Allocation.id
    )
    return cap - int(session.scalar(used.where(*mine)) or 0)


def used_by(session: Session, project: Project) -> dict[int, int]:
    """Micro-units charged, by person; the sum over all is what the project was charged for notebooks."""
    used = (
        select(UsageRecord.person_id, func.sum(UsageRecord.charged))
        .join(Allocation, UsageRecord.allocation_id == Allocation.id)
        .where(Allocation.project_id == project.id, UsageRecord.person_id.is_not(None))
        .group_by(UsageRecord.person_id)
    )
    return {person_id or 0: int(amount) for person_id, amount in session.execute(used)}


def step(session: Session) -> bool:
    """Let the students of one course go whose term is over; true if there was one."""
    over = (Course.ends_at <= clock.now(), Course.ended_at.is_(None))
    query = select(Course).where(*over).order_by(Course.ends_at).limit(1)
    course = session.scalar(query.with_for_update(skip_locked=True, of=Course))
    if course is None:
        return False
    students = _students(session, course.project)
    for member in [m for m in course.project.members if _leaves(m, students)]:
        projects.let_go(session, SYSTEM, course.project, member)
    course.ended_at = clock.now()
    audit.record(session, SYSTEM, "course.end", subject=course.project.ref, note=f"{len(students)} students")
    return True


def _leaves(member: Membership, students: set[int]) -> bool:
    """Whoever was given more than a student's place meanwhile stays."""
    return member.person_id in students and member.role == ProjectRole.USER
