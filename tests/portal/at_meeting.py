"""Three meetings of the panel of the call at the panel: one planned, one open at its first item, one over."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.kernel import clock, units
from allocations.people.persons import Person
from allocations.people.roles import Actor
from allocations.programme import meeting_room, meetings
from allocations.programme.calls import Call
from allocations.programme.conflicts import Conflict
from allocations.programme.meeting_room import Plan
from allocations.programme.meetings import Meeting, MeetingState
from allocations.programme.proposals import Proposal

# Ruth has a conflict with this one.
BARRED = "Panel Proposal 0004"


def hold(session: Session, call: Call, owen: Actor, chen: Actor, ruth: Person) -> None:
    barred = session.scalars(select(Proposal).where(Proposal.title == BARRED)).one()
    session.add(Conflict(person_id=ruth.id, proposal_id=barred.id, reason="My brother wrote it."))
    session.flush()
    members = [one for one in (owen.person_id, ruth.id) if one is not None]
    planned, running, over = (
        meeting_room.plan(session, chen, call, Plan(title, clock.now() + timedelta(days=7), members))
        for title in ("Autumn panel", "Summer panel", "Spring panel")
    )
    assert planned.state == MeetingState.PLANNED
    for meeting in (running, over):
        meeting_room.open_it(session, chen, meeting)
        meeting_room.enter(session, owen, meeting)
        meeting_room.go_on(session, chen, meeting, leaving=None)
        item = meetings.agenda(session, meeting)[0]
        amounts = {"h100": 30 * units.MICRO}
        meeting_room.recommend(session, chen, meeting, item, amounts=amounts)
        meeting_room.write(session, owen, meeting, item, text="A sound plan; a third less.", seen=None)
        session.flush()
    meeting_room.close(session, chen, over)


def places(session: Session) -> dict[str, str]:
    found: dict[str, str] = {}
    for state in MeetingState:
        meeting = session.scalars(select(Meeting).where(Meeting.state == state)).one()
        items = meetings.agenda(session, meeting)
        found |= {f"meeting_{state}": meeting.ref, f"item_{state}": str(items[0].id)}
        found[f"second_{state}"] = str(items[1].id)
    return found
