"""Meetings over HTTP: the plan, each screen, writing at the same time, letters, and who is outside."""

import re

import pytest
from sqlalchemy import select

from allocations.kernel import units
from allocations.programme import meetings
from allocations.programme.calls import Disclosure
from allocations.programme.meetings import AgendaItem, Meeting, MeetingState
from allocations.programme.proposals import Proposal
from portal.mail import Letter
from tests import panel
from tests.portal import stage
from tests.portal.in_room import Item, item, take, value
from tests.portal.pages import PAGES
from tests.portal.programs import program
from tests.portal.reading import readable
from tests.portal.stage import Portal

OUTSIDE = "You are out of the room for this item"
WORDS, AMOUNT = "The plan lacks a gantry.", "17.34"


def barred(portal: Portal, who: str, wanted: Item) -> None:
    with portal.sessions() as session, session.begin():
        proposal = session.scalars(select(Proposal).where(Proposal.title == wanted.title)).one()
        panel.bar(session, stage.person(session, who).id, proposal)


def test_the_chair_plans_a_meeting_and_its_members_are_told_by_letter(portal: Portal) -> None:
    chen, places = portal.log_in("chen"), stage.places(portal)
    typed = {"title": "Winter panel", "starts_at": "2031-02-03T09:30", "members": [places["person_ravi"]]}

    answer = chen.post(f"/calls/{places['call_panel']}/meetings", data=typed)

    assert answer.status_code == 303
    portal.deliver()
    with portal.sessions() as session:
        mine = Letter.recipient == stage.person(session, "ravi").email
        body = session.scalars(
            select(Letter.body).where(mine, Letter.subject.contains("panel meeting"))
        ).one()
    assert "3 February 2031 at 09:30 UTC" in body
    assert answer.location.removesuffix("/plan") in body
    assert "Panel Proposal" not in body
    assert "Panel Proposal 0003" in chen.get(answer.location).text


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"title": ""}, "This cannot be empty"),
        ({"starts_at": "2001-01-01T09:00"}, "still to come"),
        ({"members": "x"}, "from the list"),
        ({"members": "999999"}, "from the list"),
    ],
)
def test_a_plan_that_cannot_be_says_why_beside_the_field(portal: Portal, typed: dict, told: str) -> None:
    chen, places = portal.log_in("chen"), stage.places(portal)
    given = {"title": "Winter", "starts_at": "2031-02-03T09:30", "members": places["person_ravi"]} | typed

    answer = chen.post(f"/calls/{places['call_panel']}/meetings", data=given)

    assert answer.status_code == 422
    assert told in answer.text


def test_every_screen_shows_the_item_and_follows_along(portal: Portal) -> None:
    ruth, first, second = portal.log_in("ruth"), item(portal, 0), item(portal, 1)
    page = ruth.get(first.room).text
    # Nothing was calibrated without what Ruth must not know of; for Chen it was.
    assert "Calibrated mean" not in page
    assert "Calibrated mean" in portal.log_in("chen").get(first.room).text
    for told in ("Item 1 of 11", first.title, "A sound plan; a third less.", "Mean 5.00", "Look again"):
        assert told in page
    poll = re.search(r'hx-get="([^"]+)"', page)
    assert poll is not None
    address = poll[1].replace("&amp;", "&")
    assert ruth.get(address).status_code == 204

    take(portal, "chen", second)

    renewed = ruth.get(address)
    assert renewed.status_code == 200
    assert second.title in renewed.text
    assert "Item 2 of 11" in renewed.text


def test_the_room_says_who_is_there_and_who_is_outside(portal: Portal) -> None:
    wanted = item(portal, 1)
    barred(portal, "ruth", wanted)
    chen = take(portal, "chen", wanted)

    page = chen.get(wanted.room).text

    assert re.search(r"Out of the room for this item</dt>\s*<dd[^>]*>Ruth Adeyemi<", page)
    assert re.search(r"In the room</dt>\s*<dd[^>]*>Chen Wei, Owen Brandt<", page)


def test_a_conflict_in_the_room_closes_the_item_at_once(portal: Portal) -> None:
    here, ruth = item(portal, 0), portal.log_in("ruth")
    assert ruth.get(f"/proposals/{here.ref}").status_code == 200

    answer = ruth.post(here.at("conflict"), data={"reason": "We share a grant."})

    assert answer.status_code == 303
    assert ruth.get(f"/proposals/{here.ref}").status_code == 404
    assert ruth.get(here.at("conflict")).status_code == 404
    page = ruth.get(here.room).text
    assert OUTSIDE in page
    assert here.title not in page


def test_the_chair_who_is_outside_can_still_go_on(portal: Portal) -> None:
    wanted = item(portal, 1)
    barred(portal, "chen", wanted)
    take(portal, "owen", wanted)
    chen = portal.log_in("chen")
    page = chen.get(wanted.room).text
    assert OUTSIDE in page
    assert "For the record" not in page

    chen.post(f"{wanted.room}/next", data={"leaving": value(page, "leaving")[0]})

    assert item(portal, 2).title in chen.get(wanted.room).text


def test_whoever_has_no_seat_sees_no_item(portal: Portal) -> None:
    with portal.sessions() as session, session.begin():
        meeting = session.scalars(select(Meeting).where(Meeting.state == MeetingState.OPEN)).one()
        owen = stage.person(session, "owen").id
        for seat in meetings.seats(session, meeting):
            if seat.person_id == owen:
                session.delete(seat)
    page = portal.log_in("owen").get(item(portal, 0).room).text

    assert "You have no seat in this meeting" in page
    assert "Panel Proposal" not in page
    assert portal.log_in("petra").get(item(portal, 0).room).status_code == 404


def _pages(portal: Portal, who: str, wanted: Item, places: dict[str, str]) -> dict[str, str]:
    """All that this person can open, with the item's own proposal in the place of every other."""
    client = portal.log_in(who)
    here = places | {name: wanted.ref for name in places if name.startswith("proposal_")}
    addresses = {page.address.format_map(found) for page in PAGES for found in (places, here)}
    addresses |= {f"{wanted.room}/now", wanted.at("conflict")}
    told: dict[str, str] = {}
    for address in sorted(addresses - {"/mailbox"}):
        answer = client.get(address)
        assert answer.status_code != 500, address
        told[address] = f"{readable(answer).text}\n{answer.headers}".replace(address, "")
    asking = program(portal, who)
    return told | {f"api{path}": asking.get(path).text for path in ("/proposals", f"/proposals/{wanted.ref}")}


@pytest.mark.parametrize(
    "who", ["ruth", *(pytest.param(who, marks=pytest.mark.slow) for who in ("owen", "chen"))]
)
def test_whoever_is_outside_finds_nothing_of_the_item_anywhere(portal: Portal, who: str) -> None:
    """Pages, fragments, minutes, programs and letters; while it is talked about and when all is over."""
    wanted, runner = item(portal, 4), "owen" if who == "chen" else "chen"
    places = stage.places(portal)
    with portal.sessions() as session, session.begin():
        found = session.scalars(select(Proposal).where(Proposal.title == wanted.title)).one()
        found.title, found.requests[0].recommended = "Zeppelins over Zanzibar", units.micro(AMOUNT)
    wanted = item(portal, 4)
    barred(portal, who, wanted)
    client = take(portal, runner, wanted)
    assert client.post(wanted.record, data={"about": str(wanted.id), "minutes": WORDS}).status_code == 303
    shown = client.get(wanted.room).text
    marks = (wanted.title, wanted.ref, WORDS, AMOUNT)
    assert all(mark in shown for mark in marks)

    during = _pages(portal, who, wanted, places)
    client.post(f"{wanted.room}/close")
    minutes = {kind: client.get(f"{wanted.room}/minutes{kind}").text for kind in ("", ".txt")}
    assert all(mark in text for text in minutes.values() for mark in marks)
    after = _pages(portal, who, wanted, places)

    portal.deliver()
    with portal.sessions() as session:
        mine = Letter.recipient == stage.person(session, who).email
        letters = {
            f"letter {one.id}": f"{one.subject}\n{one.body}"
            for one in session.scalars(select(Letter).where(mine))
        }
    told = [during, after, letters]
    leaks = [(at, mark) for texts in told for at, text in texts.items() for mark in marks if mark in text]
    assert leaks == []
    assert OUTSIDE in during[wanted.room]
    assert len(
        re.findall(r"^\d+\. ", portal.log_in(who).get(f"{wanted.room}/minutes.txt").text, re.M)
    ) == 9 + (who != "ruth")


def test_a_double_blind_call_names_its_authors_to_the_office_alone(portal: Portal) -> None:
    with portal.sessions() as session, session.begin():
        stage.call(session, "panel").disclosure = Disclosure.DOUBLE_BLIND
    here = item(portal, 0)

    told = {who: portal.log_in(who).get(here.room).text for who in ("ruth", "owen", "chen")}
    texts = {who: portal.log_in(who).get(f"/proposals/{here.ref}").text for who in ("ruth", "owen", "chen")}

    assert {who for who, text in told.items() if "Panel Author" in text} == {"owen", "chen"}
    assert "Panel Author" not in texts["ruth"]
    assert "Panel Reader" not in texts["ruth"]


def test_minutes_can_be_read_and_downloaded_when_it_is_over(portal: Portal) -> None:
    ruth, places = portal.log_in("ruth"), stage.places(portal)
    over = f"/meetings/{places['meeting_closed']}"

    page, text = ruth.get(f"{over}/minutes"), ruth.get(f"{over}/minutes.txt")

    for told in (page.text, text.text):
        assert "Chen Wei, Owen Brandt" in told
        assert "A sound plan; a third less." in told
        assert "30 recommended" in told
        assert "Panel Proposal 0004" not in told
    assert text.headers["Content-Disposition"].startswith("attachment")
    assert ruth.get(f"{item(portal, 0).room}/minutes").status_code == 403


def test_everything_that_is_done_is_on_the_trail_in_words(portal: Portal) -> None:
    aida = portal.log_in("aida")

    trail = aida.get("/audit").text + aida.get("/audit?verb=meeting.plan").text

    assert "Planned a meeting of the panel" in trail
    with portal.sessions() as session:
        assert (
            session.scalar(select(AgendaItem.minutes_by).where(AgendaItem.minutes != "").limit(1))
            == "Owen Brandt"
        )
