"""Letters to the members of a panel's meeting. None says what is on the agenda: each reads another part."""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import select

from allocations.kernel.events import Event
from allocations.people import roles
from allocations.people.persons import Person
from allocations.programme import meetings
from allocations.programme.meeting_room import MeetingCalledOff, MeetingClosed
from allocations.programme.meetings import Meeting, Seat
from allocations.programme.seating import MeetingInvited
from portal.post import Post


def _invited(post: Post, event: MeetingInvited) -> None:
    seat = post.session.get(Seat, event.seat_id)
    if seat is None:
        return
    meeting = post.session.get_one(Meeting, seat.meeting_id)
    when = f"{meeting.starts_at:%-d %B %Y at %H:%M} UTC"
    text = f"You are a member of “{meeting.title}”, a meeting of the panel of “{meeting.call.title}”."
    start = f"It starts on {when}. The agenda, and the meeting itself, are here:"
    post.to(
        seat.person, f"{meeting.ref}: panel meeting on {when}", text, start, path=f"/meetings/{meeting.ref}"
    )


def _closed(post: Post, event: MeetingClosed) -> None:
    meeting = post.session.get_one(Meeting, event.meeting_id)
    text = f"“{meeting.title}”, a meeting of the panel of “{meeting.call.title}”, is over."
    where = "Its minutes, as you may read them, are here:"
    for person in _members(post, meeting):
        path = f"/meetings/{meeting.ref}/minutes"
        post.to(person, f"{meeting.ref}: the minutes", text, where, path=path)


def _called_off(post: Post, event: MeetingCalledOff) -> None:
    meeting = post.session.get_one(Meeting, event.meeting_id)
    when = f"{meeting.starts_at:%-d %B %Y at %H:%M} UTC"
    text = f"“{meeting.title}”, a meeting of the panel of “{meeting.call.title}” on {when}, is called off."
    for person in _members(post, meeting):
        post.to(person, f"{meeting.ref} is called off", text, path=f"/meetings/{meeting.ref}")


def _members(post: Post, meeting: Meeting) -> Iterator[Person]:
    """Those who still see the meeting."""
    for seat in meetings.seats(post.session, meeting):
        seen = meetings.visible(roles.actor_of(post.session, seat.person))
        if post.session.scalar(select(Meeting.id).where(Meeting.id == meeting.id, seen)) is not None:
            yield seat.person


WRITERS: dict[type[Event], Callable[[Post, Any], None]] = {
    MeetingInvited: _invited,
    MeetingClosed: _closed,
    MeetingCalledOff: _called_off,
}
