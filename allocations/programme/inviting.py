"""Invitations to a team: corrected, sent again, withdrawn; who has joined a draft's is taken off."""

from datetime import timedelta

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from allocations.kernel import audit, clock, outbox
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.errors import Invalid, NotFound
from allocations.people.persons import Identity
from allocations.people.roles import Actor, Role
from allocations.programme import bars, proposals, teams
from allocations.programme.proposals import EDITABLE, UNDECIDED, Proposal, State
from allocations.programme.teams import InvitationState, TeamMember, TeamMemberInvited, TeamMemberTakenOff
from allocations.programme.writing import ADDRESS

PAUSE = timedelta(hours=1)


def looks_after(actor: Actor, proposal: Proposal) -> bool:
    """The PI, and officers who have no part in it."""
    office = actor.has(Role.PROGRAMME_OFFICER) and not proposals.on_team(actor, proposal)
    return actor.is_person(proposal.pi_id) or office


def may_correct(actor: Actor, member: TeamMember) -> Answer:
    proposal = member.proposal
    return first_no(
        when(looks_after(actor, proposal), "Only the PI and the programme office correct an invitation."),
        when(member.withdrawn_at is None, "This invitation was withdrawn."),
        when(member.state == InvitationState.INVITED, "This invitation has been answered."),
        when(
            proposal.state in EDITABLE | UNDECIDED,
            "The proposal has been decided. People are invited into its project instead.",
        ),
    )


def may_take_off(actor: Actor, member: TeamMember) -> Answer:
    return first_no(
        proposals.may_edit(actor, member.proposal),
        when(member.state == InvitationState.ACCEPTED, "They are not on the team."),
        when(not actor.is_person(member.person_id), "Ask another leader of the proposal to take you off."),
    )


def get(session: Session, actor: Actor, ref: str, member_id: int) -> TeamMember:
    """One invitation of a proposal; those who judge do not learn that there is one."""
    member = _of_proposal(session, actor, ref, member_id)
    if not looks_after(actor, member.proposal):
        raise NotFound
    return member


def of_own_team(session: Session, actor: Actor, ref: str, member_id: int) -> TeamMember:
    """For those who write the proposal."""
    member = _of_proposal(session, actor, ref, member_id)
    if not proposals.leads(actor, member.proposal):
        raise NotFound
    return member


def _of_proposal(session: Session, actor: Actor, ref: str, member_id: int) -> TeamMember:
    proposal = proposals.get(session, actor, ref)
    found = next((member for member in proposal.team if member.id == member_id), None)
    if found is None:
        raise NotFound
    return found


def open_to(actor: Actor) -> ColumnElement[bool]:
    """Invitations to an address that a log-in of this person has told; one that is only typed proves nothing.

    To be counted and no more: an address identifies nobody, and the link of the letter is the permission.
    """
    usable = (Identity.unlinked_at.is_(None), Identity.held_at.is_(None), Identity.mail != "")
    told = select(func.lower(Identity.mail)).where(Identity.person_id == actor.person_id, *usable)
    alive = Proposal.state.in_(EDITABLE | UNDECIDED | {State.AWARDED})
    return and_(
        func.lower(TeamMember.email).in_(told),
        TeamMember.state == InvitationState.INVITED,
        TeamMember.withdrawn_at.is_(None),
        TeamMember.proposal_id.in_(select(Proposal.id).where(alive, Proposal.pi_id != actor.person_id)),
        TeamMember.proposal_id.not_in(bars.declared(actor)),
    )


def correct(session: Session, actor: Actor, member: TeamMember, *, email: str) -> TeamMember:
    """Ask at another address. What was submitted keeps the old one, and the trail says who changed it."""
    require(may_correct(actor, member))
    proposal, address = member.proposal, email.strip()
    if not ADDRESS.fullmatch(address) or len(address) > 254:
        raise Invalid({"email": "Enter an e-mail address, such as name@university.edu."})
    known = {one.email.casefold(): one for one in proposal.team}
    again = known.get(address.casefold())
    if (again and again.withdrawn_at is None) or address.casefold() == proposal.pi.email.casefold():
        raise Invalid({"email": "This address is on the team already."})
    _take_back(member)
    asked = again or TeamMember(email=address, role=member.role)
    if again is None:
        proposal.team.append(asked)
    asked.role = member.role
    teams.ask_anew(asked, inviter_id=member.inviter_id)
    session.flush()
    audit.record(session, actor, "team.correct", subject=proposal.ref, note=f"{member.email} → {address}")
    outbox.put(session, TeamMemberInvited(asked.id))
    return asked


def send_again(session: Session, actor: Actor, member: TeamMember) -> None:
    require(may_correct(actor, member))
    rested = member.invited_at is None or clock.now() - member.invited_at >= PAUSE
    require(when(rested, "The letter went out less than an hour ago. Wait before you send it again."))
    member.invited_at = clock.now()
    audit.record(session, actor, "team.send_again", subject=member.proposal.ref, note=member.email)
    outbox.put(session, TeamMemberInvited(member.id))


def withdraw(session: Session, actor: Actor, member: TeamMember) -> None:
    """The link is dead. Whoever was asked still does not judge the proposal."""
    require(may_correct(actor, member))
    _take_back(member)
    audit.record(session, actor, "team.withdraw", subject=member.proposal.ref, note=member.email)


def take_off(session: Session, actor: Actor, member: TeamMember) -> None:
    """Somebody who has joined reads the draft no longer, and hears of it."""
    require(may_take_off(actor, member))
    _take_back(member)
    name = member.person.name if member.person else member.email
    audit.record(session, actor, "team.take_off", subject=member.proposal.ref, note=f"{name}, {member.email}")
    outbox.put(session, TeamMemberTakenOff(member.id))


def _take_back(member: TeamMember) -> None:
    """The row stays: being asked is a relation that bars from judging, whatever became of it."""
    member.state = InvitationState.DECLINED
    member.answered_at = member.withdrawn_at = clock.now()
