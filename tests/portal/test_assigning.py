"""Assigning reviewers to a whole call, from the form by way of the worker to the letters."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, func, insert, select, update

from allocations.kernel import clock
from allocations.people.persons import Person
from allocations.people.roles import Role, RoleGrant
from allocations.programme import assigning, jobs
from allocations.programme.conflicts import Conflict
from allocations.programme.proposals import Proposal, State
from allocations.programme.reviews import Review, ReviewState
from allocations.programme.runs import Run, RunKind, RunState
from portal import worker
from portal.mail import Letter
from portal.worker import Worker
from tests.allocations import staffed
from tests.guards.statements import listened
from tests.portal import stage
from tests.portal.stage import Portal
from tests.threads import at_once

ROOT = Path(__file__).resolve().parents[2]
# NumPy alone comes with the library that writes PDF files.
HEAVY = ("scipy", "sklearn", "ortools", "safetensors", "tokenizers")


def address(portal: Portal) -> str:
    with portal.sessions() as session:
        return f"/calls/{stage.call(session, 'open').ref}/assignment"


def compute(portal: Portal) -> None:
    """As the worker does, but here: starting a process takes longer than all the rest."""
    with portal.sessions() as session, session.begin():
        staffed.compute(session)


def latest(portal: Portal) -> Run:
    with portal.sessions() as session:
        found = assigning.latest(session, stage.call(session, "open"))
    assert found is not None
    return found


def ticked(text: str) -> dict[str, object]:
    """The form of the page as a browser would send it."""
    found: dict[str, object] = {
        "ask": re.findall(r'name="ask" type="checkbox" value="([\d-]+)" checked', text)
    }
    for name in ("run", "shown"):
        found[name] = re.findall(rf'name="{name}" value="([\w-]+)"', text)
    return found


@pytest.fixture
def owen(portal: Portal) -> FlaskClient:
    return portal.log_in("owen")


def test_from_the_form_to_the_letter(portal: Portal, owen: FlaskClient) -> None:
    here = address(portal)
    sent = owen.post(here, data={"reviewers": "4", "rules": ["spread"], "seed": "11"})
    busy, fragment = owen.get(here).text, owen.get(f"{here}/status").text

    worker.once(portal.worker())

    done = owen.get(here).text
    asked = owen.post(f"{here}/marks", data={**ticked(done), "what": "ask"}, follow_redirects=True).text
    portal.deliver()
    assert (sent.status_code, latest(portal).seed) == (303, 11)
    assert all('hx-trigger="every 2s"' in text and "Load again" in text for text in (busy, fragment))
    assert 'name="reviewers"' not in busy
    assert "hx-get" not in done
    assert ("Rita Far" in done, "number 3 of 4 possible reviewers" in done) == (True, True)
    assert "1 reviewer is asked." in asked
    with portal.sessions() as session:
        rita = select(Person.id).where(Person.email == "rita@far.example").scalar_subquery()
        states = session.scalars(select(Review.state).where(Review.reviewer_id == rita)).all()
        assert states == [ReviewState.INVITED]
        asked_for = Letter.subject.startswith("Review asked")
        letters = select(func.count()).where(Letter.recipient == "rita@far.example", asked_for)
        assert session.scalar(letters) == 1


def test_a_run_keeps_what_compared_its_texts_and_can_be_repeated(portal: Portal, owen: FlaskClient) -> None:
    here = address(portal)
    owen.post(here, data={"reviewers": "4", "rules": ["spread"], "seed": "11"})

    Worker(portal.sessions, replace(portal.settings, text_model="wordllama")).compute()

    with portal.sessions() as session:
        run = session.get_one(Run, latest(portal).id)
    before = {key: value for key, value in run.inputs.items() if key != "text_model"}
    again, words = jobs.assignment(run.inputs, run.seed), jobs.assignment(before, run.seed)
    assert run.result["texts"].startswith("words and wordllama 0.")
    assert run.result["texts"] in owen.get(here).text
    assert again == run.result
    assert words["texts"] == "words"
    assert words["digest"] != again["digest"]


def test_the_fragment_leads_to_the_result(portal: Portal, owen: FlaskClient) -> None:
    fragment = owen.get(f"{address(portal)}/status").text

    assert "Look at the result" in fragment
    assert "hx-get" not in fragment


def test_what_cannot_be_is_said_with_what_to_relax(portal: Portal, owen: FlaskClient) -> None:
    here = address(portal)
    owen.post(here, data={"reviewers": "9", "rules": ["spread"]})
    worker.once(portal.worker())

    text = owen.get(here).text

    assert latest(portal).state == RunState.FAILED
    assert "Not every proposal can get its reviews" in text
    assert "Invite more people who may review these proposals" in text
    assert "See why there is none" in owen.get(f"{here}/status").text


def test_what_was_typed_wrongly_comes_back_at_its_field(portal: Portal, owen: FlaskClient) -> None:
    for typed, field in (
        ({"reviewers": "0"}, "reviewers"),
        ({"reviewers": "two"}, "reviewers"),
        ({"reviewers": "2", "limit": "5"}, "limit"),
        ({"reviewers": "2", "seed": "-1"}, "seed"),
        ({"reviewers": "2", "rules": "everything"}, "rules"),
    ):
        answer = owen.post(address(portal), data=typed)
        assert (answer.status_code, f'id="field-{field}-error"' in answer.text) == (422, True), typed


def test_a_mix_that_cannot_be_had_is_told_in_words(portal: Portal, owen: FlaskClient) -> None:
    here = address(portal)
    owen.post(here, data={"reviewers": "4", "rules": ["spread", "senior", "domain"]})
    compute(portal)

    text = owen.get(here).text

    assert "No senior reviewer was free for some proposals" in text
    assert "No one who judges the science" not in text
    assert re.search(r'type="checkbox" value="senior" checked', text)
    lots = owen.post(here, data={"reviewers": "2", "rules": ["senior"], "limit": "50"})
    assert (lots.status_code, 'id="field-limit-error"' in lots.text) == (422, True)


def test_never_and_lock_are_remembered(portal: Portal, owen: FlaskClient) -> None:
    here, pair = address(portal), stage.places(portal)["pair"]
    form = {**ticked(owen.get(here).text), "what": "again"}

    owen.post(f"{here}/marks", data={**form, "never": pair})
    compute(portal)

    assert latest(portal).parameters["bans"] == [[int(part) for part in pair.split("-")]]
    assert latest(portal).state == RunState.FAILED, "nobody else is left"
    owen.post(here, data={"reviewers": "4", "rules": ["spread", "forget"]})
    compute(portal)
    form = {**ticked(owen.get(here).text), "what": "again"}
    owen.post(f"{here}/marks", data={**form, "lock": pair})
    compute(portal)
    assert (
        f'value="{pair}" checked><label class="usa-checkbox__label" for="lock-{pair}"' in owen.get(here).text
    )


def test_marks_on_a_page_that_is_out_of_date_are_refused(portal: Portal, owen: FlaskClient) -> None:
    here = address(portal)
    old = {**ticked(owen.get(here).text), "what": "ask"}
    owen.post(here, data={"reviewers": "4"})

    assert owen.post(f"{here}/marks", data=old).status_code == 409
    for wrong in ({"ask": "x"}, {"ask": "1-2-3"}, {"ask": "99999-1"}):
        form = {"run": latest(portal).ref, "what": "ask", **wrong}
        assert owen.post(f"{here}/marks", data=form).status_code in (303, 404)
    with portal.sessions() as session:
        assert session.scalar(select(func.count()).where(Review.reviewer_id == _rita(portal))) == 0


def _rita(portal: Portal) -> int:
    return int(stage.places(portal)["pair"].split("-")[1])


def test_two_tabs_that_ask_at_once_ask_once(portal_on_engine: Portal) -> None:
    here = address(portal_on_engine)
    tabs = [portal_on_engine.log_in("owen") for _ in range(3)]
    form = {**ticked(tabs[0].get(here).text), "what": "ask"}

    answers = at_once(3, lambda n: tabs[n].post(f"{here}/marks", data=form, follow_redirects=True).text)

    said = [re.findall(r"(\d) reviewers? (?:is|are) asked\.", str(text)) for text in answers]
    assert sorted(said) == [["0"], ["0"], ["1"]]
    with portal_on_engine.sessions() as session:
        rita = select(Person.id).where(Person.email == "rita@far.example").scalar_subquery()
        assert session.scalar(select(func.count()).where(Review.reviewer_id == rita)) == 1


def test_a_line_that_is_closed_to_an_officer_is_not_there(portal: Portal, owen: FlaskClient) -> None:
    with portal.sessions() as session, session.begin():
        imaging = stage.proposal(session, "imaging")
        session.add(Conflict(person_id=stage.person(session, "owen").id, proposal_id=imaging.id, reason="x"))
        ref = imaging.ref

    texts = [owen.get(address(portal) + order).text for order in ("", "?order=weakest")]

    assert all(ref not in text and "lung nodules" not in text for text in texts)
    assert ref in portal.log_in("chen").get(address(portal)).text


@pytest.mark.parametrize("who", ["priya", "ruth", "sam", "pat"])
def test_nobody_else_sees_it(portal: Portal, who: str) -> None:
    client = portal.log_in(who)

    assert [client.get(address(portal) + end).status_code for end in ("", "/status")] == [403, 403]


def test_calls_lead_there(portal: Portal, owen: FlaskClient) -> None:
    here = address(portal)

    assert f'href="{here}"' in owen.get(here.removesuffix("/assignment")).text
    assert f'href="{here}"' in portal.log_in("chen").get("/panel").text


@pytest.mark.parametrize("end", ["?order=best", "?after=x", "?before=3", "?after=" + "9" * 12])
def test_an_odd_address_is_refused(portal: Portal, owen: FlaskClient, end: str) -> None:
    assert owen.get(address(portal) + end).status_code == 400


def test_two_thousand_proposals_cost_eight_statements_a_page(portal: Portal, owen: FlaskClient) -> None:
    with portal.sessions() as session, session.begin():
        call, priya = stage.call(session, "open"), stage.person(session, "priya")
        row = {"call_id": call.id, "pi_id": priya.id, "title": "Many", "abstract": "", "keywords": ""}
        row |= {"fields_of_science": [], "high_risk": False, "months": 6, "state": State.IN_REVIEW}
        row |= {"message": "", "version": 1, "created_at": clock.now(), "state_since": clock.now()}
        session.execute(insert(Proposal), [row] * 2000)
        ids = session.scalars(select(Proposal.id).where(Proposal.title == "Many")).all()
        found = session.scalars(select(Run).where(Run.kind == RunKind.ASSIGNMENT)).one()
        like = next(one for one in found.result["pairs"] if not one["kept"])
        pairs = [{**like, "proposal": each, "affinity": n / 4000} for n, each in enumerate(ids)]
        found.result = found.result | {"pairs": pairs}

    here, after = address(portal), ids[999]
    for end in ("", "?order=weakest", f"?after={after}", f"?order=weakest&after={after}"):
        with listened(portal.engine) as heard:
            text = owen.get(here + end).text
        assert len(heard) <= 8
        assert text.count('name="shown"') == 20
    assert f'name="shown" value="{ids[1000]}"' in text


def test_a_reviewer_who_left_is_still_named_where_they_review(portal: Portal, owen: FlaskClient) -> None:
    with portal.sessions() as session, session.begin():
        mine = (RoleGrant.person_id == stage.person(session, "petra").id, RoleGrant.role == Role.REVIEWER)
        session.execute(update(RoleGrant).where(*mine).values(revoked_at=clock.now()))

    assert "Petra Novak" in owen.get(address(portal)).text


def test_a_call_without_runs_shows_the_form_alone(portal: Portal, owen: FlaskClient) -> None:
    with portal.sessions() as session, session.begin():
        session.execute(delete(Run))

    text = owen.get(address(portal)).text

    assert "1 proposal is in review" in text
    assert 'name="what"' not in text


def test_the_web_process_loads_no_numeric_library(portal: Portal) -> None:
    program = f"import sys, wsgi; print([name for name in {HEAVY} if name in sys.modules])"
    environment = {
        "PYTHONPATH": str(ROOT),
        "PATH": "/usr/bin:/bin",
        "COMMONS_MODE": "test",
        "COMMONS_SECRET_KEY": stage.SECRET,
        "COMMONS_DATABASE_URL": portal.settings.database_url,
        "COMMONS_DATA_DIR": portal.settings.data_dir,
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_the_sentence_about_the_least_match_fits_the_list(portal: Portal, owen: FlaskClient) -> None:
    with portal.sessions() as session, session.begin():
        run = assigning.latest(session, stage.call(session, "open"))
        assert run is not None
        floor, pairs = run.result["floor"], run.result["pairs"]
        assert min(one["affinity"] for one in pairs) < floor - 0.01
    asked = owen.get(address(portal)).text
    with portal.sessions() as session, session.begin():
        run = session.get_one(Run, run.id)
        run.result = run.result | {"pairs": [one | {"kept": False, "locked": False} for one in pairs]}
        stage.call(session, "open").bids_until = clock.now()
    wished = owen.get(address(portal)).text
    with portal.sessions() as session, session.begin():
        run = session.get_one(Run, run.id)
        run.result = run.result | {"pairs": [one for one in pairs if one["affinity"] >= floor]}
    plain = owen.get(address(portal)).text

    said = f"Nobody new is proposed who matches less than {floor:.2f}"
    assert f"{said}. Only reviewers who had been asked already match less." in asked
    assert "moves it by at most 0.15" not in asked
    assert f"{said}, whatever they would like. Only reviewers who would rather not match less." in wished
    assert "moves it by at most 0.15" in wished
    assert said in plain
    assert "match less." not in plain
