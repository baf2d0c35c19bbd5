"""Log-ins under way: what we sent to a provider, kept on our side and used once."""

import enum
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import session as cookie
from sqlalchemy import ForeignKey, String, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from allocations.kernel import clock
from allocations.kernel.db import Base
from allocations.people.institutions import IdentityProvider
from portal.auth.oidc import Attempt
from portal.auth.sessions import BROWSER, digest

LIFE = timedelta(minutes=10)


class Purpose(enum.StrEnum):
    LOG_IN = "log_in"
    STEP_UP = "step_up"
    LINK = "link"


class LoginAttempt(Base):
    __tablename__ = "login_attempt"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    state_digest: Mapped[str] = mapped_column(String(64), unique=True)
    # The browser that began it, by a random value in its cookie.
    browser_digest: Mapped[str] = mapped_column(String(64))
    provider_id: Mapped[int] = mapped_column(ForeignKey("identity_provider.id"))
    nonce: Mapped[str] = mapped_column(String(64))
    verifier: Mapped[str] = mapped_column(String(64))
    next: Mapped[str] = mapped_column(String(2000))
    purpose: Mapped[Purpose] = mapped_column(default=Purpose.LOG_IN)
    # The session that wants a step-up or another log-in, by its handle's digest; empty for a log-in.
    session_digest: Mapped[str] = mapped_column(String(64), default="")
    began_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
    used_at: Mapped[datetime | None] = mapped_column(default=None)


def fresh() -> Attempt:
    """A new attempt; nothing is stored yet."""
    return Attempt(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48))


@dataclass(frozen=True, slots=True)
class Errand:
    """What a log-in is for: for a page, for a session that steps up, or for one that adds a log-in."""

    wanted: str
    purpose: Purpose = Purpose.LOG_IN
    session_digest: str = ""


def store(session: Session, provider: IdentityProvider, attempt: Attempt, errand: Errand) -> None:
    """Bound to this browser; the state itself is only in the address that we send it to."""
    cookie.setdefault(BROWSER, secrets.token_urlsafe(24))
    session.add(
        LoginAttempt(
            state_digest=digest(attempt.state),
            browser_digest=digest(cookie[BROWSER]),
            provider_id=provider.id,
            nonce=attempt.nonce,
            verifier=attempt.verifier,
            next=errand.wanted,
            purpose=errand.purpose,
            session_digest=errand.session_digest,
        )
    )


@dataclass(frozen=True, slots=True)
class Taken:
    """An attempt that has been answered, and what it was for."""

    attempt: Attempt
    errand: Errand


def take(session: Session, provider: IdentityProvider, state: str) -> Taken | None:
    """The attempt of this state, provider and browser; each is taken once."""
    fitting = (
        LoginAttempt.state_digest == digest(state),
        LoginAttempt.browser_digest == digest(str(cookie.get(BROWSER, ""))),
        LoginAttempt.provider_id == provider.id,
        LoginAttempt.began_at > clock.now() - LIFE,
        LoginAttempt.used_at.is_(None),
    )
    used = update(LoginAttempt).where(*fitting).values(used_at=clock.now()).returning(LoginAttempt)
    row = session.scalars(used).one_or_none()
    if row is None:
        return None
    errand = Errand(row.next, row.purpose, row.session_digest)
    return Taken(Attempt(state, row.nonce, row.verifier), errand)
