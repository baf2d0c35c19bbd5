"""What somebody reads before they decide: what the panel noted."""

from sqlalchemy import delete

from allocations.programme.meetings import Seat
from allocations.programme.proposals import Proposal
from tests import panel
from tests.guards.statements import listened
from tests.portal import stage
from tests.portal.stage import Portal
from tests.portal.test_meetings import item

SAID = "A sound plan; a third less."


def test_minutes_and_noted_amounts_stand_beside_the_fields(portal: Portal) -> None:
    """Written in two meetings, one of them still open."""
    here = f"/proposals/{item(portal, 0).ref}/decide"
    chen = portal.log_in("chen")
    with listened(portal.engine) as heard:
        text = chen.get(here).text
    with portal.sessions() as session, session.begin():
        session.execute(delete(Seat).where(Seat.person_id == stage.person(session, "chen").id))
    without = chen.get(here).text

    assert text.count(SAID) == 2
    assert "30 noted" in text
    assert "30 GPU-hours noted when it closed" in text
    assert len(heard) <= 12
    # The rule of the minutes: whoever had no seat reads none.
    assert SAID not in without
    assert "30 noted" in without


def test_whoever_is_barred_opens_nothing(portal: Portal) -> None:
    ref = item(portal, 0).ref
    with portal.sessions() as session, session.begin():
        found = session.get_one(Proposal, int(ref.split("-")[1]))
        panel.bar(session, stage.person(session, "chen").id, found)

    assert portal.log_in("chen").get(f"/proposals/{ref}/decide").status_code == 404
