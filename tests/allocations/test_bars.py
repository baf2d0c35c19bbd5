"""Relations that close a proposal to those who judge it, in lists and getters alike."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from allocations.accounts import projects
from allocations.accounts.projects import PastMembership, ProjectRole
from allocations.kernel import clock
from allocations.kernel.errors import NotFound
from allocations.people.roles import Actor, Role
from allocations.programme import proposals, reviewing, reviews
from allocations.programme.conflicts import WINDOW, Waiver
from allocations.programme.proposals import Proposal
from tests import cast as stage
from tests.cast import Cast

Meeting = Callable[[Cast, Proposal, str], None]


def same_institution(cast: Cast, _proposal: Proposal, who: str) -> None:
    cast.people[who].institution = cast.people["priya"].institution


def one_project(cast: Cast, _proposal: Proposal, who: str) -> None:
    home = projects.found(cast.session, title="Old", summary="", pi=cast.people["carlos"])
    projects.add_member(cast.session, cast.carlos, home, person=cast.people[who], role=ProjectRole.USER)


def left_a_project(cast: Cast, proposal: Proposal, who: str, *, ago: timedelta = timedelta(days=30)) -> None:
    home = projects.found(cast.session, title="Old", summary="", pi=cast.people["priya"])
    cast.session.flush()
    gone = PastMembership(
        project_id=home.id, person_id=cast.people[who].id, role=ProjectRole.USER, since=proposal.created_at
    )
    gone.left_at = clock.now() - ago
    cast.session.add(gone)


def one_account(cast: Cast, _proposal: Proposal, who: str) -> None:
    cast.people[who].orcid = cast.people["uma"].orcid = "0000-0002-1825-0097"


def asked_to_join(cast: Cast, proposal: Proposal, who: str) -> None:
    member = proposal.team[0]
    member.email = cast.people[who].email.upper()


MEETINGS = [same_institution, one_project, left_a_project, one_account, asked_to_join]


def sees(session: Session, actor: Actor, proposal: Proposal) -> bool:
    """By getter and by list, which have to agree."""
    try:
        found = proposals.get(session, actor, proposal.ref) is proposal
    except NotFound:
        found = False
    assert (proposal in proposals.page(session, actor)) == found
    assert proposals.is_seen_by(session, actor, proposal) == found
    return found


@pytest.mark.parametrize("meet", MEETINGS, ids=lambda meet: meet.__name__)
@pytest.mark.parametrize("who", ["ruth", "chen"])
def test_somebody_close_to_the_team_neither_reviews_nor_chairs(
    session: Session, cast: Cast, meet: Meeting, who: str
) -> None:
    proposal = stage.in_review(cast)
    review = stage.scored(cast, proposal, cast.ruth)
    assert sees(session, getattr(cast, who), proposal)

    meet(cast, proposal, who)
    session.flush()
    cast.refresh_roles()

    assert not sees(session, getattr(cast, who), proposal)
    if who == "ruth":
        assert reviews.page(session, cast.ruth) == []
        with pytest.raises(NotFound):
            reviews.get(session, cast.ruth, review.ref)
    else:
        assert reviews.page(session, cast.ruth) == [review]


@pytest.mark.parametrize("meet", MEETINGS, ids=lambda meet: meet.__name__)
def test_an_officer_sees_it_all_the_same(session: Session, cast: Cast, meet: Meeting) -> None:
    """Somebody has to hand it to a colleague; the rules let nobody act on it."""
    proposal = stage.in_review(cast)
    meet(cast, proposal, "owen")
    session.flush()
    cast.refresh_roles()

    assert sees(session, cast.owen, proposal)


def test_long_ago_is_forgotten(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)
    stage.assigned(cast, proposal, cast.ruth)
    left_a_project(cast, proposal, "ruth", ago=WINDOW + timedelta(days=1))
    session.flush()

    assert sees(session, cast.ruth, proposal)


@pytest.mark.parametrize(("days", "seen"), [(1, True), (-1, False)])
def test_a_waiver_opens_it_to_a_colleague_for_its_time(
    session: Session, cast: Cast, days: int, seen: bool
) -> None:
    proposal = stage.in_review(cast)
    stage.assigned(cast, proposal, cast.ruth)
    same_institution(cast, proposal, "ruth")
    session.add(
        Waiver(
            person_id=cast.people["ruth"].id,
            proposal_id=proposal.id,
            kind="institution",
            evidence="x",
            reason="Another town.",
            until=clock.now() + timedelta(days=days),
            granted_by="Owen",
        )
    )
    session.flush()
    cast.refresh_roles()

    assert sees(session, cast.ruth, proposal) == seen


def test_the_load_of_a_reviewer_tells_a_conflicted_chair_nothing(session: Session, cast: Cast) -> None:
    secret, other = stage.in_review(cast), stage.in_review(cast, pi=None)
    stage.assigned(cast, secret, cast.ruth)
    cast.people["chen"].institution = cast.people["priya"].institution
    session.flush()
    cast.refresh_roles()
    load = {
        name: next(c.load for c in reviewing.candidates(session, actor, other) if c.person.name == "Ruth")
        for name, actor in (("chen", cast.chen), ("owen", cast.owen))
    }

    assert load == {"chen": 0, "owen": 1}
    assert not cast.chen.has(Role.PROGRAMME_OFFICER)
