"""Rules as verbs, lists and tokens keep them; the matrix of `tests/guards` asks the rules themselves."""

import pytest
from sqlalchemy.orm import Session

from allocations.accounts import awards, projects
from allocations.accounts.projects import ProjectRole
from allocations.kernel.errors import Invalid, NotAllowed, NotFound
from allocations.people import roles
from allocations.people.roles import SYSTEM, VISITOR, Actor, Role
from allocations.programme import proposals
from tests import cast as stage
from tests.cast import Cast

EVERYBODY = ["priya", "carlos", "uma", "ruth", "chen", "owen", "dana", "pat", "sam", "ada"]


def test_the_list_of_projects_is_the_rule_in_sql(session: Session, cast: Cast) -> None:
    project = stage.active(cast)

    for name in EVERYBODY:
        actor = getattr(cast, name)
        assert (project in projects.page(session, actor)) == bool(projects.may_see(actor, project)), name
    with pytest.raises(NotFound):
        projects.get(session, cast.sam, project.ref)
    assert projects.get(session, cast.uma, project.ref) is project


def test_leaders_add_members_and_the_pis_place_is_never_given_away(session: Session, cast: Cast) -> None:
    project, sam = stage.active(cast), cast.person(cast.sam)

    with pytest.raises(NotAllowed):
        projects.add_member(session, cast.uma, project, person=sam, role=ProjectRole.USER)
    with pytest.raises(Invalid):
        projects.add_member(session, cast.carlos, project, person=sam, role=ProjectRole.PI)
    projects.add_member(session, cast.carlos, project, person=sam, role=ProjectRole.USER)
    projects.add_member(session, cast.carlos, project, person=sam, role=ProjectRole.CO_PI)
    session.flush()

    assert project.role_of(cast.sam) == ProjectRole.USER


@pytest.mark.parametrize(
    ("who", "whom", "allowed"),
    [
        ("priya", "uma", True),
        ("carlos", "uma", True),
        ("uma", "uma", True),
        ("uma", "carlos", False),
        ("sam", "uma", False),
        ("carlos", "priya", False),
        ("priya", "priya", False),
    ],
)
def test_who_removes_whom(session: Session, cast: Cast, who: str, whom: str, allowed: bool) -> None:
    project = stage.active(cast)
    member = next(m for m in project.members if m.person is cast.people[whom])

    if allowed:
        projects.remove_member(session, getattr(cast, who), project, member)
    else:
        with pytest.raises(NotAllowed):
            projects.remove_member(session, getattr(cast, who), project, member)

    assert (project.role_of(getattr(cast, whom)) is None) == allowed


def test_only_an_administrator_grants_roles(session: Session, cast: Cast) -> None:
    sam = cast.person(cast.sam)
    with pytest.raises(NotAllowed):
        roles.grant(session, cast.owen, sam, role=Role.REVIEWER)
    roles.grant(session, cast.ada, sam, role=Role.REVIEWER, reason="A known expert.")
    session.flush()

    assert roles.actor_of(session, sam).has(Role.REVIEWER)
    assert sam in roles.holders(session, Role.REVIEWER)


def test_a_token_of_a_project_is_its_user_and_nobody_elsewhere(session: Session, cast: Cast) -> None:
    project = stage.active(cast)
    other = projects.found(session, title="Other", summary="", pi=cast.person(cast.priya))
    token = Actor(name="token", project_id=project.id, owner_id=cast.priya.person_id)

    assert projects.may_work(token, project)
    assert not projects.may_manage_members(token, project)
    assert not projects.may_see(token, other)
    assert list(projects.page(session, token)) == [project]
    assert projects.page(session, token, mine=True) == []
    assert proposals.page(session, token) == []
    allocation = stage.allocation_of(cast, project)
    assert awards.get(session, token, allocation.ref) is allocation
    assert not awards.may_accept(token, allocation.award)
    with pytest.raises(NotAllowed):
        projects.remove_member(session, token, project, project.members[-1])


def test_a_role_on_one_object_does_not_reach_another() -> None:
    actor = Actor(person_id=1, roles=frozenset({(Role.PANEL_CHAIR, 5)}))

    assert actor.has(Role.PANEL_CHAIR, 5)
    assert not actor.has(Role.PANEL_CHAIR, 6)
    assert not actor.has(Role.PANEL_CHAIR)
    assert SYSTEM.has(Role.PANEL_CHAIR)
    assert not VISITOR.is_person(None)
