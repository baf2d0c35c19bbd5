"""Sponsorship: a leader of the project answers for its students and guests, for a year at a time."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from allocations.accounts import projects
from allocations.accounts.projects import Membership, Project, ProjectRole
from allocations.kernel import clock
from allocations.kernel.errors import NotAllowed
from allocations.people.persons import Identity, latest_identity
from allocations.people.roles import Actor, actor_of
from allocations.programme import decisions, joining, teams, writing
from allocations.programme.writing import Invitee
from tests import cast as stage
from tests.cast import Cast

DAY = timedelta(days=1)


def _told(session: Session, actor: Actor, project: Project, member: Membership) -> str:
    """Nothing when they sponsor; otherwise the reason why not."""
    try:
        projects.sponsor(session, actor, project, member)
    except NotAllowed as refusal:
        return refusal.reason
    return ""


def invited(cast: Cast, project: Project, who: Actor, *, by: Actor | None = None) -> Membership:
    """A user of the project, by invitation."""
    session, email = cast.session, f"{who.name}.other@example.edu"
    member = joining.invite(session, by or cast.priya, project, Invitee(email, ProjectRole.USER))
    teams.accept(session, who, member)
    decisions.admit(session, member)
    session.flush()
    found = project.membership_of(who)
    assert found is not None
    return found


def silent(cast: Cast) -> Actor:
    """Sam as a guest: no institution, and nothing is said of him."""
    sam = cast.person(cast.sam)
    sam.institution = None
    identity = latest_identity(cast.session, sam)
    assert isinstance(identity, Identity)
    identity.affiliations, identity.affiliated_at = [], None
    cast.session.flush()
    return actor_of(cast.session, sam)


def test_a_student_on_the_team_is_sponsored_by_whoever_invited_them(session: Session, cast: Cast) -> None:
    project = stage.active(cast)
    uma, carlos = project.membership_of(cast.uma), project.membership_of(cast.carlos)

    assert uma is not None
    assert carlos is not None
    assert uma.sponsor is cast.person(cast.priya)
    assert uma.is_sponsored
    assert (carlos.sponsor, carlos.sponsored_until) == (None, None)
    assert projects.may_work(cast.uma, project)


@pytest.mark.parametrize("who", ["a student", "a guest"])
def test_students_and_guests_who_join_later_are_sponsored_too(session: Session, cast: Cast, who: str) -> None:
    project = stage.active(cast)
    actor = silent(cast)
    if who == "a student":
        identity = latest_identity(session, cast.person(cast.sam))
        assert identity is not None
        identity.affiliations = ["student@example.edu"]
        actor = actor_of(session, cast.person(cast.sam))

    member = invited(cast, project, actor, by=cast.carlos)

    assert member.sponsor is cast.person(cast.carlos)
    assert projects.may_work(actor, project)


def test_a_researcher_who_joins_needs_no_sponsor(session: Session, cast: Cast) -> None:
    member = invited(cast, stage.active(cast), cast.sam)

    assert (member.sponsor, member.sponsored_until) == (None, None)


@pytest.mark.parametrize(("days", "works"), [(364, True), (366, False)])
def test_a_sponsorship_ends_after_a_year(session: Session, cast: Cast, days: int, works: bool) -> None:
    project = stage.active(cast)
    with clock.at(clock.now() + days * DAY):
        cast.log_in_again()
        answer = projects.may_work(cast.uma, project)

    assert bool(answer) == works
    assert works or "sponsorship ended" in answer.reason


@pytest.mark.parametrize(
    ("who", "reason"),
    [
        ("priya", ""),
        ("carlos", ""),
        ("uma", "Only the PI, a co-PI or an allocation manager"),
        ("sam", "Only the PI, a co-PI or an allocation manager"),
        ("owen", "Only the PI, a co-PI or an allocation manager"),
    ],
)
def test_who_renews_a_sponsorship(session: Session, cast: Cast, who: str, reason: str) -> None:
    project = stage.active(cast)
    member = project.membership_of(cast.uma)
    assert member is not None
    with clock.at(clock.now() + 366 * DAY):
        cast.log_in_again()
        answer = _told(session, getattr(cast, who), project, member)
        works = bool(projects.may_work(cast.uma, project))

    assert reason in answer if reason else answer == ""
    assert works == (reason == "")
    assert (member.sponsor is cast.people[who]) == (reason == "" or who == "priya")


def test_nobody_sponsors_themselves_or_a_leader(session: Session, cast: Cast) -> None:
    project = stage.active(cast)
    mine, carlos = project.membership_of(cast.priya), project.membership_of(cast.carlos)
    assert mine is not None
    assert carlos is not None

    with pytest.raises(NotAllowed, match="Nobody sponsors themselves"):
        projects.sponsor(session, cast.priya, project, mine)
    with pytest.raises(NotAllowed, match="leaders stand for themselves"):
        projects.sponsor(session, cast.priya, project, carlos)


def test_a_leader_whose_own_standing_has_lapsed_sponsors_nobody(session: Session, cast: Cast) -> None:
    project = stage.active(cast)
    member = project.membership_of(cast.uma)
    assert member is not None
    with (
        clock.at(clock.now() + 31 * DAY),
        pytest.raises(NotAllowed, match="last spoke for you"),
    ):
        projects.sponsor(session, cast.priya, project, member)


def test_when_a_sponsor_leaves_the_pi_answers_instead(session: Session, cast: Cast) -> None:
    project = stage.active(cast)
    guest = silent(cast)
    member = invited(cast, project, guest, by=cast.carlos)
    until = member.sponsored_until

    projects.remove_member(session, cast.priya, project, project.membership_of(cast.carlos))  # type: ignore[arg-type]

    assert member.sponsor is cast.person(cast.priya)
    assert member.sponsored_until == until
    assert projects.may_work(guest, project)


def test_whoever_has_left_the_project_becomes_nobodys_sponsor(session: Session, cast: Cast) -> None:
    """Carlos invites a guest and leaves before they accept."""
    project, guest = stage.active(cast), silent(cast)
    invitation = joining.invite(session, cast.carlos, project, Invitee("g@example.edu", ProjectRole.USER))
    projects.remove_member(session, cast.priya, project, project.membership_of(cast.carlos))  # type: ignore[arg-type]
    teams.accept(session, guest, invitation)
    decisions.admit(session, invitation)
    session.flush()

    member = project.membership_of(guest)
    assert member is not None
    assert member.sponsor is cast.person(cast.priya)


def test_a_student_is_not_made_a_leader_after_accepting(session: Session, cast: Cast) -> None:
    """The place that Uma accepted was that of a user: another one is another question."""
    proposal = stage.with_team(cast, stage.draft(cast))
    writing.save_team(
        session,
        cast.priya,
        proposal,
        [
            Invitee("carlos@example.edu", ProjectRole.USER),
            Invitee("uma@example.edu", ProjectRole.CO_PI),
        ],
    )
    session.flush()
    carlos, uma = proposal.team

    assert (carlos.role, carlos.person) == (ProjectRole.USER, cast.person(cast.carlos))
    assert (uma.state, uma.person) == (teams.InvitationState.INVITED, None)
    with pytest.raises(NotAllowed, match="Students work in the project of a PI"):
        teams.accept(session, cast.uma, uma)
