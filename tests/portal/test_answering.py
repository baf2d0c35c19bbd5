"""Answers while people write: tables, texts that save themselves, and two who write at the same moment."""

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import selectinload
from werkzeug.test import TestResponse

from allocations.accounts.projects import ProjectRole
from allocations.kernel import clock
from allocations.programme import answers, teams, writing
from allocations.programme.answers import Answer
from allocations.programme.calls import Call
from allocations.programme.proposals import Proposal
from allocations.programme.questions import Question
from allocations.programme.writing import Invitee
from tests.portal import stage
from tests.portal.stage import Portal
from tests.threads import at_once


def with_carlos(portal: Portal) -> Portal:
    """Carlos is a co-PI of Rivers."""
    with portal.sessions() as session, session.begin():
        rivers = stage.proposal(session, "rivers")
        priya, carlos = stage.actor(session, "priya"), stage.actor(session, "carlos")
        writing.save_team(session, priya, rivers, [Invitee("carlos@commons.example", ProjectRole.CO_PI)])
        session.flush()
        teams.accept(session, carlos, rivers.team[0])
    return portal


def rivers(portal: Portal) -> Proposal:
    whole = selectinload(Proposal.call).selectinload(Call.questions)
    with portal.sessions() as session:
        named = select(Proposal).where(Proposal.title == "Sounds of rivers")
        return session.scalars(named.options(whole)).one()


def asked(portal: Portal, label: str) -> Question:
    return next(q for q in rivers(portal).call.questions if q.label == label)


def kept(portal: Portal, label: str) -> Answer | None:
    proposal, question = rivers(portal), asked(portal, label)
    with portal.sessions() as session:
        return answers.of_proposal(session, proposal).get(question.id)


def forget(portal: Portal, label: str) -> None:
    """As if nobody had answered this yet."""
    with portal.sessions() as session, session.begin():
        session.delete(session.get_one(Answer, kept(portal, label).id))  # type: ignore[union-attr]


def type_in(client: FlaskClient, portal: Portal, label: str, *, text: str, seen: str) -> TestResponse:
    address = f"/proposals/{rivers(portal).ref}/answers/{asked(portal, label).id}"
    return client.post(address, data={"text": text, "seen": seen})


def seen_in(answer: TestResponse) -> str:
    found = re.search(r'name="seen_q\d+" value="(\d+)"', answer.text)
    assert found is not None
    return found[1]


@pytest.fixture
def priya(portal: Portal) -> FlaskClient:
    return with_carlos(portal).log_in("priya")


@pytest.fixture
def carlos(priya: FlaskClient, portal: Portal) -> FlaskClient:
    return portal.log_in("carlos")


def test_a_text_saves_itself_and_says_when(portal: Portal, priya: FlaskClient) -> None:
    first = type_in(priya, portal, "Method", text="With  care.\r\n", seen="1")
    second = type_in(priya, portal, "Method", text="With great care.", seen=seen_in(first))

    assert (first.status_code, second.status_code) == (200, 200)
    assert f"Saved {clock.now():%H}:" in first.text
    assert "<html" not in first.text
    assert seen_in(second) == "3"
    found = kept(portal, "Method")
    assert found is not None
    assert (found.text, found.saved_by) == ("With great care.", "Priya Raman")


def test_saving_the_same_text_again_changes_nothing(portal: Portal, priya: FlaskClient) -> None:
    answer = type_in(priya, portal, "Method", text="With microphones.", seen="1")

    assert answer.status_code == 200
    assert seen_in(answer) == "1"


def test_two_people_in_different_answers_do_not_meet(
    portal: Portal, priya: FlaskClient, carlos: FlaskClient
) -> None:
    """Also when one of them saves the whole page, with the other's answer as it was before."""
    page = f"/proposals/{rivers(portal).ref}/form/0"
    question, method = asked(portal, "Question"), asked(portal, "Method")
    assert type_in(carlos, portal, "Method", text="By Carlos.", seen="1").status_code == 200
    whole = {
        question.field: "By Priya.",
        f"seen_{question.field}": "1",
        method.field: "By Carlos.",
        f"seen_{method.field}": "1",
    }

    assert priya.post(page, data=whole).status_code == 303
    assert kept(portal, "Question").text == "By Priya."  # type: ignore[union-attr]
    assert kept(portal, "Method").text == "By Carlos."  # type: ignore[union-attr]


def test_the_second_in_one_answer_sees_what_the_first_wrote(
    portal: Portal, priya: FlaskClient, carlos: FlaskClient
) -> None:
    type_in(carlos, portal, "Method", text="Carlos has <b>another</b> idea.", seen="1")

    late = type_in(priya, portal, "Method", text="Priya too.", seen="1")

    assert late.status_code == 409
    assert "wrote meanwhile" in late.text
    assert "Carlos has &lt;b&gt;another&lt;/b&gt; idea." in late.text
    assert kept(portal, "Method").text.startswith("Carlos")  # type: ignore[union-attr]
    again = type_in(priya, portal, "Method", text="Both.", seen=seen_in(late))
    assert again.status_code == 200


def test_on_the_page_theirs_stands_beside_yours(
    portal: Portal, priya: FlaskClient, carlos: FlaskClient
) -> None:
    page, method = f"/proposals/{rivers(portal).ref}/form/0", asked(portal, "Method")
    type_in(carlos, portal, "Method", text="Theirs.", seen="1")

    late = priya.post(page, data={method.field: "Mine.", f"seen_{method.field}": "1"})

    assert late.status_code == 409
    assert "Theirs." in late.text
    assert "\nMine.</textarea>" in late.text
    assert f'name="seen_{method.field}" value="2"' in late.text
    assert "Method: " in late.text.split('class="error-summary"')[1].split("</div>")[0]


@pytest.mark.parametrize("first", [True, False], ids=["nobody has answered yet", "an answer is there"])
def test_of_many_at_once_in_one_answer_one_is_kept_and_all_know(
    portal_on_engine: Portal, first: bool
) -> None:
    portal = with_carlos(portal_on_engine)
    if first:
        forget(portal, "Method")
    clients = [portal.log_in(who) for who in ("priya", "carlos") * 2]
    seen = "0" if first else "1"

    told = at_once(4, lambda n: type_in(clients[n], portal, "Method", text=f"Text {n}", seen=seen))

    codes = sorted(getattr(one, "status_code", repr(one)) for one in told)
    assert codes == [200, 409, 409, 409]
    winner = kept(portal, "Method").text  # type: ignore[union-attr]
    assert all(winner in one.text for one in told if one.status_code == 409)  # type: ignore[union-attr]


def test_of_whole_pages_at_once_the_late_one_shows_both_texts(portal_on_engine: Portal) -> None:
    portal = with_carlos(portal_on_engine)
    forget(portal, "Method")
    clients = [portal.log_in(who) for who in ("priya", "carlos")]
    page, field = f"/proposals/{rivers(portal).ref}/form/0", asked(portal, "Method").field
    data = [{field: f"Text {n}", f"seen_{field}": "0"} for n in range(2)]

    told = at_once(2, lambda n: clients[n].post(page, data=data[n]))

    codes = [getattr(one, "status_code", repr(one)) for one in told]
    assert sorted(codes) == [303, 409]
    late = told[codes.index(409)]
    assert "Text 0" in late.text  # type: ignore[union-attr]
    assert "Text 1" in late.text  # type: ignore[union-attr]


def test_a_text_that_cannot_be_kept_says_why_and_keeps_its_place(portal: Portal, priya: FlaskClient) -> None:
    long = type_in(priya, portal, "Method", text="x" * 40_001, seen="1")
    odd = type_in(priya, portal, "Method", text="a\0b", seen="1")

    assert (long.status_code, odd.status_code) == (422, 422)
    assert "at most 40,000" in long.text
    assert seen_in(long) == "1"
    assert kept(portal, "Method").text == "With microphones."  # type: ignore[union-attr]


def test_after_logging_out_the_browser_is_told_so(portal: Portal, priya: FlaskClient) -> None:
    priya.post("/logout")

    assert type_in(priya, portal, "Method", text="More.", seen="1").status_code == 401


def test_after_submission_nothing_saves_itself(portal: Portal, priya: FlaskClient) -> None:
    assert priya.post(f"/proposals/{rivers(portal).ref}/submit").status_code == 303

    late = type_in(priya, portal, "Method", text="More.", seen="1")

    assert late.status_code == 409
    assert "does not change" in late.text
    assert kept(portal, "Method").text == "With microphones."  # type: ignore[union-attr]


@pytest.mark.parametrize("who", ["sam", "ruth", "owen", "uma", "mei"])
def test_nobody_else_saves_or_learns_of_it(portal: Portal, who: str) -> None:
    answer = type_in(portal.log_in(who), portal, "Method", text="Mine.", seen="1")

    assert answer.status_code == 404
    assert "microphones" not in answer.text


@pytest.mark.parametrize("label", ["Runs", "Budget table", "Users"])
def test_only_texts_save_themselves(portal: Portal, priya: FlaskClient, label: str) -> None:
    assert type_in(priya, portal, label, text="5", seen="0").status_code == 404


def test_a_question_of_another_call_is_not_there(portal: Portal, priya: FlaskClient) -> None:
    soil = stage.places(portal)["proposal_soil"]
    address = f"/proposals/{soil}/answers/{asked(portal, 'Method').id}"

    assert priya.post(address, data={"text": "x", "seen": "0"}).status_code == 404
    assert priya.post(f"/proposals/{soil}/answers/99999999999", data={"text": "x"}).status_code == 404


def test_words_are_counted_beside_each_text(portal: Portal, priya: FlaskClient) -> None:
    page = f"/proposals/{rivers(portal).ref}/form/0"
    assert "4 of 1,000 words" in priya.get(page).text
    type_in(priya, portal, "Method", text="word – " * 22, seen="1")
    text = priya.get(page).text

    assert "22 of 20 words: 2 too many" in text
    assert 'data-words="20"' in text


def test_a_table_is_filled_in_row_by_row(portal: Portal, priya: FlaskClient) -> None:
    page, runs = f"/proposals/{rivers(portal).ref}/form/1", asked(portal, "Runs")
    assert f'name="{runs.field}_2_1"' in priya.get(page).text
    cells = {f"{runs.field}_0_0": "One", f"{runs.field}_2_1": "7", f"seen_{runs.field}": "1"}

    more = priya.post(page, data={**cells, "add": runs.field})

    assert more.location == f"{page}?more={runs.field}#field-{runs.field}"
    assert kept(portal, "Runs").cells == [["One", ""], ["", "7"]]  # type: ignore[union-attr]
    shown = priya.get(more.location).text
    assert f'name="{runs.field}_4_0"' in shown
    assert 'aria-label="GPU-hours, row 5"' in shown


def test_a_table_with_a_cell_too_long_is_shown_again(portal: Portal, priya: FlaskClient) -> None:
    page, runs = f"/proposals/{rivers(portal).ref}/form/1", asked(portal, "Runs")

    answer = priya.post(page, data={f"{runs.field}_7_0": "x" * 501, f"{runs.field}_0_1": "kept"})

    assert answer.status_code == 422
    assert "Runs: A cell has at most 500 characters." in answer.text
    assert "x" * 501 in answer.text
    assert 'value="kept"' in answer.text
    assert f'id="field-{runs.field}"' in answer.text


def test_two_tables_at_once_show_each_other(portal: Portal, priya: FlaskClient, carlos: FlaskClient) -> None:
    page, field = f"/proposals/{rivers(portal).ref}/form/1", asked(portal, "Runs").field
    first = carlos.post(page, data={f"{field}_0_0": "By Carlos", f"seen_{field}": "1"})

    late = priya.post(page, data={f"{field}_0_0": "By Priya", f"seen_{field}": "1"})

    assert (first.status_code, late.status_code) == (303, 409)
    assert "By Carlos" in late.text
    assert 'value="By Priya"' in late.text


def test_what_is_missing_leads_to_the_very_field(portal: Portal, priya: FlaskClient) -> None:
    proposal, method, runs = rivers(portal), asked(portal, "Method"), asked(portal, "Runs")
    forget(portal, "Method")
    forget(portal, "Runs")
    with portal.sessions() as session, session.begin():
        session.get_one(Proposal, proposal.id).requests[0].why = ""
    here = f"/proposals/{proposal.ref}"

    text = priya.get(f"{here}/check").text

    for address in (f"{here}/form/0#field-{method.field}", f"{here}/form/1#field-{runs.field}"):
        page, anchor = address.split("#")
        assert f'href="{address}"' in text
        assert f'id="{anchor}"' in priya.get(page).text
    assert f'href="{here}/resources#field-why_a100"' in text
    assert 'id="field-why_a100"' in priya.get(f"{here}/resources").text


def test_the_list_of_errors_names_each_field(portal: Portal, priya: FlaskClient) -> None:
    here = f"/proposals/{rivers(portal).ref}"
    users = asked(portal, "Users").field

    amounts = priya.post(f"{here}/resources", data={"months": "x", "amount_a100": "many"}).text
    numbers = priya.post(f"{here}/form/1", data={users: "-1"}).text
    team = priya.post(f"{here}/team", data={"email_1": "nobody"}).text

    assert '#field-months">Length: Enter a whole number' in amounts
    assert '#field-amount_a100">NVIDIA A100 80 GB: Enter a number' in amounts
    assert f'#field-{users}">Users: Enter 1 or more.' in numbers
    assert "Person 1: Enter an e-mail address" in team
