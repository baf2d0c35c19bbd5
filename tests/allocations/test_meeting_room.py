"""In the room of a meeting: going on, conflicts, amounts, minutes, coming and going."""

import pytest
from sqlalchemy import select

from allocations.kernel import units
from allocations.kernel.audit import AuditEntry
from allocations.kernel.errors import IllegalMove, Incomplete, NotAllowed, NotFound, Stale
from allocations.programme import (
    agendas,
    decisions,
    disclosure,
    in_the_room,
    meeting_room,
    meetings,
    minutes,
)
from allocations.programme.meetings import Meeting
from allocations.programme.proposals import State
from allocations.programme.reviews import Review, ReviewState
from tests import panel
from tests.cast import Cast
from tests.meeting import bar, item_of, opened, plan_of, planned, reads


def test_two_who_press_next_at_one_moment_go_on_by_one(cast: Cast) -> None:
    meeting, made = opened(cast)
    first = item_of(cast, meeting, made[0]).id

    meeting_room.go_on(cast.session, cast.chen, meeting, leaving=first)
    with pytest.raises(IllegalMove, match="gone on already"):
        meeting_room.go_on(cast.session, cast.owen, meeting, leaving=first)

    assert meeting.item_id == item_of(cast, meeting, made[1]).id


def test_next_passes_over_what_was_withdrawn_and_ends(cast: Cast) -> None:
    meeting, made = opened(cast, many=3)
    made[1].state = State.WITHDRAWN

    meeting_room.go_on(cast.session, cast.chen, meeting, leaving=meeting.item_id)
    assert meeting.item_id == item_of(cast, meeting, made[2]).id
    with pytest.raises(IllegalMove, match="last item"):
        meeting_room.go_on(cast.session, cast.chen, meeting, leaving=meeting.item_id)


def test_the_item_is_checked_anew_when_the_room_comes_to_it(cast: Cast) -> None:
    meeting, made = opened(cast, cast.ruth)
    # Known only to the relations, not to what is asked of every list.
    cast.person(cast.ruth).institution = None
    cast.session.flush()
    assert made[1].id in reads(cast, cast.ruth)

    meeting_room.go_on(cast.session, cast.chen, meeting, leaving=meeting.item_id)

    assert made[1].id not in reads(cast, cast.ruth)
    assert in_the_room.look(cast.session, cast.ruth, meeting).is_outside
    assert in_the_room.look(cast.session, cast.chen, meeting).outside == ["Ruth"]


def test_a_conflict_declared_in_the_room_holds_at_once_and_everywhere(cast: Cast) -> None:
    meeting, made = opened(cast, cast.ruth)
    review = Review(proposal=made[0], reviewer=cast.person(cast.ruth), state=ReviewState.SUBMITTED)
    review.confidence = 3
    cast.session.add(review)
    cast.session.flush()
    item = item_of(cast, meeting, made[0])
    with pytest.raises(Incomplete):
        meeting_room.recuse(cast.session, cast.ruth, meeting, item, reason=" ")

    meeting_room.recuse(cast.session, cast.ruth, meeting, item, reason="We wrote a paper.")
    cast.session.flush()

    assert review.state == ReviewState.CONFLICTED
    assert made[0].id not in reads(cast, cast.ruth)
    assert in_the_room.look(cast.session, cast.ruth, meeting).is_outside
    assert in_the_room.look(cast.session, cast.chen, meeting).outside == ["Ruth"]
    with pytest.raises(NotFound):
        agendas.item_of(cast.session, cast.ruth, meeting, item.id)


def test_a_conflict_declared_elsewhere_is_told_to_the_room(cast: Cast) -> None:
    meeting, made = opened(cast, cast.ruth)

    bar(cast, cast.ruth, made[0])

    assert in_the_room.look(cast.session, cast.ruth, meeting).is_outside
    assert in_the_room.look(cast.session, cast.chen, meeting).outside == ["Ruth"]


def test_amounts_are_noted_by_who_decides_and_by_the_version_that_was_read(cast: Cast) -> None:
    meeting, made = opened(cast, cast.ruth, cast.owen)
    slug, item = made[0].requests[0].resource.slug, item_of(cast, meeting, made[0])
    version, forty = made[0].version, {slug: 40 * units.MICRO}
    for other in (cast.owen, cast.ruth):
        with pytest.raises(NotAllowed, match="chair"):
            meeting_room.recommend(cast.session, other, meeting, item, amounts=forty)

    meeting_room.recommend(cast.session, cast.chen, meeting, item, amounts=forty, version=version)
    cast.session.flush()
    with pytest.raises(Stale):
        meeting_room.recommend(cast.session, cast.chen, meeting, item, amounts={slug: 1}, version=version)

    room = in_the_room.look(cast.session, cast.ruth, meeting)
    assert room.noted == {made[0].requests[0].resource_id: 40 * units.MICRO}
    told = cast.session.scalars(select(AuditEntry.note).where(AuditEntry.verb == "meeting.recommend")).all()
    assert told == [f"{meeting.ref}: {slug} 40"]


def test_the_total_leaves_out_what_the_viewer_is_outside_for(cast: Cast) -> None:
    meeting, made = opened(cast, cast.ruth)
    slug = made[0].requests[0].resource.slug
    for proposal in made[:2]:
        item = item_of(cast, meeting, proposal)
        meeting_room.recommend(cast.session, cast.chen, meeting, item, amounts={slug: 10 * units.MICRO})
    cast.session.flush()
    bar(cast, cast.ruth, made[1])

    totals = [in_the_room.look(cast.session, who, meeting).noted for who in (cast.chen, cast.ruth)]

    assert totals == [{made[0].requests[0].resource_id: amount * units.MICRO} for amount in (20, 10)]


def test_minutes_are_kept_by_the_office_and_the_slower_one_is_told(cast: Cast) -> None:
    meeting, made = opened(cast, cast.ruth)
    item = item_of(cast, meeting, made[0])
    seen = item.version
    with pytest.raises(NotAllowed):
        meeting_room.write(cast.session, cast.ruth, meeting, item, text="Mine.", seen=seen)

    meeting_room.write(cast.session, cast.owen, meeting, item, text="Sound.", seen=seen)
    cast.session.flush()
    with pytest.raises(Stale):
        meeting_room.write(cast.session, cast.chen, meeting, item, text="Weak.", seen=seen)

    assert (item.minutes, item.minutes_by) == ("Sound.", "Owen")


def test_the_close_freezes_amounts_and_decisions(cast: Cast) -> None:
    meeting, made = opened(cast, cast.ruth)
    slug, item = made[0].requests[0].resource.slug, item_of(cast, meeting, made[0])
    meeting_room.enter(cast.session, cast.ruth, meeting)
    meeting_room.recommend(cast.session, cast.chen, meeting, item, amounts={slug: 30 * units.MICRO})
    decisions.decline(cast.session, cast.chen, made[1], summary="Not ready.")
    meeting_room.close(cast.session, cast.chen, meeting)
    cast.session.flush()

    decisions.recommend(cast.session, cast.chen, made[0], {slug: 1})
    with pytest.raises(NotAllowed, match="over"):
        meeting_room.write(cast.session, cast.owen, meeting, item, text="Later.", seen=None)

    told = minutes.read(cast.session, cast.ruth, meeting)
    assert [seat.person.name for seat in told.seats if seat.came_at] == ["Chen", "Ruth"]
    first, second = told.entries[0].item.record, told.entries[1].item.record
    assert first["amounts"][0]["recommended"] == 30 * units.MICRO
    assert (second["state"], second["words"]) == ("declined", "Not ready.")


def test_a_meeting_that_was_called_off_has_no_minutes(cast: Cast) -> None:
    meeting, _ = planned(cast, cast.ruth)
    meeting_room.close(cast.session, cast.chen, meeting)

    assert "called off" in minutes.may_read(cast.ruth, meeting).reason


def test_the_minutes_of_two_members_differ_by_what_each_was_outside_for(cast: Cast) -> None:
    made = panel.crowd(cast.session, cast.call, 3)
    bar(cast, cast.ruth, made[1])
    meeting = meeting_room.plan(cast.session, cast.chen, cast.call, plan_of(cast, cast.ruth, cast.ravi))
    meeting_room.close(cast.session, cast.chen, meeting)
    cast.session.flush()

    told = {who: minutes.read(cast.session, getattr(cast, who), meeting) for who in ("ruth", "ravi")}

    assert [entry.number for entry in told["ruth"].entries] == [1, 2]
    assert made[1].id not in {entry.proposal.id for entry in told["ruth"].entries}
    outside = {entry.proposal.id: list(entry.outside) for entry in told["ravi"].entries}
    assert outside == {made[0].id: [], made[1].id: ["Ruth"], made[2].id: []}


def test_a_member_who_owes_a_review_reads_no_scores_before(cast: Cast) -> None:
    meeting, made = opened(cast, cast.ruth)
    review = Review(proposal=made[0], reviewer=cast.person(cast.ruth), state=ReviewState.ACCEPTED)
    cast.session.add(review)
    cast.session.flush()

    assert disclosure.circle(cast.session, cast.ruth, made[0]).readable == [review]
    shown = {
        who: in_the_room.look(cast.session, getattr(cast, who), meeting).current for who in ("ruth", "chen")
    }
    assert shown["ruth"] is not None
    assert shown["ruth"].scores is None
    assert shown["chen"] is not None
    assert len(shown["chen"].scores or ()) == 3


def test_whoever_leads_or_writes_is_there_without_saying_so(cast: Cast) -> None:
    meeting, made = planned(cast, cast.ruth, cast.owen)
    meeting_room.open_it(cast.session, cast.chen, meeting)
    after_opening = attendance(cast, meeting)
    meeting_room.leave(cast.session, cast.chen, meeting)
    meeting_room.go_on(cast.session, cast.chen, meeting, leaving=None)
    meeting_room.write(
        cast.session, cast.owen, meeting, item_of(cast, meeting, made[0]), text="Sound.", seen=None
    )

    assert after_opening == {"Chen": True, "Owen": False, "Ruth": False}
    assert attendance(cast, meeting) == {"Chen": True, "Owen": True, "Ruth": False}


def attendance(cast: Cast, meeting: Meeting) -> dict[str, bool]:
    cast.session.flush()
    return {seat.person.name: seat.is_in for seat in meetings.seats(cast.session, meeting)}


def test_members_come_and_go_while_the_meeting_is_open(cast: Cast) -> None:
    meeting, _ = planned(cast, cast.ruth)
    with pytest.raises(NotAllowed, match="not open"):
        meeting_room.enter(cast.session, cast.ruth, meeting)
    meeting_room.open_it(cast.session, cast.chen, meeting)

    meeting_room.enter(cast.session, cast.ruth, meeting)
    assert meeting_room.my_seat(cast.session, cast.ruth, meeting).is_in
    meeting_room.leave(cast.session, cast.ruth, meeting)

    assert not meeting_room.my_seat(cast.session, cast.ruth, meeting).is_in
    with pytest.raises(NotAllowed, match="not a member"):
        meeting_room.enter(cast.session, cast.ravi, meeting)
