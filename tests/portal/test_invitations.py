"""Invitations to roles: who sends them, what the link opens, and when it is dead."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from allocations.kernel import clock
from allocations.people import roles
from allocations.people.invitations import RoleInvitation, RoleInvitationState
from allocations.people.roles import Role, RoleGrant
from portal import links
from tests.portal import stage
from tests.portal.stage import SECRET, Portal
from tests.portal.test_people import letters, trail

NEW = "/people/invitations/new"
TYPED = {"email": "sam@commons.example", "role": "reviewer", "reason": "Knows the field."}


def invited(portal: Portal, who: str = "owen", **typed: str) -> str:
    """The address that stands in the letter."""
    answer = portal.log_in(who).post(NEW, data={**TYPED, **typed})
    assert answer.status_code == 303, answer.text
    found = re.findall(r"/role-invitations/\S+", letters(portal, typed.get("email", "sam").split("@")[0]))
    return str(found[-1])


def holds(portal: Portal, who: str, role: Role) -> bool:
    with portal.sessions() as session:
        return stage.actor(session, who).has(role)


def test_the_link_of_the_letter_leads_to_the_role(portal: Portal) -> None:
    address = invited(portal)
    sam = portal.log_in("sam")

    shown = sam.get(address).text
    answer = sam.post(f"{address}/accept")

    assert "Owen Brandt, National Computing Centre, invites you" in shown
    assert "Knows the field." in shown
    assert "You are logged in as <strong>Sam Okafor</strong>" in shown
    assert answer.status_code == 303
    assert "You hold the role now." in sam.get(address).text
    assert holds(portal, "sam", Role.REVIEWER)
    with portal.sessions() as session:
        row = session.scalars(select(RoleGrant).order_by(RoleGrant.id.desc())).first()
        assert row is not None
        assert (row.granted_by, row.reason) == ("Owen Brandt", "Knows the field.")
    assert trail(portal, "role_invitation.accept")[0][0] == "Sam Okafor"


def test_whoever_is_not_logged_in_logs_in_first_and_comes_back(portal: Portal) -> None:
    address = invited(portal)

    answer = portal.visitor().get(address)

    assert answer.status_code == 303
    assert answer.location.startswith("/login?next=%2Frole-invitations%2F")


def test_the_link_is_bound_to_no_address(portal: Portal) -> None:
    """Whoever opens it first takes it; it then is dead for everybody else."""
    address = invited(portal)
    portal.log_in("uma").post(f"{address}/accept")
    sam = portal.log_in("sam")

    sam.post(f"{address}/accept")

    assert "accepted already" in sam.get(address).text
    assert (holds(portal, "uma", Role.REVIEWER), holds(portal, "sam", Role.REVIEWER)) == (True, False)


def test_a_declined_invitation_gives_nothing_and_is_over(portal: Portal) -> None:
    address = invited(portal)
    sam = portal.log_in("sam")

    sam.post(f"{address}/decline")
    sam.post(f"{address}/accept")

    assert "declined already" in sam.get(address).text
    assert not holds(portal, "sam", Role.REVIEWER)


def test_a_withdrawn_invitation_is_dead(portal: Portal) -> None:
    address, owen = invited(portal), portal.log_in("owen")
    with portal.sessions() as session:
        newest = session.scalars(select(RoleInvitation.id).order_by(RoleInvitation.id.desc())).first()

    owen.post("/people/invitations/withdraw", data={"invitation": str(newest)})
    sam = portal.log_in("sam")
    sam.post(f"{address}/accept")

    assert "has been withdrawn" in sam.get(address).text
    assert not holds(portal, "sam", Role.REVIEWER)


@pytest.mark.parametrize(("days", "alive"), [(13, True), (15, False)])
def test_an_invitation_ends_after_fourteen_days(portal: Portal, days: int, alive: bool) -> None:
    address = invited(portal)
    with portal.sessions() as session, session.begin():
        for row in session.scalars(select(RoleInvitation)):
            row.invited_at -= timedelta(days=days)
    sam = portal.log_in("sam")

    sam.post(f"{address}/accept")

    assert holds(portal, "sam", Role.REVIEWER) is alive
    assert alive or "ended 14 days after it was sent" in sam.get(address).text


def test_an_expired_invitation_does_not_bar_the_next(portal: Portal) -> None:
    invited(portal)
    with portal.sessions() as session, session.begin():
        for row in session.scalars(select(RoleInvitation)):
            row.invited_at -= timedelta(days=15)

    invited(portal)

    with portal.sessions() as session:
        mine = select(RoleInvitation.state).where(RoleInvitation.email == "sam@commons.example")
        states = session.scalars(mine.order_by(RoleInvitation.id)).all()
    assert states == [RoleInvitationState.WITHDRAWN, RoleInvitationState.INVITED]


def test_one_address_is_invited_to_a_role_once(portal: Portal) -> None:
    invited(portal)

    answer = portal.log_in("ada").post(NEW, data={**TYPED, "email": "SAM@commons.example"})

    assert answer.status_code == 409
    assert "has not answered yet" in answer.text


def test_nobody_accepts_an_invitation_of_their_own(portal: Portal) -> None:
    address = invited(portal, "ada", email="ada@commons.example", role="auditor")
    ada = portal.log_in("ada")

    ada.post(f"{address}/accept")

    assert "Nobody accepts an invitation of their own" in ada.get(address).text
    assert not holds(portal, "ada", Role.AUDITOR)


@pytest.mark.parametrize("role", [role for role in Role if role not in ("reviewer", "panel_chair")])
def test_an_officer_invites_reviewers_and_chairs_only(portal: Portal, role: Role) -> None:
    owen = portal.log_in("owen")

    answer = owen.post(NEW, data={**TYPED, "role": role})

    assert answer.status_code in (409, 422)
    assert f'value="{role}"' not in owen.get(NEW).text
    with portal.sessions() as session:
        assert session.scalar(select(RoleInvitation).where(RoleInvitation.role == role)) is None


def test_an_officer_neither_sees_nor_withdraws_other_invitations(portal: Portal) -> None:
    invited(portal, "ada", role="auditor")
    owen = portal.log_in("owen")
    with portal.sessions() as session:
        newest = session.scalars(select(RoleInvitation.id).order_by(RoleInvitation.id.desc())).first()

    owen.post("/people/invitations/withdraw", data={"invitation": str(newest)})

    assert "programme officers to reviewing and chairing only" in owen.get("/people").text
    assert "sam@commons.example" not in owen.get("/people/invitations").text
    with portal.sessions() as session:
        assert session.get_one(RoleInvitation, newest).state == RoleInvitationState.INVITED


@pytest.mark.parametrize("loss", ["role", "account"])
def test_whoever_may_not_give_the_role_any_more_has_not_invited(portal: Portal, loss: str) -> None:
    address = invited(portal)
    with portal.sessions() as session, session.begin():
        owen = stage.person(session, "owen")
        if loss == "account":
            owen.disabled_at = clock.now()
        else:
            (held,) = roles.of_person(session, owen)
            held.revoked_at = clock.now()
    sam = portal.log_in("sam")

    sam.post(f"{address}/accept")

    assert "Ask for a new invitation" in sam.get("/calls").text
    assert not holds(portal, "sam", Role.REVIEWER)


def test_the_role_lasts_as_long_as_the_invitation_said(portal: Portal) -> None:
    address = invited(portal, until="2199-12-31")
    sam = portal.log_in("sam")
    assert "31 December 2199" in sam.get(address).text

    sam.post(f"{address}/accept")

    with portal.sessions() as session:
        (row,) = roles.of_person(session, stage.person(session, "sam"))
        assert row.until is not None
        assert row.until.year == 2200


@pytest.mark.parametrize("kind", ["team", "made up", "cut", "other key"])
def test_only_a_token_of_this_kind_and_key_opens_it(portal: Portal, kind: str) -> None:
    token = invited(portal).rpartition("/")[2]
    number = 2
    forged = {
        "team": links.invitation(SECRET, number),
        "made up": "Mg.x",
        "cut": token[:-1],
        "other key": links.role_invitation("another key", number),
    }[kind]
    sam = portal.log_in("sam")

    assert sam.get(f"/role-invitations/{forged}").status_code == 404
    assert sam.post(f"/role-invitations/{forged}/accept").status_code == 404


@pytest.mark.parametrize("email", ["", "nobody", "a@b", "a b@c.example", "x" * 260 + "@y.example"])
def test_an_address_that_is_none_is_refused_at_its_field(portal: Portal, email: str) -> None:
    answer = portal.log_in("ada").post(NEW, data={**TYPED, "email": email})

    assert answer.status_code == 422
    assert 'href="#field-email"' in answer.text
