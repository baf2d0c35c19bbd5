"""Access and refresh tokens, by their digests; a refresh token is good for one use."""

import enum
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ForeignKey, String, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from allocations.kernel import clock
from allocations.kernel.db import Base
from portal.auth.sessions import digest
from portal.provider import families
from portal.provider.clients import Client
from portal.provider.families import Family

# Of access tokens, id tokens and passports.
LIFE = timedelta(minutes=10)


class Kind(enum.StrEnum):
    ACCESS = "access"
    REFRESH = "refresh"


class Token(Base):
    __tablename__ = "issued_token"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[Kind]
    family_id: Mapped[int] = mapped_column(ForeignKey("token_family.id"), init=False, index=True)
    family: Mapped[Family] = relationship(lazy="joined", innerjoin=True)
    scope: Mapped[str] = mapped_column(String(500))
    issued_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None] = mapped_column(default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)

    def check_client(self, client: Client) -> bool:
        return self.family.client_id == client.id

    def get_scope(self) -> str:
        return self.scope

    def is_expired(self) -> bool:
        return clock.now() >= self.expires_at

    def is_revoked(self) -> bool:
        return self.revoked_at is not None or self.used_at is not None or not self.family.live


def save(session: Session, family: Family, issued: Mapping[str, Any]) -> None:
    """What was just issued. The refresh token keeps the whole scope and the end of its family."""
    soon = min(clock.now() + LIFE, family.ends_at)
    access = Token(
        digest=digest(issued["access_token"]),
        kind=Kind.ACCESS,
        family=family,
        scope=issued["scope"],
        expires_at=soon,
    )
    session.add(access)
    if "refresh_token" in issued:
        refresh = Token(
            digest=digest(issued["refresh_token"]),
            kind=Kind.REFRESH,
            family=family,
            scope=family.scope,
            expires_at=family.ends_at,
        )
        session.add(refresh)


def find(session: Session, text: str, *kinds: Kind) -> Token | None:
    """Also one that has ended."""
    wanted = (Token.digest == digest(text), Token.kind.in_(kinds or tuple(Kind)))
    return session.scalar(select(Token).where(*wanted))


def take(session: Session, token: Token) -> bool:
    """True for exactly one of several that come at the same moment."""
    free = (Token.id == token.id, Token.used_at.is_(None), Token.expires_at > clock.now())
    taken = update(Token).where(*free).values(used_at=clock.now()).returning(Token.id)
    return session.scalar(taken) is not None


def revoke(session: Session, token: Token) -> None:
    """An access token by itself; with a refresh token everything of its family."""
    if token.kind == Kind.REFRESH:
        families.revoke(session, token.family, "revoked by the client")
    elif token.revoked_at is None:
        token.revoked_at = clock.now()
