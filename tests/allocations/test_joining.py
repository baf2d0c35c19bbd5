"""Inviting somebody into a project that runs: leaders do, addresses answer, and those who left come back."""

import pytest
from sqlalchemy.orm import Session

from allocations.accounts import projects
from allocations.accounts.projects import ProjectRole
from allocations.kernel.errors import IllegalMove, Invalid, NotAllowed
from allocations.programme import decisions, joining, teams
from allocations.programme.writing import Invitee
from tests import cast as stage
from tests.cast import Cast

SAM = Invitee("sam@example.edu", ProjectRole.USER)


def names(project: projects.Project) -> set[str]:
    return {member.person.name for member in project.members}


def test_somebody_invited_is_a_member_once_they_accept(session: Session, cast: Cast) -> None:
    project = stage.active(cast)

    member = joining.invite(session, cast.priya, project, SAM)
    before = names(project)
    teams.accept(session, cast.sam, member)
    decisions.admit(session, member)

    assert "Sam" not in before
    assert "Sam" in names(project)


def test_somebody_who_was_removed_can_be_invited_again(session: Session, cast: Cast) -> None:
    project = stage.active(cast)
    first = joining.invite(session, cast.priya, project, SAM)
    teams.accept(session, cast.sam, first)
    decisions.admit(session, first)
    session.flush()
    leaving = next(m for m in project.members if m.person.name == "Sam")
    projects.remove_member(session, cast.priya, project, leaving)
    session.flush()

    again = joining.invite(session, cast.priya, project, SAM)
    teams.accept(session, cast.sam, again)
    decisions.admit(session, again)

    assert "Sam" in names(project)


def test_an_address_that_has_not_answered_is_not_invited_twice(session: Session, cast: Cast) -> None:
    project = stage.active(cast)
    joining.invite(session, cast.priya, project, SAM)

    with pytest.raises(IllegalMove, match="has not answered"):
        joining.invite(session, cast.priya, project, Invitee("SAM@example.edu", ProjectRole.CO_PI))


def test_a_member_is_not_invited_again(session: Session, cast: Cast) -> None:
    project = stage.active(cast)
    address = cast.person(cast.priya).email

    with pytest.raises(Invalid, match="member already"):
        joining.invite(session, cast.priya, project, Invitee(address, ProjectRole.USER))


@pytest.mark.parametrize("who", ["sam", "owen", "pat"])
def test_only_leaders_invite(session: Session, cast: Cast, who: str) -> None:
    project = stage.active(cast)

    with pytest.raises(NotAllowed):
        joining.invite(session, getattr(cast, who), project, SAM)


@pytest.mark.parametrize(("email", "role"), [("nobody", ProjectRole.USER), ("a@b.edu", ProjectRole.PI)])
def test_an_invitation_needs_an_address_and_a_role_that_can_be_given(
    session: Session, cast: Cast, email: str, role: ProjectRole
) -> None:
    with pytest.raises(Invalid):
        joining.invite(session, cast.priya, stage.active(cast), Invitee(email, role))
