"""Making, seeing and revoking tokens: one's own, and those of a project with its two owners."""

import re
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from allocations.kernel import clock
from allocations.kernel.audit import AuditEntry
from portal.auth import tokens
from portal.auth.service_tokens import ServiceToken
from portal.auth.tokens import MOST, PersonalToken, Scope
from portal.mail import Letter
from tests.portal import stage
from tests.portal.filling import filled, send
from tests.portal.forms import FORMS
from tests.portal.programs import Program, program, service
from tests.portal.stage import Portal
from tests.threads import at_once

SHOWN = re.compile(r"pr[ts]_[0-9A-Za-z]{49}")
PERSONAL = next(form for form in FORMS if form.endpoint == "tokens.new")


def _letters(portal: Portal, who: str) -> list[str]:
    portal.deliver()
    with portal.sessions() as session:
        mine = Letter.recipient == f"{who}@commons.example"
        return [f"{letter.subject}\n{letter.body}" for letter in session.scalars(select(Letter).where(mine))]


def _rows(portal: Portal) -> list[PersonalToken]:
    with portal.sessions() as session:
        return list(session.scalars(select(PersonalToken).order_by(PersonalToken.id)))


@given(st.integers(0, 51), st.sampled_from(tokens.DIGITS))
def test_a_slip_of_one_letter_is_always_found(place: int, letter: str) -> None:
    token = tokens.fresh("prt_")
    spoilt = token[:place] + letter + token[place + 1 :]

    assert tokens.is_well_formed(token)
    assert tokens.is_well_formed(spoilt) == (spoilt == token)


def test_tokens_are_long_and_never_alike() -> None:
    made = {tokens.fresh("prt_") for _ in range(200)}

    assert len(made) == 200
    assert {len(token) for token in made} == {53}


def test_a_token_is_shown_once_and_works_at_once(portal: Portal) -> None:
    sam = portal.log_in("sam")
    form, _ = filled(PERSONAL, sam, {})
    answer = send(sam, PERSONAL.address, form)
    (token,) = SHOWN.findall(answer.text)

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert token not in str(answer.headers)
    assert Program(portal, token).get("/me").json["name"] == "Sam Okafor"
    listed = sam.get("/account/tokens").text
    assert "Nightly" in listed
    assert not SHOWN.search(listed)


def test_a_reload_makes_no_second_token(portal: Portal) -> None:
    sam = portal.log_in("sam")
    form, _ = filled(PERSONAL, sam, {})
    send(sam, PERSONAL.address, form)
    before = len(_rows(portal))

    again = send(sam, PERSONAL.address, form)
    twice = at_once(3, lambda _: send(portal.log_in("sam"), PERSONAL.address, form).status_code)

    assert again.status_code == 409
    assert "has been made already" in again.text
    assert not SHOWN.search(again.text)
    assert form["nonce"] not in again.text, "the next attempt would fail as well"
    assert twice == [409] * 3
    assert len(_rows(portal)) == before


def test_one_form_sent_twice_at_once_makes_one_token(portal_on_engine: Portal) -> None:
    form, _ = filled(PERSONAL, portal_on_engine.log_in("sam"), {})
    tabs = [portal_on_engine.log_in("sam") for _ in range(4)]

    answers = at_once(4, lambda n: send(tabs[n], PERSONAL.address, form).status_code)

    assert Counter(answers) == {200: 1, 409: 3}


def test_the_text_of_a_token_is_stored_nowhere(portal: Portal) -> None:
    token = program(portal, "sam").token
    portal.deliver()

    with portal.engine.connect() as connection:
        tables = connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")).all()
        stored = str([connection.execute(text(f'SELECT * FROM "{table}"')).all() for table in tables])
    assert tokens.digest(token) in stored
    assert token not in stored
    assert token[4:-6] not in stored


def test_a_letter_and_the_audit_trail_tell_of_a_token(portal: Portal) -> None:
    program(portal, "sam", Scope.READ_PROFILE)

    (letter,) = [text for text in _letters(portal, "sam") if "token" in text]
    assert "“A program” was made" in letter
    assert "Read your name" in letter
    assert "/account/tokens" in letter
    sam = portal.log_in("sam")
    row = _rows(portal)[-1]
    sam.post("/account/tokens/revoke", data={"token": row.id})
    with portal.sessions() as session:
        noted = session.scalars(select(AuditEntry).where(AuditEntry.subject == f"token-{row.id}")).all()
    assert [(entry.verb, entry.actor_name) for entry in noted] == [
        ("token.make", "Sam Okafor"),
        ("token.revoke", "Sam Okafor"),
    ]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"days": "0"}, "days"),
        ({"days": "91"}, "days"),
        ({"days": ""}, "days"),
        ({"scopes": "admin"}, "scopes"),
        ({"scopes": ""}, "scopes"),
        ({"name": " "}, "name"),
    ],
    ids=str,
)
def test_a_token_needs_a_name_a_purpose_and_an_end(
    portal: Portal, change: dict[str, str], field: str
) -> None:
    sam = portal.log_in("sam")
    form, _ = filled(PERSONAL, sam, {})

    answer = send(sam, PERSONAL.address, form | change)

    assert answer.status_code == 422
    assert f'href="#field-{field}"' in answer.text
    assert not SHOWN.search(answer.text)


def test_nobody_piles_up_tokens(portal: Portal) -> None:
    for _ in range(MOST):
        program(portal, "sam")
    sam = portal.log_in("sam")
    form, _ = filled(PERSONAL, sam, {})

    assert "Revoke one that you no longer use" in send(sam, PERSONAL.address, form).text
    with clock.at(clock.now() + timedelta(days=31)):
        assert send(portal.log_in("sam"), PERSONAL.address, form).status_code == 200


def test_a_token_that_is_revoked_twice_says_so(portal: Portal) -> None:
    program(portal, "sam")
    row, sam = _rows(portal)[-1], portal.log_in("sam")
    sam.post("/account/tokens/revoke", data={"token": row.id})

    sam.post("/account/tokens/revoke", data={"token": row.id})

    assert "This token is revoked already." in sam.get("/about").text


def test_the_token_of_somebody_else_is_not_revoked(portal: Portal) -> None:
    held = program(portal, "priya")
    row = _rows(portal)[-1]
    sam = portal.log_in("sam")

    answer = sam.post("/account/tokens/revoke", data={"token": row.id})
    sam.post("/account/tokens/revoke-all")

    assert answer.status_code == 404
    assert held.get("/me").status_code == 200


def test_all_tokens_are_revoked_with_one_button(portal: Portal) -> None:
    held = [program(portal, "sam") for _ in range(3)]

    portal.log_in("sam").post("/account/tokens/revoke-all")

    assert [one.get("/me").status_code for one in held] == [401] * 3
    assert "You have no tokens" in portal.log_in("sam").get("/account/tokens").text


def _waiting(portal: Portal) -> ServiceToken:
    with portal.sessions() as session:
        waiting = select(ServiceToken).where(ServiceToken.confirmed_at.is_(None))
        return session.scalars(waiting.order_by(ServiceToken.id.desc())).first()  # type: ignore[return-value]


def test_a_second_leader_makes_a_service_token_work(portal: Portal) -> None:
    held, places = service(portal, confirmed=False, name="Nightly"), stage.places(portal)
    address, sent = f"/projects/{places['project']}/tokens", {"token": str(_waiting(portal).id)}
    assert any("“Nightly”" in letter and "confirmed it" in letter for letter in _letters(portal, "carlos"))

    portal.log_in("priya").post(f"{address}/confirm", data=sent)
    assert held.get("/projects").status_code == 401
    portal.log_in("uma").post(f"{address}/confirm", data=sent)
    assert held.get("/projects").status_code == 401
    carlos = portal.log_in("carlos")
    assert "has not confirmed the token yet" in carlos.get(address).text
    carlos.post(f"{address}/confirm", data=sent)

    assert held.get("/projects").status_code == 200
    assert "Works" in carlos.get(address).text
    assert any("Carlos Medina" in letter and "works now" in letter for letter in _letters(portal, "priya"))


def test_the_maker_reads_that_somebody_else_has_to_confirm(portal: Portal) -> None:
    service(portal, confirmed=False)
    places, priya = stage.places(portal), portal.log_in("priya")

    sent = {"token": str(_waiting(portal).id)}
    priya.post(f"/projects/{places['project']}/tokens/confirm", data=sent)

    assert "Another leader of the project has to confirm it." in priya.get("/about").text


def test_a_token_is_confirmed_once(portal_on_engine: Portal) -> None:
    held = service(portal_on_engine, confirmed=False)
    places = stage.places(portal_on_engine)
    sent = {"token": str(_waiting(portal_on_engine).id)}
    tabs = [portal_on_engine.log_in("carlos") for _ in range(3)]

    at_once(3, lambda n: tabs[n].post(f"/projects/{places['project']}/tokens/confirm", data=sent))

    assert held.get("/projects").status_code == 200
    with portal_on_engine.sessions() as session:
        noted = select(AuditEntry).where(AuditEntry.verb == "service_token.confirm")
        assert len(session.scalars(noted).all()) == 1


@pytest.mark.parametrize(("who", "code"), [("uma", 403), ("owen", 403), ("sam", 404), ("carlos", 200)])
def test_only_leaders_see_and_make_the_tokens_of_a_project(portal: Portal, who: str, code: int) -> None:
    places, client = stage.places(portal), portal.log_in(who)
    address = f"/projects/{places['project']}/tokens"

    assert client.get(address).status_code == code
    assert client.get(f"{address}/new").status_code == code


def test_a_service_token_ends_within_a_year_and_reads_nothing_personal(portal: Portal) -> None:
    form = next(form for form in FORMS if form.endpoint == "service_tokens.new")
    places, priya = stage.places(portal), portal.log_in("priya")
    address = form.address.format_map(places)
    valid, _ = filled(form, priya, places)

    for change in ({"days": "366"}, {"scopes": "read:profile"}, {"scopes": "read:proposals"}):
        assert send(priya, address, valid | change).status_code == 422, change
    assert send(priya, address, valid | {"days": "365"}).status_code == 200


def test_any_leader_revokes_a_service_token(portal: Portal) -> None:
    held, places = service(portal), stage.places(portal)
    with portal.sessions() as session:
        token_id = session.scalars(select(ServiceToken.id).order_by(ServiceToken.id.desc())).first()

    sent = {"token": str(token_id)}
    portal.log_in("carlos").post(f"/projects/{places['project']}/tokens/revoke", data=sent)

    assert held.get("/projects").status_code == 401
