"""Meetings of a panel: who reads what of the agenda, who is outside, and the order."""

from datetime import timedelta
from itertools import product

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from allocations.kernel import clock
from allocations.kernel.errors import IllegalMove, Invalid, NotAllowed, NotFound
from allocations.people import roles
from allocations.people.roles import SYSTEM, Actor
from allocations.programme import (
    agendas,
    disclosure,
    in_the_room,
    meeting_room,
    meetings,
    panel_list,
    seating,
)
from allocations.programme.calls import CallState, Disclosure
from allocations.programme.conflicts import Conflict
from allocations.programme.meeting_room import Plan
from allocations.programme.meetings import MeetingState, RoomCheck
from allocations.programme.proposals import Proposal
from tests import panel
from tests.cast import Cast
from tests.meeting import bar, ids, item_of, opened, order, plan_of, planned, reads


def test_a_member_reads_the_agenda_until_the_meeting_is_over(cast: Cast) -> None:
    meeting, made = planned(cast, cast.ruth)
    assert reads(cast, cast.ruth) == ids(made)
    assert reads(cast, cast.ravi) == set()

    meeting_room.open_it(cast.session, cast.chen, meeting)
    assert reads(cast, cast.ruth) == ids(made)
    meeting_room.close(cast.session, cast.chen, meeting)

    assert reads(cast, cast.ruth) == set()


def test_whoever_is_not_checked_reads_nothing(cast: Cast) -> None:
    meeting, made = planned(cast, cast.ruth)
    item = item_of(cast, meeting, made[0])
    mine = (RoomCheck.item_id == item.id, RoomCheck.person_id == cast.ruth.person_id)
    cast.session.execute(delete(RoomCheck).where(*mine))

    assert reads(cast, cast.ruth) == ids(made[1:])
    with pytest.raises(NotFound):
        agendas.item_of(cast.session, cast.ruth, meeting, item.id)
    meeting_room.open_it(cast.session, cast.chen, meeting)
    assert reads(cast, cast.ruth) == ids(made)


def test_a_member_whose_role_has_ended_reads_nothing(cast: Cast) -> None:
    _, made = planned(cast, cast.ruth)
    assert reads(cast, cast.ruth) == ids(made)
    for held in roles.of_person(cast.session, cast.person(cast.ruth)):
        roles.revoke(cast.session, SYSTEM, held, reason="Left.")
    cast.session.flush()
    cast.refresh_roles()

    assert reads(cast, cast.ruth) == set()
    assert list(meetings.own(cast.session, cast.ruth)) == []


def test_whoever_is_taken_out_of_the_meeting_reads_nothing(cast: Cast) -> None:
    meeting, _ = planned(cast, cast.ruth, cast.ravi)

    meeting_room.change(cast.session, cast.owen, meeting, plan_of(cast, cast.chen, cast.ravi))

    assert reads(cast, cast.ruth) == set()
    assert cast.session.scalar(select(RoomCheck).where(RoomCheck.person_id == cast.ruth.person_id)) is None


# Who is outside, by what: declared, of the PI's institution, on the team.
def _declared(cast: Cast, who: Actor, proposal: Proposal) -> None:
    bar(cast, who, proposal)


def _of_house(cast: Cast, who: Actor, proposal: Proposal) -> None:
    proposal.pi.institution = cast.person(who).institution


def _without_house(cast: Cast, who: Actor, proposal: Proposal) -> None:
    """Nothing is known of them, and so nothing is open to them."""
    cast.person(who).institution = None


@pytest.mark.parametrize(
    ("who", "why"), list(product(["ruth", "chen", "owen"], [_declared, _of_house, _without_house]))
)
def test_whoever_is_outside_sees_nothing_of_the_item_in_any_office(cast: Cast, who: str, why: object) -> None:
    made = panel.crowd(cast.session, cast.call, 3)
    why(cast, getattr(cast, who), made[1])  # type: ignore[operator]
    cast.session.flush()
    cast.refresh_roles()
    member, planner = getattr(cast, who), cast.owen if who == "chen" else cast.chen
    meeting = meeting_room.plan(cast.session, planner, cast.call, plan_of(cast, member))
    cast.session.flush()
    barred = ids(made) if why is _without_house else {made[1].id}

    assert reads(cast, member) & barred == set()
    assert {line.ref for line in in_the_room.look(cast.session, member, meeting).lines} == {
        one.ref for one in made if one.id not in barred
    }


def test_an_officer_outside_sees_the_proposal_again_when_the_meeting_is_over(cast: Cast) -> None:
    made = panel.crowd(cast.session, cast.call, 2)
    _of_house(cast, cast.owen, made[0])
    cast.session.flush()
    meeting = meeting_room.plan(cast.session, cast.chen, cast.call, plan_of(cast, cast.owen))
    cast.session.flush()
    assert made[0].id not in reads(cast, cast.owen)

    meeting_room.close(cast.session, cast.chen, meeting)

    assert made[0].id in reads(cast, cast.owen)


def test_an_applicant_in_the_panel_keeps_their_own_proposal_and_hears_nothing_of_it(cast: Cast) -> None:
    made = panel.crowd(cast.session, cast.call, 2)
    made[0].pi = cast.person(cast.ruth)
    cast.session.flush()
    meeting = meeting_room.plan(cast.session, cast.owen, cast.call, plan_of(cast, cast.ruth))
    meeting_room.open_it(cast.session, cast.owen, meeting)
    item = item_of(cast, meeting, made[0])
    meeting_room.take(cast.session, cast.owen, meeting, item, leaving=None)
    cast.session.flush()

    assert made[0].id in reads(cast, cast.ruth)
    room = in_the_room.look(cast.session, cast.ruth, meeting)
    assert room.is_outside
    assert (room.current, room.outside, room.noted) == (None, (), None)
    assert disclosure.circle(cast.session, cast.ruth, made[0]).readable == []


def test_an_invited_team_member_counts_as_outside_whatever_they_answered(cast: Cast) -> None:
    made = panel.crowd(cast.session, cast.call, 2)
    made[0].pi.email = cast.person(cast.ruth).email.upper()
    cast.session.flush()

    meeting = meeting_room.plan(cast.session, cast.owen, cast.call, plan_of(cast, cast.ruth))

    assert made[0].id not in reads(cast, cast.ruth)
    assert seating.names_outside(cast.session, meeting)[item_of(cast, meeting, made[0]).id] == ["Ruth"]


def test_the_agenda_has_the_panels_order_and_ends_with_what_somebody_leaves_the_room_for(cast: Cast) -> None:
    made = panel.crowd(cast.session, cast.call, 8)
    for who, number in ((cast.ruth, 0), (cast.ravi, 1), (cast.ruth, 5), (cast.ravi, 6)):
        bar(cast, who, made[number])
    bar(cast, cast.ravi, made[5])

    meeting = meeting_room.plan(cast.session, cast.chen, cast.call, plan_of(cast, cast.ruth, cast.ravi))

    ranked = [entry.proposal for entry in agendas.panel_order(cast.session, cast.chen, cast.call)]
    free = [key for key in ranked if key in {made[n].id for n in (2, 3, 4, 7)}]
    # Ruth goes out, Ravi joins her, Ruth comes back; between equals the reference decides.
    assert order(cast, meeting) == [*free, *(made[n].id for n in (0, 5, 1, 6))]


@pytest.mark.parametrize("when", ["seated", "opened"])
def test_what_somebody_new_is_outside_for_goes_to_the_end_where_places_tell_no_ranks(
    cast: Cast, when: str
) -> None:
    meeting, made = planned(cast, cast.ravi, *([cast.ruth] if when == "opened" else []))
    items = {one.id: item_of(cast, meeting, one) for one in made}
    agendas.shift(cast.session, cast.chen, meeting, items[made[3].id], up=True)
    assert order(cast, meeting) == [made[n].id for n in (0, 1, 3, 2)]
    bar(cast, cast.ruth, made[1])

    if when == "seated":
        members = plan_of(cast, cast.chen, cast.ravi, cast.ruth)
        meeting_room.change(cast.session, cast.owen, meeting, members)
    else:
        meeting_room.open_it(cast.session, cast.chen, meeting)

    # What has been put in order by hand stays in it.
    assert order(cast, meeting) == [made[n].id for n in (0, 3, 2, 1)]


def test_what_has_been_talked_about_keeps_its_place_when_somebody_new_comes(cast: Cast) -> None:
    meeting, made = opened(cast, cast.ravi)
    meeting_room.go_on(cast.session, cast.chen, meeting, leaving=item_of(cast, meeting, made[0]).id)
    for number in (0, 1, 2):
        bar(cast, cast.ruth, made[number])

    meeting_room.change(cast.session, cast.owen, meeting, plan_of(cast, cast.chen, cast.ravi, cast.ruth))

    assert order(cast, meeting) == [made[n].id for n in (0, 1, 3, 2)]


def test_what_has_been_talked_about_keeps_its_place_when_more_comes_on_the_agenda(cast: Cast) -> None:
    meeting, made = opened(cast, cast.ravi)
    meeting_room.take(
        cast.session,
        cast.chen,
        meeting,
        item_of(cast, meeting, made[2]),
        leaving=item_of(cast, meeting, made[0]).id,
    )
    (late,) = panel.crowd(cast.session, cast.call, 1, word="Late")

    agendas.fill(cast.session, cast.chen, meeting)

    assert order(cast, meeting)[:3] == [made[n].id for n in (0, 1, 2)]
    assert set(order(cast, meeting)[3:]) == {made[3].id, late.id}


def test_the_numbers_of_items_in_addresses_say_nothing_of_ranks(cast: Cast) -> None:
    """A member sees the numbers around the one that is closed to them."""
    for word in ("One", "Other"):
        panel.crowd(cast.session, cast.call, 3, word=word)
    ranked = [entry.proposal for entry in agendas.panel_order(cast.session, cast.chen, cast.call)]
    assert ranked != sorted(ranked)

    meeting = meeting_room.plan(cast.session, cast.chen, cast.call, plan_of(cast, cast.ruth))

    by_number = sorted(meetings.agenda(cast.session, meeting), key=lambda item: item.id)
    assert [item.proposal_id for item in by_number] == sorted(ranked)


def test_somebody_else_puts_on_the_agenda_what_the_chair_may_not_know_of(cast: Cast) -> None:
    made = panel.crowd(cast.session, cast.call, 3)
    bar(cast, cast.chen, made[0])
    meeting = meeting_room.plan(cast.session, cast.chen, cast.call, plan_of(cast, cast.owen))
    assert made[0].id not in order(cast, meeting)

    assert agendas.fill(cast.session, cast.owen, meeting) == 1

    assert order(cast, meeting)[-1] == made[0].id
    room = in_the_room.look(cast.session, cast.chen, meeting)
    assert made[0].ref not in {line.ref for line in room.lines}
    assert room.total == 3


def test_items_move_past_the_neighbour_that_is_seen(cast: Cast) -> None:
    made = panel.crowd(cast.session, cast.call, 3)
    bar(cast, cast.chen, made[1])
    meeting = meeting_room.plan(cast.session, cast.owen, cast.call, plan_of(cast, cast.chen))
    items = [item_of(cast, meeting, one) for one in made]
    agendas.number_them(meeting, items)
    cast.session.flush()

    agendas.shift(cast.session, cast.chen, meeting, items[2], up=True)
    assert order(cast, meeting) == [made[2].id, made[0].id, made[1].id]
    agendas.shift(cast.session, cast.chen, meeting, items[2], up=False)
    assert order(cast, meeting) == [made[0].id, made[2].id, made[1].id]

    with pytest.raises(IllegalMove, match="first already"):
        agendas.shift(cast.session, cast.chen, meeting, items[0], up=True)
    with pytest.raises(IllegalMove, match="last already"):
        agendas.shift(cast.session, cast.chen, meeting, items[2], up=False)


def test_an_item_is_taken_off_unless_it_was_talked_about(cast: Cast) -> None:
    meeting, made = opened(cast, cast.ruth)
    here = item_of(cast, meeting, made[0])
    with pytest.raises(IllegalMove, match="at this item"):
        agendas.take_off(cast.session, cast.chen, meeting, here)
    meeting_room.write(cast.session, cast.owen, meeting, here, text="Good.", seen=None)
    meeting_room.go_on(cast.session, cast.chen, meeting, leaving=here.id)
    with pytest.raises(IllegalMove, match="minutes of this item"):
        agendas.take_off(cast.session, cast.chen, meeting, here)

    agendas.take_off(cast.session, cast.chen, meeting, item_of(cast, meeting, made[3]))

    assert order(cast, meeting) == [made[n].id for n in (0, 1, 2)]
    assert made[3].id not in reads(cast, cast.ruth)


@pytest.mark.parametrize("mode", Disclosure)
def test_a_member_reads_the_reviews_as_a_reviewer_who_has_judged(cast: Cast, mode: Disclosure) -> None:
    cast.call.disclosure = mode
    _, made = planned(cast, cast.ruth)

    circle = disclosure.circle(cast.session, cast.ruth, made[0])

    assert len(circle.readable) == 3
    named = {circle.name(review.reviewer) for review in circle.readable}
    assert all(("Reader" in name) == (mode == Disclosure.OPEN) for name in named)
    assert disclosure.shows_team(cast.ruth, made[0]) == (mode != Disclosure.DOUBLE_BLIND)
    assert disclosure.circle(cast.session, cast.ravi, made[0]).readable == []


def test_what_members_must_not_know_of_is_left_out_of_what_is_computed_for_them(cast: Cast) -> None:
    _, made = planned(cast, cast.ruth, cast.ravi)
    bar(cast, cast.ruth, made[2])

    hidden = panel_list.hidden_from_panel(cast.session, cast.call, ids(made))

    assert hidden == [[made[2].id]]


def test_only_the_office_plans_and_only_in_a_call_with_a_panel(cast: Cast) -> None:
    for who in (cast.ruth, cast.priya, cast.ada):
        with pytest.raises(NotAllowed):
            meeting_room.plan(cast.session, who, cast.call, plan_of(cast, cast.ruth))
    cast.call.steps = {"review": 7, "decision": 7}
    with pytest.raises(NotAllowed, match="no panel"):
        meeting_room.plan(cast.session, cast.chen, cast.call, plan_of(cast, cast.ruth))
    cast.call.steps, cast.call.state = {"panel": 7, "decision": 7}, CallState.DRAFT
    with pytest.raises(NotAllowed, match="not published"):
        meeting_room.plan(cast.session, cast.chen, cast.call, plan_of(cast, cast.ruth))


def test_members_are_of_the_list_and_the_time_is_to_come(cast: Cast) -> None:
    with pytest.raises(Invalid, match="from the list"):
        meeting_room.plan(cast.session, cast.chen, cast.call, plan_of(cast, cast.priya))
    past = Plan("Panel", clock.now() - timedelta(hours=1), [])
    with pytest.raises(Invalid, match="to come"):
        meeting_room.plan(cast.session, cast.chen, cast.call, past)


def test_strangers_find_no_meeting(session: Session, cast: Cast) -> None:
    meeting, _ = planned(cast, cast.ruth)

    for who in (cast.ravi, cast.priya, cast.ada, cast.sam):
        with pytest.raises(NotFound):
            meetings.get(session, who, meeting.ref)
    for who in (cast.ruth, cast.chen, cast.owen):
        assert meetings.get(session, who, meeting.ref) is meeting
    assert meeting.state == MeetingState.PLANNED
    assert session.scalars(select(Conflict)).all() == []
