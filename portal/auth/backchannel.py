"""Back-channel log-out: a provider tells that somebody's session there has ended (OpenID Connect
Back-Channel Logout 1.0)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from allocations.kernel import audit, clock
from allocations.kernel.db import Base
from allocations.people.institutions import IdentityProvider
from allocations.people.persons import Identity
from allocations.people.roles import SYSTEM
from portal.auth.oidc import Client, Refused, check_claims
from portal.auth.sessions import LoginSession, digest
from portal.auth.transport import patience

EVENT = "http://schemas.openid.net/event/backchannel-logout"
KIND = frozenset({"logout+jwt"})
# Seconds: a token that could be kept for later is not accepted.
LONGEST = 600


class LogoutToken(Base):
    """A token that was obeyed, so that it is obeyed once."""

    __tablename__ = "logout_token"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    provider_id: Mapped[int] = mapped_column(ForeignKey("identity_provider.id"))
    # Provider and jti; a jti alone is unique only among the tokens of one issuer.
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """Whose sessions end: all of a subject, or one session by the provider's name for it."""

    jti: str
    subject: str
    sid: str


def verified(client: Client, token: str) -> LoggedOut:
    """What the token says, when it is one; raises Refused, Unreachable or Misconfigured."""
    with patience():
        claims, _ = client.signed(token, client.metadata(), kinds=KIND)
    _check(claims, client.provider)
    subject, sid = claims.get("sub", ""), claims.get("sid", "")
    if not isinstance(subject, str) or not isinstance(sid, str) or not (subject or sid):
        raise Refused("the token names nobody")
    return LoggedOut(claims["jti"], subject, sid)


def _check(claims: Mapping[str, Any], provider: IdentityProvider) -> None:
    """As for an identity token, but for its event, its subject and its nonce (2.4 and 2.6)."""
    said = {name: value for name, value in claims.items() if name != "events"}
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise Refused("the token is about another event")
    if "nonce" in claims:
        raise Refused("the token has a nonce")
    if not isinstance(claims.get("jti"), str) or not claims["jti"]:
        raise Refused("the token has no name")
    check_claims({"sub": "nobody", **said}, issuer=provider.issuer, client_id=provider.client_id)
    if claims["exp"] - claims["iat"] > LONGEST:
        raise Refused("the token could be used for too long")


def obey(session: Session, provider: IdentityProvider, told: LoggedOut) -> int:
    """How many sessions ended. Raises Refused for a token that was obeyed before."""
    try:
        with session.begin_nested():
            name = digest(f"{provider.id} {told.jti}")
            session.add(LogoutToken(provider_id=provider.id, digest=name))
    except IntegrityError:
        raise Refused("the token has been used already") from None
    mine = select(Identity.id).where(Identity.issuer == provider.issuer)
    if told.subject:
        mine = mine.where(Identity.subject == told.subject)
    named = LoginSession.provider_sid == told.sid if told.sid else true()
    ending = (LoginSession.identity_id.in_(mine), LoginSession.ended_at.is_(None), named)
    values = {"ended_at": clock.now(), "end_reason": "log-out at the provider"}
    ended = session.scalars(update(LoginSession).where(*ending).values(**values).returning(LoginSession.id))
    numbers = sorted(ended)
    for number in numbers:
        audit.record(session, SYSTEM, "session.end", subject=f"session-{number}", note=provider.slug)
    return len(numbers)
