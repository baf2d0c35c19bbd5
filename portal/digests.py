"""One letter a day for each person with something waiting: the reminder, and the only one."""

from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ForeignKey, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from allocations.kernel import clock
from allocations.kernel.db import Base
from allocations.people.persons import OF_LOG_IN, Person
from allocations.people.roles import Actor, actor_of
from allocations.programme import reviews, talking
from allocations.programme.reviews import OPEN, Review
from portal import tasks
from portal.post import Post

# Letters go out after this hour (UTC), so that they are there in the morning.
HOUR = time(5)
SOON = timedelta(days=3)
# Discussions named in one letter.
MOST = 20


class Digest(Base):
    """When somebody's waiting things were last looked at."""

    __tablename__ = "digest"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True, info=OF_LOG_IN)
    looked_on: Mapped[date]


def due(session: Session) -> Person | None:
    """Somebody whose day has not been looked at yet; new people begin with tomorrow."""
    today = clock.today()
    if clock.now().time() < HOUR:
        return None
    query = select(Person).outerjoin(Digest, Digest.person_id == Person.id)
    waiting = or_(Digest.person_id.is_(None), Digest.looked_on < today)
    active = (Person.disabled_at.is_(None), Person.welcomed_at.is_not(None))
    return session.scalar(query.where(waiting, *active).order_by(Person.id).limit(1))


def write(session: Session, post: Post, person: Person) -> None:
    """Look at what waits for this person, and write if there is something."""
    row = session.get(Digest, person.id)
    if row is None:
        session.add(Digest(person_id=person.id, looked_on=clock.today()))
        return
    since, row.looked_on = _morning(row.looked_on), clock.today()
    actor = actor_of(session, person)
    waiting = tasks.waiting_for(session, actor)
    said = _said(session, actor, since)
    if not waiting and not said:
        return
    lines = "\n".join(f"* {task.line}" for task in waiting)
    post.to(person, "What waits for you", lines, *_soon(session, person), said, path="/home")


def _morning(day: date) -> datetime:
    return datetime.combine(day, HOUR, tzinfo=UTC)


def _said(session: Session, actor: Actor, since: datetime) -> str:
    """What is new in discussions. Days end when letters may go out, so that each message counts once."""
    found = talking.news(session, actor, since=since, until=_morning(clock.today()))
    lines = [
        f"* {number} new message{'s' if number > 1 else ''} in the discussion of "
        f"“{proposal.heading}” ({proposal.ref})"
        for proposal, number in found[:MOST]
    ]
    return "\n".join([*lines, *(["* More in other discussions"] if len(found) > MOST else [])])


def _soon(session: Session, person: Person) -> list[str]:
    """Reviews that are late or due in the next days, by reference."""
    actor = actor_of(session, person)
    query = select(Review).where(
        reviews.own(actor), Review.state.in_(OPEN), Review.due_at <= clock.now() + SOON
    )
    near = session.scalars(query.order_by(Review.due_at, Review.id)).all()
    return [
        f"Your review {review.ref} {'was' if review.due_at < clock.now() else 'is'} due on "
        f"{review.due_at:%-d %B at %H:%M} UTC."
        for review in near
        if review.due_at is not None
    ]
