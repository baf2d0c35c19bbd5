"""Starting from an earlier proposal: what fits is copied, what does not is named, what is written stays."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from allocations.kernel import units
from allocations.programme import answers
from allocations.programme.calls import Call
from allocations.programme.proposals import Proposal
from allocations.programme.questions import QuestionDraft, QuestionKind
from tests.portal import stage, writers
from tests.portal.stage import Portal

ASKED = (
    QuestionDraft("Case", QuestionKind.TEXT, "METHOD", words=50),
    QuestionDraft("Case", QuestionKind.TABLE, "Runs", options=("Run", "GPU-hours")),
    QuestionDraft("Case", QuestionKind.NUMBER, "Question", needed=False),
)


def fresh(portal: Portal, priya: FlaskClient, **changes: object) -> str:
    given = {"title": "Again", "questions": ASKED, "max_months": 3}
    with portal.sessions() as session, session.begin():
        call = writers.published(session, stage.actor(session, "owen"), **{**given, **changes})
    return priya.post(f"/calls/{call.ref}/apply").location


def rivers(portal: Portal) -> str:
    return stage.places(portal)["proposal_rivers"]


def copied(portal: Portal, address: str) -> tuple[Proposal, dict[str, object]]:
    """The draft and its answers by question."""
    loaded = (selectinload(Proposal.requests), selectinload(Proposal.call).selectinload(Call.questions))
    with portal.sessions() as session:
        number = int(address.split("/")[2].split("-")[1])
        draft = session.scalars(select(Proposal).where(Proposal.id == number).options(*loaded)).one()
        known = answers.of_proposal(session, draft)
        labels = {question.id: question.label for question in draft.call.questions}
        return draft, {labels[key]: answer.cells or answer.text for key, answer in known.items()}


@pytest.fixture
def priya(portal: Portal) -> FlaskClient:
    return portal.log_in("priya")


def bring(client: FlaskClient, address: str, earlier: str) -> str:
    """What the page says afterwards."""
    home = address.rsplit("/", 1)[0]
    answer = client.post(f"{home}/import", data={"earlier": earlier})
    assert answer.location == address
    return client.get(address).text


def test_summary_amounts_and_answers_to_the_same_questions_are_copied(
    portal: Portal, priya: FlaskClient
) -> None:
    address = fresh(portal, priya)
    assert "Sounds of rivers" in priya.get(address).text

    told = bring(priya, address, rivers(portal))

    draft, known = copied(portal, address)
    assert (draft.title, draft.abstract, draft.keywords) == ("Sounds of rivers", "We listen.", "rivers")
    assert draft.fields_of_science == ["Mathematics"]
    assert known == {"METHOD": "With microphones.", "Runs": [["First", "20"], ["Second", "30"]]}
    assert [(r.resource.slug, r.requested) for r in draft.requests] == [("a100", 50 * units.MICRO)]
    assert "Copied: title, abstract" in told
    assert "2 answers" in told
    assert "2 answers to questions that this call does not ask" in told
    assert "its length of 6 months: at most 3 are granted" in told
    assert draft.months == 3
    assert draft.starts_on is None


def test_what_is_over_the_ceiling_or_not_offered_is_named(portal: Portal, priya: FlaskClient) -> None:
    small = fresh(portal, priya, most={"a100": 20 * units.MICRO})
    other = fresh(portal, priya, pools={"h100": 100 * units.MICRO}, most={})

    earlier = rivers(portal)
    over, absent = (bring(priya, address, earlier) for address in (small, other))

    assert "because one proposal gets at most 20 here" in over
    assert "which this call does not offer" in absent
    assert copied(portal, small)[0].requests == []
    assert copied(portal, other)[0].requests == []


def test_what_is_written_stays(portal: Portal, priya: FlaskClient) -> None:
    address = fresh(portal, priya)
    priya.post(address, data={"title": "Mine", "abstract": "", "keywords": ""})
    draft, _ = copied(portal, address)
    method = next(q for q in draft.call.questions if q.label == "METHOD")
    home = address.rsplit("/", 1)[0]
    priya.post(f"{home}/answers/{method.id}", data={"text": "My own.", "seen": "0"})

    bring(priya, address, rivers(portal))

    draft, known = copied(portal, address)
    assert draft.title == "Mine"
    assert draft.abstract == "We listen."
    assert known["METHOD"] == "My own."


def test_the_offer_is_gone_once_something_is_written(portal: Portal, priya: FlaskClient) -> None:
    address = fresh(portal, priya)
    bring(priya, address, rivers(portal))

    assert "Start from an earlier proposal" not in priya.get(address).text


def test_only_ones_own_proposals_are_offered_and_taken(portal: Portal, priya: FlaskClient) -> None:
    address, places = fresh(portal, priya), stage.places(portal)
    home = address.rsplit("/", 1)[0]
    mei = portal.log_in("mei")

    assert "Glaciers" not in priya.get(address).text
    assert priya.post(f"{home}/import", data={"earlier": places["proposal_glaciers"]}).status_code == 404
    assert priya.post(f"{home}/import", data={"earlier": ""}).status_code == 404
    assert mei.post(f"{home}/import", data={"earlier": places["proposal_glaciers"]}).status_code == 404
    uma = portal.log_in("uma")
    theirs = uma.post(f"{home}/import", data={"earlier": places["proposal_weather"]})
    assert theirs.status_code == 404
    assert copied(portal, address)[0].title == ""


def test_a_user_of_a_team_copies_nothing_of_it(portal: Portal) -> None:
    """Carlos leads Weather with Priya and may; Uma sees it and may not."""
    places = stage.places(portal)
    with portal.sessions() as session, session.begin():
        weather, lagoons = stage.proposal(session, "weather"), stage.proposal(session, "lagoons")
        uma = stage.person(session, "uma")
        lagoons.pi, lagoons.title, lagoons.abstract = uma, "", ""
        assert any(member.person_id == uma.id for member in weather.team)
    client = portal.log_in("uma")
    address = f"/proposals/{places['proposal_lagoons']}"

    assert client.get(f"/proposals/{places['proposal_weather']}").status_code == 200
    answer = client.post(f"{address}/import", data={"earlier": places["proposal_weather"]})

    assert answer.status_code == 404
