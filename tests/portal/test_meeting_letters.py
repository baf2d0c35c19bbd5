"""What members of a panel's meeting hear by letter when it is over, and what they do not."""

from sqlalchemy import select

from allocations.people.roles import Role, RoleGrant
from allocations.programme.meetings import Seat
from portal.mail import Letter
from tests.portal import stage
from tests.portal.at_meeting import BARRED
from tests.portal.stage import Portal

MEMBERS = ("chen", "owen", "ruth")


def _letters(portal: Portal, who: str, ref: str) -> list[Letter]:
    portal.deliver()
    with portal.sessions() as session:
        mine = Letter.recipient == stage.person(session, who).email
        found = session.scalars(select(Letter).where(mine, Letter.subject.startswith(ref)))
        return [one for one in found if "panel meeting on" not in one.subject]


def test_each_member_is_told_once_where_the_minutes_are(portal: Portal) -> None:
    ref = stage.places(portal)["meeting_open"]
    closed = [portal.log_in("chen").post(f"/meetings/{ref}/close") for _ in range(2)]

    assert closed[0].status_code == 303
    bodies = set()
    for who in MEMBERS:
        (letter,) = _letters(portal, who, ref)
        assert f"/meetings/{ref}/minutes" in letter.body
        assert portal.log_in(who).get(f"/meetings/{ref}/minutes").status_code == 200
        bodies.add(letter.body.partition("\n")[2])
    assert len(bodies) == 1, "what a member was outside for cannot be read off a letter that all get alike"
    assert BARRED not in bodies.pop()


def test_a_meeting_that_never_began_is_called_off(portal: Portal) -> None:
    ref = stage.places(portal)["meeting_planned"]
    portal.log_in("chen").post(f"/meetings/{ref}/close")

    for who in MEMBERS:
        (letter,) = _letters(portal, who, ref)
        assert "is called off" in letter.body
        assert "minutes" not in letter.body


def test_whoever_no_longer_sees_the_meeting_is_not_written_to(portal: Portal) -> None:
    ref = stage.places(portal)["meeting_open"]
    with portal.sessions() as session, session.begin():
        ruth = stage.person(session, "ruth")
        assert session.scalars(select(Seat).where(Seat.person_id == ruth.id)).first()
        for grant in session.scalars(select(RoleGrant).where(RoleGrant.person_id == ruth.id)):
            assert grant.role == Role.REVIEWER
            session.delete(grant)
    portal.log_in("chen").post(f"/meetings/{ref}/close")

    assert _letters(portal, "ruth", ref) == []
    assert len(_letters(portal, "owen", ref)) == 1
