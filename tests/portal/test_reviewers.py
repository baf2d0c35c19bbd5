"""A reviewer's own pages, the list of reviewers, and asking somebody who is away."""

import io
import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from allocations.kernel import clock
from allocations.people import roles
from allocations.people.roles import SYSTEM, Role
from allocations.programme import expertise
from allocations.programme.reviews import Review, ReviewState
from tests.portal import stage
from tests.portal.stage import Portal

IMPORT = "/reviews/profile/publications/import"
PROFILE = {"fields_of_science": "Mathematics", "kind": "domain", "most": "3"}


@pytest.fixture
def newcomer(portal: Portal) -> FlaskClient:
    """Sam, who reviews from today."""
    with portal.sessions() as session, session.begin():
        roles.grant(session, SYSTEM, stage.person(session, "sam"), role=Role.REVIEWER)
    return portal.log_in("sam")


def titles(portal: Portal, who: str) -> list[str]:
    with portal.sessions() as session:
        return [each.title for each in expertise.of_person(session, stage.person(session, who)).publications]


def test_a_newcomer_is_led_to_the_profile_until_it_is_saved(newcomer: FlaskClient) -> None:
    assert "Reviewer profile to fill in" in newcomer.get("/home").text
    assert 'href="/reviews/profile"' in newcomer.get("/reviews").text

    assert newcomer.post("/reviews/profile", data={**PROFILE, "version": "0"}).status_code == 303
    assert "Reviewer profile to fill in" not in newcomer.get("/home").text
    assert "You last said that this is right" in newcomer.get("/reviews/profile").text


def test_the_second_tab_is_told_and_nothing_typed_is_lost(newcomer: FlaskClient) -> None:
    tabs = [{**PROFILE, "version": "0", "keywords": words} for words in ("clouds", "rain")]

    first, second = (newcomer.post("/reviews/profile", data=tab) for tab in tabs)

    assert (first.status_code, second.status_code) == (303, 409)
    assert "Somebody changed this" in second.text
    assert 'value="rain"' in second.text
    again = newcomer.post("/reviews/profile", data={**tabs[1], "version": "1"})
    assert again.status_code == 303


def test_a_list_with_odd_lines_comes_back_with_their_numbers(portal: Portal, newcomer: FlaskClient) -> None:
    text = "title,year\nGood,2020\n<b>Bad</b>,soon\n"

    refused = newcomer.post(IMPORT, data={"text": text})

    assert refused.status_code == 422
    assert '<th scope="row" data-label="Where">Line 3</th>' in refused.text
    assert "&lt;b&gt;Bad&lt;/b&gt;,soon" in refused.text
    assert titles(portal, "sam") == []
    assert newcomer.post(IMPORT, data={"text": text, "leave_out": "yes"}).status_code == 303
    assert titles(portal, "sam") == ["Good"]


def send_file(client: FlaskClient, data: bytes, text: str = "") -> TestResponse:
    return client.post(IMPORT, data={"text": text, "file": (io.BytesIO(data), "list.bib")})


def test_a_file_is_taken_in_or_shown_in_the_box(portal: Portal, newcomer: FlaskClient) -> None:
    good = "\ufeff@book{a, title={Grün}, year=2020}".encode()
    odd = send_file(newcomer, good + b"\n@book{b, title={No year}}")

    assert odd.status_code == 422
    assert "@book{b, title={No year}}" in odd.text
    assert send_file(newcomer, good).status_code == 303
    assert titles(portal, "sam") == ["Grün"]


@pytest.mark.parametrize(
    ("data", "text", "words"),
    [
        ("@book{a, title={Grün}}".encode("latin-1"), "", "no text in UTF-8"),
        (b"title,year", "what I typed", "not both"),
        (b"title,year\nA\0B,2020", "", "cannot be stored"),
        (b"%" * 500_001, "", "at most 500,000 fit"),
    ],
    ids=["not UTF-8", "both", "NUL", "long"],
)
def test_a_hostile_file_is_refused_with_a_reason(
    portal: Portal, newcomer: FlaskClient, data: bytes, text: str, words: str
) -> None:
    answer = send_file(newcomer, data, text)

    assert (answer.status_code, words in answer.text, text in answer.text) == (422, True, True)
    assert titles(portal, "sam") == []


def test_nobody_removes_a_publication_of_somebody_else(portal: Portal, newcomer: FlaskClient) -> None:
    before = titles(portal, "ruth")
    place = {"publication": stage.places(portal)["publication_ruth"]}

    told = newcomer.post("/reviews/profile/publications/remove", data=place, follow_redirects=True).text
    assert "There is nothing here that you can open." in told
    assert titles(portal, "ruth") == before != []


def test_the_office_finds_reviewers_by_field_and_who_is_there(portal: Portal) -> None:
    owen = portal.log_in("owen")
    every = owen.get("/reviewers").text
    field = owen.get("/reviewers?field=Biological+sciences").text
    free = owen.get("/reviewers?available=yes").text

    assert [name in every for name in ("Ruth Adeyemi", "Ravi Menon", "Petra Novak")] == [True] * 3
    assert ("Reviewers by field of science." in every, "Show the numbers" in every) == (True, True)
    assert ("Ravi Menon" in field, "Ruth Adeyemi" in field) == (True, False)
    assert ("Ravi Menon" in free, "Ruth Adeyemi" in free) == (False, True)
    assert "/people/invitations/new" in every
    assert "/people/invitations/new" not in portal.log_in("chen").get("/reviewers").text


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("field=Alchemy", 400),
        ("available=no", 400),
        ("call=CALL26-9999", 404),
        ("before=x", 400),
        ("q=%25", 200),
    ],
)
def test_an_odd_address_is_refused(portal: Portal, query: str, code: int) -> None:
    assert portal.log_in("owen").get(f"/reviewers?{query}").status_code == code


def test_somebody_away_is_asked_only_with_the_tick(portal: Portal) -> None:
    owen, places = portal.log_in("owen"), stage.places(portal)
    with portal.sessions() as session, session.begin():
        rosa = stage.person(session, "rosa")
        profile = expertise.of_person(session, rosa)
        profile.away_from, profile.away_until = clock.today(), clock.today() + timedelta(days=3)
        review = session.get_one(Review, int(places["review_rosa"].split("-")[1]))
        review.state = ReviewState.REFUSED
        asked = {"reviewer": str(rosa.id)}
    address = f"/proposals/{places['proposal_imaging']}/reviewers"

    assert "Ask all the same" in owen.get(address).text
    refused = owen.post(address, data=asked, follow_redirects=True).text
    assert "Rosa Lindgren is away until" in refused
    told = owen.post(address, data={**asked, "all_the_same": "yes"}, follow_redirects=True).text
    assert "Rosa Lindgren is asked for a review." in told
    with portal.sessions() as session:
        assert session.get_one(Review, review.id).state == ReviewState.INVITED


def test_seniority_is_said_by_the_reviewer_or_the_office(portal: Portal, newcomer: FlaskClient) -> None:
    owen, ref = portal.log_in("owen"), stage.places(portal)["psn_sam"]
    here = f"/reviewers/{ref}/seniority"

    said = owen.post(here, data={"seniority": "senior"}, follow_redirects=True).text
    profile = newcomer.get("/reviews/profile").text
    newcomer.post("/reviews/profile", data={**PROFILE, "version": "1", "seniority": "early_career"})

    assert "It is noted for Sam" in said
    assert re.search(r'name="seniority" type="radio" value="senior" checked', profile)
    assert "Early career" in owen.get("/reviewers?q=Sam").text
    assert owen.post(here, data={"seniority": "grand"}).status_code == 422
    assert portal.log_in("chen").get(here).status_code == 404
    assert owen.get(f"/reviewers/{stage.places(portal)['psn_priya']}/seniority").status_code == 404
