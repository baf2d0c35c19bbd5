"""Minutes and amounts in the room of a meeting: kept by every button, merged, and never lost."""

import html
import re

import pytest
from sqlalchemy import select

from allocations.kernel import units
from allocations.people import roles
from allocations.programme import disclosure, reviewing
from allocations.programme.meetings import AgendaItem
from allocations.programme.proposals import Proposal
from allocations.programme.reviews import Review, ReviewState
from tests.portal.in_room import Item, item, take
from tests.portal.stage import Portal


def typed_over(page: str, **typed: str) -> dict[str, str]:
    """What the page's record sends when somebody has typed this into it."""
    record = re.search(r'<form id="record".*?</form>', page, re.DOTALL)
    assert record is not None
    held = {
        name: html.unescape(text)
        for name, text in re.findall(r'name="(\w+)"[^>]*? value="([^"]*)"', record[0])
    }
    minutes = re.search(r"<textarea[^>]*>\n?(.*?)</textarea>", record[0], re.DOTALL)
    assert minutes is not None
    return held | {"minutes": html.unescape(minutes[1])} | typed


def test_the_slower_writer_keeps_both_texts(portal: Portal) -> None:
    here, owen, chen = item(portal, 0), portal.log_in("owen"), portal.log_in("chen")
    pages = [client.get(here.room).text for client in (owen, chen)]
    words = ("Owen’s words.", "Chen’s words.")
    sent = [typed_over(page, minutes=text) for page, text in zip(pages, words, strict=True)]
    assert owen.post(here.record, data=sent[0]).status_code == 303

    late = chen.post(here.record, data=sent[1])

    assert late.status_code == 409
    assert "Owen’s words." in late.text
    assert typed_over(late.text)["minutes"] == "Chen’s words."
    assert chen.post(here.record, data=typed_over(late.text, minutes="Both.")).status_code == 303
    assert typed_over(chen.get(here.room).text)["minutes"] == "Both."


def test_amounts_noted_at_the_same_time_end_in_one_state_and_a_sentence(portal: Portal) -> None:
    here, chen = item(portal, 0), portal.log_in("chen")
    page = chen.get(here.room).text

    answers = [chen.post(here.record, data=typed_over(page, amount_h100=amount)) for amount in ("44", "55")]

    assert [answer.status_code for answer in answers] == [303, 409]
    assert "This was changed while you had it open" in answers[1].text
    assert "44 noted now" in answers[1].text
    assert typed_over(answers[1].text)["amount_h100"] == "55"
    assert noted(portal, here) == 44 * units.MICRO


def noted(portal: Portal, wanted: Item) -> int | None:
    with portal.sessions() as session:
        found = session.scalars(select(Proposal).where(Proposal.title == wanted.title)).one()
        return found.requests[0].recommended


def test_one_writes_amounts_while_another_writes_minutes_and_neither_is_stopped(portal: Portal) -> None:
    here, owen, chen = item(portal, 0), portal.log_in("owen"), portal.log_in("chen")
    before = chen.get(here.room).text
    assert (
        owen.post(here.record, data=typed_over(owen.get(here.room).text, minutes="Owen’s.")).status_code
        == 303
    )

    answer = chen.post(here.record, data=typed_over(before, amount_h100="41"))

    assert answer.status_code == 303
    now = typed_over(chen.get(here.room).text)
    assert (now["minutes"], now["amount_h100"]) == ("Owen’s.", "41")


@pytest.mark.parametrize("move", ["next", "take"])
def test_whoever_goes_on_takes_along_what_they_typed(portal: Portal, move: str) -> None:
    here, there, chen = item(portal, 0), item(portal, 1), portal.log_in("chen")
    page = chen.get(here.room).text
    assert re.search(r'form="record" formaction="[^"]*/next"\s+name="leaving"', page)
    typed = typed_over(page, minutes="Said in one breath.", amount_h100="37", leaving=str(here.id))

    answer = chen.post(f"{here.room}/next" if move == "next" else there.at("take"), data=typed)

    assert answer.status_code == 303
    assert f"<h1>{there.title}</h1>" in chen.get(here.room).text
    assert noted(portal, here) == 37 * units.MICRO
    with portal.sessions() as session:
        assert session.get_one(AgendaItem, here.id).minutes == "Said in one breath."


def test_a_wrong_amount_keeps_the_room_where_it_is_and_every_word(portal: Portal) -> None:
    here, chen = item(portal, 0), portal.log_in("chen")
    typed = typed_over(
        chen.get(here.room).text, minutes="Long words.", amount_h100="many", leaving=str(here.id)
    )

    answer = chen.post(f"{here.room}/next", data=typed)

    assert answer.status_code == 422
    assert f"<h1>{here.title}</h1>" in answer.text
    kept = typed_over(answer.text)
    assert (kept["minutes"], kept["amount_h100"]) == ("Long words.", "many")
    assert noted(portal, here) == 30 * units.MICRO


def test_when_another_has_gone_on_what_was_typed_is_kept_all_the_same(portal: Portal) -> None:
    here, there, owen = item(portal, 0), item(portal, 1), portal.log_in("owen")
    page = owen.get(here.room).text
    chen = take(portal, "chen", there)

    answer = owen.post(f"{here.room}/next", data=typed_over(page, minutes="Late.", leaving=str(here.id)))

    assert answer.status_code == 303
    shown = owen.get(here.room).text
    assert "Somebody else has gone on already" in shown
    assert f"<h1>{there.title}</h1>" in shown
    with portal.sessions() as session:
        assert session.get_one(AgendaItem, here.id).minutes == "Late."
    poll = chen.get(f"{here.room}/now?about={here.id}").text
    assert "Keep it and come along" in poll


def test_an_item_without_amounts_has_empty_fields_and_none_is_nothing_by_an_oversight(portal: Portal) -> None:
    there, chen = item(portal, 1), take(portal, "chen", item(portal, 1))
    blank = typed_over(chen.get(there.room).text, minutes="Only words.")
    assert blank["amount_h100"] == ""

    assert chen.post(there.record, data=blank).status_code == 303
    assert noted(portal, there) is None

    page = chen.get(there.room).text
    assert chen.post(there.record, data=typed_over(page, amount_h100="12")).status_code == 303
    answer = chen.post(there.record, data=typed_over(chen.get(there.room).text, amount_h100=""))
    assert answer.status_code == 422
    assert "Enter an amount, or 0 for none." in answer.text
    assert noted(portal, there) == 12 * units.MICRO


def test_an_officer_keeps_minutes_and_enters_no_amounts(portal: Portal) -> None:
    here, owen = item(portal, 0), portal.log_in("owen")

    page = owen.get(here.room).text
    answer = owen.post(here.record, data={"about": str(here.id), "amount_h100": "1"})

    assert "Only the panel chair decides." in page
    assert 'name="amount_h100"' not in page
    assert answer.status_code == 409
    assert "Only the panel chair decides." in answer.text


def test_a_review_that_a_conflict_takes_out_is_not_called_missing(portal: Portal) -> None:
    """Those who had read it are told that it counts no more; the team hears nothing of it."""
    here, chen = item(portal, 0), portal.log_in("chen")
    with portal.sessions() as session, session.begin():
        about = select(Review).join(Proposal).where(Proposal.title == here.title)
        reviews = session.scalars(about.where(Review.state == ReviewState.SUBMITTED)).all()
        for review in reviews:
            reviewer, review.confidence = roles.actor_of(session, review.reviewer), 4
            reviewing.declare_conflict(session, reviewer, review, reason="We share a grant.")
        author = roles.actor_of(session, reviews[0].proposal.pi)
        assert disclosure.circle(session, author, reviews[0].proposal).taken_out == 0
    told = f"{len(reviews)} reviews have been taken out after writing"

    pages = {
        at: chen.get(at).text for at in (here.room, f"/proposals/{here.ref}", f"/proposals/{here.ref}/decide")
    }

    assert [at for at, text in pages.items() if told not in text] == []
    assert [at for at, text in pages.items() if "No review has been submitted" in text] == []
    assert told in portal.log_in("owen").get(here.room).text
