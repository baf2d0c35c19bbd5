"""Authorization codes: good for a minute and for one use; a second use ends what the first one gave."""

import secrets
from datetime import datetime, timedelta
from typing import ClassVar

from sqlalchemy import ForeignKey, String, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from allocations.kernel import clock
from allocations.kernel.db import Base
from portal.auth.sessions import digest
from portal.provider.families import Family

LIFE = timedelta(seconds=60)


class Code(Base):
    __tablename__ = "authorization_code"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    family_id: Mapped[int] = mapped_column(ForeignKey("token_family.id"), init=False, index=True)
    family: Mapped[Family] = relationship(lazy="joined", innerjoin=True)
    redirect_uri: Mapped[str] = mapped_column(String(500))
    code_challenge: Mapped[str] = mapped_column(String(128))
    nonce: Mapped[str] = mapped_column(String(255), default="")
    expires_at: Mapped[datetime] = mapped_column(default_factory=lambda: clock.now() + LIFE, init=False)
    used_at: Mapped[datetime | None] = mapped_column(default=None)
    code_challenge_method: ClassVar[str] = "S256"

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.family.scope


def issue(session: Session, family: Family, *, redirect_uri: str, challenge: str, nonce: str) -> str:
    """The code itself, which is kept nowhere."""
    code = secrets.token_urlsafe(32)
    row = Code(
        digest=digest(code),
        family=family,
        redirect_uri=redirect_uri,
        code_challenge=challenge,
        nonce=nonce,
    )
    session.add(row)
    return code


def find(session: Session, code: str) -> Code | None:
    return session.scalar(select(Code).where(Code.digest == digest(code)))


def take(session: Session, code: Code) -> bool:
    """True for exactly one of several that come at the same moment."""
    free = (Code.id == code.id, Code.used_at.is_(None), Code.expires_at > clock.now())
    taken = update(Code).where(*free).values(used_at=clock.now()).returning(Code.id)
    return session.scalar(taken) is not None
