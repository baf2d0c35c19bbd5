"""The letter of the day: once, only to those for whom something waits, and never on somebody's first day."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from allocations.accounts import projects
from allocations.accounts.projects import ProjectRole
from allocations.kernel import clock
from allocations.people.roles import SYSTEM
from allocations.programme import reviewing, talking
from allocations.programme.conflicts import Conflict
from allocations.programme.reviews import Review, ReviewState
from allocations.programme.talking import Message
from portal.mail import Letter
from tests.portal import stage
from tests.portal.stage import Portal
from tests.portal.talks import TALKING

DAY = timedelta(days=1)
SUBJECT = "What waits for you"


def remind(portal: Portal) -> dict[str, str]:
    """The worker's turn; the day's letters by address."""
    with portal.sessions() as session:
        before = set(session.scalars(select(Letter.id)))
    while portal.worker().remind():
        pass
    with portal.sessions() as session:
        new = session.scalars(select(Letter).where(Letter.id.not_in(before), Letter.subject == SUBJECT)).all()
        return {letter.recipient.split("@")[0]: letter.body for letter in new}


def test_everybody_with_something_waiting_gets_one_letter_a_day(portal: Portal) -> None:
    noon = clock.now().replace(hour=12)
    with clock.at(noon):
        assert remind(portal) == {}
    with clock.at(noon + DAY):
        letters = remind(portal)
        assert remind(portal) == {}
    with clock.at(noon + 2 * DAY):
        again = remind(portal)

    assert "Proposals to screen: 1" in letters["owen"]
    assert "Reviews asked of you: 1" in letters["petra"]
    assert "Proposals to assess: 1" in letters["pat"]
    assert "gordon" not in letters, "disabled"
    assert "aida" not in letters, "nothing waits"
    assert set(again) == set(letters)


def test_letters_wait_for_the_morning(portal: Portal) -> None:
    noon = clock.now().replace(hour=12)
    with clock.at(noon):
        remind(portal)
    with clock.at((noon + DAY).replace(hour=3)):
        assert remind(portal) == {}


def test_a_review_that_is_nearly_due_or_late_is_named(portal: Portal) -> None:
    with portal.sessions() as session:
        petra = stage.person(session, "petra").id
        mine = (Review.reviewer_id == petra, Review.state == ReviewState.ACCEPTED)
        review = session.scalars(select(Review).where(*mine)).one()
        ref, due_at = review.ref, review.due_at
    assert due_at is not None
    with clock.at((due_at - 5 * DAY).replace(hour=12)):
        remind(portal)
    with clock.at((due_at - 4 * DAY).replace(hour=12)):
        assert ref not in remind(portal)["petra"]
    with clock.at((due_at - 2 * DAY).replace(hour=12)):
        assert f"{ref} is due on" in remind(portal)["petra"]
    with clock.at((due_at + 2 * DAY).replace(hour=12)):
        assert f"{ref} was due on" in remind(portal)["petra"]


def lines_about(letters: dict[str, str], title: str) -> dict[str, str]:
    """The line about this discussion in each letter that has one."""
    found = {who: [line for line in body.splitlines() if title in line] for who, body in letters.items()}
    return {who: lines[0] for who, lines in found.items() if lines}


def test_new_messages_are_told_once_to_those_who_may_discuss(portal: Portal) -> None:
    noon = clock.now().replace(hour=12)
    with clock.at(noon):
        remind(portal)
        with portal.sessions() as session, session.begin():
            dunes = stage.proposal(session, "dunes")
            for earlier in session.scalars(select(Message)):
                earlier.sent_at -= 2 * DAY
            for text in ("I agree.", "One card is enough."):
                talking.say(session, stage.actor(session, "chen"), dunes, text=text)
    with clock.at(noon + DAY):
        told = lines_about(remind(portal), TALKING)
    with clock.at(noon + 2 * DAY):
        again = lines_about(remind(portal), TALKING)

    ref = stage.places(portal)["proposal_dunes"]
    assert told["ruth"] == f"* 2 new messages in the discussion of “{TALKING}” ({ref})"
    assert {who: line[2] for who, line in told.items()} == {"ruth": "2", "owen": "2"}, "chen wrote them"
    assert again == {}


@pytest.mark.parametrize("way", ["conflict", "house", "colleague", "reopened"])
def test_new_messages_are_kept_from_whoever_may_not_discuss(portal: Portal, way: str) -> None:
    """Owen, and Ruth where it is about her review."""
    noon = clock.now().replace(hour=12)
    with clock.at(noon):
        remind(portal)
    with portal.sessions() as session, session.begin():
        dunes = stage.proposal(session, "dunes")
        owen, ruth = stage.person(session, "owen"), stage.actor(session, "ruth")
        with clock.at(noon + timedelta(minutes=1)):
            talking.say(session, stage.actor(session, "chen"), dunes, text="I agree.")
        if way == "conflict":
            session.add(Conflict(person_id=owen.id, proposal_id=dunes.id, reason="A friend."))
        elif way == "house":
            owen.institution = dunes.pi.institution
        elif way == "colleague":
            shared = projects.found(session, title="Shared", summary="", pi=dunes.pi)
            projects.add_member(session, SYSTEM, shared, person=owen, role=ProjectRole.USER)
        else:
            own = talking.own_review(session, ruth, dunes)
            assert own is not None
            reviewing.reopen(session, ruth, own)
    with clock.at(noon + DAY):
        told = lines_about(remind(portal), TALKING)

    assert ("ruth" if way == "reopened" else "owen") not in told
    assert ("owen" if way == "reopened" else "ruth") in told
