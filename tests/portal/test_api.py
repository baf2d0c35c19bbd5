"""What programs read and start by the API, and how it says no."""

import pytest
from sqlalchemy import update

from allocations.accounts.ledger import Account, Purpose
from portal.auth import tokens
from portal.auth.tokens import Scope
from tests.portal import stage
from tests.portal.programs import API, order, problem, program
from tests.portal.stage import Portal

MONTH = tokens.LAPSES_AFTER


def test_every_refusal_is_a_problem(portal: Portal) -> None:
    held, places = program(portal, "uma"), stage.places(portal)
    path = f"/projects/{places['project']}/notebooks"

    assert problem(held.get("/nothing"), 404)
    assert problem(portal.visitor().get("/api/v2/me"), 404)
    wrong_method = held.send("DELETE", "/me")
    assert problem(wrong_method, 405)
    assert "GET" in wrong_method.headers["Allow"]
    assert problem(held.get("/me?unknown=1"), 400)
    assert problem(held.get("/projects?before=x"), 400)
    assert problem(held.send("POST", path, data="{", content_type="application/json"), 400)
    assert problem(held.send("POST", path, data="a=1"), 415)
    large = "x" * (2 * 1024 * 1024 + 1)
    assert problem(held.send("POST", path, data=large, content_type="application/json"), 413)
    assert problem(portal.visitor().options(f"{API}/me"), 401)
    assert problem(held.get("/me", Host="evil.example"), 400)


def test_a_fault_of_ours_is_a_problem_with_a_reference(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = program(portal, "priya")

    def fail(*_: object) -> None:
        raise RuntimeError("something internal")

    monkeypatch.setitem(portal.app.view_functions, "api.profile.show", _like(portal, fail))
    answer = held.get("/me")

    assert "something internal" not in answer.text
    assert problem(answer, 500)
    assert answer.json["reference"]


def _like(portal: Portal, view):  # type: ignore[no-untyped-def]
    view.__dict__.update(portal.app.view_functions["api.profile.show"].__dict__)
    return view


def test_a_member_reads_the_project_with_its_balances(portal: Portal) -> None:
    places = stage.places(portal)

    found = program(portal, "uma", Scope.READ_PROJECTS).get(f"/projects/{places['project']}").json

    assert {member["role"] for member in found["members"]} >= {"pi", "co_pi", "user"}
    assert "@" not in str(found["members"])
    first = found["allocations"][0]
    assert first["awarded"]["micro"] == sum(first[key]["micro"] for key in ("charged", "reserved", "left"))
    assert first["awarded"]["text"].replace(",", "") == str(first["awarded"]["micro"] // 10**6)
    assert found["allowed"] == ["project.see", "project.work"]
    assert {line["ref"] for line in program(portal, "priya").get("/projects").json["items"]} == {found["ref"]}


def test_proposals_are_ones_own_and_no_draft_of_others(portal: Portal) -> None:
    places = stage.places(portal)
    mine = program(portal, "priya").get("/proposals").json["items"]
    soil = program(portal, "priya").get(f"/proposals/{places['proposal_soil']}").json

    assert places["proposal_soil"] in {line["ref"] for line in mine}
    assert soil["state"] == "draft"
    assert "proposal.edit" in soil["allowed"]
    assert program(portal, "owen").get("/proposals").json["items"] == []


def test_what_is_awarded_is_told_only_after_the_decision(portal: Portal) -> None:
    places = stage.places(portal)
    with portal.sessions() as session, session.begin():
        for request in stage.proposal(session, "imaging").requests:
            request.awarded = request.requested

    answer = program(portal, "ibrahim").get(f"/proposals/{places['proposal_imaging']}")
    decided = program(portal, "priya").get(f"/proposals/{places['proposal_weather']}")

    assert [asked["awarded"] for asked in answer.json["requests"]] == [None] * len(answer.json["requests"])
    assert all(asked["awarded"]["micro"] > 0 for asked in decided.json["requests"])


def test_calls_and_datasets_are_listed(portal: Portal) -> None:
    places, held = stage.places(portal), program(portal, "sam")
    calls = {call["ref"]: call for call in held.get("/calls").json["items"]}

    assert places["call_draft"] not in calls
    assert calls[places["call_open"]]["window"] == "open"
    assert calls[places["call_open"]]["allowed"] == ["call.apply"]
    slugs = {dataset["slug"] for dataset in held.get("/datasets").json["items"]}
    assert slugs == {"weather-stations", "clinical-imaging"}


def test_a_list_is_read_in_parts(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    held = program(portal, "sam")
    whole = [dataset["slug"] for dataset in held.get("/datasets").json["items"]]
    for module in ("datasets", "operations"):
        monkeypatch.setattr(f"portal.api.{module}.PAGE", 1)

    first = held.get("/datasets").json
    second = held.get(first["older"].removeprefix(API)).json
    last = held.get(second["older"].removeprefix(API)).json

    assert [part["items"][0]["slug"] for part in (first, second)] == whole
    assert last == {"items": [], "older": None}


def test_a_program_starts_a_notebook_and_stops_it(portal: Portal) -> None:
    places = stage.places(portal)
    held = program(portal, "uma", Scope.NOTEBOOKS, Scope.READ_PROJECTS)
    path = f"/projects/{places['project']}/notebooks"

    started = held.send("POST", path, json=order(portal))
    ref = started.json["ref"]
    asked = held.get(f"/notebooks/{ref}").json
    stopped = held.send("POST", f"/notebooks/{ref}/stop")
    again = held.send("POST", f"/notebooks/{ref}/stop")

    assert started.status_code == 201
    assert (asked["phase"], asked["wanted"], asked["allowed"]) == ("queued", True, ["notebook.stop"])
    assert (stopped.status_code, stopped.json["wanted"]) == (200, False)
    assert problem(again, 403) == "The notebook is stopped or stopping already."
    assert ref in {line["ref"] for line in held.get(path).json["items"]}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"gpus": "1"}, "gpus"),
        ({"gpus": 1.5}, "gpus"),
        ({"gpus": True}, "gpus"),
        ({"gpus": 10**30}, "gpus"),
        ({"gpus": 99}, "gpus"),
        ({"hours": 0}, "hours"),
        ({"image": "a\0b"}, "image"),
        ({"image": "x" * 1000}, "image"),
        ({"image": None}, "image"),
        ({"image": ["scipy"]}, "image"),
        ({"allocation": "ALC26-9999"}, "allocation"),
        ({"datasets": "weather-stations"}, "datasets"),
        ({"datasets": ["clinical-imaging-of-others"]}, "datasets"),
        ({"person": 1}, "person"),
    ],
    ids=str,
)
def test_a_wrong_order_is_refused_at_its_field(portal: Portal, change: dict[str, object], field: str) -> None:
    places, held = stage.places(portal), program(portal, "uma", Scope.NOTEBOOKS)

    answer = held.send("POST", f"/projects/{places['project']}/notebooks", json=order(portal, **change))

    assert problem(answer, 422)
    assert list(answer.json["fields"]) == [field]


@pytest.mark.parametrize("text", ["", "null", "[]", "1", '"x"', "[" * 5000, '{"image": "\\ud800"}', "\xff"])
def test_a_body_that_is_no_order_is_refused(portal: Portal, text: str) -> None:
    places, held = stage.places(portal), program(portal, "uma", Scope.NOTEBOOKS)
    sent = text.encode("latin-1")

    answer = held.send(
        "POST", f"/projects/{places['project']}/notebooks", data=sent, content_type="application/json"
    )

    assert answer.status_code in (400, 422)
    assert problem(answer, answer.status_code)


@pytest.mark.parametrize("junk", ["%00", "a%00b", "%ed%a0%80", "PRJ26-99999999999", "\u0661", "..%2f.."])
def test_an_address_with_junk_in_it_is_a_problem(portal_on_engine: Portal, junk: str) -> None:
    held = program(portal_on_engine, "priya")
    for path in ("/projects/{}", "/projects/{}/notebooks", "/notebooks/{}", "/proposals/{}"):
        assert problem(held.get(path.format(junk)), 404)
    for path in ("/projects/{}/notebooks", "/notebooks/{}/stop"):
        assert problem(held.send("POST", path.format(junk), json={}), 404)


def test_more_than_is_left_is_refused(portal: Portal) -> None:
    places, held = stage.places(portal), program(portal, "uma", Scope.NOTEBOOKS)
    wanted = order(portal)
    with portal.sessions() as session, session.begin():
        session.execute(update(Account).where(Account.purpose == Purpose.AVAILABLE).values(balance=0))

    answer = held.send("POST", f"/projects/{places['project']}/notebooks", json=wanted)

    assert problem(answer, 422)
    assert "0 are left" in answer.json["fields"]["hours"]
