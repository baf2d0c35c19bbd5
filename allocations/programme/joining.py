"""Joining a project that runs already: its leaders invite people by e-mail address."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from allocations.accounts import projects
from allocations.accounts.awards import Award
from allocations.accounts.projects import Project
from allocations.kernel import audit, outbox
from allocations.kernel.answers import require
from allocations.kernel.errors import IllegalMove, Invalid, NotFound
from allocations.people.roles import Actor
from allocations.programme import teams
from allocations.programme.decisions import Decision
from allocations.programme.proposals import Proposal
from allocations.programme.teams import TEAM_ROLES, InvitationState, TeamMember, TeamMemberInvited
from allocations.programme.writing import ADDRESS, Invitee


def invite(session: Session, actor: Actor, project: Project, invitee: Invitee) -> TeamMember:
    """A letter with a link goes to the address; whoever accepts becomes a member. Somebody who left
    can be invited again."""
    require(projects.may_manage_members(actor, project))
    address = invitee.email.strip()
    if not ADDRESS.fullmatch(address) or len(address) > 254:
        raise Invalid({"email": "Enter an e-mail address, such as name@university.edu."})
    if invitee.role not in TEAM_ROLES:
        raise Invalid({"role": "Choose a role from the list."})
    member = _of_team(session, project, address)
    _check_is_new(project, member, address)
    member.role = invitee.role
    teams.ask_anew(member, inviter_id=actor.person_id)
    session.flush()
    audit.record(session, actor, "project.invite", subject=project.ref, note=f"{address}: {invitee.role}")
    outbox.put(session, TeamMemberInvited(member.id))
    return member


def _of_team(session: Session, project: Project, address: str) -> TeamMember:
    """The invitation to this address, made when there was none yet."""
    query = select(Proposal).join(Decision, Decision.proposal_id == Proposal.id).join(Award)
    proposal = session.scalar(query.where(Award.project_id == project.id).limit(1))
    if proposal is None:
        raise NotFound
    mine = (TeamMember.proposal_id == proposal.id, func.lower(TeamMember.email) == address.lower())
    found = session.scalar(select(TeamMember).where(*mine))
    if found is None:
        found = TeamMember(email=address, role=TEAM_ROLES[-1], state=InvitationState.DECLINED)
        proposal.team.append(found)
    return found


def _check_is_new(project: Project, member: TeamMember, address: str) -> None:
    if member.state == InvitationState.INVITED:
        raise IllegalMove("This address has been invited and has not answered yet.")
    addresses = {row.person.email.casefold() for row in project.members}
    present = {row.person_id for row in project.members}
    if address.casefold() in addresses or (member.person_id is not None and member.person_id in present):
        raise Invalid({"email": "This person is a member already."})
