"""Team invitations: accepted once, by whoever holds the link."""

import pytest
from sqlalchemy.orm import Session

from allocations.accounts import projects
from allocations.accounts.projects import ProjectRole
from allocations.kernel.errors import NotAllowed, NotFound
from allocations.people.roles import VISITOR
from allocations.programme import decisions, teams, writing
from allocations.programme.teams import InvitationState, TeamMember
from allocations.programme.writing import Invitee
from tests import cast as stage
from tests.cast import Cast


def invited(cast: Cast, count: int = 1) -> list[TeamMember]:
    proposal = stage.draft(cast)
    people = [Invitee(f"p{number}@example.edu", ProjectRole.USER) for number in range(count)]
    writing.save_team(cast.session, cast.priya, proposal, people)
    cast.session.flush()
    return proposal.team


def test_an_invitation_is_accepted_by_whoever_holds_the_link(session: Session, cast: Cast) -> None:
    (member,) = invited(cast)

    teams.accept(session, cast.sam, teams.invitation(session, member.id))

    assert (member.state, member.person) == (InvitationState.ACCEPTED, cast.person(cast.sam))


def test_an_invitation_that_does_not_exist_is_not_found(session: Session, cast: Cast) -> None:
    with pytest.raises(NotFound):
        teams.invitation(session, 99)


def test_a_visitor_logs_in_before_answering(session: Session, cast: Cast) -> None:
    (member,) = invited(cast)

    with pytest.raises(NotAllowed, match="Log in"):
        teams.accept(session, VISITOR, member)


@pytest.mark.parametrize("first", [teams.accept, teams.decline])
@pytest.mark.parametrize("second", [teams.accept, teams.decline])
def test_an_invitation_is_answered_once(session: Session, cast: Cast, first, second) -> None:
    (member,) = invited(cast)
    first(session, cast.sam, member)

    with pytest.raises(NotAllowed, match="answered already"):
        second(session, cast.uma, member)


def test_nobody_stands_on_a_team_twice(session: Session, cast: Cast) -> None:
    first, second = invited(cast, 2)
    teams.accept(session, cast.sam, first)
    session.flush()

    with pytest.raises(NotAllowed, match="on this team already"):
        teams.accept(session, cast.sam, second)


def test_those_who_accepted_become_members_of_the_project(session: Session, cast: Cast) -> None:
    project = stage.awarded(cast).project

    assert {(m.person.name, str(m.role)) for m in project.members} == {
        ("Priya", "pi"),
        ("Carlos", "co_pi"),
        ("Uma", "user"),
    }


def test_whoever_accepts_after_the_award_joins_the_project(session: Session, cast: Cast) -> None:
    proposal = stage.draft(cast)
    writing.save_team(session, cast.priya, proposal, [Invitee("s@example.edu", ProjectRole.USER)])
    writing.submit(session, cast.priya, proposal)
    stage.screening.forward(session, cast.owen, proposal)
    stage.scored(cast, proposal, cast.ruth)
    asked = {request.resource.slug: request.requested for request in proposal.requests}
    granted = decisions.award(session, cast.chen, proposal, amounts=asked, summary="Yes.").award
    (member,) = proposal.team
    teams.accept(session, cast.sam, member)
    session.flush()

    decisions.admit(session, member)
    decisions.admit(session, member)

    assert projects.may_work(cast.sam, granted.project)
    assert len(granted.project.members) == 2
