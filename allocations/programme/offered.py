"""Proposals about which a reviewer may be asked before anybody is assigned, as SQL."""

from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, or_, select, true, union, union_all
from sqlalchemy.orm import aliased

from allocations.kernel import clock
from allocations.people import personal_relations
from allocations.people.personal_relations import PersonalRelation
from allocations.people.persons import Person
from allocations.people.roles import Actor
from allocations.programme import bars, coauthors
from allocations.programme.conflicts import WINDOW, Waiver
from allocations.programme.expertise import Publication, ReviewerProfile
from allocations.programme.proposals import Proposal, State
from allocations.programme.reviews import Review
from allocations.programme.teams import InvitationState, TeamMember


def shown(actor: Actor) -> ColumnElement[bool]:
    """Proposals in review that nothing keeps this reviewer from, as SQL; what is not checked is not shown.

    At least as strict as `relations.keeping`, against which a property test holds it, save for co-authors
    who are known by name and a second signal alone: those are found when pairs are proposed. Nobody is asked
    about competitors, or about a proposal that somebody of their institution has joined.
    """
    closed = [
        bars.declared(actor),
        bars.related(actor),
        _of_house(actor),
        _wrote_together(actor),
        _by_people(actor, _named(actor), waived="named"),
        _by_people(actor, _published_with(actor), waived="coauthor"),
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
    return _by_people(actor, partners, waived="proposal")


def _by_people(actor: Actor, people: CompoundSelect[Any], *, waived: str) -> Select[int]:
    """Proposals with one of these people on the team, unless an officer has waived it."""
    joined = TeamMember.state == InvitationState.ACCEPTED
    theirs = union_all(
        select(Proposal.id).where(Proposal.pi_id.in_(people)),
        select(TeamMember.proposal_id).where(TeamMember.person_id.in_(people), joined),
    )
    return select(Proposal.id).where(Proposal.id.in_(theirs), Proposal.id.not_in(_waived(actor, waived)))


def _orcid(actor: Actor) -> Select[str]:
    return select(Person.orcid).where(Person.id == actor.person_id, Person.orcid != "")


def _named(actor: Actor) -> CompoundSelect[Any]:
    """Who has stated a personal relation to the actor, and whom the actor has: by account or ORCID iD."""
    still = personal_relations.holding((clock.now() - WINDOW).date())
    mine, row = PersonalRelation.person_id == actor.person_id, PersonalRelation
    named = select(row.other_orcid).where(mine, still, row.other_orcid != "")
    return union(
        select(row.other_id).where(mine, still, row.other_id.is_not(None)),
        select(Person.id).where(Person.orcid.in_(named)),
        select(row.person_id).where(
            or_(row.other_id == actor.person_id, row.other_orcid.in_(_orcid(actor))), still
        ),
    )


def _published_with(actor: Actor) -> CompoundSelect[Any]:
    """Who shares a recent publication with the actor: by DOI, or by an ORCID iD among its authors."""
    mine, theirs = aliased(Publication), aliased(Publication)
    my_profile, profile = aliased(ReviewerProfile), aliased(ReviewerProfile)
    listed = and_(my_profile.person_id == actor.person_id, mine.year >= coauthors.since())
    recent, me = theirs.year >= coauthors.since(), _orcid(actor).scalar_subquery()
    return union(
        select(profile.person_id)
        .join(theirs, theirs.profile_id == profile.id)
        .join(mine, mine.doi == theirs.doi)
        .join(my_profile, my_profile.id == mine.profile_id)
        .where(listed, recent, mine.doi.is_not(None), mine.doi != ""),
        select(profile.person_id)
        .join(theirs, theirs.profile_id == profile.id)
        .where(recent, theirs.authors.contains(me)),
        select(Person.id)
        .join(mine, mine.authors.contains(Person.orcid))
        .join(my_profile, my_profile.id == mine.profile_id)
        .where(listed, Person.orcid != ""),
    )
