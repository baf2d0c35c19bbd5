"""Role grants: who gives and takes them, on what they are held, when they end, and separation of duties."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from allocations.accounts import awards
from allocations.accounts.projects import Membership, ProjectRole
from allocations.kernel import clock
from allocations.kernel.audit import AuditEntry
from allocations.kernel.errors import IllegalMove, Incomplete, Invalid, NotAllowed
from allocations.people import roles
from allocations.people.roles import SYSTEM, Given, Role, RoleGrant
from allocations.programme import decisions, proposals, reviewing
from tests import cast as stage
from tests.cast import Cast

WHY = "She knows the field."


def test_a_grant_says_who_gave_it_why_and_when(session: Session, cast: Cast) -> None:
    row = roles.grant(session, cast.ada, cast.people["sam"], role=Role.REVIEWER, reason=WHY)
    session.flush()

    assert (row.granted_by, row.granted_by_id, row.reason) == ("Ada", cast.ada.person_id, WHY)
    assert row.granted_at is not None
    told = session.scalars(select(AuditEntry.note).where(AuditEntry.verb == "role.grant")).all()
    assert f"reviewer: {WHY}" in told


@pytest.mark.parametrize("who", ["owen", "chen", "dana", "sam", "priya"])
def test_only_administrators_grant_and_revoke(session: Session, cast: Cast, who: str) -> None:
    held = roles.of_person(session, cast.people["ruth"])[0]

    with pytest.raises(NotAllowed, match="Only an administrator grants roles"):
        roles.grant(session, getattr(cast, who), cast.people["sam"], role=Role.AUDITOR, reason=WHY)
    with pytest.raises(NotAllowed, match="Only an administrator revokes roles"):
        roles.revoke(session, getattr(cast, who), held, reason=WHY)


@pytest.mark.parametrize("role", [Role.CUSTODIAN, Role.DAC_MEMBER, Role.AUDITOR, Role.PROGRAMME_OFFICER])
def test_nobody_grants_a_role_to_themselves(session: Session, cast: Cast, role: Role) -> None:
    with pytest.raises(NotAllowed, match="to themselves"):
        roles.grant(session, cast.ada, cast.people["ada"], role=role, scope_id=1, reason=WHY)


def test_the_database_holds_no_role_that_somebody_gave_themselves(session: Session, cast: Cast) -> None:
    ada = cast.people["ada"]
    session.add(RoleGrant(person_id=ada.id, role=Role.AUDITOR, granted_by_id=ada.id))

    with pytest.raises(IntegrityError):
        session.flush()


def test_a_disabled_person_gets_no_role(session: Session, cast: Cast) -> None:
    cast.people["sam"].disabled_at = clock.now()

    with pytest.raises(NotAllowed, match="disabled"):
        roles.grant(session, cast.ada, cast.people["sam"], role=Role.REVIEWER, reason=WHY)


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_reason_is_needed_for_both(session: Session, cast: Cast, reason: str) -> None:
    held = roles.of_person(session, cast.people["ruth"])[0]

    with pytest.raises(Incomplete):
        roles.grant(session, cast.ada, cast.people["sam"], role=Role.REVIEWER, reason=reason)
    with pytest.raises(Incomplete):
        roles.revoke(session, cast.ada, held, reason=reason)
    assert held.is_live


FITTING = {
    Role.PROGRAMME_OFFICER: {None},
    Role.AUDITOR: {None},
    Role.ADMINISTRATOR: {None},
    Role.PANEL_CHAIR: {None, 7},
    Role.REVIEWER: {None, 7},
    Role.CUSTODIAN: {7},
    Role.DAC_MEMBER: {7},
    Role.PROVIDER_OPERATOR: {7},
}


@pytest.mark.parametrize("scope", [None, 7], ids=["everywhere", "on one thing"])
@pytest.mark.parametrize("role", FITTING)
def test_a_role_fits_what_it_is_held_on(session: Session, cast: Cast, role: Role, scope: int | None) -> None:
    def grant() -> RoleGrant:
        return roles.grant(session, cast.ada, cast.people["sam"], role=role, scope_id=scope, reason=WHY)

    if scope in FITTING[role]:
        assert grant().scope_id == scope
        return
    with pytest.raises(Invalid) as refused:
        grant()
    assert list(refused.value.fields) == ["scope"]


def test_a_representative_speaks_for_an_institution_that_there_is(session: Session, cast: Cast) -> None:
    sam = cast.people["sam"]
    for scope in (None, 99_999):
        with pytest.raises(Invalid):
            roles.grant(session, cast.ada, sam, role=Role.REPRESENTATIVE, scope_id=scope, reason=WHY)

    home = sam.institution_id
    roles.grant(session, cast.ada, sam, role=Role.REPRESENTATIVE, scope_id=home, reason=WHY)
    session.flush()

    assert roles.actor_of(session, sam).has(Role.REPRESENTATIVE, home)


def test_a_role_that_is_held_is_not_granted_twice(session: Session, cast: Cast) -> None:
    with pytest.raises(IllegalMove, match="Ruth holds this role already"):
        roles.grant(session, cast.ada, cast.people["ruth"], role=Role.REVIEWER, reason=WHY)


@pytest.mark.parametrize("scope", [None, 7])
def test_two_live_grants_of_one_role_cannot_be(session: Session, cast: Cast, scope: int | None) -> None:
    sam = cast.people["sam"]
    for _ in range(2):
        session.add(RoleGrant(person_id=sam.id, role=Role.REVIEWER, scope_id=scope))

    with pytest.raises(IntegrityError):
        session.flush()


def test_a_revoked_role_counts_no_longer_and_its_row_stays(session: Session, cast: Cast) -> None:
    ruth = cast.people["ruth"]
    (held,) = roles.of_person(session, ruth)

    roles.revoke(session, cast.ada, held, reason="She moved on.")
    session.flush()

    assert not roles.actor_of(session, ruth).has(Role.REVIEWER)
    assert ruth not in roles.holders(session, Role.REVIEWER)
    (kept,) = roles.of_person(session, ruth)
    assert (kept.revoked_by, kept.revoke_reason, kept.is_live) == ("Ada", "She moved on.", False)
    with pytest.raises(NotAllowed, match="ended already"):
        roles.revoke(session, cast.ada, held, reason="Again.")


def test_a_revoked_role_may_be_granted_anew(session: Session, cast: Cast) -> None:
    ruth = cast.people["ruth"]
    roles.revoke(session, cast.ada, roles.of_person(session, ruth)[0], reason="A break.")
    session.flush()

    roles.grant(session, cast.ada, ruth, role=Role.REVIEWER, reason="She is back.")
    session.flush()

    assert [row.is_live for row in roles.of_person(session, ruth)] == [True, False]
    assert roles.actor_of(session, ruth).has(Role.REVIEWER)


def test_a_role_ends_on_its_date_and_may_then_be_granted_anew(session: Session, cast: Cast) -> None:
    sam, week = cast.people["sam"], timedelta(days=7)
    roles.confer(session, cast.ada, sam, given=Given(Role.REVIEWER, None, clock.now() + week, WHY))
    session.flush()
    assert roles.actor_of(session, sam).has(Role.REVIEWER)

    with clock.at(clock.now() + 2 * week):
        assert not roles.actor_of(session, sam).has(Role.REVIEWER)
        assert sam not in roles.holders(session, Role.REVIEWER)
        roles.grant(session, cast.ada, sam, role=Role.REVIEWER, reason="Another year.")
        session.flush()
        newest, oldest = roles.of_person(session, sam)
        assert newest.is_live
    assert (oldest.revoked_at, oldest.revoke_reason) == (oldest.until, "Ended on its date.")


def test_a_role_does_not_end_before_it_begins(session: Session, cast: Cast) -> None:
    past = Given(Role.REVIEWER, None, clock.now() - timedelta(days=1), WHY)

    with pytest.raises(Invalid) as refused:
        roles.confer(session, cast.ada, cast.people["sam"], given=past)

    assert list(refused.value.fields) == ["until"]


def test_the_last_administrator_stays(session: Session, cast: Cast) -> None:
    (held,) = roles.of_person(session, cast.people["ada"])
    with pytest.raises(IllegalMove, match="last administrator"):
        roles.revoke(session, cast.ada, held, reason="I leave.")

    roles.grant(session, cast.ada, cast.people["sam"], role=Role.ADMINISTRATOR, reason="My successor.")
    session.flush()
    roles.revoke(session, cast.ada, held, reason="I leave.")

    assert not held.is_live


@pytest.mark.parametrize(
    ("who", "rule", "words"),
    [
        ("owen", proposals.may_screen, "another programme officer"),
        ("owen", reviewing.may_assign, "their own institution"),
        ("chen", reviewing.may_assign, "their own institution"),
        ("chen", decisions.may_decide, "their own institution"),
    ],
)
def test_nobody_decides_about_a_proposal_of_their_own_institution(
    session: Session, cast: Cast, who: str, rule, words: str
) -> None:
    made = stage.submitted if rule is proposals.may_screen else stage.in_review
    proposal = made(cast)
    assert rule(getattr(cast, who), proposal)

    cast.people[who].institution = cast.people["priya"].institution
    session.flush()
    cast.refresh_roles()

    answer = rule(getattr(cast, who), proposal)
    assert not answer
    assert words in answer.reason


def test_an_operator_does_not_consent_for_their_own_project(session: Session, cast: Cast) -> None:
    """The machines are their own, so their institution does not bar them; their project does."""
    award = stage.awarded(cast)
    allocation = award.allocations[0]
    cast.people["pat"].institution = cast.people["priya"].institution
    session.flush()
    cast.refresh_roles()
    assert awards.may_consent(cast.pat, allocation)

    award.project.members.append(Membership(person=cast.people["pat"], role=ProjectRole.USER))
    session.flush()

    answer = awards.may_consent(cast.pat, allocation)
    assert not answer
    assert "their own project" in answer.reason


def test_the_system_needs_no_reason(session: Session, cast: Cast) -> None:
    assert roles.grant(session, SYSTEM, cast.people["sam"], role=Role.REVIEWER).granted_by_id is None
