"""Screening: forward, return, decline."""

import pytest
from sqlalchemy.orm import Session

from allocations.kernel.errors import Incomplete, NotAllowed
from allocations.people import roles
from allocations.people.roles import SYSTEM, Role
from allocations.programme import screening
from allocations.programme.proposals import State
from tests import cast as stage
from tests.cast import Cast

VERBS = {
    "forward": screening.forward,
    "return": lambda *given: screening.return_for_changes(*given, message="Say more."),
    "decline": lambda *given: screening.decline(*given, reason="Out of scope."),
}


@pytest.mark.parametrize(
    ("verb", "to", "message"),
    [
        ("forward", State.IN_REVIEW, ""),
        ("return", State.RETURNED, "Say more."),
        ("decline", State.DECLINED, "Out of scope."),
    ],
)
def test_the_officer_screens_a_submitted_proposal(
    session: Session, cast: Cast, verb: str, to: State, message: str
) -> None:
    proposal = stage.submitted(cast)

    VERBS[verb](session, cast.owen, proposal)

    assert (proposal.state, proposal.message) == (to, message)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("who", ["priya", "carlos", "ruth", "chen", "pat", "sam", "ada"])
def test_nobody_else_screens(session: Session, cast: Cast, verb: str, who: str) -> None:
    proposal = stage.submitted(cast)

    with pytest.raises(NotAllowed, match="Only a programme officer"):
        VERBS[verb](session, getattr(cast, who), proposal)


@pytest.mark.parametrize("verb", VERBS)
def test_a_proposal_is_screened_once(session: Session, cast: Cast, verb: str) -> None:
    proposal = stage.in_review(cast)

    with pytest.raises(NotAllowed, match="in review, not waiting for screening"):
        VERBS[verb](session, cast.owen, proposal)


@pytest.mark.parametrize("verb", VERBS)
def test_an_officer_does_not_screen_the_proposal_of_their_own_team(
    session: Session, cast: Cast, verb: str
) -> None:
    roles.grant(session, SYSTEM, cast.people["carlos"], role=Role.PROGRAMME_OFFICER)
    cast.refresh_roles()
    proposal = stage.submitted(cast)

    with pytest.raises(NotAllowed, match="their own team"):
        VERBS[verb](session, cast.carlos, proposal)


def test_returning_and_declining_need_words_for_the_pi(session: Session, cast: Cast) -> None:
    proposal = stage.submitted(cast)

    with pytest.raises(Incomplete):
        screening.return_for_changes(session, cast.owen, proposal, message=" ")
    with pytest.raises(Incomplete):
        screening.decline(session, cast.owen, proposal, reason="")
    assert proposal.state == State.SUBMITTED
