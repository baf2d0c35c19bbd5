"""Two people, or two tabs, at one thing in the same moment: one state, and a sentence for the other one."""

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from allocations.kernel import clock, units
from allocations.people import roles
from allocations.people.roles import SYSTEM, Role
from allocations.programme import proposals
from allocations.programme.calls import Call
from allocations.programme.proposals import Proposal, State
from allocations.programme.reviews import Review, ReviewState
from tests.portal import stage
from tests.portal.stage import Portal
from tests.threads import at_once

AT_PANEL = "Panel Proposal 0005"
# What the one who was later reads, by how much later it was.
TOLD = (
    "Somebody changed this while you had it open.",
    "This was changed while you had it open.",
    "it cannot be decided now",
    "Somebody else has just decided about this proposal.",
    "A submitted review does not change.",
)


def _codes(answers: list[TestResponse | Exception]) -> list[int]:
    assert [one for one in answers if isinstance(one, Exception)] == []
    return [one.status_code for one in answers]  # type: ignore[union-attr]


def _one_won(answers: list[TestResponse | Exception]) -> tuple[int, str]:
    """Which of them did, and what the others read; nobody was refused for another reason."""
    codes = _codes(answers)
    assert sorted(codes) == [303] + [409] * (len(codes) - 1)
    lost = next(one for one in answers if one.status_code == 409)  # type: ignore[union-attr]
    return codes.index(303), lost.text  # type: ignore[union-attr]


@pytest.mark.parametrize("outcome", ["recommend", "award"])
def test_of_two_chairs_with_one_proposal_one_decides_and_the_other_keeps_the_form(
    portal_on_engine: Portal, outcome: str
) -> None:
    portal = portal_on_engine
    with portal.sessions() as session, session.begin():
        second = stage.person(session, "rosa")
        roles.grant(session, SYSTEM, second, role=Role.PANEL_CHAIR)
        proposal = session.scalars(select(Proposal).where(Proposal.title == AT_PANEL)).one()
        ref, key, version = proposal.ref, proposal.id, str(proposal.version)
    clients = [portal.log_in(who) for who in ("chen", "rosa")]
    typed = [
        {"version": version, "amount_h100": f"{n + 7}", "outcome": outcome, "summary": f"Words of {n}."}
        for n in range(2)
    ]

    answers = at_once(2, lambda n: clients[n].post(f"/proposals/{ref}/decide", data=typed[n]))

    won, read = _one_won(answers)
    with portal.sessions() as session:
        (wanted,) = session.get_one(Proposal, key).requests
        kept = wanted.recommended if outcome == "recommend" else wanted.awarded
        assert kept == (won + 7) * units.MICRO
    assert f"Words of {1 - won}." in read
    assert any(sentence in read for sentence in TOLD)


@pytest.mark.parametrize("action", ["save", "submit"])
def test_of_two_tabs_in_one_review_one_is_kept_and_the_other_is_shown_its_text(
    portal_on_engine: Portal, action: str
) -> None:
    portal = portal_on_engine
    with portal.sessions() as session:
        petra = stage.person(session, "petra")
        mine = select(Review).where(Review.reviewer_id == petra.id, Review.state == ReviewState.ACCEPTED)
        review = session.scalars(mine).first()
        assert review is not None
        ref, key = review.ref, review.id
        scores = {f"score_{one.id}": "4" for one in review.proposal.call.criteria}
    tabs = [portal.log_in("petra") for _ in range(2)]
    seen = re.findall(r'name="seen" value="([^"]*)"', tabs[0].get(f"/reviews/{ref}").text)[0]
    typed = [
        {
            **scores,
            "seen": seen,
            "confidence": "3",
            "to_pi": f"Tab {n}.",
            "to_panel": "",
            "then": action,
        }
        for n in range(2)
    ]

    answers = at_once(2, lambda n: tabs[n].post(f"/reviews/{ref}", data=typed[n]))

    won, read = _one_won(answers)
    with portal.sessions() as session:
        kept = session.get_one(Review, key)
        assert kept.to_pi == f"Tab {won}."
        assert (kept.state == ReviewState.SUBMITTED) == (action == "submit")
    assert f"Tab {1 - won}." in read
    assert any(sentence in read for sentence in TOLD)


def _submits(client: FlaskClient, ref: str) -> TestResponse:
    return client.post(f"/proposals/{ref}/submit")


@pytest.mark.parametrize("left", [-1, 0, 20, 40, 80, 10_000])
def test_a_submission_at_the_deadline_is_in_or_is_still_a_draft(portal_on_engine: Portal, left: int) -> None:
    """Four tabs press "Submit" with so many milliseconds left."""
    portal = portal_on_engine
    tabs = [portal.log_in("priya") for _ in range(4)]
    with portal.sessions() as session, session.begin():
        draft = stage.proposal(session, "rivers")
        ref, key, call_id = draft.ref, draft.id, draft.call_id
        closes = clock.now() + timedelta(milliseconds=left)
        session.execute(update(Call).where(Call.id == call_id).values(closes_at=closes))

    answers = at_once(4, lambda n: _submits(tabs[n], ref))

    codes = _codes(answers)
    with portal.sessions() as session:
        found = session.get_one(Proposal, key)
        submitted = found.state == State.SUBMITTED
        assert submitted or found.state == State.DRAFT
        kept = proposals.versions(session, found)
        assert [one.submitted_at < closes for one in kept] == [True] * submitted
    assert codes.count(303) == int(submitted)
    assert submitted or all("closed" in one.text for one in answers)  # type: ignore[union-attr]
    assert submitted or left < 10_000
    assert not submitted or left > 0
