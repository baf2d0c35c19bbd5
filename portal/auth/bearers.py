"""From the text of a token to whoever it speaks for: an actor with the rights of this moment, and scopes."""

from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from allocations.kernel import clock
from allocations.people.persons import latest_identity
from allocations.people.roles import Actor, Role, actor_of
from portal.auth import service_tokens, tokens
from portal.auth.service_tokens import ServiceToken
from portal.auth.tokens import PersonalToken
from portal.database import reading, sessions

# A token never carries these, whatever the person may do at the keyboard.
AT_THE_KEYBOARD = frozenset({Role.ADMINISTRATOR, Role.AUDITOR})
PAUSE = timedelta(minutes=1)


class Unknown(Exception):
    """Never a token of this portal."""


class Dead(Exception):
    """A token that does not work at this moment; the reason is for its holder."""


@dataclass(frozen=True, slots=True)
class Bearer:
    actor: Actor
    scopes: frozenset[str]


def present(text: str) -> Bearer:
    """Raises Unknown or Dead. In sessions of its own: those of requests that read never commit."""
    if not tokens.is_well_formed(text):
        raise Unknown
    with reading() as session:
        row = _row(session, text)
        if row is None:
            raise Unknown
        bearer = Bearer(_actor(session, row), frozenset(row.scopes))
        last_used = row.last_used_at
    if last_used is None or clock.now() - last_used >= PAUSE:
        _note_use(type(row), row.id)
    return bearer


def _row(session: Session, text: str) -> PersonalToken | ServiceToken | None:
    digest = tokens.digest(text)
    if text.startswith(ServiceToken.PREFIX):
        return session.scalar(select(ServiceToken).where(ServiceToken.digest == digest))
    return session.scalar(select(PersonalToken).where(PersonalToken.digest == digest))


def _actor(session: Session, row: PersonalToken | ServiceToken) -> Actor:
    if isinstance(row, ServiceToken):
        _refuse(service_tokens.not_working(session, row))
        return Actor(name=row.label, project_id=row.project_id, owner_id=row.maker_id)
    latest = latest_identity(session, row.person)
    _refuse(tokens.not_working(row, latest))
    actor = actor_of(session, row.person, latest)
    carried = frozenset(held for held in actor.roles if held[0] not in AT_THE_KEYBOARD)
    return replace(actor, roles=carried)


def _refuse(reason: str) -> None:
    if reason:
        raise Dead(reason)


def _note_use(kind: type[PersonalToken] | type[ServiceToken], token_id: int) -> None:
    """At most once a minute, so that a busy program does not make a write of each of its readings."""
    now = clock.now()
    old = or_(kind.last_used_at.is_(None), kind.last_used_at <= now - PAUSE)
    with sessions()() as session, session.begin():
        session.execute(update(kind).where(kind.id == token_id, old).values(last_used_at=now))
