"""The office's own words in letters, and a provider who agrees ahead and is not written to."""

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from allocations.programme import calls as domain
from allocations.programme import wording
from allocations.programme.calls import LetterKind
from portal.mail import Letter
from tests.portal import calls, stage
from tests.portal.filling import send
from tests.portal.stage import Portal


@pytest.fixture
def owen(portal: Portal) -> FlaskClient:
    return portal.log_in("owen")


@pytest.fixture
def draft(owen: FlaskClient) -> str:
    """A new call, begun as a panel with experts."""
    return send(owen, "/calls/new", {"title": "New", "start": "panel"}).location.split("/")[2]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Dear {name}, {title} is {proposal} in {call}: {link}", 303),
        ("{name", 303),
        ("{{7*7}} {0} {__class__}", 422),
        ("{nmae}", 422),
        ("x" * 5001, 422),
    ],
)
def test_words_for_a_letter_are_checked_beside_their_field(
    owen: FlaskClient, draft: str, text: str, code: int
) -> None:
    form = calls.shown(owen, draft, "letters")
    answer = send(owen, calls.address(draft, "letters"), {**form, "letter_awarded": text})

    assert answer.status_code == code
    assert ('id="field-letter_awarded-error"' in answer.text) == (code == 422)


def test_placeholders_are_filled_in_once(portal: Portal) -> None:
    with portal.sessions() as session:
        proposal = stage.proposal(session, "weather")
        proposal.title = "On {link} and {name}"
        kind = LetterKind.AWARDED
        proposal.call.letters.append(domain.CallLetter(kind=kind, text="{name}: {title} ({proposal}) {link}"))
        words = wording.own_words(proposal, kind, reader=proposal.pi, link="https://x.example/p")

        assert words == f"{proposal.pi.name}: On {{link}} and {{name}} ({proposal.ref}) https://x.example/p"
        assert wording.own_words(proposal, LetterKind.DECLINED, reader=proposal.pi, link="") == ""
        session.rollback()


def test_a_provider_agrees_ahead_with_a_button_and_takes_it_back(portal: Portal) -> None:
    pat, ref = portal.log_in("pat"), stage.places(portal)["call_open"]
    agreed = pat.get("/consents/ahead").text.count("agreed on")
    before = portal.log_in("owen").post(
        "/consents/ahead/agree", data={"call": ref, "resource": "h100"}, follow_redirects=True
    )
    # Not his to answer for, so it is not there.
    assert before.status_code == 404
    pat.post("/consents/ahead/agree", data={"call": ref, "resource": "h100"})
    assert pat.get("/consents/ahead").text.count("agreed on") == agreed + 1
    pat.post("/consents/ahead/take-back", data={"call": ref, "resource": "h100"})
    assert pat.get("/consents/ahead").text.count("agreed on") == agreed


def _letters(portal: Portal, subject: str) -> list[Letter]:
    portal.deliver()
    with portal.sessions() as session:
        return list(session.scalars(select(Letter).where(Letter.subject.contains(subject))))


def test_the_words_of_the_office_stand_in_the_letter(portal: Portal, owen: FlaskClient) -> None:
    places = stage.places(portal)
    address, ref = f"/calls/{places['call_open']}/correct", places["proposal_language"]
    words = {"letter_returned": "Dear {name}, see {link} for {proposal}.", "reason": "Kinder letters."}
    assert send(owen, address, {**calls.fields_of(owen.get(address).text), **words}).status_code == 303
    owen.post(f"/proposals/{ref}/screen", data={"outcome": "return", "message": "Say more."})

    (letter,) = _letters(portal, f"{ref} came back")
    name = letter.body.split("\n")[0].removeprefix("Dear ").removesuffix(",")
    assert re.search(rf"\n\nDear {name}, see http\S+/proposals/{ref}/check for {ref}\.\n\n", letter.body)


@pytest.mark.parametrize(("agreed", "asked"), [(True, 0), (False, 1)])
def test_a_provider_who_agreed_ahead_is_not_asked_by_letter(portal: Portal, agreed: bool, asked: int) -> None:
    places = stage.places(portal)
    if agreed:
        button = {"call": places["call_open"], "resource": "a100"}
        portal.log_in("pat").post("/consents/ahead/agree", data=button)
    before = len(_letters(portal, "Consent needed"))
    given = {"outcome": "award", "summary": "Yes.", "amount_a100": "10"}
    awarded = portal.log_in("chen").post(f"/proposals/{places['proposal_imaging']}/decide", data=given)

    assert awarded.status_code == 303
    assert len(_letters(portal, "Consent needed")) - before == asked
