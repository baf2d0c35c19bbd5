"""Proposals about which a reviewer may be asked before anybody is assigned, as SQL."""

from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, or_, select, true, union, union_all

from allocations.kernel import clock
from allocations.people.persons import Person
from allocations.people.roles import Actor
from allocations.programme import bars
from allocations.programme.conflicts import WINDOW, Waiver
from allocations.programme.proposals import Proposal, State
from allocations.programme.reviews import Review
from allocations.programme.teams import InvitationState, TeamMember


def shown(actor: Actor) -> ColumnElement[bool]:
    """Proposals in review that nothing keeps this reviewer from, as SQL; what is not checked is not shown.

    At least as strict as `relations.keeping`, against which a property test holds it. Nobody is asked about
    competitors, or about a proposal that somebody of their institution has joined.
    """
    closed = [
        bars.declared(actor),
        bars.related(actor),
        _of_house(actor),
        _wrote_together(actor),
        select(Review.proposal_id).where(Review.reviewer_id == actor.person_id),
    ]
    return and_(
        Proposal.state == State.IN_REVIEW,
        Proposal.call_id.not_in(_applied_to(actor)),
        true() if actor.institution_id is not None else Proposal.id.in_(_waived(actor, "unchecked")),
        *(Proposal.id.not_in(ids) for ids in closed),
    )


def _applied_to(actor: Actor) -> Select[int]:
    """Calls in which they have a proposal of their own, also one that is still a draft."""
    team = select(TeamMember.proposal_id).where(TeamMember.person_id == actor.person_id)
    mine = or_(Proposal.pi_id == actor.person_id, Proposal.id.in_(team))
    return select(Proposal.call_id).where(Proposal.state != State.WITHDRAWN, mine)


def _waived(actor: Actor, kind: str) -> Select[int]:
    return select(Waiver.proposal_id).where(
        Waiver.person_id == actor.person_id, Waiver.kind == kind, Waiver.until > clock.now()
    )


def _of_house(actor: Actor) -> Select[int]:
    """Somebody on the team, not the PI alone, is of the actor's institution."""
    house = select(Person.id).where(Person.institution_id == actor.institution_id)
    return select(TeamMember.proposal_id).where(
        TeamMember.state == InvitationState.ACCEPTED,
        TeamMember.person_id.in_(house),
        TeamMember.proposal_id.not_in(_waived(actor, "institution")),
    )


def _wrote_together(actor: Actor) -> Select[int]:
    """Somebody on the team is PI or member of a recent proposal together with the actor."""
    joined = TeamMember.state == InvitationState.ACCEPTED
    recent = Proposal.created_at > clock.now() - WINDOW
    mine = union(
        select(Proposal.id).where(Proposal.pi_id == actor.person_id, recent),
        select(TeamMember.proposal_id)
        .join(Proposal, Proposal.id == TeamMember.proposal_id)
        .where(TeamMember.person_id == actor.person_id, joined, recent),
    )
    partners: CompoundSelect[int] = union(
        select(Proposal.pi_id).where(Proposal.id.in_(mine)),
        select(TeamMember.person_id).where(
            TeamMember.proposal_id.in_(mine), joined, TeamMember.person_id.is_not(None)
        ),
    )
    theirs = union_all(
        select(Proposal.id).where(Proposal.pi_id.in_(partners)),
        select(TeamMember.proposal_id).where(TeamMember.person_id.in_(partners), joined),
    )
    return select(Proposal.id).where(Proposal.id.in_(theirs), Proposal.id.not_in(_waived(actor, "proposal")))
