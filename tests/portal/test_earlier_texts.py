"""A review that is opened again keeps what it said: for its writer and the office, and for nobody else."""

import pytest
from sqlalchemy import select

from allocations.kernel.audit import AuditEntry
from allocations.programme import proposals, reviewing, talking
from allocations.programme.calls import Disclosure
from allocations.programme.reviewing import ReviewDraft
from allocations.programme.reviews import ReviewEdition
from tests.portal import competition
from tests.portal.competition import NOTE, Competition
from tests.portal.stage import Portal

HELD = Competition("Vandermeer", Disclosure.DOUBLE_BLIND)
EARLIER, TO_PANEL = "A sound plan.", "Fund it."


@pytest.fixture
def place(portal: Portal) -> tuple[str, str]:
    """A discussed proposal whose first review has been opened again, and the two references."""
    with portal.sessions() as session, session.begin():
        call = competition.gather(session, HELD)
        proposal = competition.in_discussion(session, HELD, call, title="A plan with two readers")
        one = HELD.actor(session, "one")
        review = talking.own_review(session, one, proposal)
        assert review is not None
        reviewing.reopen(session, one, review)
        session.flush()
        return proposal.ref, review.ref


def submit_again(portal: Portal, ref: str, text: str) -> None:
    with portal.sessions() as session, session.begin():
        proposal = proposals.get(session, HELD.actor(session, "one"), ref)
        one = HELD.actor(session, "one")
        review = talking.own_review(session, one, proposal)
        assert review is not None
        marks = {criterion.id: 2 for criterion in proposal.call.criteria}
        reviewing.save(session, one, review, ReviewDraft(marks, 5, text, "Do not fund it.", NOTE))
        session.flush()
        reviewing.submit(session, one, review)


def test_the_edition_holds_what_was_submitted_and_no_private_note(
    portal: Portal, place: tuple[str, str]
) -> None:
    with portal.sessions() as session:
        kept = session.scalars(select(ReviewEdition)).one()
        submitted = select(AuditEntry).where(AuditEntry.verb == "review.submitted")
        entry = session.scalars(submitted.where(AuditEntry.subject == place[1])).one()

    assert (kept.number, kept.to_pi, kept.to_panel) == (1, EARLIER, TO_PANEL)
    assert kept.scores == {"confidence": 4, "criteria": [["Merit", 4], ["Plan", 4]]}
    assert abs((kept.submitted_at - entry.at).total_seconds()) < 1
    columns = {column.key for column in ReviewEdition.__table__.columns}
    assert "private_note" not in columns


def test_its_writer_reads_the_earlier_text_while_changing_it(portal: Portal, place: tuple[str, str]) -> None:
    shown = portal.log_in(HELD.who("one")).get(f"/reviews/{place[1]}").text

    assert "Earlier text" in shown
    assert shown.count(EARLIER) > 1, "in the form, and as earlier text"


def test_the_office_reads_it_once_the_review_is_submitted_again(
    portal: Portal, place: tuple[str, str]
) -> None:
    page = f"/proposals/{place[0]}"
    office = {who: portal.log_in(who) for who in ("owen", "chen")}
    meanwhile = [client.get(page).text for client in office.values()]

    submit_again(portal, place[0], "A second thought.")

    assert ["Earlier text" in text for text in meanwhile] == [False, False]
    for client in office.values():
        text = client.get(page).text
        assert "Earlier text" in text
        assert "A second thought." in text
        assert NOTE not in text
    with_decision = office["chen"].get(f"{page}/decide").text
    assert "Earlier text" in with_decision


def test_neither_the_other_reviewer_nor_the_team_reads_it(portal: Portal, place: tuple[str, str]) -> None:
    with portal.sessions() as session, session.begin():
        session.scalars(select(ReviewEdition)).one().to_pi = "What I said at first."
    submit_again(portal, place[0], "A second thought.")

    texts = [portal.log_in(HELD.who(who)).get(f"/proposals/{place[0]}").text for who in ("two", "pi", "copi")]

    assert "A second thought." in texts[0]
    assert ["Earlier text" in text or "What I said at first." in text for text in texts] == [False] * 3


def test_each_time_makes_an_edition(portal: Portal, place: tuple[str, str]) -> None:
    submit_again(portal, place[0], "A second thought.")
    with portal.sessions() as session, session.begin():
        one = HELD.actor(session, "one")
        review = talking.own_review(session, one, proposals.get(session, one, place[0]))
        assert review is not None
        reviewing.reopen(session, one, review)

    shown = portal.log_in(HELD.who("one")).get(f"/reviews/{place[1]}").text

    with portal.sessions() as session:
        texts = session.scalars(select(ReviewEdition.to_pi).order_by(ReviewEdition.number)).all()
    assert texts == [EARLIER, "A second thought."]
    assert shown.index("A second thought.") < shown.rindex(EARLIER)
