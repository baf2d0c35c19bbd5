"""Log-ins that somebody wants to add to their account: proved, shown, and not yet confirmed."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ForeignKey, String, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from allocations.kernel import clock
from allocations.kernel.db import Base
from allocations.kernel.errors import NotFound
from allocations.people.institutions import IdentityProvider
from allocations.people.recognition import Claims

LIFE = timedelta(minutes=10)


class LinkOffer(Base):
    """What a provider said of the second log-in, kept for the session that asked and for nobody else."""

    __tablename__ = "link_offer"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    session_digest: Mapped[str] = mapped_column(String(64), index=True)
    provider_id: Mapped[int] = mapped_column(ForeignKey("identity_provider.id"), init=False)
    provider: Mapped[IdentityProvider] = relationship(lazy="joined", innerjoin=True)
    claims: Mapped[dict[str, Any]]
    made_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
    used_at: Mapped[datetime | None] = mapped_column(default=None)

    @property
    def said(self) -> Claims:
        """Without the time of the log-in, which was checked when the offer was made."""
        values = {name: tuple(v) if isinstance(v, list) else v for name, v in self.claims.items()}
        return Claims(**values)  # type: ignore[arg-type]


def make(session: Session, session_digest: str, provider: IdentityProvider, claims: Claims) -> None:
    values = {name: value for name, value in asdict(claims).items() if name != "auth_time"}
    provider = session.merge(provider, load=False)
    session.add(LinkOffer(session_digest=session_digest, provider=provider, claims=values))


def waiting(session: Session, session_digest: str) -> LinkOffer:
    """The newest of this session that has not been answered; raises NotFound."""
    mine = (LinkOffer.session_digest == session_digest, LinkOffer.used_at.is_(None))
    query = select(LinkOffer).where(*mine, LinkOffer.made_at > clock.now() - LIFE)
    offer = session.scalar(query.order_by(LinkOffer.id.desc()).limit(1))
    if offer is None:
        raise NotFound("There is no log-in to add. Begin again.")
    return offer


def take(session: Session, offer: LinkOffer) -> Claims:
    """Answered once."""
    mine = (LinkOffer.id == offer.id, LinkOffer.used_at.is_(None))
    used = update(LinkOffer).where(*mine).values(used_at=clock.now()).returning(LinkOffer.id)
    if session.scalar(used) is None:
        raise NotFound("This has been answered already.")
    return offer.said
