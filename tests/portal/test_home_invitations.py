"""Home: an invitation to a team waits in a letter to whoever logs in with its address."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from allocations.kernel import clock
from allocations.people.persons import Identity
from allocations.programme import teams
from allocations.programme.conflicts import Conflict
from allocations.programme.proposals import Proposal, State
from allocations.programme.teams import TeamMember
from tests.portal import stage
from tests.portal.stage import Portal

WAITS = "Invitations to join a team"
Change = Callable[[TeamMember, Proposal, Identity], object]


def change(portal: Portal, what: Change) -> None:
    """Soil has asked Sam."""
    with portal.sessions() as session, session.begin():
        soil, sam = stage.proposal(session, "soil"), stage.person(session, "sam")
        mine = select(Identity).where(Identity.person_id == sam.id).order_by(Identity.id)
        what(soil.team[0], soil, session.scalars(mine).first())  # type: ignore[arg-type]


def nothing_waits(portal: Portal, who: str) -> bool:
    return WAITS not in portal.log_in(who).get("/home").text


def test_the_invited_person_reads_that_a_letter_waits_and_not_what_is_in_it(portal: Portal) -> None:
    change(portal, lambda member, _, __: setattr(member, "email", member.email.upper()))

    page = portal.log_in("sam").get("/home").text

    assert WAITS in page
    assert "Each came in a letter" in page
    assert "Soil moisture" not in page
    assert "/invitations/" not in page


@pytest.mark.parametrize(
    "what",
    [
        lambda member, _, __: setattr(member, "withdrawn_at", clock.now()),
        lambda member, _, __: setattr(member, "state", teams.InvitationState.DECLINED),
        lambda member, _, __: setattr(member, "email", "sam@other.example"),
        lambda _, soil, __: setattr(soil, "state", State.WITHDRAWN),
        lambda _, __, log_in: setattr(log_in, "mail", ""),
        lambda _, __, log_in: setattr(log_in, "mail", "so@other.example"),
    ],
    ids=["withdrawn", "declined", "another address", "no proposal any more", "address not told", "changed"],
)
def test_what_is_not_open_or_not_proved_to_be_theirs_is_not_there(portal: Portal, what: Change) -> None:
    change(portal, what)

    assert nothing_waits(portal, "sam")


def test_an_address_that_is_only_typed_into_the_profile_opens_nothing(portal: Portal) -> None:
    with portal.sessions() as session, session.begin():
        stage.person(session, "uma").email = "sam@commons.example"

    assert nothing_waits(portal, "uma")


def test_whoever_has_declared_a_conflict_reads_nothing_of_it(portal: Portal) -> None:
    with portal.sessions() as session, session.begin():
        soil, sam = stage.proposal(session, "soil"), stage.person(session, "sam")
        session.add(Conflict(person_id=sam.id, proposal_id=soil.id, reason="A friend."))

    assert nothing_waits(portal, "sam")
