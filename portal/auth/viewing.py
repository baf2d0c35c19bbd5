"""View as: an administrator sees the portal as another person does, read-only, for half an hour."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from allocations.kernel import audit, clock, outbox
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.errors import Incomplete
from allocations.kernel.events import Event
from allocations.people.persons import Person
from allocations.people.roles import Actor, Role, actor_of
from portal.auth.sessions import LoginSession

LIFE = timedelta(minutes=30)
# What somebody who only looks may still send: both end the view.
STOPPING = frozenset({"viewing.end", "auth.logout"})


@dataclass(frozen=True, slots=True)
class PersonViewed(Event):
    person_id: int
    viewer_id: int
    reason: str


def may_view_as(actor: Actor, person: Person, theirs: Actor) -> Answer:
    """`theirs` is the person as an actor, with the roles of this moment."""
    powerful = theirs.has(Role.ADMINISTRATOR) or theirs.has(Role.AUDITOR)
    return first_no(
        when(actor.has(Role.ADMINISTRATOR), "Only an administrator sees the portal as somebody else."),
        when(not actor.is_person(person.id), "You see the portal as yourself already."),
        when(not powerful, "Nobody sees the portal as an administrator or an auditor."),
        when(person.disabled_at is None, "This person is disabled and sees nothing."),
    )


def begin(session: Session, actor: Actor, row: LoginSession, *, person: Person, reason: str) -> None:
    """From the next page on; both people's trails say so, and the person gets a letter."""
    require(may_view_as(actor, person, actor_of(session, person)))
    if not reason.strip():
        raise Incomplete({"reason": f"Give the reason; {person.name} will read it."})
    row.viewed, row.viewed_since = person, clock.now()
    for subject, note in _on_both_trails(actor, person, reason):
        audit.record(session, actor, "person.view_as", subject=subject, note=note)
    outbox.put(session, PersonViewed(person.id, row.person_id, reason))


def end(session: Session, row: LoginSession) -> Person | None:
    """Answers the person who was viewed; None when the view had ended already."""
    person = row.viewed
    if person is None:
        return None
    row.viewed, row.viewed_since = None, None
    viewer = actor_of(session, row.person)
    for subject, note in _on_both_trails(viewer, person, ""):
        audit.record(session, viewer, "person.view_end", subject=subject, note=note)
    return person


def _on_both_trails(viewer: Actor, person: Person, note: str) -> tuple[tuple[str, str], ...]:
    """Subject and note of an entry for the person, and of one for the viewer."""
    for_viewer = f"{person.name} ({person.ref}) {note}".strip()
    return (f"person-{person.id}", note), (f"person-{viewer.person_id}", for_viewer)


def viewed_in(session: Session, row: LoginSession) -> Person | None:
    """Whom this session sees the portal as at this moment; a view ends by itself."""
    if row.viewed is None or row.viewed_since is None or clock.now() - row.viewed_since >= LIFE:
        return None
    theirs = actor_of(session, row.viewed)
    return row.viewed if may_view_as(actor_of(session, row.person), row.viewed, theirs) else None
