"""The letter of the day: once, only to those for whom something waits, and never on somebody's first day."""

from datetime import timedelta

from sqlalchemy import select

from allocations.kernel import clock
from allocations.programme.reviews import Review, ReviewState
from portal.mail import Letter
from tests.portal import stage
from tests.portal.stage import Portal

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
