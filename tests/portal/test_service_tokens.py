"""Tokens of a project: two owners, one project, and an end when one of these goes."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from allocations.accounts import projects
from allocations.accounts.awards import Allocation, AllocationState
from allocations.kernel import clock
from allocations.kernel.audit import AuditEntry
from portal.auth import tokens
from tests.portal import stage
from tests.portal.programs import order, problem, program, row_of, service
from tests.portal.stage import Portal

MONTH = tokens.LAPSES_AFTER


def test_a_service_token_waits_for_its_second_owner(portal: Portal) -> None:
    waiting, working = service(portal, confirmed=False, name="Waiting"), service(portal)

    assert "not confirmed" in problem(waiting.get("/projects"), 401)
    assert working.get("/projects").status_code == 200


def test_a_service_token_sees_its_project_and_no_other(portal: Portal) -> None:
    held, places = service(portal), stage.places(portal)
    with portal.sessions() as session, session.begin():
        other = projects.found(session, title="Other", summary="", pi=stage.person(session, "priya")).ref
    mine = {line["ref"] for line in program(portal, "priya").get("/projects").json["items"]}

    assert mine == {places["project"], other}
    assert [line["ref"] for line in held.get("/projects").json["items"]] == [places["project"]]
    assert held.get(f"/projects/{places['project']}").json["allowed"] == ["project.see", "project.work"]
    assert problem(held.get(f"/projects/{other}"), 404)
    assert problem(held.get(f"/projects/{other}/notebooks"), 404)
    assert {problem(held.get(path), 403) for path in ("/me", "/proposals", "/calls", "/datasets")}


def test_a_service_token_starts_and_stops_for_the_project(portal: Portal) -> None:
    held, places = service(portal, name="Nightly"), stage.places(portal)
    path = f"/projects/{places['project']}/notebooks"

    started = held.send("POST", path, json=order(portal))
    others = held.send("POST", f"/notebooks/{places['notebook_uma']}/stop")
    stopped = held.send("POST", f"/notebooks/{started.json['ref']}/stop")

    assert started.json["person"] == "Priya Raman"
    assert problem(others, 403)
    assert stopped.json["reason"] == f"Stopped by token “Nightly” of {places['project']}."
    with portal.sessions() as session:
        noted = session.scalars(select(AuditEntry).where(AuditEntry.subject == started.json["ref"])).all()
    assert {entry.actor_name for entry in noted} == {f"token “Nightly” of {places['project']}"}


@pytest.mark.parametrize("who", ["carlos", "priya"])
def test_a_service_token_is_dead_when_an_owner_is_disabled(portal: Portal, who: str) -> None:
    held = service(portal)
    with portal.sessions() as session, session.begin():
        stage.person(session, who).disabled_at = clock.now()

    assert "no longer leads" in problem(held.get("/projects"), 401)


def test_a_service_token_is_dead_when_an_owner_leaves(portal: Portal) -> None:
    held = service(portal)
    with portal.sessions() as session, session.begin():
        home, carlos = stage.project(session), stage.actor(session, "carlos")
        member = next(m for m in home.members if m.person_id == carlos.person_id)
        projects.remove_member(session, carlos, home, member)

    assert "Carlos Medina" in problem(held.get("/projects"), 401)


def test_a_service_token_is_dead_without_an_active_allocation(portal: Portal) -> None:
    held = service(portal)
    with portal.sessions() as session, session.begin():
        for allocation in session.scalars(select(Allocation).where(Allocation.state == "active")):
            allocation.state = AllocationState.ENDED

    assert "no active allocation" in problem(held.get("/projects"), 401)


def test_a_service_token_that_is_revoked_or_over_is_dead(portal: Portal) -> None:
    held, other = service(portal, name="One"), service(portal, name="Two")
    with portal.sessions() as session, session.begin():
        row_of(session, other.token).revoked_at = clock.now()

    assert "revoked" in problem(other.get("/projects"), 401)
    with clock.at(clock.now() + timedelta(days=30)):
        assert "ended" in problem(held.get("/projects"), 401)
