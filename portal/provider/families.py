"""Families: what one agreement gave a client, from the code to the last token; it ends together."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from allocations.kernel import audit, clock
from allocations.kernel.db import Base
from allocations.people.persons import Identity, Person
from allocations.people.roles import SYSTEM
from portal.auth.sessions import LoginSession
from portal.provider import subjects
from portal.provider.clients import Client, subject_of

# After this the person has to come by again, however often tokens were refreshed.
LONGEST = timedelta(hours=12)


class Family(Base):
    __tablename__ = "token_family"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id"), init=False, index=True)
    client: Mapped[Client] = relationship(lazy="joined", innerjoin=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    # The identity of the session in which the person agreed: what is believed of it, and nothing of others.
    identity_id: Mapped[int] = mapped_column(ForeignKey("identity.id"), init=False)
    identity: Mapped[Identity] = relationship(lazy="joined", innerjoin=True)
    scope: Mapped[str] = mapped_column(String(500))
    auth_time: Mapped[datetime]
    acr: Mapped[str] = mapped_column(String(255))
    began_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
    ends_at: Mapped[datetime] = mapped_column(default_factory=lambda: clock.now() + LONGEST, init=False)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)
    reason: Mapped[str] = mapped_column(String(60), default="")

    @property
    def live(self) -> bool:
        """Asked at every use: a disabled person or client, or a lost log-in, ends all of it at once."""
        ended = (
            self.revoked_at,
            self.person.disabled_at,
            self.client.disabled_at,
            self.identity.held_at,
            self.identity.unlinked_at,
        )
        return all(moment is None for moment in ended) and clock.now() < self.ends_at


def begin(session: Session, client: Client, row: LoginSession, *, scope: str) -> Family:
    """The person of this session agreed that the client gets this."""
    subjects.give(session, row.person_id)
    family = Family(
        client=client,
        person=row.person,
        identity=row.identity,
        scope=scope,
        auth_time=row.auth_time,
        acr=row.acr,
    )
    session.add(family)
    session.flush()
    return family


def of_person(session: Session, person_id: int) -> Sequence[Family]:
    """What clients hold of this person at this moment, the newest first."""
    mine = (Family.person_id == person_id, Family.revoked_at.is_(None), Family.ends_at > clock.now())
    return session.scalars(select(Family).where(*mine).order_by(Family.id.desc()).limit(200)).all()


def revoke(session: Session, family: Family, reason: str) -> None:
    """Once; the trail keeps why."""
    mine = (Family.id == family.id, Family.revoked_at.is_(None))
    ended = update(Family).where(*mine).values(revoked_at=clock.now(), reason=reason).returning(Family.id)
    if session.scalar(ended) is not None:
        note = f"person-{family.person_id}: {reason}"
        audit.record(session, SYSTEM, "client.revoke_family", subject=subject_of(family.client), note=note)
