"""Invitations to roles: a letter with a link; whoever opens it and logs in accepts or declines, once."""

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, String, Text, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from allocations.kernel import audit, clock, outbox
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.db import Base
from allocations.kernel.errors import IllegalMove, Incomplete, Invalid, NotFound
from allocations.kernel.events import Event
from allocations.people import roles
from allocations.people.persons import Person
from allocations.people.roles import Actor, Given, Role, RoleGrant, actor_of

LIFE = timedelta(days=14)
# What a programme officer invites people to without an administrator.
OF_OFFICERS = frozenset({Role.REVIEWER, Role.PANEL_CHAIR})
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class RoleInvitationState(enum.StrEnum):
    INVITED = "invited"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class RoleInvited(Event):
    role_invitation_id: int


class RoleInvitation(Base):
    """Bound to no account: the signed link is the permission to answer."""

    __tablename__ = "role_invitation"
    # One waits for an address and role. Two indexes, because a database takes no two NULLs as equal.
    __table_args__ = (
        Index(
            "uq_role_invitation_scoped",
            "email",
            "role",
            "scope_id",
            unique=True,
            sqlite_where=text("state = 'invited'"),
            postgresql_where=text("state = 'invited'"),
        ),
        Index(
            "uq_role_invitation_everywhere",
            "email",
            "role",
            unique=True,
            sqlite_where=text("scope_id IS NULL AND state = 'invited'"),
            postgresql_where=text("scope_id IS NULL AND state = 'invited'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    email: Mapped[str] = mapped_column(String(254))
    role: Mapped[Role]
    reason: Mapped[str] = mapped_column(Text)
    invited_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    invited_by: Mapped[Person] = relationship(
        lazy="joined", innerjoin=True, foreign_keys="RoleInvitation.invited_by_id"
    )
    scope_id: Mapped[int | None] = mapped_column(default=None)
    # When the role is to end, not the invitation.
    until: Mapped[datetime | None] = mapped_column(default=None)
    invited_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
    state: Mapped[RoleInvitationState] = mapped_column(default=RoleInvitationState.INVITED)
    answered_at: Mapped[datetime | None] = mapped_column(default=None)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), default=None)
    version: Mapped[int] = mapped_column(init=False)
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    @property
    def expires_at(self) -> datetime:
        return self.invited_at + LIFE

    @property
    def shown_state(self) -> str:
        """The state, or `expired`, which nobody has to write down."""
        waits = self.state == RoleInvitationState.INVITED
        return "expired" if waits and clock.now() >= self.expires_at else str(self.state)

    @property
    def name_on_trail(self) -> str:
        return f"role-invitation-{self.id}"


def may_invite(actor: Actor, role: Role) -> Answer:
    office = actor.has(Role.PROGRAMME_OFFICER) and role in OF_OFFICERS
    return when(
        actor.has(Role.ADMINISTRATOR) or office,
        "Administrators invite to roles; programme officers to reviewing and chairing only.",
    )


def may_see(actor: Actor) -> Answer:
    """The list of invitations; what officers see there are reviewers and chairs."""
    allowed = actor.has(Role.ADMINISTRATOR) or actor.has(Role.PROGRAMME_OFFICER)
    return when(allowed, "Only administrators and programme officers see invitations.")


def may_withdraw(actor: Actor, invitation: RoleInvitation) -> Answer:
    return first_no(
        may_invite(actor, invitation.role),
        when(invitation.state == RoleInvitationState.INVITED, _over(invitation)),
    )


def may_answer(actor: Actor, invitation: RoleInvitation) -> Answer:
    own = actor.is_person(invitation.invited_by_id)
    return first_no(
        when(actor.person_id is not None, "Log in to answer the invitation."),
        when(not own, "Nobody accepts an invitation of their own."),
        when(invitation.shown_state == "invited", _over(invitation)),
    )


def _over(invitation: RoleInvitation) -> str:
    said = {
        "accepted": "This invitation has been accepted already.",
        "declined": "This invitation has been declined already.",
        "withdrawn": "This invitation has been withdrawn.",
        "expired": f"This invitation ended {LIFE.days} days after it was sent. Ask for a new one.",
    }
    return said.get(invitation.shown_state, "")


def invite(session: Session, actor: Actor, email: str, *, given: Given) -> RoleInvitation:
    require(may_invite(actor, given.role))
    address = email.strip().lower()
    if not ADDRESS.fullmatch(address) or len(address) > 254:
        raise Invalid({"email": "Enter an e-mail address, such as name@university.edu."})
    if not given.reason.strip():
        raise Incomplete({"reason": "Give the reason; it stays with the role."})
    roles.check(session, given)
    _close_expired(session, address, given)
    inviter = session.get_one(Person, actor.person_id)
    made = RoleInvitation(
        email=address,
        role=given.role,
        scope_id=given.scope_id,
        until=given.until,
        reason=given.reason,
        invited_by=inviter,
    )
    session.add(made)
    session.flush()
    note = f"{address}: {given.role}, {given.reason}"
    audit.record(session, actor, "role_invitation.invite", subject=made.name_on_trail, note=note)
    outbox.put(session, RoleInvited(made.id))
    return made


def _close_expired(session: Session, address: str, given: Given) -> None:
    """One invitation waits for one address and role; an expired one makes place for the next."""
    everywhere = RoleInvitation.scope_id.is_(None)
    scope = everywhere if given.scope_id is None else RoleInvitation.scope_id == given.scope_id
    same = (RoleInvitation.email == address, RoleInvitation.role == given.role, scope)
    waits = select(RoleInvitation).where(*same, RoleInvitation.state == RoleInvitationState.INVITED)
    found = session.scalar(waits)
    if found is None:
        return
    if found.shown_state == "invited":
        raise IllegalMove("This address has been invited to this role and has not answered yet.")
    found.state, found.answered_at = RoleInvitationState.WITHDRAWN, clock.now()
    session.flush()


def get(session: Session, invitation_id: int) -> RoleInvitation:
    """For whoever holds the signed link, and for the desk."""
    found = session.get(RoleInvitation, invitation_id)
    if found is None:
        raise NotFound
    return found


def page(
    session: Session, actor: Actor, *, before: int | None = None, size: int = 50
) -> Sequence[RoleInvitation]:
    """Newest first, by keyset; officers see those that they may send themselves."""
    require(may_see(actor))
    query = select(RoleInvitation)
    if not actor.has(Role.ADMINISTRATOR):
        query = query.where(RoleInvitation.role.in_(OF_OFFICERS))
    if before is not None:
        query = query.where(RoleInvitation.id < before)
    return session.scalars(query.order_by(RoleInvitation.id.desc()).limit(size)).all()


def withdraw(session: Session, actor: Actor, invitation: RoleInvitation) -> None:
    require(may_withdraw(actor, invitation))
    _answer(invitation, RoleInvitationState.WITHDRAWN)
    audit.record(session, actor, "role_invitation.withdraw", subject=invitation.name_on_trail)


def accept(session: Session, actor: Actor, invitation: RoleInvitation) -> RoleGrant:
    """The role begins at once. It is the inviter who grants it, and must still be able to."""
    require(may_answer(actor, invitation))
    inviter = actor_of(session, invitation.invited_by)
    still = invitation.invited_by.disabled_at is None and may_invite(inviter, invitation.role)
    require(when(still, "Whoever invited you does not give this role any more. Ask for a new invitation."))
    person = session.get_one(Person, actor.person_id)
    given = Given(invitation.role, invitation.scope_id, invitation.until, invitation.reason)
    row = roles.give(session, inviter, person, given=given)
    _answer(invitation, RoleInvitationState.ACCEPTED)
    invitation.person_id = person.id
    audit.record(session, actor, "role_invitation.accept", subject=invitation.name_on_trail)
    note = f"{given.role}: {given.reason}"
    audit.record(session, inviter, "role.grant", subject=f"person-{person.id}", note=note)
    return row


def decline(session: Session, actor: Actor, invitation: RoleInvitation) -> None:
    require(may_answer(actor, invitation))
    _answer(invitation, RoleInvitationState.DECLINED)
    invitation.person_id = actor.person_id
    audit.record(session, actor, "role_invitation.decline", subject=invitation.name_on_trail)


def _answer(invitation: RoleInvitation, state: RoleInvitationState) -> None:
    invitation.state, invitation.answered_at = state, clock.now()
