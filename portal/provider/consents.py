"""What people have agreed to, client by client, so that they are asked once."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from allocations.kernel import audit, clock
from allocations.kernel.db import Base
from allocations.people.roles import Actor
from portal.provider import families
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


@dataclass(frozen=True, slots=True)
class Held:
    """What one client knows or may do of a person: agreed before, or in use at this moment."""

    client: Client
    scopes: tuple[str, ...]
    given_at: datetime


def of_person(session: Session, actor: Actor) -> list[Held]:
    """By name of the client. One that asks each time is listed while it holds something."""
    if actor.person_id is None:
        return []
    query = select(ClientConsent, Client).join(Client, Client.id == ClientConsent.client_id)
    agreed = session.execute(query.where(ClientConsent.person_id == actor.person_id)).all()
    held = {client.id: Held(client, tuple(row.scopes), row.given_at) for row, client in agreed}
    for family in families.of_person(session, actor.person_id):
        now = Held(family.client, tuple(family.scope.split()), family.began_at)
        held.setdefault(family.client_id, now)
    return sorted(held.values(), key=lambda each: (each.client.name, each.client.id))


def take_back(session: Session, actor: Actor, client_id: int) -> None:
    """The person is asked again the next time, and what the client holds ends now."""
    if actor.person_id is None:
        return
    for family in families.of_person(session, actor.person_id):
        if family.client_id == client_id:
            families.revoke(session, family, "taken back by the person")
    mine = (ClientConsent.person_id == actor.person_id, ClientConsent.client_id == client_id)
    if session.scalars(delete(ClientConsent).where(*mine).returning(ClientConsent.id)).all():
        client = session.get_one(Client, client_id)
        audit.record(session, actor, "client.take_back", subject=subject_of(client))
