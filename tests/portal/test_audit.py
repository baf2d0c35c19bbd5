"""The pages of the audit trail: one's own, everybody's for auditors, the export; words for each verb."""

import ast
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from allocations.kernel import audit, clock
from allocations.kernel.audit import AuditEntry
from allocations.kernel.db import Base
from allocations.people import roles
from allocations.people.roles import SYSTEM, Role
from portal.auth.sessions import LoginSession
from portal.trail import WORDS
from tests.portal import stage
from tests.portal.stage import Portal

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("allocations", "datasets", "k8s", "portal")
# Long runs of letters and digits, JSON web tokens, keys, and words that come before a secret.
SECRET_LIKE = re.compile(
    r"[A-Za-z0-9_\-]{24,}|eyJ[\w-]+\.|-----BEGIN|(?i:token|secret|password|passwd|bearer|apikey)[\s:=]",
    re.ASCII,
)


@pytest.fixture
def aida(portal: Portal) -> FlaskClient:
    """An auditor."""
    return portal.log_in("aida")


def lines(client: FlaskClient, address: str = "/audit/export") -> list[dict[str, object]]:
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.mimetype == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def test_people_find_what_they_did_and_what_was_done_to_them(portal: Portal) -> None:
    chen = portal.log_in("chen").get("/account/trail").text
    priya = portal.log_in("priya").get("/account/trail").text

    assert "Awarded the proposal" in chen
    assert "Granted a role" in chen
    assert ">Your account</td>" in chen
    assert "Submitted the proposal" in priya
    assert "Awarded the proposal" not in priya
    assert "Owen Brandt" not in priya


def test_a_long_trail_of_ones_own_has_pages(portal: Portal) -> None:
    with portal.sessions() as session, session.begin():
        sam = stage.actor(session, "sam")
        for n in range(51):
            audit.record(session, sam, "proposal.start", subject=f"first-{n:02}.")
    client = portal.log_in("sam")

    first = client.get("/account/trail").text
    older = client.get(re.search(r'href="([^"]*before=\d+)"', first)[1]).text  # type: ignore[index]

    assert "first-50." in first
    assert "first-00." not in first
    assert "first-00." in older
    assert "first-01." not in older


@pytest.mark.parametrize("address", ["/audit", "/audit/export"])
def test_only_auditors_and_administrators_read_the_trail_of_everybody(portal: Portal, address: str) -> None:
    refused = portal.log_in("owen").get(address)
    with portal.sessions() as session, session.begin():
        roles.grant(session, SYSTEM, stage.person(session, "sam"), role=Role.ADMINISTRATOR)

    assert refused.status_code == 403
    assert "Only auditors and administrators" in refused.text
    assert portal.log_in("sam").get(address).status_code == 200
    assert portal.log_in("aida").get(address).status_code == 200
    assert portal.visitor().get(address).status_code == 303


def test_the_menu_leads_auditors_to_the_trail(portal: Portal, aida: FlaskClient) -> None:
    assert 'href="/audit"' in aida.get("/home").text
    assert 'href="/audit"' not in portal.log_in("owen").get("/home").text


def test_the_trail_is_filtered_and_pages_keep_the_filters(portal: Portal, aida: FlaskClient) -> None:
    with portal.sessions() as session, session.begin():
        sam = stage.actor(session, "sam")
        for n in range(51):
            audit.record(session, sam, "call.edit", subject=f"first-{n:02}.")

    first = aida.get("/audit?person=okafor&verb=call.edit").text
    link = re.search(r'href="([^"]*before=\d+)"', first)
    assert link is not None
    older = aida.get(link[1].replace("&amp;", "&")).text

    assert first.count("Changed the call</td>") == 50
    assert older.count("Changed the call</td>") == 1
    assert "first-00." in older


def test_a_day_that_is_none_is_refused_at_its_field(aida: FlaskClient) -> None:
    answer = aida.get("/audit?since=yesterday&person=Owen")

    assert answer.status_code == 422
    assert 'id="field-since-error"' in answer.text
    assert 'value="Owen"' in answer.text
    assert aida.get("/audit/export?since=yesterday").status_code == 422


@pytest.mark.parametrize("text", ["%00", "%", "_", "'", "%F0%9F%8C%A7", "9" * 120, "person-", "person-²"])
def test_odd_names_find_nobody(aida: FlaskClient, text: str) -> None:
    assert aida.get("/audit", query_string={"person": text}).status_code in (200, 422)
    assert aida.get(f"/audit?subject={text}").status_code in (200, 422)


def test_the_export_has_each_chosen_entry_on_a_line(portal: Portal, aida: FlaskClient) -> None:
    with portal.sessions() as session:
        every = [json.loads(audit.line(entry)) for entry in audit.everything(session)]

    assert lines(aida) == every
    chosen = lines(aida, "/audit/export?verb=role.grant&person=system")
    assert chosen == [entry for entry in every if entry["verb"] == "role.grant"]
    assert chosen


def test_the_export_wants_a_second_factor_and_then_keeps_its_filters(
    portal: Portal, aida: FlaskClient
) -> None:
    hour_ago = clock.now() - timedelta(hours=1)
    with portal.sessions() as session, session.begin():
        session.execute(update(LoginSession).values(acr="", auth_time=hour_ago))

    answer = aida.get("/audit/export?verb=role.grant&person=Sam%20O")

    assert answer.status_code == 303
    assert answer.location == "/step-up?next=%2Faudit%2Fexport%3Fverb%3Drole.grant%26person%3DSam%2520O"
    assert aida.get("/audit").status_code == 200


def test_the_page_says_when_the_chain_was_followed_last_and_what_was_found(
    portal: Portal, aida: FlaskClient
) -> None:
    worker, shell = portal.worker(), portal.app.test_cli_runner()
    while worker.seal():
        pass
    assert "Never. Run" in aida.get("/audit").text

    assert shell.invoke(args=["audit", "verify"]).exit_code == 0
    whole = aida.get("/audit").text
    with portal.sessions() as session, session.begin():
        session.execute(update(AuditEntry).where(AuditEntry.seal == 3).values(note="Nothing happened."))
    assert shell.invoke(args=["audit", "verify"]).exit_code == 1
    broken = aida.get("/audit").text

    assert "The audit trail is whole:" in whole
    assert "The trail is broken at seal 3" in broken


def test_nothing_like_a_secret_is_on_the_trail(portal: Portal) -> None:
    with portal.sessions() as session:
        entries = list(session.scalars(select(AuditEntry)))

    told = [f"{entry.actor_name} {entry.verb} {entry.subject} {entry.note}" for entry in entries]

    assert len(told) > 40
    assert [text for text in told if SECRET_LIKE.search(text)] == []
    assert SECRET_LIKE.search(f"note {'x' * 30}")


def recorded() -> set[str]:
    """Every verb that the code puts on the trail: literals, and what the tables of moves lead to."""
    sources = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    calls = [call for path in sources if path.name != "states.py" for call in _records(path)]
    verbs = [call.args[2] if len(call.args) > 2 else None for call in calls]
    odd = [ast.unparse(call) for call, verb in zip(calls, verbs, strict=True) if not _is_word(verb)]
    assert odd == [], "the verb of an entry is written out where it is recorded"
    literals = {str(verb.value) for verb in verbs if isinstance(verb, ast.Constant)}
    return literals | {f"{noun}.{to}" for noun, to in _moves()}


def _is_word(verb: ast.expr | None) -> bool:
    return isinstance(verb, ast.Constant) and isinstance(verb.value, str)


def _records(path: Path) -> list[ast.Call]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "record"]
    return [call for call in named if ast.unparse(call.func.value) in ("audit", "audit_trail")]  # type: ignore[attr-defined]


def _moves() -> set[tuple[str, str]]:
    movable = [mapper.class_ for mapper in Base.registry.mappers if hasattr(mapper.class_, "MOVES")]
    ours = [thing for thing in movable if thing.__module__.split(".")[0] in PACKAGES]
    assert len(ours) > 4
    return {(t.NOUN, str(to)) for t in ours for reached in t.MOVES.values() for to in reached}


def test_every_verb_of_the_trail_has_a_sentence_and_no_sentence_is_left_over() -> None:
    assert sorted(recorded() - WORDS.keys()) == []
    assert sorted(WORDS.keys() - recorded()) == []


def test_the_account_pages_lead_to_each_other(portal: Portal) -> None:
    client = portal.log_in("priya")
    for path in ("/account", "/account/sessions", "/account/trail"):
        text = client.get(path).text
        assert f'href="{path}" aria-current="page"' in text
        assert all(f'href="{other}"' in text for other in ("/account", "/account/sessions", "/account/trail"))


def test_a_profile_is_changed_and_leads_back_to_the_account(portal: Portal) -> None:
    client = portal.log_in("priya")
    assert "<h1>Your profile</h1>" in client.get("/welcome").text

    typed = {"name": "Priya R. Raman", "email": "priya@northfield.example", "agree": "yes"}
    answer = client.post("/welcome", data=typed)

    assert answer.location == "/account"
    assert "Priya R. Raman" in client.get("/account").text
