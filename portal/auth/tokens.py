"""Tokens for programs: how their text is made, and those with which a program acts as a person."""

import enum
import hashlib
import re
import secrets
import string
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from sqlalchemy import ForeignKey, String, UniqueConstraint, select, update
from sqlalchemy.orm import Mapped, MappedAsDataclass, Session, mapped_column, relationship

from allocations.kernel import audit, clock, outbox
from allocations.kernel.answers import require, when
from allocations.kernel.db import Base
from allocations.kernel.errors import IllegalMove, Invalid, NotFound
from allocations.kernel.events import Event
from allocations.people.persons import Identity, Person
from allocations.people.roles import Actor

DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
# 62**43 is just above 2**256, and 62**6 above 2**32.
RANDOM_DIGITS, CHECK_DIGITS = 43, 6
# Personal and of a service; one expression that secret scanners can look for.
SHAPE = re.compile(rf"pr[ts]_[0-9A-Za-z]{{{RANDOM_DIGITS + CHECK_DIGITS}}}", re.ASCII)
LONGEST_DAYS = 90
MOST = 20
# Without a log-in for so long the person may have left, and no provider has told us: the token waits.
LAPSES_AFTER = timedelta(days=30)


class Scope(enum.StrEnum):
    """What a token may be used for; each has a route of the API."""

    READ_PROFILE = "read:profile"
    READ_CALLS = "read:calls"
    READ_PROPOSALS = "read:proposals"
    READ_PROJECTS = "read:projects"
    READ_DATASETS = "read:datasets"
    NOTEBOOKS = "notebooks"


SCOPE_WORDS = {
    Scope.READ_PROFILE: "Read your name, e-mail address and institution",
    Scope.READ_CALLS: "Read calls",
    Scope.READ_PROPOSALS: "Read proposals",
    Scope.READ_PROJECTS: "Read projects, their members, balances and notebooks",
    Scope.READ_DATASETS: "Read the catalogue of datasets",
    Scope.NOTEBOOKS: "Start and stop notebooks",
}


@dataclass(frozen=True, slots=True)
class TokenMade(Event):
    token_id: int


def _written(number: int, width: int) -> str:
    found = ""
    for _ in range(width):
        number, digit = divmod(number, len(DIGITS))
        found = DIGITS[digit] + found
    return found


def _check(text: str) -> str:
    return _written(zlib.crc32(text.encode("ascii")), CHECK_DIGITS)


def fresh(prefix: str) -> str:
    """A new token: prefix, 32 random bytes, and a checksum that finds slips of the hand."""
    text = prefix + _written(int.from_bytes(secrets.token_bytes(32)), RANDOM_DIGITS)
    return text + _check(text)


def is_well_formed(text: str) -> bool:
    """Whether this could be a token at all: nobody has to look it up otherwise."""
    return bool(SHAPE.fullmatch(text)) and _check(text[:-CHECK_DIGITS]) == text[-CHECK_DIGITS:]


def digest(text: str) -> str:
    """SHA-256 needs no salt here: nobody guesses 32 random bytes."""
    return hashlib.sha256(text.encode()).hexdigest()


class Token(MappedAsDataclass, kw_only=True, repr=False, eq=False):
    """What both kinds of rows have. The text itself is stored nowhere."""

    PREFIX: ClassVar[str]

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    scopes: Mapped[list[str]]
    # Of the form that made it: sent again, it makes no second token.
    nonce: Mapped[str] = mapped_column(String(64))
    ends_at: Mapped[datetime]
    made_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
    last_used_at: Mapped[datetime | None] = mapped_column(default=None, init=False)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None, init=False)

    @property
    def is_over(self) -> str:
        """Why it is over for good; empty while it is not."""
        if self.revoked_at is not None:
            return "The token was revoked."
        return "" if clock.now() < self.ends_at else "The token has ended."


class PersonalToken(Token, Base):
    __tablename__ = "personal_token"
    __table_args__ = (UniqueConstraint("person_id", "nonce"),)
    PREFIX: ClassVar[str] = "prt_"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)


@dataclass(frozen=True, slots=True)
class TokenDraft:
    name: str
    scopes: tuple[Scope, ...]
    days: int
    nonce: str


def check(draft: TokenDraft, *, longest: int, offered: Sequence[Scope]) -> None:
    """Raises Invalid with the field messages."""
    wrong = {} if draft.name else {"name": "Give it a name that you will know again."}
    if not draft.scopes or not set(draft.scopes) <= set(offered):
        wrong["scopes"] = "Choose what the token is for."
    if not 1 <= draft.days <= longest:
        wrong["days"] = f"Enter between 1 and {longest} days."
    if len(draft.nonce) > 64:
        wrong["_form"] = "Load the page again and fill it in once more."
    if wrong:
        raise Invalid(wrong)


def make(session: Session, actor: Actor, draft: TokenDraft) -> str:
    """The text of the new token, which is to be had only here."""
    require(when(actor.person_id is not None, "Only people make tokens."))
    check(draft, longest=LONGEST_DAYS, offered=tuple(Scope))
    full = len(of_person(session, actor)) >= MOST
    require(when(not full, f"You have {MOST} tokens. Revoke one that you no longer use."))
    text = fresh(PersonalToken.PREFIX)
    row = PersonalToken(
        digest=digest(text),
        name=draft.name,
        scopes=sorted(draft.scopes),
        nonce=draft.nonce,
        ends_at=clock.now() + timedelta(days=draft.days),
        person=session.get_one(Person, actor.person_id),
    )
    session.add(row)
    session.flush()
    audit.record(session, actor, "token.make", subject=f"token-{row.id}", note=" ".join(row.scopes))
    outbox.put(session, TokenMade(row.id))
    return text


def of_person(session: Session, actor: Actor) -> Sequence[PersonalToken]:
    """The actor's own tokens that are not over, newest first; there are at most twenty."""
    mine = (PersonalToken.person_id == actor.person_id, PersonalToken.revoked_at.is_(None))
    query = select(PersonalToken).where(*mine, PersonalToken.ends_at > clock.now())
    return session.scalars(query.order_by(PersonalToken.id.desc()).limit(100)).all()


def revoke(session: Session, actor: Actor, token_id: int) -> None:
    """One of the actor's own; NotFound for anybody else's."""
    mine = (PersonalToken.id == token_id, PersonalToken.person_id == actor.person_id)
    if session.scalar(select(PersonalToken.id).where(*mine)) is None:
        raise NotFound
    values = update(PersonalToken).where(*mine, PersonalToken.revoked_at.is_(None))
    if session.execute(values.values(revoked_at=clock.now())).rowcount != 1:  # type: ignore[attr-defined]
        raise IllegalMove("This token is revoked already.")
    audit.record(session, actor, "token.revoke", subject=f"token-{token_id}")


def revoke_all(session: Session, actor: Actor) -> None:
    held = of_person(session, actor)
    require(when(held, "You have no token."))
    for token in held:
        revoke(session, actor, token.id)


def not_working(token: PersonalToken, latest: Identity | None) -> str:
    """Why the token does not work at this moment; empty when it does. `latest` is the log-in used last."""
    if token.person.disabled_at is not None:
        return "The account is closed."
    if latest is None or clock.now() - latest.last_seen_at > LAPSES_AFTER:
        days = LAPSES_AFTER.days
        return f"You have not logged in for {days} days. Log in, and the token works again."
    return token.is_over
