"""Who may do what, in which state: the rules of proposals, reviews and projects as one table each."""

import pytest
from sqlalchemy.orm import Session

from allocations.accounts import awards, projects
from allocations.accounts.projects import ProjectRole
from allocations.kernel.errors import Invalid, NotAllowed, NotFound
from allocations.people import roles
from allocations.people.roles import SYSTEM, VISITOR, Actor, Role
from allocations.programme import calls, decisions, proposals, reviewing, reviews
from allocations.programme.proposals import State
from allocations.programme.reviews import ReviewState
from tests import cast as stage
from tests.cast import Cast

EVERYBODY = ["priya", "carlos", "uma", "ruth", "chen", "owen", "dana", "pat", "sam", "ada"]
# verb: (who, in which states)
PROPOSAL = {
    "edit": (proposals.may_edit, "priya", "draft returned"),
    "submit": (proposals.may_submit, "priya", "draft returned"),
    "withdraw": (proposals.may_withdraw, "priya", "draft returned submitted in_review"),
    "screen": (proposals.may_screen, "owen", "submitted"),
    "assign": (reviewing.may_assign, "owen chen", "in_review"),
    "decide": (decisions.may_decide, "chen", "in_review"),
}


@pytest.mark.parametrize("verb", PROPOSAL)
@pytest.mark.parametrize("state", State)
def test_who_may_do_what_to_a_proposal(session: Session, cast: Cast, verb: str, state: State) -> None:
    proposal = stage.with_team(cast, stage.draft(cast))
    proposal.state = state
    rule, who, states = PROPOSAL[verb]

    answers = {name: rule(getattr(cast, name), proposal) for name in EVERYBODY}

    allowed = set(who.split()) if state in states.split() else set()
    assert {name for name, answer in answers.items() if answer} == allowed
    assert all(answer.reason for answer in answers.values() if not answer)
    assert not rule(VISITOR, proposal)


REVIEW = {
    "answer": (reviews.may_answer, "invited accepted"),
    "write": (reviews.may_write, "accepted"),
    "step_back": (reviews.may_step_back, "invited accepted submitted"),
}


@pytest.mark.parametrize("verb", REVIEW)
@pytest.mark.parametrize("state", ReviewState)
def test_who_may_do_what_to_a_review(session: Session, cast: Cast, verb: str, state: ReviewState) -> None:
    review = stage.assigned(cast, stage.in_review(cast), cast.ruth)
    rule, states = REVIEW[verb]
    with session.no_autoflush:
        review.state = state
        allowed = {name for name in EVERYBODY if rule(getattr(cast, name), review)}
    session.rollback()

    assert allowed == ({"ruth"} if state in states.split() else set())


def test_who_opens_edits_and_publishes_a_call(session: Session, cast: Cast) -> None:
    draft = calls.start(session, cast.owen, stage.call_draft())

    for rule in (lambda who: calls.may_start(who), lambda who: calls.may_publish(who, draft)):
        assert {name for name in EVERYBODY if rule(getattr(cast, name))} == {"owen"}


@pytest.mark.parametrize(
    ("rule", "who"),
    [
        (projects.may_see, "priya carlos uma owen ada"),
        (projects.may_work, "priya carlos uma"),
        (projects.may_manage_members, "priya carlos"),
    ],
)
def test_who_may_do_what_in_a_project(session: Session, cast: Cast, rule, who: str) -> None:
    project = stage.active(cast)

    assert {name for name in EVERYBODY if rule(getattr(cast, name), project)} == set(who.split())


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
