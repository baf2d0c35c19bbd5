"""Log-in sessions: rows in the database; the cookie holds nothing but a random handle.

The idle end is the age of the signed cookie, which each answer renews, so that reading a page
writes nothing; administrators have less time. The absolute end, log-out and the end by others
are in the row.
"""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from flask import request
from flask import session as cookie
from sqlalchemy import ForeignKey, String, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column, query_expression, relationship, with_expression

from allocations.kernel import audit, clock
from allocations.kernel.db import Base
from allocations.people.persons import OF_LOG_IN, Identity, Person
from allocations.people.roles import Actor, Role, holding
from allocations.programme import reviews

IDLE = timedelta(minutes=60)
LONGEST = timedelta(hours=12)
# Of persons who hold the administrator's role.
ADMIN_IDLE = timedelta(minutes=15)
ADMIN_LONGEST = timedelta(hours=4)
KEY = "_user_id"
# What log-ins under way are bound to; not the session's, and worth nothing without the log-in's own row.
BROWSER = "browser"
SEEN = "seen"


class LoginSession(Base):
    __tablename__ = "login_session"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    # SHA-256 of the handle: a copy of the database opens no session.
    handle_digest: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True, init=False, info=OF_LOG_IN)
    person: Mapped[Person] = relationship(
        lazy="joined", innerjoin=True, foreign_keys="LoginSession.person_id"
    )
    identity_id: Mapped[int] = mapped_column(ForeignKey("identity.id"), init=False)
    identity: Mapped[Identity] = relationship(lazy="joined", innerjoin=True)
    auth_time: Mapped[datetime]
    agent: Mapped[str] = mapped_column(String(200))
    acr: Mapped[str] = mapped_column(String(255), default="")
    # The provider's own name for its session: back-channel log-out may say it.
    provider_sid: Mapped[str] = mapped_column(String(255), default="")
    began_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    end_reason: Mapped[str] = mapped_column(String(60), default="")
    # Whom an administrator looks at the portal as, and since when (see `viewing`).
    viewed_person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, info=OF_LOG_IN)
    viewed: Mapped[Person | None] = relationship(
        lazy="joined", default=None, foreign_keys="LoginSession.viewed_person_id"
    )
    viewed_since: Mapped[datetime | None] = mapped_column(default=None)
    # Filled in by `live` alone, in the statement that every page needs anyway.
    owes_reviews: Mapped[bool | None] = query_expression()


def digest(handle: str) -> str:
    return hashlib.sha256(handle.encode()).hexdigest()


def begin(
    session: Session, identity: Identity, *, auth_time: datetime | None, acr: str, sid: str = ""
) -> None:
    """End the session that this browser had, and start one with a new handle.

    What binds log-ins to the browser stays: another tab may be at its provider right now.
    """
    end_current(session, "another log-in")
    browser = cookie.get(BROWSER)
    cookie.clear()
    if browser:
        cookie[BROWSER] = browser
    handle = secrets.token_urlsafe(32)
    row = LoginSession(
        handle_digest=digest(handle),
        person=identity.person,
        identity=identity,
        auth_time=auth_time or clock.now(),
        agent=request.headers.get("User-Agent", "")[:200],
        acr=acr,
        provider_sid=sid,
    )
    session.add(row)
    cookie.permanent = True
    cookie[KEY] = handle
    mark_seen()


def mark_seen() -> None:
    """The idle time begins anew with this answer."""
    cookie[SEEN] = int(clock.now().timestamp())


def renew(session: Session, row: LoginSession) -> None:
    """The same session under a new handle: what a copy of the old cookie knows opens nothing more."""
    handle = secrets.token_urlsafe(32)
    row.handle_digest = digest(handle)
    session.flush()
    cookie[KEY] = handle


def live(session: Session, handle: str) -> LoginSession | None:
    """The session of this browser's handle, unless it has ended or its person is disabled."""
    administers = holding(LoginSession.person_id, Role.ADMINISTRATOR)
    whoever = func.coalesce(LoginSession.viewed_person_id, LoginSession.person_id)
    owes = with_expression(LoginSession.owes_reviews, reviews.owed_by(whoever))
    mine = LoginSession.handle_digest == digest(handle)
    query = select(LoginSession, administers).where(mine).options(owes)
    row, strict = session.execute(query).one_or_none() or (None, False)
    if row is None or row.ended_at is not None or row.person.disabled_at is not None:
        return None
    # The log-in was taken off the account, or went to another one.
    if row.identity.unlinked_at is not None or row.identity.person_id != row.person_id:
        return None
    idle, longest = (ADMIN_IDLE, ADMIN_LONGEST) if strict else (IDLE, LONGEST)
    return row if clock.now() - row.began_at < longest and _unused() < idle else None


def _unused() -> timedelta:
    """How long ago this browser got its last answer, as the signed cookie says."""
    seen = cookie.get(SEEN)
    return timedelta(seconds=clock.now().timestamp() - seen) if isinstance(seen, int) else timedelta.max


def end_current(session: Session, reason: str) -> None:
    """End the row behind this browser's cookie, if there is one."""
    handle = cookie.get(KEY)
    if handle:
        mine = (LoginSession.handle_digest == digest(str(handle)), LoginSession.ended_at.is_(None))
        session.execute(update(LoginSession).where(*mine).values(ended_at=clock.now(), end_reason=reason))


def end_of(session: Session, identity: Identity, reason: str) -> None:
    """End all sessions of this log-in for good: it may be linked again one day."""
    mine = (LoginSession.identity_id == identity.id, LoginSession.ended_at.is_(None))
    session.execute(update(LoginSession).where(*mine).values(ended_at=clock.now(), end_reason=reason))


def of_person(session: Session, actor: Actor) -> Sequence[LoginSession]:
    """The actor's own sessions that are still open, newest first."""
    recent = clock.now() - LONGEST
    query = select(LoginSession).where(
        LoginSession.person_id == actor.person_id,
        LoginSession.ended_at.is_(None),
        LoginSession.began_at > recent,
    )
    return session.scalars(query.order_by(LoginSession.id.desc()).limit(100)).all()


def end(session: Session, actor: Actor, session_id: int) -> None:
    """End one of the actor's own sessions; nothing happens for anybody else's."""
    mine = (LoginSession.id == session_id, LoginSession.person_id == actor.person_id)
    values = {"ended_at": clock.now(), "end_reason": "ended by the person"}
    open_still = update(LoginSession).where(*mine, LoginSession.ended_at.is_(None)).values(**values)
    if session.scalars(open_still.returning(LoginSession.id)).all():
        audit.record(session, actor, "session.end", subject=f"session-{session_id}")


def open_of(session: Session, person: Person) -> Sequence[LoginSession]:
    """For the people desk: somebody's open sessions, newest first."""
    return of_person(session, Actor(person_id=person.id))


def end_all(session: Session, person: Person, *, reason: str) -> None:
    mine = (LoginSession.person_id == person.id, LoginSession.ended_at.is_(None))
    session.execute(update(LoginSession).where(*mine).values(ended_at=clock.now(), end_reason=reason[:60]))
