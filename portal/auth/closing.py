"""Ending other people's sessions: one at a time, or all of a person who is disabled."""

from sqlalchemy.orm import Session

from allocations.kernel import audit, clock
from allocations.kernel.answers import require, when
from allocations.kernel.errors import Incomplete, NotFound
from allocations.people import desk
from allocations.people.persons import Person
from allocations.people.roles import Actor
from portal.auth import sessions
from portal.auth.sessions import LoginSession


def disable(session: Session, actor: Actor, person: Person, *, reason: str) -> None:
    """No log-in, and no session that comes back to life when the person is enabled again."""
    desk.disable(session, actor, person, reason=reason)
    sessions.end_all(session, person, reason="the person was disabled")


def of_person(session: Session, person: Person, session_id: int) -> LoginSession:
    row = session.get(LoginSession, session_id)
    if row is None or row.person_id != person.id:
        raise NotFound
    return row


def end(session: Session, actor: Actor, row: LoginSession, *, reason: str) -> None:
    require(desk.may_administer(actor))
    require(when(row.ended_at is None, "This session has ended already."))
    if not reason.strip():
        raise Incomplete({"reason": "Give the reason; it goes on the audit trail."})
    row.ended_at, row.end_reason = clock.now(), "ended by an administrator"
    audit.record(session, actor, "session.end", subject=f"person-{row.person_id}", note=reason)
