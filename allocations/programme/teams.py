"""The team of a proposal: people invited by e-mail address, who accept themselves."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from allocations.accounts.projects import LEADERS, ProjectRole
from allocations.kernel import audit, clock, outbox
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.db import Base
from allocations.kernel.errors import NotFound
from allocations.kernel.events import Event
from allocations.people import eligibility
from allocations.people.persons import Person
from allocations.people.roles import Actor

if TYPE_CHECKING:
    from allocations.programme.proposals import Proposal

TEAM_ROLES = (ProjectRole.CO_PI, ProjectRole.ALLOCATION_MANAGER, ProjectRole.USER)


class InvitationState(enum.StrEnum):
    INVITED = "invited"
    ACCEPTED = "accepted"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class TeamMemberInvited(Event):
    team_member_id: int


@dataclass(frozen=True, slots=True)
class TeamMemberAccepted(Event):
    team_member_id: int


@dataclass(frozen=True, slots=True)
class TeamMemberTakenOff(Event):
    team_member_id: int


class TeamMember(Base):
    """An invitation to an address. Whoever opens its link and logs in may accept it, once."""

    __tablename__ = "team_member"
    __table_args__ = (
        Index("uq_team_member_email", "proposal_id", "email", unique=True),
        Index("uq_team_member_person", "proposal_id", "person_id", unique=True),
        Index("ix_team_member_of_person", "person_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"), init=False)
    proposal: Mapped[Proposal] = relationship(init=False, back_populates="team")
    email: Mapped[str] = mapped_column(String(254))
    role: Mapped[ProjectRole]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False)
    person: Mapped[Person | None] = relationship(lazy="joined", default=None, foreign_keys=person_id)
    # Who invited: this leader answers for an invited student or guest.
    inviter_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), default=None)
    # Set when they accepted: they cannot stand for themselves.
    needs_sponsor: Mapped[bool] = mapped_column(default=False)
    state: Mapped[InvitationState] = mapped_column(default=InvitationState.INVITED)
    # None: before this was kept.
    invited_at: Mapped[datetime | None] = mapped_column(default_factory=clock.now)
    answered_at: Mapped[datetime | None] = mapped_column(default=None)
    # Taken back, or the person taken off the team: it counts as declined.
    withdrawn_at: Mapped[datetime | None] = mapped_column(default=None)


def invitation(session: Session, member_id: int) -> TeamMember:
    """For whoever holds the signed link: the link is the permission."""
    member = session.get(TeamMember, member_id)
    if member is None:
        raise NotFound
    return member


def may_accept(actor: Actor, member: TeamMember) -> Answer:
    """Whoever will lead has to be one who can; users may be students or guests, with a sponsor."""
    leads = member.role in LEADERS
    return first_no(may_answer(actor, member), eligibility.may_be_co_pi(actor) if leads else when(True, ""))


def may_answer(actor: Actor, member: TeamMember) -> Answer:
    return first_no(
        when(actor.person_id is not None, "Log in to answer the invitation."),
        when(not actor.is_person(member.proposal.pi_id), "You are the PI of this proposal."),
        when(member.withdrawn_at is None, "This invitation was withdrawn."),
        when(member.state == InvitationState.INVITED, "This invitation has been answered already."),
    )


def sponsor_of(session: Session, member: TeamMember) -> Person | None:
    """Who answers for somebody who cannot stand for themselves: whoever invited them."""
    if not member.needs_sponsor:
        return None
    return session.get(Person, member.inviter_id or member.proposal.pi_id)


def accept(session: Session, actor: Actor, member: TeamMember) -> None:
    require(may_accept(actor, member))
    person = session.get_one(Person, actor.person_id)
    taken = (TeamMember.proposal_id == member.proposal_id, TeamMember.person_id == person.id)
    earlier = session.scalar(select(TeamMember).where(*taken))
    require(when(earlier is None or earlier.withdrawn_at is not None, "You are on this team already."))
    if earlier is not None:
        # Taken off at one address, asked again at another: this row says now that they were asked.
        earlier.person = None
        session.flush()
    member.person = person
    member.needs_sponsor = member.role == ProjectRole.USER and not eligibility.may_use(actor)
    member.state, member.answered_at = InvitationState.ACCEPTED, clock.now()
    audit.record(session, actor, "team.accept", subject=f"proposal-{member.proposal_id}")
    outbox.put(session, TeamMemberAccepted(member.id))


def change_role(member: TeamMember, role: ProjectRole) -> bool:
    """Whether the person is asked anew: they accepted as a user, and a leader has to be able to lead."""
    anew = member.state == InvitationState.ACCEPTED and member.role == ProjectRole.USER and role in LEADERS
    member.role = role
    if anew:
        ask_anew(member, inviter_id=member.inviter_id)
    return anew


def ask_anew(member: TeamMember, *, inviter_id: int | None) -> None:
    """As if nobody had been asked at this address before."""
    member.person, member.state, member.inviter_id = None, InvitationState.INVITED, inviter_id
    member.invited_at, member.answered_at, member.withdrawn_at = clock.now(), None, None


def decline(session: Session, actor: Actor, member: TeamMember) -> None:
    require(may_answer(actor, member))
    member.state, member.answered_at = InvitationState.DECLINED, clock.now()
    audit.record(session, actor, "team.decline", subject=f"proposal-{member.proposal_id}")
