"""Device requests: a program without a browser asks, a person agrees by typing a short code (RFC 8628)."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, String, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from allocations.kernel import audit, clock
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.db import Base
from allocations.people.roles import Actor
from portal.auth.sessions import LoginSession, digest
from portal.provider import families
from portal.provider.clients import Client, subject_of
from portal.provider.families import Family

LIFE = timedelta(minutes=10)
# Seconds between two questions; each question that comes too soon adds as many.
INTERVAL = 5
# Wrong user codes that a person may type within the life of a code.
TRIES = 5
# No vowels, so no words; nothing that is taken for something else. 20^8 codes.
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"


class DeviceRequest(Base):
    __tablename__ = "device_request"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    device_digest: Mapped[str] = mapped_column(String(64), unique=True)
    user_digest: Mapped[str] = mapped_column(String(64), unique=True)
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id"), init=False, index=True)
    client: Mapped[Client] = relationship(lazy="joined", innerjoin=True)
    scope: Mapped[str] = mapped_column(String(500))
    # Where the program runs that asks; the person is shown it.
    address: Mapped[str] = mapped_column(String(64))
    family_id: Mapped[int | None] = mapped_column(ForeignKey("token_family.id"), init=False, index=True)
    family: Mapped[Family | None] = relationship(default=None)
    interval: Mapped[int] = mapped_column(default=INTERVAL)
    asked_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
    expires_at: Mapped[datetime] = mapped_column(default_factory=lambda: clock.now() + LIFE, init=False)
    polled_at: Mapped[datetime | None] = mapped_column(default=None)
    denied_at: Mapped[datetime | None] = mapped_column(default=None)
    used_at: Mapped[datetime | None] = mapped_column(default=None)

    def get_client_id(self) -> str:
        return self.client.client_id

    def get_scope(self) -> str:
        return self.scope

    def get_user_code(self) -> "DeviceRequest":
        """What Authlib hands back to find out who agreed; the code itself is kept nowhere."""
        return self

    def is_expired(self) -> bool:
        return clock.now() >= self.expires_at


class WrongUserCode(Base):
    """A code that a person typed and that nobody waits for."""

    __tablename__ = "wrong_user_code"
    __table_args__ = (Index(None, "person_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)


def new_user_code() -> str:
    """Such as BCDF-GHJK."""
    letters = "".join(secrets.choice(LETTERS) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"


def plain(user_code: str) -> str:
    """As it is digested: people type small letters, and leave the dash out."""
    return "".join(char for char in user_code.upper() if char in LETTERS)


def find(session: Session, device_code: str) -> DeviceRequest | None:
    wanted = select(DeviceRequest).where(DeviceRequest.device_digest == digest(device_code))
    return session.scalar(wanted)


def waiting(session: Session, user_code: str) -> DeviceRequest | None:
    """The request of this code, answered or not, while it lives."""
    typed = plain(user_code)
    if len(typed) != 8:
        return None
    live = (DeviceRequest.user_digest == digest(typed), DeviceRequest.expires_at > clock.now())
    return session.scalar(select(DeviceRequest).where(*live))


def tries_left(session: Session, actor: Actor) -> int:
    recent = (WrongUserCode.person_id == actor.person_id, WrongUserCode.at > clock.now() - LIFE)
    return TRIES - (session.scalar(select(func.count()).select_from(WrongUserCode).where(*recent)) or 0)


def may_answer(actor: Actor, request: DeviceRequest) -> Answer:
    return first_no(
        when(actor.person_id is not None, "Log in to answer."),
        when(request.denied_at is None and request.family_id is None, "This code has been answered already."),
        when(request.client.disabled_at is None, "This program may not ask any more."),
    )


def agree(session: Session, actor: Actor, request: DeviceRequest, *, row: LoginSession) -> None:
    require(may_answer(actor, request))
    request.family = families.begin(session, request.client, row, scope=request.scope)
    note = f"{request.scope} at {request.address}"
    audit.record(session, actor, "client.consent", subject=subject_of(request.client), note=note)


def refuse(session: Session, actor: Actor, request: DeviceRequest) -> None:
    require(may_answer(actor, request))
    request.denied_at = clock.now()
    audit.record(session, actor, "client.refuse", subject=subject_of(request.client), note=request.address)


def take(session: Session, request: DeviceRequest) -> bool:
    """True for exactly one of several that come at the same moment."""
    free = (DeviceRequest.id == request.id, DeviceRequest.used_at.is_(None))
    taken = update(DeviceRequest).where(*free).values(used_at=clock.now()).returning(DeviceRequest.id)
    return session.scalar(taken) is not None


def polled_too_soon(request: DeviceRequest) -> bool:
    """Notes that the program has asked; one that does not wait has to wait longer from then on."""
    now, before = clock.now(), request.polled_at
    request.polled_at = now
    hasty = before is not None and now - before < timedelta(seconds=request.interval)
    if hasty:
        request.interval += INTERVAL
    return hasty
