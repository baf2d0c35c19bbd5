"""What somebody sees who comes for the first time: one row of links, fields with names, days until when."""

import re

from sqlalchemy import select

from allocations.programme.reviews import Review
from tests.portal import stage
from tests.portal.stage import Portal


def _rooms(text: str) -> list[str]:
    """The links of the row in a wide window."""
    row = text.partition('<ul class="nav__list">')[2].partition("</ul>")[0]
    return re.findall(r'<a class="nav__link"[^>]*>([^<]+)</a>', row)


def test_several_desks_stand_behind_one_word_and_a_single_one_in_the_row(portal: Portal) -> None:
    officer, reviewer = (portal.log_in(who).get("/home").text for who in ("owen", "ruth"))
    everybody = ["Calls", "Resources", "Datasets", "Awards", "Proposals", "Projects"]

    assert _rooms(officer) == everybody
    assert '<nav class="menu__panel" aria-label="Your desks">' in officer
    assert _rooms(reviewer) == [*everybody, "Reviews"]
    assert "Your desks" not in reviewer


def test_the_list_of_errors_names_each_field(portal: Portal) -> None:
    places = stage.places(portal)
    address = "/calls/{call_draft}/edit/".format_map(places)
    owen = portal.log_in("owen")
    window = owen.post(address + "window", data={})
    row = {"question_0_label": "Why", "question_0_section": "Case", "question_0_kind": "text"}
    questions = owen.post(address + "form", data=row | {"question_0_words": "many"})

    assert (window.status_code, questions.status_code) == (422, 422)
    assert '<a href="#field-opens_at">Opens: This is missing.</a>' in window.text
    assert '<a href="#field-question_0_words">Question 1, most words: ' in questions.text


def test_a_draft_begins_with_a_length_that_its_call_grants(portal: Portal) -> None:
    places = stage.places(portal)
    with portal.sessions() as session:
        most = stage.call(session, "starter").max_months
    carlos = portal.log_in("carlos")
    text = carlos.post("/calls/{call_starter}/apply".format_map(places), follow_redirects=True).text

    assert most < 12
    assert f'name="months" type="text" value="{most}"' in text


def test_a_reviewer_sees_until_when_a_review_is_due(portal: Portal) -> None:
    petra = portal.log_in("petra")
    with portal.sessions() as session:
        petras = Review.reviewer_id == stage.person(session, "petra").id
        review = session.scalars(select(Review).where(petras)).one()
        day, address = f"{review.due_at:%-d %B %Y}", f"/reviews/{review.ref}"

    assert f'<td data-label="Due">{day}</td>' in petra.get("/reviews").text
    assert f"Due on {day}, " in petra.get(address).text


def test_an_applicant_who_owes_reviews_finds_them_in_the_menu(portal: Portal) -> None:
    everybody = ["Calls", "Resources", "Datasets", "Awards", "Proposals", "Projects"]

    assert _rooms(portal.log_in("sam").get("/home").text) == [*everybody, "Reviews"]
    assert _rooms(portal.log_in("lena").get("/home").text) == everybody
