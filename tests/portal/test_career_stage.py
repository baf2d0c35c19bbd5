"""The career stage: asked with a reason, free to leave open, changed at any time, shown to nobody else."""

import pytest
from flask.testing import FlaskClient

from allocations.people.persons import CareerStage
from tests.portal import stage
from tests.portal.stage import Portal
from tests.portal.test_view_as import looking

PROFILE = {"name": "Priya Raman", "email": "priya@commons.example", "agree": "yes"}


def kept(portal: Portal) -> CareerStage | None:
    with portal.sessions() as session:
        return stage.person(session, "priya").career_stage


@pytest.fixture
def priya(portal: Portal) -> FlaskClient:
    return portal.log_in("priya")


def test_the_question_says_why_it_is_asked_and_may_stay_open(portal: Portal, priya: FlaskClient) -> None:
    shown = priya.get("/welcome").text
    assert "You need not say. We ask to see whether calls reach people at every stage." in shown

    answer = priya.post("/welcome", data=PROFILE | {"career_stage": ""})

    assert answer.status_code == 303
    assert kept(portal) is None


def test_it_is_told_changed_and_taken_back(portal: Portal, priya: FlaskClient) -> None:
    priya.post("/welcome", data=PROFILE | {"career_stage": "postdoc"})
    assert "Postdoc" in priya.get("/account").text
    assert '<option value="postdoc" selected>' in priya.get("/welcome").text
    priya.post("/welcome", data=PROFILE | {"career_stage": "not_said"})
    assert kept(portal) == CareerStage.NOT_SAID
    priya.post("/welcome", data=PROFILE | {"career_stage": ""})

    assert kept(portal) is None
    assert "Not told" in priya.get("/account").text


def test_another_word_is_refused_at_the_field(portal: Portal, priya: FlaskClient) -> None:
    answer = priya.post("/welcome", data=PROFILE | {"career_stage": "wizard"})

    assert answer.status_code == 422
    assert 'id="field-career_stage-error"' in answer.text
    assert kept(portal) is None


def test_an_administrator_who_views_as_somebody_does_not_learn_it(portal: Portal) -> None:
    with portal.sessions() as session, session.begin():
        stage.person(session, "uma").career_stage = CareerStage.ESTABLISHED
    ada = looking(portal, "uma")

    texts = [ada.get(path).text for path in ("/account", "/welcome")]

    assert "Uma" in texts[0]
    assert "Established" not in texts[0]
    assert '<option value="established" selected>' not in texts[1]
