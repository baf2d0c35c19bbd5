"""Grace after the close: given by reference, on the record, and a refusal tells nothing about any draft."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from markupsafe import escape
from sqlalchemy import select

from allocations.accounts.projects import ProjectRole
from allocations.kernel import clock
from allocations.kernel.audit import AuditEntry
from allocations.programme.conflicts import Conflict
from allocations.programme.grace import NOT_POSSIBLE
from allocations.programme.proposals import Proposal, ResourceRequest, State
from allocations.programme.teams import InvitationState, TeamMember
from portal.filters import in_zone
from portal.mail import Letter
from tests.portal import stage
from tests.portal.forms import REASON
from tests.portal.stage import Portal


@pytest.fixture
def owen(portal: Portal) -> FlaskClient:
    return portal.log_in("owen")


@pytest.fixture
def page(portal: Portal) -> str:
    return f"/calls/{stage.places(portal)['call_late']}/grace"


def draft(portal: Portal) -> Proposal:
    with portal.sessions() as session:
        return stage.proposal(session, "glaciers")


def test_a_late_draft_is_let_in_for_some_minutes(portal: Portal, owen: FlaskClient, page: str) -> None:
    ref, mei = draft(portal).ref, portal.log_in("mei")
    with portal.sessions() as session, session.begin():
        found = stage.proposal(session, "glaciers")
        stage_ready(found)
    assert "The call closed on" in mei.get(f"/proposals/{ref}/check").text

    answer = owen.post(page, data={"reference": ref, "reason": REASON})

    assert answer.status_code == 303
    told = owen.get(answer.location).text
    assert f"{ref} can be submitted until" in told
    assert "Glaciers" not in told
    until = draft(portal).grace_until
    assert until is not None
    again = owen.post(page, data={"reference": ref, "reason": REASON})
    assert (again.status_code, draft(portal).grace_until) == (303, until)
    assert abs(until - clock.now() - timedelta(minutes=15)) < timedelta(minutes=1)
    with clock.at(until + timedelta(seconds=1)):
        late = portal.log_in("mei").post(f"/proposals/{ref}/submit")
        assert late.status_code == 409
    with clock.at(until - timedelta(seconds=1)):
        assert portal.log_in("mei").post(f"/proposals/{ref}/submit").status_code == 303
    assert draft(portal).state == State.SUBMITTED
    with portal.sessions() as session:
        kept = session.scalars(select(AuditEntry).where(AuditEntry.verb == "proposal.give_grace")).one()
        assert (kept.subject, kept.note) == (ref, REASON)


def stage_ready(proposal: Proposal) -> None:
    """Nothing is missing from it but time."""
    from_call = proposal.call.pools[0].pool.resource
    request = ResourceRequest(resource=from_call, requested=10, why="To train.")
    proposal.requests.append(request)
    proposal.starts_on = clock.today() + timedelta(days=3)


def test_every_refusal_reads_the_same(portal: Portal, owen: FlaskClient, page: str) -> None:
    places = stage.places(portal)
    wrong = {
        "another call's draft": places["proposal_rivers"],
        "a submitted one": places["proposal_language"],
        "none at all": "AIR26-9999",
        "no reference": "<b>Glaciers</b>",
        "of another year": f"AIR99{places['proposal_glaciers'][5:]}",
        "with one zero more": places["proposal_glaciers"].replace("-", "-0"),
        "nothing": "",
    }

    told = {what: owen.post(page, data={"reference": ref, "reason": REASON}) for what, ref in wrong.items()}

    assert {answer.status_code for answer in told.values()} == {422}
    assert all(NOT_POSSIBLE in answer.text for answer in told.values())
    plain = {answer.text.replace(str(escape(wrong[what])), "") for what, answer in told.items()}
    assert len(plain) == 1


def test_a_conflict_reads_the_same_too(portal: Portal, owen: FlaskClient, page: str) -> None:
    found = draft(portal)
    with portal.sessions() as session, session.begin():
        officer = stage.person(session, "owen")
        session.add(Conflict(person_id=officer.id, proposal_id=found.id, reason="Kin."))

    answer = owen.post(page, data={"reference": found.ref, "reason": REASON})

    assert NOT_POSSIBLE in answer.text
    assert draft(portal).grace_until is None


def test_without_a_reason_there_is_no_grace(portal: Portal, owen: FlaskClient, page: str) -> None:
    answer = owen.post(page, data={"reference": draft(portal).ref, "reason": " "})

    assert answer.status_code == 422
    assert 'href="#field-reason"' in answer.text
    assert draft(portal).grace_until is None


@pytest.mark.parametrize("who", ["priya", "mei", "chen", "sam", "ada"])
def test_nobody_else_has_the_page(portal: Portal, page: str, who: str) -> None:
    client = portal.log_in(who)

    assert client.get(page).status_code == 403
    assert client.post(page, data={"reference": draft(portal).ref, "reason": REASON}).status_code == 403
    assert draft(portal).grace_until is None


def test_an_open_call_gives_none(portal: Portal, owen: FlaskClient) -> None:
    places = stage.places(portal)
    here = f"/calls/{places['call_open']}/grace"

    assert "gives no grace now" in owen.get(here).text
    answer = owen.post(here, data={"reference": places["proposal_soil"], "reason": REASON})
    assert NOT_POSSIBLE in answer.text


def test_the_team_hears_until_when_the_draft_is_let_in(portal: Portal, owen: FlaskClient, page: str) -> None:
    ref = draft(portal).ref
    with portal.sessions() as session, session.begin():
        found, uma = stage.proposal(session, "glaciers"), stage.person(session, "uma")
        joined = TeamMember(
            email=uma.email, role=ProjectRole.USER, person=uma, state=InvitationState.ACCEPTED
        )
        invited = TeamMember(email="later@commons.example", role=ProjectRole.USER)
        found.team.extend([joined, invited])

    owen.post(page, data={"reference": ref, "reason": REASON})
    owen.post(page, data={"reference": ref, "reason": REASON})
    portal.deliver()

    with portal.sessions() as session:
        until = stage.proposal(session, "glaciers").grace_until
        about = Letter.subject.contains(f"{ref} can be submitted until")
        told = session.scalars(select(Letter).where(about).order_by(Letter.recipient)).all()
        zone = stage.proposal(session, "glaciers").call.timezone
    assert until is not None
    assert [letter.recipient.split("@")[0] for letter in told] == ["mei", "uma"]
    assert all(in_zone(until, zone) in letter.body for letter in told)
    assert all(REASON not in letter.body for letter in told)
