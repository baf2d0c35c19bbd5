"""The pages of a proposal save themselves, and two who write on one page lose nothing."""

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from allocations.programme.proposals import Proposal
from allocations.programme.teams import TeamMember
from tests.portal.stage import Portal
from tests.portal.test_answering import asked, rivers, with_carlos

TYPED = {
    "title": "Sounds of rivers",
    "abstract": "We listen.",
    "keywords": "rivers",
    "fields_of_science": "Mathematics",
}


def now(portal: Portal) -> Proposal:
    with portal.sessions() as session:
        return session.scalars(select(Proposal).where(Proposal.id == rivers(portal).id)).one()


@pytest.fixture
def address(portal: Portal) -> str:
    return f"/proposals/{rivers(with_carlos(portal)).ref}"


@pytest.fixture
def priya(portal: Portal) -> FlaskClient:
    return portal.log_in("priya")


def seen_in(answer: TestResponse) -> str:
    found = re.search(r'name="seen" value="([^"]*)"', answer.text)
    assert found is not None
    return found[1]


def test_the_summary_saves_itself_and_says_when(portal: Portal, priya: FlaskClient, address: str) -> None:
    page = priya.get(f"{address}/summary")
    given = TYPED | {"abstract": "Water talks.", "seen": seen_in(page), "then": "autosave"}

    answer = priya.post(f"{address}/summary", data=given)

    assert answer.status_code == 200
    assert re.search(r"Saved \d\d:\d\d UTC", answer.text)
    assert "<html" not in answer.text
    assert now(portal).abstract == "Water talks."
    again = priya.post(f"{address}/summary", data=given | {"keywords": "water", "seen": seen_in(answer)})
    assert (again.status_code, now(portal).keywords) == (200, "water")


def test_two_on_one_page_in_different_fields_do_not_meet(
    portal: Portal, priya: FlaskClient, address: str
) -> None:
    seen = seen_in(priya.get(f"{address}/summary"))
    carlos = portal.log_in("carlos")
    carlos.post(f"{address}/summary", data=TYPED | {"keywords": "Carlos", "seen": seen, "then": "autosave"})

    mine = TYPED | {"abstract": "Of Priya.", "seen": seen, "then": "autosave"}
    first = priya.post(f"{address}/summary", data=mine)
    # Her page still shows the keywords as they were.
    second = priya.post(f"{address}/summary", data=mine | {"abstract": "More.", "seen": seen_in(first)})

    assert (first.status_code, second.status_code) == (200, 200)
    assert (now(portal).abstract, now(portal).keywords) == ("More.", "Carlos")


@pytest.mark.parametrize("then", ["autosave", "leave"])
def test_the_second_in_one_field_sees_what_the_first_wrote(
    portal: Portal, priya: FlaskClient, address: str, then: str
) -> None:
    seen = seen_in(priya.get(f"{address}/summary"))
    theirs = TYPED | {"abstract": "Of <b>Carlos</b>.", "seen": seen}
    portal.log_in("carlos").post(f"{address}/summary", data=theirs)
    mine = TYPED | {"abstract": "Of Priya.", "seen": seen, "then": then}

    late = priya.post(f"{address}/summary", data=mine)

    assert late.status_code == 409
    assert "Of &lt;b&gt;Carlos&lt;/b&gt;." in late.text
    assert now(portal).abstract == "Of <b>Carlos</b>."
    again = priya.post(f"{address}/summary", data=mine | {"seen": seen_in(late)})
    assert again.status_code in (200, 303)
    assert now(portal).abstract == "Of Priya."


def test_what_the_same_page_sent_a_moment_before_is_no_other_hand(
    portal: Portal, priya: FlaskClient, address: str
) -> None:
    seen = seen_in(priya.get(f"{address}/summary"))
    first = TYPED | {"abstract": "Of", "seen": seen, "then": "autosave"}
    priya.post(f"{address}/summary", data=first)

    later = priya.post(f"{address}/summary", data=first | {"abstract": "Of Priya.", "before": "abstract=Of"})

    assert (later.status_code, now(portal).abstract) == (200, "Of Priya.")
    question = asked(portal, "Method")
    one = f"{address}/answers/{question.id}"
    priya.post(one, data={"text": "With", "seen": "1"})
    assert priya.post(one, data={"text": "With care.", "seen": "1"}).status_code == 409
    assert priya.post(one, data={"text": "With care.", "seen": "1", "before": "With"}).status_code == 200


def test_a_wrong_amount_is_told(portal: Portal, priya: FlaskClient, address: str) -> None:
    seen = seen_in(priya.get(f"{address}/resources"))
    given = {"starts_on": "", "months": "6", "why_a100": "Runs.", "amount_a100": "many", "seen": seen}

    answer = priya.post(f"{address}/resources", data=given | {"then": "autosave"})

    assert answer.status_code == 422
    assert "Not saved." in answer.text


def test_a_use_beside_a_dataset_without_a_tick_is_not_dropped(priya: FlaskClient, address: str) -> None:
    answer = priya.post(f"{address}/data", data={"use_weather-stations": "Temperatures."})

    assert answer.status_code == 422
    assert "Tick the dataset, or clear this." in answer.text


def test_two_who_ask_people_onto_the_team_do_not_take_back_each_other(
    portal: Portal, priya: FlaskClient, address: str
) -> None:
    seen = seen_in(priya.get(f"{address}/team"))
    held = {"email_0": "carlos@commons.example", "role_0": "co_pi", "seen": seen}
    portal.log_in("carlos").post(
        f"{address}/team", data=held | {"email_1": "a@example.edu", "role_1": "user"}
    )

    late = priya.post(f"{address}/team", data=held | {"email_1": "b@example.edu", "role_1": "user"})
    alone = priya.post(f"{address}/team", data=held | {"email_1": "", "role_1": "user"})

    assert (late.status_code, alone.status_code) == (409, 303)
    assert "a@example.edu" in late.text
    with portal.sessions() as session:
        team = session.scalars(select(TeamMember.email).where(TeamMember.proposal_id == rivers(portal).id))
        assert sorted(team) == ["a@example.edu", "carlos@commons.example"]


def test_without_scripts_the_page_says_to_save_first(priya: FlaskClient, address: str) -> None:
    for page in ("summary", "form/0", "resources", "data", "team"):
        assert "<noscript>" in priya.get(f"{address}/{page}").text
