"""Service tokens: a program that works for a project, for which two of the project's leaders answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from sqlalchemy import Exists, ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship, selectinload

from allocations.accounts.awards import Allocation, AllocationState
from allocations.accounts.projects import LEADERS, Project
from allocations.kernel import audit, clock, outbox
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.db import Base
from allocations.kernel.errors import NotFound
from allocations.kernel.events import Event
from allocations.people.persons import Person
from allocations.people.roles import Actor
from portal.auth import tokens
from portal.auth.tokens import Scope, Token, TokenDraft

LONGEST_DAYS = 365
MOST = 20
SCOPES = (Scope.READ_PROJECTS, Scope.NOTEBOOKS)
WAITS = "A second leader of the project has not confirmed the token yet."


@dataclass(frozen=True, slots=True)
class ServiceTokenMade(Event):
    token_id: int


@dataclass(frozen=True, slots=True)
class ServiceTokenConfirmed(Event):
    token_id: int


class ServiceToken(Token, Base):
    __tablename__ = "service_token"
    __table_args__ = (UniqueConstraint("project_id", "nonce"),)
    PREFIX: ClassVar[str] = "prs_"

    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"), init=False)
    project: Mapped[Project] = relationship(lazy="joined", innerjoin=True)
    # The two owners: whoever made it, and whoever confirmed it.
    maker_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    maker: Mapped[Person] = relationship(foreign_keys=[maker_id], lazy="joined", innerjoin=True)
    confirmer_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False)
    confirmer: Mapped[Person | None] = relationship(foreign_keys=[confirmer_id], lazy="joined", default=None)
    confirmed_at: Mapped[datetime | None] = mapped_column(default=None, init=False)

    @property
    def label(self) -> str:
        """How the token is named wherever it has done something."""
        return f"token “{self.name}” of {self.project.ref}"


def may_make(actor: Actor, project: Project) -> Answer:
    return when(
        project.role_of(actor) in LEADERS,
        "Only the PI, a co-PI or an allocation manager has to do with the project's tokens.",
    )


def may_confirm(actor: Actor, token: ServiceToken) -> Answer:
    """A second owner, so that no token hangs on one person alone."""
    return first_no(
        may_make(actor, token.project),
        when(token.confirmer_id is None, "This token is confirmed already."),
        when(not token.is_over, token.is_over),
        when(not actor.is_person(token.maker_id), "Another leader of the project has to confirm it."),
    )


def may_revoke(actor: Actor, token: ServiceToken) -> Answer:
    return first_no(may_make(actor, token.project), when(not token.is_over, token.is_over))


def of_project(session: Session, actor: Actor, project: Project) -> Sequence[ServiceToken]:
    """For the project's leaders: tokens that are not over, newest first; there are at most twenty."""
    require(may_make(actor, project))
    mine = (ServiceToken.project_id == project.id, ServiceToken.revoked_at.is_(None))
    query = select(ServiceToken).where(*mine, ServiceToken.ends_at > clock.now())
    return session.scalars(query.order_by(ServiceToken.id.desc()).limit(100)).all()


def get(session: Session, actor: Actor, project: Project, *, token_id: int) -> ServiceToken:
    require(may_make(actor, project))
    query = select(ServiceToken).where(ServiceToken.id == token_id, ServiceToken.project_id == project.id)
    token = session.scalar(query)
    if token is None:
        raise NotFound
    return token


def make(session: Session, actor: Actor, project: Project, draft: TokenDraft) -> str:
    """The text of the new token, which is to be had only here; it works once it is confirmed."""
    require(may_make(actor, project))
    tokens.check(draft, longest=LONGEST_DAYS, offered=SCOPES)
    full = len(of_project(session, actor, project)) >= MOST
    require(when(not full, f"The project has {MOST} tokens. Revoke one that is no longer used."))
    text = tokens.fresh(ServiceToken.PREFIX)
    row = ServiceToken(
        digest=tokens.digest(text),
        name=draft.name,
        scopes=sorted(draft.scopes),
        nonce=draft.nonce,
        ends_at=clock.now() + timedelta(days=draft.days),
        project=project,
        maker=session.get_one(Person, actor.person_id),
    )
    session.add(row)
    session.flush()
    audit.record(session, actor, "service_token.make", subject=project.ref, note=_note(row))
    outbox.put(session, ServiceTokenMade(row.id))
    return text


def confirm(session: Session, actor: Actor, token: ServiceToken) -> None:
    # Two leaders at the same moment: the second one reads that it is done.
    session.refresh(token, ["confirmer_id", "revoked_at"], with_for_update=True)
    require(may_confirm(actor, token))
    token.confirmer = session.get_one(Person, actor.person_id)
    token.confirmed_at = clock.now()
    audit.record(session, actor, "service_token.confirm", subject=token.project.ref, note=_note(token))
    outbox.put(session, ServiceTokenConfirmed(token.id))


def revoke(session: Session, actor: Actor, token: ServiceToken) -> None:
    require(may_revoke(actor, token))
    token.revoked_at = clock.now()
    audit.record(session, actor, "service_token.revoke", subject=token.project.ref, note=_note(token))


def _note(token: ServiceToken) -> str:
    return f"token-{token.id} {token.name}: {' '.join(token.scopes)}"


def _active(project_id: int) -> Exists:
    mine = (Allocation.project_id == project_id, Allocation.state == AllocationState.ACTIVE)
    return select(Allocation.id).where(*mine).exists()


def has_active_allocation(session: Session, project_id: int) -> bool:
    return bool(session.scalar(select(_active(project_id))))


def trouble(token: ServiceToken, *, active: bool) -> str:
    """Why the token does not work at this moment; empty when it does. `active`: the project may compute."""
    if token.is_over:
        return token.is_over
    if token.confirmer is None:
        return WAITS
    leading = {member.person_id for member in token.project.members if member.role in LEADERS}
    for owner in (token.maker, token.confirmer):
        if owner.id not in leading or owner.disabled_at is not None:
            return f"{owner.name}, one of its two owners, no longer leads the project."
    return "" if active else "The project has no active allocation."


def not_working(session: Session, token: ServiceToken) -> str:
    """As `trouble`, for a token that was found by its text."""
    query = select(Project, _active(token.project_id)).where(Project.id == token.project_id)
    _, active = session.execute(query.options(selectinload(Project.members))).one()
    return trouble(token, active=active)
