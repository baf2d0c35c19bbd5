"""What somebody sees who comes for the first time: one row of links, fields with names, days until when."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from allocations.accounts.projects import ProjectRole
from allocations.kernel import clock
from allocations.programme.calls import Call, CallState, Disclosure
from allocations.programme.draws import Draw
from allocations.programme.reviews import Review
from allocations.programme.steps import StepKind
from portal import availability, links
from tests.portal import stage
from tests.portal.stage import Portal

DAY = timedelta(days=1)


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


@pytest.mark.parametrize(
    ("who", "path", "typed"),
    [
        ("pat", "/consents/ahead/agree", {"call": "{call_draft}", "resource": "h100"}),
        ("pat", "/consents/ahead/agree", {"call": "CALL26-9876", "resource": "h100"}),
        ("sam", "/account/tokens/revoke", {"token": "987654"}),
    ],
)
def test_what_a_button_does_not_find_is_not_there(
    portal: Portal, who: str, path: str, typed: dict[str, str]
) -> None:
    places = stage.places(portal)
    data = {name: text.format_map(places) for name, text in typed.items()}

    assert portal.log_in(who).post(path, data=data).status_code == 404


def test_the_office_reads_which_proposals_are_a_colleagues(portal: Portal) -> None:
    before = portal.log_in("owen").get("/screening").text
    with portal.sessions() as session, session.begin():
        waiting = stage.proposal(session, "language")
        owen = stage.person(session, "owen")
        assert waiting.pi.institution_id != owen.institution_id
        owen.institution = waiting.pi.institution
        address = f"/proposals/{waiting.ref}"
    text = portal.log_in("owen").get("/screening").text

    assert "Of your own institution" not in before
    assert f'href="{address}/screen"' in before
    assert "Of your own institution: a colleague decides." in text
    assert f'href="{address}/screen"' not in text


def test_whoever_writes_where_nobody_is_named_is_told_so(portal: Portal) -> None:
    address = "/proposals/{proposal_soil}/summary".format_map(stage.places(portal))
    named = portal.log_in("priya").get(address).text
    with portal.sessions() as session, session.begin():
        stage.proposal(session, "soil").call.disclosure = Disclosure.DOUBLE_BLIND
    unnamed = portal.log_in("priya").get(address).text

    assert "Do not name yourselves" not in named
    assert "Do not name yourselves" in unnamed


def test_a_call_without_reviews_offers_no_reviewers_and_a_short_one_says_what_it_asks(portal: Portal) -> None:
    places = stage.places(portal)
    address = "/calls/{call_starter}".format_map(places)
    text = portal.log_in("owen").get(address).text

    assert "Assign reviewers" not in text
    assert "keywords" not in text
    assert "It is one page: title, abstract" in text
    assert portal.log_in("owen").get(f"{address}/assignment").status_code == 403
    assert "Assign reviewers" in portal.log_in("owen").get("/calls/{call_open}".format_map(places)).text


def test_a_chair_reads_on_the_proposal_why_it_cannot_be_decided_yet(portal: Portal) -> None:
    address = "/proposals/{proposal_tides}".format_map(stage.places(portal))

    assert "The PI can reply to the reviews first." in portal.log_in("chen").get(address).text


def test_a_secret_is_offered_for_sealing_until_a_review_is_in(portal: Portal) -> None:
    places = stage.places(portal)
    owen, sam = portal.log_in("owen"), portal.log_in("sam")
    early, late = ("/calls/{call_exchange}/draw", "/calls/{call_tiered}/draw")
    with portal.sessions() as session, session.begin():
        session.delete(session.get_one(Draw, stage.call(session, "tiered").id))

    assert "/draw/seal" in owen.get(early.format_map(places)).text
    assert "/draw/seal" not in sam.get(early.format_map(places)).text
    text = owen.get(late.format_map(places)).text
    assert "/draw/seal" not in text
    assert "it is too late to seal a secret" in text


def test_only_calls_that_are_open_count_as_free(portal: Portal) -> None:
    with portal.sessions() as session, session.begin():
        for call in session.scalars(select(Call).where(Call.state == CallState.PUBLISHED)):
            call.opens_at, call.closes_at = clock.now() + DAY, clock.now() + 2 * DAY
    with portal.sessions() as session:
        upcoming = availability.lines(session)
        with clock.at(clock.now() + DAY + timedelta(minutes=1)):
            opened = availability.lines(session)

    assert {(line.given, line.free) for line in upcoming} == {(0, 0)}
    assert max(line.free for line in opened) > 0


def test_a_badge_says_where_in_the_review_a_proposal_is(portal: Portal) -> None:
    address = "/proposals/{proposal_imaging}".format_map(stage.places(portal))
    with portal.sessions() as session, session.begin():
        found = stage.proposal(session, "imaging")
        found.step, pi = StepKind.PANEL, found.pi.name.split()[0].lower()
    seen = {who: portal.log_in(who).get(address).text for who in (pi, "owen", "petra")}

    assert '<span class="state state-at_the_panel">At the panel</span>' in seen[pi]
    assert '<span class="state state-at_the_panel">At the panel</span>' in seen["owen"]
    assert "At the panel" not in seen["petra"]


def test_a_visitor_of_a_concluded_call_is_not_asked_to_log_in_and_write(portal: Portal) -> None:
    text = portal.visitor().get("/calls/{call_past}".format_map(stage.places(portal))).text

    assert "This call is concluded." in text
    assert "Log in to" not in text


@pytest.mark.parametrize("path", ["/proposals/{proposal_soil}/check", "/invitations/{token}"])
def test_a_co_pi_is_called_so_everywhere(portal: Portal, path: str) -> None:
    with portal.sessions() as session, session.begin():
        member = next(m for m in stage.proposal(session, "soil").team if "sam@" in m.email)
        member.role, member_id = ProjectRole.CO_PI, member.id
    places = stage.places(portal) | {"token": links.invitation(portal.settings.secret_key, member_id)}
    text = portal.log_in("sam" if "token" in path else "priya").get(path.format_map(places)).text

    assert "co-PI" in text
    assert "co pi" not in text
