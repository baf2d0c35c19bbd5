"""Who comes in at the API with a token, and who does not and why."""

from datetime import timedelta

import pytest
from flask_login import encode_cookie
from sqlalchemy import select

from allocations.kernel import clock
from allocations.people.persons import Identity
from allocations.people.roles import Role, RoleGrant
from k8s.notebooks import Notebook
from portal.auth import tokens
from portal.auth.people import actor, current_person
from portal.auth.throttle import Failure
from portal.auth.tokens import PersonalToken, Scope
from tests.guards.statements import listened, writes
from tests.portal import stage
from tests.portal.programs import API, Program, problem, program
from tests.portal.stage import Portal

MONTH = tokens.LAPSES_AFTER


def test_a_token_reads_who_it_speaks_for(portal: Portal) -> None:
    answer = program(portal, "priya", Scope.READ_PROFILE).get("/me")

    assert answer.status_code == 200
    assert answer.json["email"] == "priya@commons.example"
    assert answer.mimetype == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Set-Cookie" not in answer.headers


def _spoilt(token: str) -> dict[str, str]:
    other = "a" if token[10] != "a" else "b"
    return {
        "a slip in the middle": token[:10] + other + token[11:],
        "a wrong checksum": token[:-1] + ("a" if token[-1] != "a" else "b"),
        "cut": token[:-1],
        "longer": token + "0",
        "another prefix": "prs_" + token[4:],
        "well-formed and unknown": tokens.fresh("prt_"),
        "well-formed, unknown, of a service": tokens.fresh("prs_"),
        "nothing": "",
        "digits of another script": token[:-1] + "\xb2",
        "a session handle": "x" * 43,
    }


def test_a_wrong_token_is_refused_and_counted(portal: Portal) -> None:
    right = program(portal, "priya")

    answers = {what: Program(portal, text).get("/me") for what, text in _spoilt(right.token).items()}

    details = {what: problem(answer, 401) for what, answer in answers.items()}
    assert set(details.values()) == {"This is not a token of this portal."}
    assert {a.headers["WWW-Authenticate"] for a in answers.values()} == {'Bearer error="invalid_token"'}
    with portal.sessions() as session:
        counted = session.scalars(select(Failure).where(Failure.kind == "token")).all()
    assert len(counted) == len(answers)
    assert right.get("/me").status_code == 200


def test_a_slip_of_the_hand_is_found_without_looking_the_token_up(portal: Portal) -> None:
    wrong = Program(portal, tokens.fresh("prt_")[:-1] + "!")
    with listened(portal.engine) as heard:
        wrong.get("/me")

    assert not [text for text in heard if "personal_token" in text or "service_token" in text]


def test_a_token_works_until_it_ends(portal: Portal) -> None:
    held = program(portal, "priya", days=5)
    with clock.at(clock.now() + timedelta(days=4, hours=23)):
        assert held.get("/me").status_code == 200
    with clock.at(clock.now() + timedelta(days=5)):
        assert "ended" in problem(held.get("/me"), 401)


def test_a_revoked_token_is_dead(portal: Portal) -> None:
    held, other = program(portal, "priya"), program(portal, "carlos")
    with portal.sessions() as session, session.begin():
        tokens.revoke_all(session, stage.actor(session, "priya"))

    assert "revoked" in problem(held.get("/me"), 401)
    assert other.get("/me").status_code == 200


def test_a_token_of_a_closed_account_is_dead(portal: Portal) -> None:
    held = program(portal, "priya")
    with portal.sessions() as session, session.begin():
        stage.person(session, "priya").disabled_at = clock.now()

    assert "closed" in problem(held.get("/me"), 401)


def test_a_dead_token_is_no_guess(portal: Portal) -> None:
    """A forgotten program must not shut out its neighbours behind the same address."""
    held, other = program(portal, "priya", days=1), program(portal, "carlos")
    with clock.at(clock.now() + timedelta(days=2)):
        codes = {held.get("/me").status_code for _ in range(30)}

        assert codes == {401}
        assert other.get("/me").status_code == 200


def test_a_token_sleeps_while_its_person_does_not_log_in_and_wakes_at_the_next_log_in(portal: Portal) -> None:
    held = program(portal, "priya", days=90)
    portal.log_in("priya")
    later = clock.now() + MONTH
    with clock.at(later - timedelta(minutes=1)):
        assert held.get("/me").status_code == 200
    with clock.at(later + timedelta(minutes=1)):
        assert "not logged in" in problem(held.get("/me"), 401)
        portal.log_in("priya")
        assert held.get("/me").status_code == 200


def test_the_newest_of_several_identities_keeps_a_token_awake(portal: Portal) -> None:
    held = program(portal, "priya", days=90)
    later = clock.now() + MONTH + timedelta(days=1)
    with portal.sessions() as session, session.begin():
        person = stage.person(session, "priya")
        session.add(Identity(issuer="elsewhere", subject="p", person=person, last_seen_at=later))

    with clock.at(later):
        assert held.get("/me").status_code == 200


ROUTES = {
    Scope.READ_PROFILE: "/me",
    Scope.READ_CALLS: "/calls",
    Scope.READ_PROPOSALS: "/proposals",
    Scope.READ_PROJECTS: "/projects",
    Scope.READ_DATASETS: "/datasets",
}


@pytest.mark.parametrize("scope", ROUTES)
def test_a_token_opens_what_its_scope_says_and_nothing_else(portal: Portal, scope: Scope) -> None:
    held = program(portal, "priya", scope)

    codes = {other: held.get(path).status_code for other, path in ROUTES.items()}

    assert codes == {other: 200 if other == scope else 403 for other in ROUTES}


def test_out_of_scope_names_the_scope(portal: Portal) -> None:
    places = stage.places(portal)
    reader = program(portal, "uma", Scope.READ_PROJECTS)

    answer = reader.send("POST", f"/notebooks/{places['notebook_uma']}/stop")

    assert "“notebooks”" in problem(answer, 403)
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="notebooks"'
    with portal.sessions() as session:
        assert all(n.wanted for n in session.scalars(select(Notebook)) if n.ref == places["notebook_uma"])


def test_somebody_elses_things_are_not_there(portal: Portal) -> None:
    places, stranger = stage.places(portal), program(portal, "sam")
    paths = (
        "/projects/{project}",
        "/projects/{project}/notebooks",
        "/notebooks/{notebook_priya}",
        "/proposals/{proposal_soil}",
        "/proposals/{proposal_imaging}",
    )

    answers = [stranger.get(path.format_map(places)) for path in paths]

    assert {problem(answer, 404) for answer in answers} == {"There is nothing here that you can open."}
    assert stranger.get("/projects").json == {"items": [], "older": None}
    assert problem(stranger.send("POST", f"/notebooks/{places['notebook_priya']}/stop"), 404)
    assert problem(stranger.send("POST", f"/projects/{places['project']}/notebooks", json={}), 404)


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.AUDITOR])
def test_a_token_never_carries_what_belongs_at_the_keyboard(portal: Portal, role: Role) -> None:
    with portal.sessions() as session, session.begin():
        session.add(RoleGrant(person_id=stage.person(session, "sam").id, role=role))
        ref = stage.project(session).ref
    at_the_keyboard = portal.log_in("sam").get(f"/projects/{ref}").status_code

    held = program(portal, "sam")

    assert at_the_keyboard == (200 if role == Role.ADMINISTRATOR else 404)
    assert problem(held.get(f"/projects/{ref}"), 404)
    assert held.get("/projects").json["items"] == []


def test_a_token_has_the_roles_of_the_moment(portal: Portal) -> None:
    places, officer = stage.places(portal), program(portal, "owen")
    path = f"/proposals/{places['proposal_language']}"
    assert officer.get(path).json["allowed"] == ["proposal.screen"]
    with portal.sessions() as session, session.begin():
        for grant in session.scalars(select(RoleGrant).where(RoleGrant.role == Role.PROGRAMME_OFFICER)):
            session.delete(grant)

    assert problem(officer.get(path), 404)


@pytest.mark.parametrize("path", ["/me", "/projects", "/openapi.json"])
def test_row_40_a_cookie_beside_a_token_is_refused(portal: Portal, path: str) -> None:
    token, browser = program(portal, "carlos").token, portal.log_in("priya")

    answer = browser.get(f"{API}{path}", headers={"Authorization": f"Bearer {token}"})

    assert problem(answer, 400) == "Send a token and no cookies."
    assert program(portal, "uma").get("/me", Cookie="theme=dark").status_code == 400


def test_cookies_open_nothing_of_the_api(portal: Portal) -> None:
    places, browser = stage.places(portal), portal.log_in("priya")

    answer = browser.get(f"{API}/me")
    stopped = browser.post(f"{API}/notebooks/{places['notebook_priya']}/stop")

    assert problem(answer, 401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert problem(stopped, 401)
    with portal.sessions() as session:
        assert all(n.wanted for n in session.scalars(select(Notebook)) if n.ref == places["notebook_priya"])
        assert session.scalars(select(Failure)).all() == []


def test_the_cookies_of_a_request_to_the_api_are_not_even_looked_up(portal: Portal) -> None:
    browser = portal.log_in("priya")
    with listened(portal.engine) as heard:
        browser.get(f"{API}/me")
        browser.get(f"{API}/nothing")
        browser.get(f"{API}/openapi.json")

    assert not [text for text in heard if "login_session" in text]


def test_a_remembering_cookie_opens_nothing(portal: Portal) -> None:
    """Flask-Login looks for one on its own; the portal never gives one out."""
    browser = portal.log_in("priya")
    with browser.session_transaction() as kept, portal.app.app_context():
        cookie = f"remember_token={encode_cookie(kept['_user_id'])}"

    with portal.app.test_request_context("/home", headers={"Cookie": cookie}):
        assert current_person() is None


@pytest.mark.parametrize(("path", "known"), [("/home", True), ("/api/v1/me", False), ("/api/none", False)])
def test_nobody_is_logged_in_where_programs_come_in(portal: Portal, path: str, known: bool) -> None:
    """The same cookie that opens the pages."""
    browser = portal.log_in("priya")
    kept = browser.get_cookie("commons")
    assert kept is not None

    with portal.app.test_request_context(path, headers={"Cookie": f"commons={kept.value}"}):
        assert (current_person() is not None) == known
        assert (actor().person_id is not None) == known


def test_where_a_program_runs_does_not_matter(portal: Portal) -> None:
    """Forms of other sites are refused because of cookies, and here are none."""
    places, held = stage.places(portal), program(portal, "uma", Scope.NOTEBOOKS)
    headers = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}

    answer = held.send("POST", f"/notebooks/{places['notebook_uma']}/stop", headers=headers)

    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_token_in_the_address_is_never_accepted(portal: Portal) -> None:
    token = program(portal, "priya").token
    visitor = portal.visitor()

    for key in ("access_token", "token", "Authorization"):
        assert problem(visitor.get(f"{API}/me?{key}={token}"), 400)
    form = visitor.post(f"{API}/projects/PRJ26-0001/notebooks", data={"access_token": token})
    assert problem(form, 401)


def test_other_schemes_are_no_token(portal: Portal) -> None:
    token, visitor = program(portal, "priya").token, portal.visitor()
    for header in (f"Basic {token}", token, f"bearer{token}", f"Digest {token}"):
        answer = visitor.get(f"{API}/me", headers={"Authorization": header})
        assert problem(answer, 401), header
    assert visitor.get(f"{API}/me", headers={"Authorization": f"bearer {token}"}).status_code == 200


def test_a_forged_host_is_refused_on_pages_and_in_the_api(portal: Portal) -> None:
    held = program(portal, "priya")
    page = portal.visitor().get("/about", headers={"Host": "evil.example"})

    assert (page.status_code, page.mimetype) == (400, "text/plain")
    assert problem(held.get("/me", Host="evil.example"), 400)


@pytest.mark.parametrize("path", ["/home", "/projects", "/account/tokens", "/account/sessions"])
def test_a_token_on_a_page_is_a_visitors(portal: Portal, path: str) -> None:
    token = program(portal, "priya").token

    answer = portal.visitor().get(path, headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 303
    assert answer.location.startswith("/login")


def test_a_token_makes_no_tokens_and_ends_no_sessions(portal: Portal) -> None:
    held = program(portal, "priya")
    headers = {"Authorization": f"Bearer {held.token}"}
    with portal.sessions() as session:
        before = len(session.scalars(select(PersonalToken)).all())

    made = portal.visitor().post("/account/tokens/new", data={"name": "x", "days": "3"}, headers=headers)
    ended = portal.visitor().post("/account/tokens/revoke-all", headers=headers)

    assert (made.status_code, ended.status_code) == (401, 303)
    with portal.sessions() as session:
        rows = session.scalars(select(PersonalToken)).all()
    assert len(rows) == before
    assert not [row for row in rows if row.revoked_at]


def test_use_is_noted_once_a_minute(portal: Portal) -> None:
    held = program(portal, "priya")
    now = clock.now()
    with clock.at(now), listened(portal.engine) as first:
        held.get("/me")
    with clock.at(now + timedelta(seconds=59)), listened(portal.engine) as second:
        held.get("/me")
    with clock.at(now + timedelta(seconds=61)), listened(portal.engine) as later:
        held.get("/me")

    assert [len(writes(heard)) for heard in (first, second, later)] == [2, 0, 2]
    with portal.sessions() as session:
        used = session.scalars(select(PersonalToken).where(PersonalToken.digest == tokens.digest(held.token)))
        assert used.one().last_used_at is not None
