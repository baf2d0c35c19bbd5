"""Logging in through institutions, in a real browser: redirects, cookies and the content policy hold."""

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select, update

from allocations.kernel import clock
from allocations.people.persons import Identity
from datasets import requests
from datasets.requests import AccessRequest, RequestState
from portal.auth.sessions import LoginSession
from tests.browser import institutions
from tests.browser.conftest import Arrive
from tests.browser.visitors import Visitor
from tests.federation import certified
from tests.federation import stage as federation
from tests.federation.certified import MFA, NORTH, NORTHERN, SFA, SOUTH, SOUTHERN, Certified
from tests.federation.stage import Portal
from tests.portal import stage

# Some eighty seconds: `make test-all` and `.ci/run` do them.
pytestmark = pytest.mark.slow

DANA = {"idp": NORTHERN, "name": "Dana Fischer", "email": "dana@northern.example", "email_verified": True}
LONGEST = 10.0
REASON = "The plan keeps <all> images inside;\nwe have read it twice."


@pytest.fixture(scope="module")
def north(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Certified]:
    with certified.running("north", {**NORTH, "dana": DANA}, tmp_path_factory.mktemp("north")) as provider:
        yield provider


@pytest.fixture(scope="module")
def south(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Certified]:
    folder = tmp_path_factory.mktemp("south")
    with certified.running("south", SOUTH, folder, conform=True, alg="ES256") as provider:
        yield provider


@pytest.fixture
def commons(tmp_path: Path, north: Certified, south: Certified) -> Iterator[Portal]:
    """On another site than the institutions, and nobody has ever been here."""
    with federation.running(tmp_path, host="localhost", demo_login=False) as portal:
        portal.register("north", north.issuer, homes={NORTHERN: "northern.example"}, kind="cilogon")
        portal.register("south", south.issuer, homes={SOUTHERN: "southern.example"}, kind="cilogon")
        yield portal


@pytest.fixture
def programme(tmp_path: Path, north: Certified) -> Iterator[Portal]:
    """With the demo programme, whose custodian logs in through the north, which is trusted for factors."""
    with federation.running(tmp_path, host="localhost", data_dir=str(tmp_path), demo_login=False) as portal:
        portal.register("north", north.issuer, homes={}, kind="cilogon", trusts_mfa=True)
        stage.fill(stage.Portal(portal.app, portal.app.extensions["settings"]))
        with portal.sessions() as session, session.begin():
            dana = stage.person(session, "dana")
            session.add(Identity(issuer=north.issuer, subject="dana", person=dana))
        yield portal


def homes(portal: Portal) -> dict[str, str]:
    """Name of each person and of the institution that we believe them to be at."""
    return {found.person.name: found.person.affiliation for found in portal.identities()}


def request_waiting(portal: Portal) -> str:
    with portal.sessions() as session:
        pending = select(AccessRequest).where(AccessRequest.state == RequestState.PENDING)
        return session.scalars(pending.limit(1)).one().ref


def grow_old(portal: Portal, **by: int) -> None:
    """Everybody confirmed who they are so much earlier."""
    with portal.sessions() as session, session.begin():
        session.execute(update(LoginSession).values(auth_time=clock.now() - timedelta(**by)))


def decision(portal: Portal, ref: str) -> tuple[str, str]:
    with portal.sessions() as session:
        found = requests.get(session, stage.actor(session, "dana"), ref)
        return found.state, found.message


def confirmed_at(visitor: Visitor, path: str) -> None:
    """On a page that wants a second factor, after giving it."""
    visitor.page.goto(visitor.address + path)
    institutions.send(visitor, "Continue to Log-in of north")
    institutions.choose(visitor, "Dana Fischer", acr=MFA)
    assert visitor.page.url == visitor.address + path


@contextmanager
def outage(portal: Portal, happens: Callable[[], object]) -> Iterator[None]:
    """Something happens at the institution while the browser is on its way back to us."""
    # Taken off at the end: the portals of this process are one application.
    inner: Any = portal.app.wsgi_app

    def between(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"].endswith("/callback"):
            happens()
        answer: Iterable[bytes] = inner(environ, start)
        return answer

    portal.app.wsgi_app = between  # type: ignore[method-assign]
    try:
        yield
    finally:
        portal.app.wsgi_app = inner  # type: ignore[method-assign]


@pytest.fixture
def dana(programme: Portal, arrive: Arrive) -> Visitor:
    """The custodian, logged in with a password alone."""
    visitor = arrive(programme.address)
    institutions.log_in(visitor, "north", "Dana Fischer", wanted="/access-requests")
    return visitor


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_two_people_whom_their_institutions_call_the_same_log_in(
    scripts: bool, commons: Portal, arrive: Arrive
) -> None:
    for slug, persona, wanted in (
        ("north", "Priya Nair", "/projects"),
        ("south", "Ruth Okafor", "/proposals"),
    ):
        visitor = arrive(commons.address, scripts=scripts)
        institutions.turn_to(visitor, slug, wanted=wanted)
        institutions.choose(visitor, persona)
        institutions.agree(visitor)
        assert visitor.page.url == commons.address + wanted
        institutions.expect_logged_in(visitor, persona)
    assert homes(commons) == {"Priya Nair": "northern.example", "Ruth Okafor": "southern.example"}


@pytest.mark.parametrize(
    ("persona", "home"), [("Xenia Far", "no institution"), ("Nils Holm", "northern.example")]
)
def test_people_of_whom_little_is_known_get_in(
    persona: str, home: str, commons: Portal, arrive: Arrive
) -> None:
    """Xenia's institution is not in the registry; of Nils no affiliation is released."""
    visitor = arrive(commons.address)
    institutions.turn_to(visitor, "north")
    institutions.choose(visitor, persona)
    institutions.agree(visitor)

    institutions.expect_logged_in(visitor, persona)
    assert homes(commons) == {persona: home}
    assert commons.identities()[0].affiliations == []
    for path in ("/calls", "/projects", "/proposals", "/account/sessions"):
        visitor.visit(path)


def test_a_log_in_that_is_cancelled_leads_back_to_the_log_in_page(commons: Portal, arrive: Arrive) -> None:
    visitor = arrive(commons.address)
    institutions.turn_to(visitor, "north", wanted="/projects")
    institutions.cancel(visitor)
    visitor.reads("You are not logged in")

    visitor.press("Try again")
    institutions.send(visitor, "Log-in of north")
    institutions.choose(visitor, "Priya Nair")
    institutions.agree(visitor)

    assert visitor.page.url == f"{commons.address}/projects"


def test_two_tabs_that_log_in_each_end_where_they_wanted(commons: Portal, arrive: Arrive) -> None:
    left = arrive(commons.address)
    right = Visitor(left.context, commons.address)
    institutions.turn_to(left, "north", wanted="/projects")
    institutions.turn_to(right, "north", wanted="/proposals")

    institutions.choose(left, "Priya Nair")
    institutions.agree(left)
    institutions.choose(right, "Priya Nair")

    assert left.page.url == f"{commons.address}/projects"
    assert right.page.url == f"{commons.address}/proposals"
    left.visit("/account/sessions")
    expect(left.page.locator("tbody tr")).to_have_count(1)
    assert not right.complaints


def test_two_tabs_at_two_institutions_leave_the_person_who_came_last(commons: Portal, arrive: Arrive) -> None:
    left = arrive(commons.address)
    institutions.turn_to(left, "north")
    institutions.choose(left, "Priya Nair")
    institutions.agree(left)
    right = Visitor(left.context, commons.address)
    right.visit("/login?next=/calls")
    institutions.send(right, "Log-in of south")
    institutions.choose(right, "Ruth Okafor")
    institutions.agree(right)

    left.visit("/home")
    institutions.expect_logged_in(left, "Ruth Okafor")
    assert homes(commons) == {"Priya Nair": "northern.example", "Ruth Okafor": "southern.example"}


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_log_out_ends_it_and_the_back_button_shows_nothing(
    scripts: bool, commons: Portal, arrive: Arrive
) -> None:
    visitor = arrive(commons.address, scripts=scripts)
    institutions.turn_to(visitor, "north", wanted="/account/sessions")
    institutions.choose(visitor, "Priya Nair")
    institutions.agree(visitor)
    institutions.log_out(visitor)
    visitor.reads("You are logged out. On a shared computer, close the browser as well")

    visitor.page.go_back()

    visitor.page.wait_for_url("**/login?next=*")
    expect(visitor.page.locator("body")).not_to_contain_text("Priya Nair")


def proofs(portal: Portal) -> list[str]:
    """How people proved themselves; the demo programme has a session about which nothing is known."""
    return [acr for acr in portal.acrs() if acr]


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_decision_wants_a_second_factor_first(scripts: bool, programme: Portal, arrive: Arrive) -> None:
    ref = request_waiting(programme)
    dana = arrive(programme.address, scripts=scripts)
    institutions.log_in(dana, "north", "Dana Fischer", wanted="/access-requests")

    dana.page.locator(f"a[href='/access-requests/{ref}']").first.click()
    dana.page.wait_for_url("**/step-up?next=*")
    dana.look()
    institutions.send(dana, "Continue to Log-in of north")
    institutions.choose(dana, "Dana Fischer", acr=MFA)

    assert dana.page.url == f"{programme.address}/access-requests/{ref}"
    assert proofs(programme) == [SFA, MFA]


def test_a_half_finished_decision_comes_back_as_typed_and_is_sent(programme: Portal, dana: Visitor) -> None:
    ref = request_waiting(programme)
    confirmed_at(dana, f"/access-requests/{ref}")
    grow_old(programme, minutes=20)
    dana.tick("Yes")
    dana.fill({"message": REASON})
    dana.press("Record the decision")
    dana.reads("Confirm that it is you")

    institutions.send(dana, "Continue to Log-in of north")
    institutions.choose(dana, "Dana Fischer", acr=MFA)
    dana.reads("We have kept what you typed")
    expect(dana.page.locator(".written").last).to_have_text(REASON)
    assert decision(programme, ref) == (RequestState.PENDING, "")
    dana.press("Send")

    dana.reads("is approved.")
    assert decision(programme, ref) == (RequestState.APPROVED, REASON)


def test_an_answer_without_a_second_factor_is_refused_and_can_be_mended(
    programme: Portal, dana: Visitor
) -> None:
    ref = request_waiting(programme)
    dana.page.goto(f"{programme.address}/access-requests/{ref}")
    institutions.send(dana, "Continue to Log-in of north")
    institutions.choose(dana, "Dana Fischer", acr=SFA)
    dana.reads("did not confirm a second factor")
    assert proofs(programme) == [SFA]

    dana.press("Try again")
    institutions.send(dana, "Continue to Log-in of north")
    institutions.choose(dana, "Dana Fischer", acr=MFA)

    assert dana.page.url == f"{programme.address}/access-requests/{ref}"


def test_somebody_else_does_not_confirm_for_the_custodian(programme: Portal, dana: Visitor) -> None:
    ref = request_waiting(programme)
    dana.page.goto(f"{programme.address}/access-requests/{ref}")
    institutions.send(dana, "Continue to Log-in of north")
    institutions.choose(dana, "Nils Holm", acr=MFA)

    dana.reads("This is not confirmed")
    dana.visit("/access-requests")
    institutions.expect_logged_in(dana, "Dana Fischer")


@pytest.mark.parametrize("fate", [signal.SIGKILL, signal.SIGSTOP], ids=["dies", "hangs"])
def test_an_institution_that_fails_midway_leaves_a_page_that_says_so(
    fate: signal.Signals, tmp_path: Path, arrive: Arrive
) -> None:
    with (
        certified.running("north", NORTH, tmp_path) as north,
        federation.running(tmp_path, host="localhost", demo_login=False) as commons,
    ):
        commons.register("north", north.issuer, homes={NORTHERN: "northern.example"}, kind="cilogon")
        visitor = arrive(commons.address)
        institutions.turn_to(visitor, "north", wanted="/projects")
        began = time.monotonic()
        with outage(commons, lambda: os.kill(north.process.pid, fate)):
            institutions.choose(visitor, "Priya Nair")

        assert time.monotonic() - began < LONGEST
        visitor.reads("does not answer at the moment")
        assert commons.accounts() == (0, 0)
        visitor.press("Try again")
        assert visitor.page.url == f"{commons.address}/login?next=%2Fprojects"


def test_an_institution_that_is_gone_when_the_button_is_pressed(tmp_path: Path, arrive: Arrive) -> None:
    with (
        certified.running("north", NORTH, tmp_path) as north,
        federation.running(tmp_path, host="localhost", demo_login=False) as commons,
    ):
        commons.register("north", north.issuer, homes={}, kind="cilogon")
        visitor = arrive(commons.address)
        visitor.visit("/login?next=/projects")
        north.kill()
        began = time.monotonic()
        visitor.press("Log-in of north")

        assert time.monotonic() - began < LONGEST
        visitor.reads("does not answer at the moment")
