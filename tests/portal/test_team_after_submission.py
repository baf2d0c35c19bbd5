"""People who were asked onto a team and have not answered: seen, corrected, asked again, withdrawn."""

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from allocations.accounts.projects import ProjectRole
from allocations.kernel import clock
from allocations.kernel.audit import AuditEntry
from allocations.programme import proposals, teams
from allocations.programme.proposals import Proposal
from allocations.programme.teams import TeamMember
from portal import links
from portal.mail import Letter
from tests.portal import stage
from tests.portal.stage import SECRET, Portal

WRONG, RIGHT = "carlso@commons.example", "carlos@commons.example"


@pytest.fixture
def address(portal: Portal) -> str:
    """Imaging is in review; somebody asked a co-PI at an address that does not exist."""
    with portal.sessions() as session, session.begin():
        imaging = stage.proposal(session, "imaging")
        invited = TeamMember(email=WRONG, role=ProjectRole.CO_PI, inviter_id=imaging.pi.id)
        imaging.team.append(invited)
        session.flush()
        return f"/proposals/{imaging.ref}/team/{invited.id}"


@pytest.fixture
def pi(portal: Portal, address: str) -> FlaskClient:
    """Mei, in the place of somebody who does not log in."""
    with portal.sessions() as session, session.begin():
        stage.proposal(session, "imaging").pi = stage.person(session, "mei")
    return portal.log_in("mei")


def show(address: str) -> str:
    return address.rsplit("/team/", 1)[0]


def letters(portal: Portal, to: str) -> list[str]:
    portal.deliver()
    with portal.sessions() as session:
        asked = f"Invitation to {stage.proposal(session, 'imaging').ref}"
        wanted = select(Letter.body).where(Letter.recipient == to, Letter.subject == asked)
        return list(session.scalars(wanted.order_by(Letter.id)))


def link_in(letter: str) -> str:
    found = re.search(r"/invitations/\S+", letter)
    assert found is not None
    return found[0]


@pytest.mark.parametrize("who", ["pi", "owen"])
def test_the_pi_and_the_office_see_that_nobody_has_answered(
    portal: Portal, pi: FlaskClient, address: str, who: str
) -> None:
    client = pi if who == "pi" else portal.log_in(who)

    page = client.get(show(address)).text

    assert WRONG in page
    assert re.search(rf"Not answered\s*; asked on {clock.now():%-d}", page)
    assert address in page
    assert "As co-PI. Not answered" in client.get(address).text


@pytest.mark.parametrize("who", ["pi", "owen"])
def test_a_corrected_address_gets_the_letter_and_the_old_link_is_dead(
    portal: Portal, pi: FlaskClient, address: str, who: str
) -> None:
    client = pi if who == "pi" else portal.log_in(who)
    old = f"/invitations/{links.invitation(SECRET, int(address.rsplit('/', 1)[1]))}"

    assert client.post(address, data={"email": RIGHT}).status_code == 303

    (letter,) = letters(portal, RIGHT)
    carlos = portal.log_in("carlos")
    assert "was withdrawn" in carlos.get(old).text
    carlos.post(f"{old}/accept")
    assert show(address) not in carlos.get("/proposals").text
    assert carlos.post(f"{link_in(letter)}/accept").status_code == 303
    assert carlos.get(show(address)).status_code == 200
    page = client.get(show(address)).text
    assert WRONG not in page
    assert "Accepted on" in page
    with portal.sessions() as session:
        notes = session.scalars(select(AuditEntry.note).where(AuditEntry.verb == "team.correct"))
        assert list(notes) == [f"{WRONG} → {RIGHT}"]


def test_what_was_submitted_stays_word_for_word(portal: Portal, pi: FlaskClient, address: str) -> None:
    def frozen() -> list[object]:
        with portal.sessions() as session:
            found = proposals.versions(session, stage.proposal(session, "imaging"))
            return [(version.content, version.digest) for version in found]

    before = frozen()
    pi.post(address, data={"email": RIGHT})

    assert frozen() == before


def test_a_reviewer_whose_address_it_turns_out_to_be_is_barred_at_once(portal: Portal, address: str) -> None:
    petra, owen = portal.log_in("petra"), portal.log_in("owen")
    assert petra.get(show(address)).status_code == 200

    owen.post(address, data={"email": "Petra@commons.example"})

    assert petra.get(show(address)).status_code == 404
    with portal.sessions() as session:
        again = session.scalars(select(TeamMember).where(TeamMember.email == "Petra@commons.example")).one()
        back = f"{show(address)}/team/{again.id}"
    owen.post(f"{back}/withdraw")
    assert petra.get(show(address)).status_code == 404, "Withdrawing does not let them judge again."


def test_an_invitation_is_sent_again_but_not_every_minute(
    portal: Portal, pi: FlaskClient, address: str
) -> None:
    at_once = pi.post(f"{address}/send", follow_redirects=True).text
    with portal.sessions() as session, session.begin():
        asked = session.get_one(TeamMember, int(address.rsplit("/", 1)[1]))
        asked.invited_at = clock.now() - timedelta(minutes=61)
    later = pi.post(f"{address}/send", follow_redirects=True).text

    assert "an hour" in at_once
    assert "is sent again" in later
    assert len(letters(portal, WRONG)) == 1


def test_a_withdrawn_invitation_is_gone_and_the_address_can_be_asked_again(
    portal: Portal, pi: FlaskClient, address: str
) -> None:
    assert pi.post(f"{address}/withdraw").status_code == 303

    assert WRONG not in pi.get(show(address)).text
    twice = pi.post(f"{address}/withdraw", follow_redirects=True).text
    assert "was withdrawn" in twice


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("carlos", "Enter an e-mail address"),
        ("", "Enter an e-mail address"),
        (WRONG.upper(), "This address is on the team already."),
    ],
)
def test_an_address_that_is_none_or_is_there_already_is_refused(
    pi: FlaskClient, address: str, typed: str, told: str
) -> None:
    answer = pi.post(address, data={"email": typed})

    assert answer.status_code == 422
    assert told in answer.text


@pytest.mark.parametrize("who", ["petra", "rosa", "sam", "uma", "chen"])
def test_nobody_else_is_told_of_it(portal: Portal, address: str, who: str) -> None:
    client = portal.log_in(who)

    assert client.get(address).status_code == 404
    assert client.post(address, data={"email": RIGHT}).status_code == 404
    assert client.post(f"{address}/send").status_code == 404
    assert client.post(f"{address}/withdraw").status_code == 404


def test_once_it_is_decided_people_are_asked_into_the_project_instead(portal: Portal) -> None:
    with portal.sessions() as session, session.begin():
        weather = stage.proposal(session, "weather")
        weather.pi = stage.person(session, "mei")
        weather.team.append(TeamMember(email=WRONG, role=ProjectRole.CO_PI))
        session.flush()
        address = f"/proposals/{weather.ref}/team/{weather.team[-1].id}"

    answer = portal.log_in("mei").post(address, data={"email": RIGHT})

    assert answer.status_code == 409
    assert "has been decided" in answer.text


def test_somebody_who_has_answered_is_not_corrected(portal: Portal, pi: FlaskClient, address: str) -> None:
    with portal.sessions() as session, session.begin():
        member = session.get_one(TeamMember, int(address.rsplit("/", 1)[1]))
        teams.accept(session, stage.actor(session, "carlos"), member)

    answer = pi.post(address, data={"email": "x@example.edu"})

    assert answer.status_code == 409
    with portal.sessions() as session:
        found = session.scalars(select(Proposal).where(Proposal.id == stage.proposal(session, "imaging").id))
        assert [m.email for m in found.one().team if m.email == WRONG] == [WRONG]
