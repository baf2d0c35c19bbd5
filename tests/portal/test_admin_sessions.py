"""Sessions of administrators are short: a quarter of an hour without use, four hours in all."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from allocations.kernel import clock
from allocations.people import roles
from allocations.people.roles import SYSTEM, Role, RoleGrant
from portal.auth.sessions import LoginSession
from tests.portal import stage
from tests.portal.stage import Portal


def is_in(client: FlaskClient, minutes: float = 0) -> bool:
    """Whether the home page opens so many minutes from now."""
    with clock.at(clock.now() + timedelta(minutes=minutes)):
        return client.get("/home").status_code == 200


@pytest.mark.parametrize(
    ("who", "minutes", "alive"),
    [("ada", 14, True), ("ada", 16, False), ("owen", 16, True), ("owen", 59, True), ("owen", 61, False)],
)
def test_a_session_ends_when_it_is_not_used(portal: Portal, who: str, minutes: int, alive: bool) -> None:
    assert is_in(portal.log_in(who), minutes) is alive


def test_each_page_renews_the_time(portal: Portal) -> None:
    ada = portal.log_in("ada")

    assert [is_in(ada, minutes) for minutes in (12, 24, 36, 48, 64)] == [True, True, True, True, False]


def test_a_page_that_comes_too_late_renews_nothing(portal: Portal) -> None:
    ada = portal.log_in("ada")

    assert [is_in(ada, minutes) for minutes in (20, 21)] == [False, False]


@pytest.mark.parametrize(
    ("who", "hours", "alive"),
    [
        ("ada", 3.9, True),
        ("ada", 4.1, False),
        ("owen", 4.1, True),
        ("owen", 11.9, True),
        ("owen", 12.1, False),
    ],
)
def test_a_session_ends_however_busy(portal: Portal, who: str, hours: float, alive: bool) -> None:
    client = portal.log_in(who)
    with portal.sessions() as session, session.begin():
        for row in session.scalars(select(LoginSession)):
            row.began_at = clock.now() - timedelta(hours=hours)

    assert is_in(client) is alive


def test_an_older_cookie_does_not_bring_the_time_back(portal: Portal) -> None:
    ada = portal.log_in("ada")
    held = ada.get_cookie("commons")
    assert held is not None
    assert is_in(ada, 10)
    thief = portal.visitor()
    thief.set_cookie("commons", held.value)

    assert is_in(ada, 20)
    assert not is_in(thief, 20)


def test_the_role_counts_from_the_moment_it_is_held(portal: Portal) -> None:
    sam = portal.log_in("sam")
    assert is_in(sam, 0)
    with portal.sessions() as session, session.begin():
        roles.grant(session, SYSTEM, stage.person(session, "sam"), role=Role.ADMINISTRATOR)

    assert not is_in(sam, 16)


def test_a_revoked_administrator_is_like_everybody(portal: Portal) -> None:
    ada = portal.log_in("ada")
    with portal.sessions() as session, session.begin():
        for row in session.scalars(select(RoleGrant).where(RoleGrant.role == Role.ADMINISTRATOR)):
            row.revoked_at = clock.now()

    assert is_in(ada, 40)


def test_a_cookie_that_does_not_say_when_it_was_used_is_no_session(portal: Portal) -> None:
    owen = portal.log_in("owen")
    with owen.session_transaction() as cookie:
        del cookie["seen"]

    assert not is_in(owen)
