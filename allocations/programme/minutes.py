"""The minutes of meetings, as one member may read them.

Items that a member was outside for are absent, and the others are numbered from 1 without them: the minutes
of two members can differ in their numbers, so they are spoken of by reference.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased, joinedload

from allocations.kernel.answers import Answer, first_no, when
from allocations.people.roles import Actor
from allocations.programme import meetings, seating
from allocations.programme.meetings import AgendaItem, Meeting, MeetingState, Seat
from allocations.programme.proposals import Proposal


@dataclass(frozen=True, slots=True)
class Entry:
    """One item as it was at the close, with the names of those who were outside."""

    number: int
    item: AgendaItem
    proposal: Proposal
    outside: Sequence[str]


@dataclass(frozen=True, slots=True)
class Minutes:
    meeting: Meeting
    seats: Sequence[Seat]
    entries: Sequence[Entry]


def may_read(actor: Actor, meeting: Meeting) -> Answer:
    """Of a meeting that the actor was found to see."""
    over = meeting.state == MeetingState.CLOSED
    return first_no(
        when(actor.person_id is not None, "Only members of the meeting read its minutes."),
        when(over, "The minutes are here as soon as the meeting is closed."),
        # Its members read the agenda no more, here neither.
        when(meeting.item_id is not None, "This meeting was called off, or came to no item."),
    )


def read(session: Session, actor: Actor, meeting: Meeting) -> Minutes:
    """Three statements."""
    query = (
        select(AgendaItem, Proposal)
        .join(Proposal, Proposal.id == AgendaItem.proposal_id)
        .where(AgendaItem.meeting_id == meeting.id, meetings.inside(actor))
        .order_by(AgendaItem.position, AgendaItem.id)
        .options(joinedload(Proposal.team))
    )
    rows = session.execute(query).unique().all()
    names = seating.names_outside(session, meeting)
    entries = [
        Entry(number, item, proposal, names.get(item.id, ()))
        for number, (item, proposal) in enumerate(rows, start=1)
    ]
    return Minutes(meeting, meetings.seats(session, meeting), entries)


def of_proposal(session: Session, actor: Actor, proposal: Proposal) -> list[tuple[Meeting, AgendaItem]]:
    """What was written about a proposal the actor was found to see, the newest meeting first; one statement.

    Of meetings that are over to whoever stayed in the room, of one that goes on to whoever runs it.
    """
    # An alias, for the condition speaks of meetings itself.
    held = aliased(Meeting)
    query = (
        select(held, AgendaItem)
        .join(AgendaItem, AgendaItem.meeting_id == held.id)
        .where(AgendaItem.proposal_id == proposal.id, AgendaItem.minutes != "", meetings.inside(actor))
        .order_by(held.id.desc())
    )
    rows = session.execute(query).unique().all()
    return [(meeting, item) for meeting, item in rows if _shows(actor, meeting)]


def _shows(actor: Actor, meeting: Meeting) -> bool:
    return bool(may_read(actor, meeting) or meetings.may_run(actor, meeting))
