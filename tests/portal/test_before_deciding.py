"""What somebody reads before they decide: what the panel noted, and what is still to come."""

from datetime import timedelta

from sqlalchemy import delete, select

from allocations.kernel import clock
from allocations.programme.meetings import Seat
from allocations.programme.proposals import Proposal
from allocations.programme.reviews import Review, ReviewState
from allocations.programme.steps import StepKind
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


def hold_up(portal: Portal, ref: str) -> str:
    """One of its two reviews is taken out, and the call is open again; what the pages say of it."""
    with portal.sessions() as session, session.begin():
        found = session.get_one(Proposal, int(ref.split("-")[1]))
        written = session.scalars(
            select(Review).where(Review.proposal_id == found.id).order_by(Review.id)
        ).all()
        for one in written[1:]:
            one.state = ReviewState.CANCELLED
        found.step = StepKind.REVIEW
        found.call.closes_at = clock.now() + timedelta(days=40)
        return f"1 of 2 reviews are in; the call closes on {found.call.closes_at:%-d %B %Y}."


def test_what_is_still_to_come_stands_on_the_plan_and_the_agenda_and_the_page_of_the_decision(
    portal: Portal,
) -> None:
    ref, places = item(portal, 1).ref, stage.places(portal)
    rest, chen = "The call closes on", portal.log_in("chen")
    plan, room = f"/meetings/{places['meeting_open']}/plan", f"/meetings/{places['meeting_open']}"
    addresses = (plan, room, f"/proposals/{ref}/decide")
    before = [chen.get(one).text for one in addresses]
    told = hold_up(portal, ref)
    costs, after = [], []
    for one in addresses:
        with listened(portal.engine) as heard:
            after.append(chen.get(one).text)
        costs.append(len(heard))
    reviewer = portal.log_in("ruth").get(room).text

    assert [text for text in before if "reviews are in" in text or rest in text] == []
    assert [told in text for text in after] == [True, True, True]
    # The others have their reviews, and the call is open for them as well.
    assert rest in after[0]
    assert max(costs) <= 12
    # Members who do not plan the meeting read the agenda without it.
    assert told not in reviewer
    assert ref in reviewer


def test_many_decisions_at_once_say_which_are_early(portal: Portal) -> None:
    places, chen = stage.places(portal), portal.log_in("chen")
    address = f"/calls/{places['call_panel']}"
    chen.post(f"{address}/split/take-over", data={"run": places["run_split"]})
    before = chen.get(f"{address}/decide-all").text
    told = hold_up(portal, places["proposal_first"])

    assert "early" not in before
    assert told in chen.get(f"{address}/decide-all").text


def test_a_barred_planner_reads_nothing_of_an_early_item(portal: Portal) -> None:
    wanted, places = item(portal, 1), stage.places(portal)
    told = hold_up(portal, wanted.ref)
    with portal.sessions() as session, session.begin():
        found = session.get_one(Proposal, int(wanted.ref.split("-")[1]))
        panel.bar(session, stage.person(session, "chen").id, found)
    plan = portal.log_in("chen").get(f"/meetings/{places['meeting_open']}/plan").text

    assert wanted.ref not in plan
    assert told not in plan
