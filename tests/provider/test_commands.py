"""`flask client` and `flask provider`: registering, secrets, keys, and the file for API servers."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import Result
from sqlalchemy import select

from allocations.kernel.audit import AuditEntry
from allocations.people.roles import VISITOR, Actor, Role
from portal.provider import clients, keys
from portal.provider.clients import Client, Registration
from portal.settings import Settings
from tests.federation import stage
from tests.federation.stage import Portal

Run = Callable[..., Result]


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    """Without keys."""
    with stage.running(tmp_path, provider_keys=str(tmp_path / "here" / "keys.json")) as started:
        yield started


@pytest.fixture
def run(portal: Portal) -> Run:
    return lambda *words: portal.app.test_cli_runner().invoke(args=list(words))


def _add(run: Run, *words: str) -> Result:
    return run("client", "add", "site-a", "--name", "Site A", *words)


GOOD = ("--redirect-uri", "https://site.example/callback")


def _audited(portal: Portal) -> list[str]:
    with portal.sessions() as session:
        query = select(AuditEntry.verb).where(AuditEntry.subject.startswith("client-"))
        return list(session.scalars(query.order_by(AuditEntry.id)))


def test_a_secret_is_shown_once_and_kept_as_a_digest(run: Run, portal: Portal) -> None:
    shown = _add(run, *GOOD).output.split()[-1]
    renewed = run("client", "renew-secret", "site-a").output.split()[-1]

    with portal.sessions() as session:
        client = session.scalars(select(Client)).one()
    assert len(shown) == len(renewed) == 64
    assert shown not in client.secret_digest
    assert not client.check_client_secret(shown)
    assert client.check_client_secret(renewed)
    assert not client.check_client_secret("")
    assert shown not in run("client", "list").output
    assert _audited(portal) == ["client.register", "client.renew_secret"]


def test_a_disabled_client_is_listed_as_such(run: Run, portal: Portal) -> None:
    _add(run, *GOOD)

    assert run("client", "disable", "site-a").exit_code == 0

    assert "site-a: Site A, disabled, openid" in run("client", "list").output
    assert run("client", "renew-secret", "site-a").exit_code == 1
    assert run("client", "disable", "nobody").exit_code == 1
    assert _audited(portal) == ["client.register", "client.disable"]


def test_a_public_client_has_no_secret(run: Run, portal: Portal) -> None:
    answer = _add(run, "--public", "--redirect-uri", "http://localhost:8000")

    assert answer.output == "site-a is registered.\n"
    assert run("client", "renew-secret", "site-a").exit_code == 1
    with portal.sessions() as session:
        assert not session.scalars(select(Client)).one().check_client_secret("")


@pytest.mark.parametrize(
    "address",
    [
        "http://site.example/callback",
        "https://",
        "https://user@site.example/",
        "https://site.example/#x",
        "https://site.example/*",
        "javascript:alert(1)",
        "https://site.exämple/",
        "http://localhost.evil.example/",
        "myapp://callback",
        "https://[x",
    ],
)
def test_answers_go_over_https_or_stay_on_the_machine(address: str, run: Run) -> None:
    assert _add(run, "--redirect-uri", address).exit_code == 1


def test_what_is_wrong_is_said(run: Run) -> None:
    assert "Say where answers go" in _add(run).output
    assert _add(run, *GOOD).exit_code == 0
    assert "site-a is taken" in _add(run, *GOOD).output
    assert (
        "no resource provider Nobody"
        in run("client", "add", "b2", "--name", "B", "--provider", "Nobody").output
    )
    assert "small letters" in run("client", "add", "Site B", "--name", "B", *GOOD).output


def test_only_an_administrator_registers_clients(portal: Portal) -> None:
    about = Registration("site-a", "Site A", redirect_uris=("https://site.example/",))
    operator = Actor(person_id=1, roles=frozenset({(Role.PROVIDER_OPERATOR, None)}))
    admin = Actor(person_id=2, name="Ada", roles=frozenset({(Role.ADMINISTRATOR, None)}))
    with portal.sessions() as session, session.begin():
        client, _ = clients.register(session, admin, about)
        answers = [clients.may_register(who) for who in (operator, VISITOR)]
        answers += [clients.may_renew(who, client) for who in (operator, VISITOR)]

    assert {(a.allowed, a.reason) for a in answers} == {(False, "Only an administrator registers clients.")}


def test_keys_are_made_rotated_when_it_is_time_and_dropped_in_an_emergency(run: Run, portal: Portal) -> None:
    path = Path(portal.app.extensions["settings"].provider_keys)

    first = run("provider", "rotate")
    early = run("provider", "rotate")
    kept = json.loads(path.read_text())
    dropped = run("provider", "rotate", "--emergency")

    assert (first.exit_code, early.exit_code, dropped.exit_code) == (0, 1, 0)
    assert "known to everybody from" in early.output
    left = json.loads(path.read_text())
    assert not {key["kid"] for key in kept["keys"]} & {key["kid"] for key in left["keys"]}
    assert not {key["private"]["d"] for key in kept["keys"]} & {key["private"]["d"] for key in left["keys"]}
    with portal.sessions() as session:
        notes = session.scalars(select(AuditEntry.note).where(AuditEntry.verb == "provider.rotate")).all()
    assert [note.split(":")[0] for note in notes] == ["planned", "emergency"]
    assert "private" not in str(notes)


def test_without_a_place_for_keys_there_is_nothing_to_rotate(tmp_path: Path) -> None:
    assert keys.path_of(Settings(mode="production")) is None
    assert keys.path_of(Settings(mode="laptop", data_dir="x")) == Path("x/provider-keys.json")
    with stage.running(tmp_path) as portal:
        answer = portal.app.test_cli_runner().invoke(args=["provider", "rotate"])
    assert answer.exit_code == 1
    assert "COMMONS_PROVIDER_KEYS" in answer.output


def test_the_file_for_api_servers_is_what_kubernetes_reads(run: Run, portal: Portal) -> None:
    config = yaml.safe_load(run("provider", "kubernetes-config").output)

    assert config["apiVersion"] == "apiserver.config.k8s.io/v1"
    assert config["kind"] == "AuthenticationConfiguration"
    (authenticator,) = config["jwt"]
    assert authenticator["issuer"]["url"] == portal.address
    assert authenticator["issuer"]["audiences"] == ["kubectl"]
    mappings = authenticator["claimMappings"]
    assert mappings["username"] == {"claim": "preferred_username", "prefix": "commons:"}
    assert mappings["groups"] == {"claim": "groups", "prefix": ""}
    assert {entry["key"].split("/")[0] for entry in mappings["extra"]} == {"commons.research"}
    rules = authenticator["claimValidationRules"] + authenticator["userValidationRules"]
    assert all({"expression", "message"} == set(rule) for rule in rules)
