"""The team of a draft: who has joined is shown as such, and leaves it only by a button of its own."""

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from allocations.accounts.projects import ProjectRole
from allocations.kernel.audit import AuditEntry
from allocations.programme import bars, teams
from allocations.programme.proposals import Proposal
from allocations.programme.teams import InvitationState, TeamMember
from portal.mail import Letter
from tests.portal import stage
from tests.portal.stage import Portal

SAM, CARLOS = "sam@commons.example", "carlos@commons.example"


@pytest.fixture
def draft(portal: Portal) -> str:
    """Soil, which Carlos has joined and Sam has not."""
    return "/proposals/{proposal_soil}".format_map(stage.places(portal))


@pytest.fixture
def priya(portal: Portal) -> FlaskClient:
    return portal.log_in("priya")


def button(portal: Portal, who: str = "joined") -> str:
    return f"/proposals/{{proposal_soil}}/team/{{{who}}}/take-off".format_map(stage.places(portal))


def team(portal: Portal) -> dict[str, tuple[str, bool]]:
    with portal.sessions() as session:
        rows = stage.proposal(session, "soil").team
        return {row.email: (str(row.state), row.withdrawn_at is None) for row in rows}


def test_who_has_joined_is_named_and_has_no_address_to_type_over(priya: FlaskClient, draft: str) -> None:
    page = priya.get(f"{draft}/team").text

    assert re.search(r"<strong>Carlos Medina</strong>, joined on \d", page)
    assert re.search(rf'type="hidden" name="email_1" value="{CARLOS}"', page)
    assert re.search(rf'name="email_0" type="email" value="{SAM}"', page)
    assert "Not answered; asked on" in page
    assert "Take Carlos Medina off the team" in page
    assert "Take Sam" not in page


@pytest.mark.parametrize("typed", [{"email_1": "other@x.example"}, {"email_1": ""}, {}])
def test_saving_the_page_takes_nobody_off_who_has_joined(
    portal: Portal, priya: FlaskClient, draft: str, typed: dict[str, str]
) -> None:
    assert priya.post(f"{draft}/team", data={"email_0": SAM, **typed}).status_code == 303

    assert team(portal)[CARLOS] == ("accepted", True)
    assert portal.log_in("carlos").get(draft).status_code == 200


def test_an_invitation_that_nobody_has_answered_goes_to_another_address(
    portal: Portal, priya: FlaskClient, draft: str
) -> None:
    typed = {"email_0": "samuel@x.example", "email_1": CARLOS, "email_2": "eve@x.example"}

    page = priya.post(f"{draft}/team", data=typed, follow_redirects=True).text

    assert "Invitations were sent to samuel@x.example and eve@x.example." in page
    assert set(team(portal)) == {CARLOS, "samuel@x.example", "eve@x.example"}


def test_saving_tells_of_one_letter_of_many_and_of_none(priya: FlaskClient, draft: str) -> None:
    def told(*addresses: str) -> str:
        typed = {f"email_{place}": address for place, address in enumerate(addresses)}
        return priya.post(f"{draft}/team", data=typed, follow_redirects=True).text

    assert "sent to" not in told(SAM, CARLOS)
    assert "An invitation was sent to a@x.example." in told(SAM, CARLOS, "a@x.example")
    assert "Invitations were sent to 6 people." in told(*(f"p{n}@x.example" for n in range(6)))
    assert "sent to" not in told("b@x.example", "nobody")


def test_whoever_is_taken_off_reads_no_longer_and_gets_a_letter(
    portal: Portal, priya: FlaskClient, draft: str
) -> None:
    carlos = portal.log_in("carlos")
    assert carlos.get(draft).status_code == 200

    page = priya.post(button(portal), follow_redirects=True).text

    assert "Carlos Medina is no longer on the team." in page
    assert CARLOS not in page
    assert carlos.get(draft).status_code == 404
    portal.deliver()
    with portal.sessions() as session:
        wanted = select(Letter.body).where(Letter.recipient == CARLOS, Letter.subject.contains("no longer"))
        (body,) = session.scalars(wanted)
        assert "taken off the team" in body
        assert "ask Priya Raman" in body
        (note,) = session.scalars(select(AuditEntry.note).where(AuditEntry.verb == "team.take_off"))
        assert note == f"Carlos Medina, {CARLOS}"


def test_whoever_was_taken_off_still_does_not_judge(portal: Portal, priya: FlaskClient) -> None:
    priya.post(button(portal))

    with portal.sessions() as session:
        carlos, soil = stage.actor(session, "carlos"), stage.proposal(session, "soil")
        related = select(Proposal.id).where(Proposal.id.in_(bars.related(carlos)))
        assert soil.id in set(session.scalars(related))
        assert soil.team[1].person_id == carlos.person_id


@pytest.mark.parametrize("address", [CARLOS, "cm@x.example"])
def test_whoever_was_taken_off_can_be_asked_and_join_again(
    portal: Portal, priya: FlaskClient, draft: str, address: str
) -> None:
    priya.post(button(portal))
    priya.post(f"{draft}/team", data={"email_0": SAM, "email_1": address})

    with portal.sessions() as session, session.begin():
        invited = TeamMember.state == InvitationState.INVITED
        member = session.scalars(select(TeamMember).where(TeamMember.email == address, invited)).one()
        teams.accept(session, stage.actor(session, "carlos"), member)

    assert portal.log_in("carlos").get(draft).status_code == 200


def test_an_unanswered_invitation_is_not_taken_off_and_nobody_takes_off_twice(
    portal: Portal, priya: FlaskClient
) -> None:
    unanswered = priya.post(button(portal, "invited"), follow_redirects=True).text
    priya.post(button(portal))
    twice = priya.post(button(portal), follow_redirects=True).text

    assert "They are not on the team." in unanswered
    assert "They are not on the team." in twice


@pytest.mark.parametrize("who", ["carlos", "owen", "sam", "ruth"])
def test_nobody_but_those_who_lead_takes_anybody_off(portal: Portal, who: str) -> None:
    assert portal.log_in(who).post(button(portal)).status_code == 404
    assert team(portal)[CARLOS] == ("accepted", True)


def test_a_co_pi_does_not_drop_out_by_a_slip(portal: Portal) -> None:
    with portal.sessions() as session, session.begin():
        stage.proposal(session, "soil").team[1].role = ProjectRole.CO_PI

    told = portal.log_in("carlos").post(button(portal), follow_redirects=True).text

    assert "Ask another leader" in told
    assert team(portal)[CARLOS] == ("accepted", True)
