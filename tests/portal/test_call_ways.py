"""On the page of a call the office and the chair find what they can do in it, and nobody else does."""

import re

import pytest
from sqlalchemy.orm import Session

from allocations.people.persons import Person
from allocations.programme.proposals import Proposal, State
from tests import panel
from tests.portal import stage
from tests.portal.stage import Portal


def _ways(portal: Portal, who: str, key: str) -> dict[str, str]:
    """Label -> address, as this person reads them on the page of the call."""
    text = portal.log_in(who).get(f"/calls/{{call_{key}}}".format_map(stage.places(portal))).text
    there = text.partition('<ul class="desk__ways">')[2].partition("</ul>")[0]
    return {label: href for href, label in re.findall(r'<a href="([^"]+)">([^<]+)</a>', there)}


def test_a_chair_finds_the_ranking_the_meetings_and_the_appeals_on_the_page_of_the_call(
    portal: Portal,
) -> None:
    found = set(_ways(portal, "chen", "panel"))

    assert found >= {"Ranking and decisions", "Meetings of the panel", "Split of the pools", "Appeals"}
    assert found >= {"Assign reviewers", "What reviewers would like", "Lots among ties", "Results"}
    assert not found & {"Correct the call", "Let a late draft in"}


@pytest.mark.parametrize("key", ["open", "panel", "past", "starter", "late", "exchange", "tiered"])
@pytest.mark.parametrize("who", ["owen", "chen"])
def test_every_way_leads_somewhere(portal: Portal, who: str, key: str) -> None:
    client = portal.log_in(who)

    for address in _ways(portal, who, key).values():
        assert client.get(address).status_code == 200, address


@pytest.mark.parametrize("who", ["priya", "ruth", "ada"])
def test_nobody_else_is_shown_a_way(portal: Portal, who: str) -> None:
    assert _ways(portal, who, "panel") == {}


def test_a_chair_who_applies_in_the_call_is_not_led_to_its_reviewers(portal: Portal) -> None:
    assert "Assign reviewers" in _ways(portal, "chen", "panel")
    with portal.sessions() as session, session.begin():
        own = _proposal(session)
        own.pi = stage.person(session, "chen")
    found = _ways(portal, "chen", "panel")

    assert not set(found) & {"Assign reviewers", "What reviewers would like"}
    assert "Ranking and decisions" in found


def test_results_before_the_end_count_only_what_the_chair_may_know_of(portal: Portal) -> None:
    address = "/calls/{call_panel}/results".format_map(stage.places(portal))
    with portal.sessions() as session, session.begin():
        listed = session.query(Proposal).where(Proposal.call == stage.call(session, "panel"))
        for number, proposal in enumerate(listed):
            proposal.state, proposal.step = State.DECLINED, None
            proposal.pi = Person(
                name="Applicant", email=f"a{number}@far.example", institution=proposal.pi.institution
            )
    before = portal.log_in("chen").get(address)
    with portal.sessions() as session, session.begin():
        panel.bar(session, stage.person(session, "chen").id, _proposal(session))
    after = portal.log_in("chen").get(address)

    assert (before.status_code, portal.log_in("ruth").get(address).status_code) == (200, 404)
    assert "0 of 11" in before.text
    assert after.status_code == 200
    assert "0 of 11" not in after.text


def _proposal(session: Session) -> Proposal:
    call = stage.call(session, "panel")
    return session.query(Proposal).where(Proposal.call == call).order_by(Proposal.id).limit(1).one()
