"""The letter with the decision: every comment meant for the PI, named as the mode allows, and no more."""

import pytest
from sqlalchemy import select

from allocations.programme import decisions, talking
from allocations.programme.calls import Disclosure
from portal.mail import Letter
from tests.portal import competition, stage
from tests.portal.competition import NOTE, REVIEWERS, Competition
from tests.portal.stage import Portal

TO_PANEL, TALK, TITLE = "Between us: fund it.", "I would rather not.", "Letters to the PI"


def decided(portal: Portal, held: Competition, *, awarded: bool) -> str:
    """The PI's letter about a proposal that two have reviewed and talked about."""
    with portal.sessions() as session, session.begin():
        call = competition.gather(session, held)
        proposal = competition.in_discussion(session, held, call, title=TITLE)
        found = talking.own_review(session, held.actor(session, "one"), proposal)
        assert found is not None
        found.to_panel = TO_PANEL
        for number, short in enumerate(REVIEWERS):
            review = talking.own_review(session, held.actor(session, short), proposal)
            assert review is not None
            review.to_pi = f"Comment {number} for the PI."
            assert review.private_note == NOTE
        talking.say(session, held.actor(session, "one"), proposal, text=TALK)
        chen, amounts = stage.actor(session, "chen"), {"h100": 10}
        if awarded:
            decisions.award(session, chen, proposal, amounts=amounts, summary="A good plan.")
        else:
            decisions.decline(session, chen, proposal, summary="Not this time.")
        ref, address = proposal.ref, stage.person(session, held.who("pi")).email
    portal.deliver()
    with portal.sessions() as session:
        mine = (Letter.recipient == address, Letter.subject == f"Decision on {ref}")
        return session.scalars(select(Letter.body).where(*mine)).one()


@pytest.mark.parametrize("awarded", [True, False])
@pytest.mark.parametrize("mode", list(Disclosure))
def test_the_letter_carries_every_comment_to_the_pi_and_nothing_else(
    portal: Portal, mode: Disclosure, awarded: bool
) -> None:
    held = Competition("Marchetti", mode)

    body = decided(portal, held, awarded=awarded)

    assert ("A good plan." if awarded else "Not this time.") in body
    assert [f"Comment {number} for the PI." in body for number in range(2)] == [True, True]
    assert [f"Reviewer {number}" in body for number in (1, 2)] == [True, True]
    named = [held.name(short) in body for short in REVIEWERS]
    assert named == [mode == Disclosure.OPEN] * 2
    assert [words in body for words in (NOTE, TO_PANEL, TALK)] == [False, False, False]
