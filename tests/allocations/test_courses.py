"""Courses: two hundred students by one link, a limit each, and nobody left when the term is over."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from allocations.accounts import courses
from allocations.accounts.courses import Course, CourseDraft, Seat
from allocations.accounts.projects import Membership, Project, ProjectRole, may_work
from allocations.kernel import clock, units
from allocations.kernel.errors import Invalid, NotAllowed, NotFound, Stale
from allocations.people.persons import Person
from allocations.people.roles import Actor, actor_of
from datasets import grants  # noqa: F401 - notebooks ask it
from k8s import notebooks
from k8s.notebooks import Notebook, Order
from tests import cast as stage
from tests.cast import Cast

MONTH = timedelta(days=30)


def held(cast: Cast, **changes: object) -> Course:
    """Three seats of two GPU-hours each, for a month."""
    project = stage.active(cast)
    given = {"seats": 3, "cap": 2 * units.MICRO, "ends_at": clock.now() + MONTH} | changes
    course = courses.hold(cast.session, cast.priya, project, CourseDraft(**given))  # type: ignore[arg-type]
    cast.session.flush()
    return course


def ordered(session: Session, actor: Actor, project: Project, *, hours: int) -> Notebook:
    allocation = notebooks.usable(session, project)[0]
    made = notebooks.start(session, actor, project, Order(allocation.ref, "scipy", 1, hours, ()))
    session.flush()
    return made


def test_a_student_without_standing_joins_by_the_link_and_may_work_at_once(
    session: Session, cast: Cast
) -> None:
    course = held(cast)
    newcomer = Person(name="New", email="new@example.edu")
    session.add(newcomer)
    session.flush()
    actor = actor_of(session, newcomer)

    courses.join(session, actor, courses.for_link(session, course.project_id, course.issue))

    member = course.project.membership_of(actor)
    assert member is not None
    assert (member.role, member.sponsored_until) == (ProjectRole.USER, course.ends_at)
    assert may_work(actor, course.project)
    with pytest.raises(NotAllowed, match="a member of this project already"):
        courses.join(session, actor, course)


def test_seats_run_out(session: Session, cast: Cast) -> None:
    course = held(cast, seats=2)
    for actor in (cast.sam, cast.ruth):
        courses.join(session, actor, course)

    with pytest.raises(Invalid, match="All 2 seats are taken"):
        courses.join(session, cast.ravi, course)


def test_a_roster_lets_in_only_who_is_on_it(session: Session, cast: Cast) -> None:
    course = held(cast, roster=("SAM@example.edu ", ""))
    courses.join(session, cast.sam, course)

    with pytest.raises(Invalid, match="not on the list of this course"):
        courses.join(session, cast.ruth, course)


def test_a_replaced_link_leads_nowhere(session: Session, cast: Cast) -> None:
    course = held(cast)
    old = course.issue
    courses.renew_link(session, cast.priya, course)
    session.flush()

    with pytest.raises(NotFound, match="has been replaced"):
        courses.for_link(session, course.project_id, old)


def test_nobody_goes_over_the_limit_with_all_notebooks_together(session: Session, cast: Cast) -> None:
    stage.cluster(cast)
    course = held(cast)
    courses.join(session, cast.sam, course)
    ordered(session, cast.sam, course.project, hours=1)
    with pytest.raises(Invalid, match="you may still use 1 GPU-hours"):
        ordered(session, cast.sam, course.project, hours=2)


def test_members_of_the_project_have_no_limit(session: Session, cast: Cast) -> None:
    stage.cluster(cast)
    course = held(cast)

    ordered(session, cast.priya, course.project, hours=20)


def test_when_the_term_is_over_students_leave_and_others_stay(session: Session, cast: Cast) -> None:
    course = held(cast)
    for actor in (cast.sam, cast.ruth):
        courses.join(session, actor, course)
    course.project.membership_of(cast.ruth).role = ProjectRole.CO_PI  # type: ignore[union-attr]
    assert not courses.step(session)
    with clock.at(course.ends_at):
        assert courses.step(session)
        session.flush()
        assert not courses.step(session)
        with pytest.raises(NotAllowed, match="over"):
            courses.join(session, cast.ravi, course)

    names = {member.person.name for member in course.project.members}
    assert names == {"Priya", "Carlos", "Uma", "Ruth"}


@pytest.mark.parametrize("who", ["uma", "ruth", "owen", "sam", "pat"])
def test_only_leaders_hold_a_course(session: Session, cast: Cast, who: str) -> None:
    project = stage.active(cast)
    draft = CourseDraft(seats=2, cap=1, ends_at=clock.now() + MONTH)

    with pytest.raises(NotAllowed):
        courses.hold(session, getattr(cast, who), project, draft)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"seats": 0}, "seats"),
        ({"seats": 501}, "seats"),
        ({"cap": 0}, "cap"),
        ({"ends_at": clock.now() - MONTH}, "ends_at"),
        ({"ends_at": clock.now() + 100 * MONTH}, "ends_at"),
    ],
)
def test_a_course_that_cannot_be_is_refused_at_its_field(
    session: Session, cast: Cast, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        held(cast, **changes)

    assert set(refused.value.fields) == {field}


def test_a_change_moves_everybodys_end_and_an_older_reading_is_refused(session: Session, cast: Cast) -> None:
    course = held(cast)
    courses.join(session, cast.sam, course)
    later = CourseDraft(seats=3, cap=units.MICRO, ends_at=course.ends_at + MONTH)
    read = course.version
    courses.hold(session, cast.priya, course.project, later, version=read)
    session.flush()

    member = course.project.membership_of(cast.sam)
    assert member is not None
    assert member.sponsored_until == later.ends_at
    with pytest.raises(Stale):
        courses.hold(session, cast.priya, course.project, later, version=read)


def test_two_hundred_students_are_in_and_out_again(session: Session, cast: Cast) -> None:
    course = held(cast, seats=200)
    people = [Person(name=f"Student {n}", email=f"s{n}@example.edu") for n in range(200)]
    session.add_all(people)
    session.flush()
    for person in people:
        courses.join(session, Actor(person_id=person.id, name=person.name), course)
    session.flush()
    joined = select(func.count()).where(Membership.project_id == course.project_id)
    assert session.scalar(joined) == 203
    with clock.at(course.ends_at):
        courses.step(session)
        session.flush()

    assert session.scalar(joined) == 3
    assert session.scalar(select(func.count()).select_from(Seat)) == 200
