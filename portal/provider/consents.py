"""What people have agreed to, client by client, so that they are asked once."""

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from allocations.kernel import audit, clock
from allocations.kernel.db import Base
from allocations.people.roles import Actor
from portal.provider.clients import Client, subject_of


class ClientConsent(Base):
    __tablename__ = "client_consent"
    __table_args__ = (UniqueConstraint("person_id", "client_id"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id"), index=True)
    scopes: Mapped[list[str]]
    given_at: Mapped[datetime] = mapped_column(default_factory=clock.now)


def _of(session: Session, person_id: int, client: Client) -> ClientConsent | None:
    mine = (ClientConsent.person_id == person_id, ClientConsent.client_id == client.id)
    return session.scalar(select(ClientConsent).where(*mine))


def covers(session: Session, person_id: int, client: Client, *, scope: str) -> bool:
    """The person has agreed to all of this before."""
    row = _of(session, person_id, client)
    return row is not None and set(scope.split()) <= set(row.scopes)


def give(session: Session, actor: Actor, client: Client, *, scope: str) -> None:
    """The actor's own, added to what was agreed to before."""
    if actor.person_id is None:
        return
    row = _of(session, actor.person_id, client)
    if row is None:
        row = ClientConsent(person_id=actor.person_id, client_id=client.id, scopes=[])
        session.add(row)
    row.scopes = list(dict.fromkeys([*row.scopes, *scope.split()]))
    row.given_at = clock.now()
    audit.record(session, actor, "client.consent", subject=subject_of(client), note=scope)
