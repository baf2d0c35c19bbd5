"""The starter lane: one page, at most ten fields, and the award is there when the worker has had its turn."""

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from allocations.accounts.projects import Project
from allocations.kernel import clock, units
from allocations.programme.calls import Call
from allocations.programme.proposals import Proposal, State
from tests.portal import stage, writers
from tests.portal.stage import Portal

GOOD = {
    "title": "Small waves",
    "abstract": "We try a model of waves.",
    "fields_of_science": "Mathematics",
    "months": "3",
    "amount_a100": "40",
    "agree": "yes",
    "then": "submit",
}


@pytest.fixture
def call(portal: Portal) -> Call:
    with portal.sessions() as session, session.begin():
        return writers.by_rule(session, stage.actor(session, "owen"))


@pytest.fixture
def priya(portal: Portal) -> FlaskClient:
    return portal.log_in("priya")


@pytest.fixture
def address(priya: FlaskClient, call: Call) -> str:
    return priya.post(f"/calls/{call.ref}/apply").location


def filled(call: Call, **changes: str) -> dict[str, str]:
    return {**GOOD, call.questions[0].field: "PyTorch", **changes}


def found(portal: Portal, address: str) -> Proposal:
    with portal.sessions() as session:
        return session.get_one(Proposal, int(address.split("/")[2].split("-")[1]))


def fields(text: str) -> set[str]:
    """What a person fills in: hidden fields, buttons and the tick of agreement are not questions."""
    main = text.split('<form method="post" novalidate class="writing"')[1].split("</form>")[0]
    tags = re.findall(r"<(?:input|textarea|select)[^>]*>", main)
    asked = {re.search(r'name="([^"]+)"', tag)[1] for tag in tags if 'type="hidden"' not in tag}  # type: ignore[index]
    return asked - {"agree"}


def test_starting_leads_to_the_one_page(address: str, priya: FlaskClient) -> None:
    text = priya.get(address).text

    assert address.endswith("/short")
    assert "What will you do? In plain words" in text
    assert "Up to 100 GPU-hours" in text
    assert "as soon as you submit" in text
    assert "Do not share log-ins" in text


def test_it_says_what_an_award_makes_public(portal: Portal, priya: FlaskClient, address: str) -> None:
    standard = "/proposals/{proposal_soil}/summary".format_map(stage.places(portal))

    for page in (address, standard):
        assert "makes the title, the PI and this abstract public" in priya.get(page).text


def test_a_short_form_has_at_most_ten_fields(portal: Portal, priya: FlaskClient, address: str) -> None:
    lagoons = stage.places(portal)["proposal_lagoons"]

    for one in (address, f"/proposals/{lagoons}/short"):
        assert 4 < len(fields(priya.get(one).text)) <= 10


def test_one_press_saves_and_submits_and_the_rule_awards(
    portal: Portal, priya: FlaskClient, address: str, call: Call
) -> None:
    answer = priya.post(address, data=filled(call))
    shown = priya.get(answer.location).text

    assert answer.status_code == 303
    assert "is submitted" in shown
    assert 'hx-trigger="every 2s"' in shown
    portal.deliver()
    status = priya.get(answer.location + "/progress").text
    assert "It is awarded" in status
    assert "hx-get" not in status
    project = re.search(r'href="(/projects/[^"]+)"', status)
    assert project is not None
    assert priya.get(project[1]).status_code == 200
    with portal.sessions() as session:
        kept = session.get_one(Proposal, found(portal, address).id)
        assert kept.state == State.AWARDED
        assert kept.requests[0].awarded == 40 * 10**6
        assert session.query(Project).filter_by(title="Small waves").one()


def test_everything_wrong_is_said_at_once_and_nothing_typed_is_lost(
    portal: Portal, priya: FlaskClient, address: str, call: Call
) -> None:
    wrong = filled(call, title="", months="many", amount_a100="900", amount_storage="x", agree="")
    wrong[call.questions[0].field] = "one two " * 60

    answer = priya.post(address, data=wrong)

    assert answer.status_code == 422
    summary = answer.text.split('class="error-summary"')[1].split("</div>")[0]
    for name in ("title", "months", "amount_a100", "amount_storage", "agree", call.questions[0].field):
        assert f'href="#field-{name}"' in summary
        assert f'id="field-{name}"' in answer.text
    assert "Length: Enter a whole number" in summary
    assert "120 words" in summary
    assert "one two one two" in answer.text
    assert 'value="900"' in answer.text
    assert found(portal, address).state == State.DRAFT


def test_an_amount_over_the_ceiling_hides_that_none_was_asked_for(
    priya: FlaskClient, address: str, call: Call
) -> None:
    answer = priya.post(address, data=filled(call, amount_a100="900"))

    assert "One proposal gets at most 100" in answer.text
    assert "Ask for at least one resource" not in answer.text


def test_without_the_tick_nothing_is_submitted(
    portal: Portal, priya: FlaskClient, address: str, call: Call
) -> None:
    here = address.removesuffix("/short")
    assert priya.post(address, data=filled(call, agree="")).status_code == 422
    assert priya.post(address, data=filled(call, then="save")).status_code == 303

    by_the_other_way = priya.post(f"{here}/submit")

    assert by_the_other_way.status_code == 422
    assert "I agree to the terms" in by_the_other_way.text
    assert found(portal, address).state == State.DRAFT
    assert priya.post(f"{here}/submit", data={"agree": "yes"}).status_code == 303


def test_a_draft_is_saved_without_being_complete(portal: Portal, priya: FlaskClient, address: str) -> None:
    answer = priya.post(address, data={"then": "save", "title": "Later", "months": "3"})

    assert answer.location == address
    assert "Your draft is saved" in priya.get(address).text
    assert found(portal, address).title == "Later"
    assert found(portal, address).state == State.DRAFT


def test_the_promise_names_what_is_saved(priya: FlaskClient, address: str, call: Call) -> None:
    priya.post(address, data=filled(call, then="save"))

    assert "You get 40 GPU-hours of" in priya.get(address).text


def test_after_the_close_the_page_says_why_and_keeps_the_text(
    portal: Portal, priya: FlaskClient, address: str, call: Call
) -> None:
    with clock.at(call.closes_at - timedelta(seconds=1)):
        again = portal.log_in("priya")
        assert "Submit</button>" in again.get(address).text
    with clock.at(call.closes_at):
        late = again.post(address, data=filled(call))
        assert late.status_code == 409
        assert "The call closed on" in late.text
        assert "We try a model of waves." in late.text
        assert "Submit</button>" not in again.get(address).text
        assert again.post(address, data=filled(call, then="save")).status_code == 303
    assert found(portal, address).title == "Small waves"


def test_an_older_tab_does_not_overwrite(
    portal: Portal, priya: FlaskClient, address: str, call: Call
) -> None:
    seen = re.findall('name="seen" value="([^"]*)"', priya.get(address).text)[0]
    priya.post(address, data=filled(call, then="save", seen=seen))

    second = priya.post(address, data=filled(call, then="save", seen=seen, title="Older"))

    assert second.status_code == 409
    assert re.search("Saved meanwhile:.*Small waves", second.text)
    assert found(portal, address).title == "Small waves"


def test_a_call_that_is_not_short_has_its_sections_instead(portal: Portal, priya: FlaskClient) -> None:
    soil = stage.places(portal)["proposal_soil"]

    for answer in (priya.get(f"/proposals/{soil}/short"), priya.post(f"/proposals/{soil}/short", data=GOOD)):
        assert answer.location == f"/proposals/{soil}/summary"
    with portal.sessions() as session:
        assert stage.proposal(session, "soil").title != GOOD["title"]


def test_an_empty_pool_leaves_it_to_the_office_and_says_so(portal: Portal) -> None:
    with portal.sessions() as session, session.begin():
        owen = stage.actor(session, "owen")
        call = writers.by_rule(session, owen, pools={"a100": 60 * units.MICRO}, most={})
    told = []
    for who in ("priya", "mei"):
        client = portal.log_in(who)
        address = client.post(f"/calls/{call.ref}/apply").location
        home = client.post(address, data=filled(call)).location
        portal.deliver()
        told.append(client.get(home).text)

    assert "It is awarded" in told[0]
    assert "Waits for the programme office" in told[1]


def test_strangers_do_not_see_it(portal: Portal, address: str) -> None:
    for who in ("sam", "ruth", "owen"):
        assert portal.log_in(who).get(address).status_code == 404
