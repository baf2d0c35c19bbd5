"""Relations that close a proposal to those who judge, as SQL: lists, counts and getters stand on it.

`relations` knows more and says it in words; what is not here is told on the office's page alone.
"""

from typing import Any

from sqlalchemy import CompoundSelect, Select, column, func, or_, select, table, union, union_all

from allocations.accounts.projects import Membership, PastMembership
from allocations.kernel import clock
from allocations.people import personal_relations
from allocations.people.personal_relations import PersonalRelation, RelationKind
from allocations.people.persons import Person
from allocations.people.roles import Actor
from allocations.programme.conflicts import WINDOW, Conflict, Waiver
from allocations.programme.teams import InvitationState, TeamMember

# By name: the rows of proposals and reviews stand on this module.
PROPOSAL = table("proposal", column("id"), column("pi_id"))


def declared(actor: Actor) -> Select[int]:
    """Proposals with which this actor has declared a conflict: closed in every role."""
    return select(Conflict.proposal_id).where(Conflict.person_id == actor.person_id)


def related(actor: Actor) -> CompoundSelect[int]:
    """Proposals that this actor does not judge: their own team, people of one project or account with
    somebody on it or close to them by their own word, and the PI's institution unless that was waived."""
    close: CompoundSelect[Any] = union(*_colleagues(actor), *_close_ones(actor), _same_account(actor))
    joined = TeamMember.state == InvitationState.ACCEPTED
    return union_all(
        _asked_to_join(actor),
        select(PROPOSAL.c.id).where(PROPOSAL.c.pi_id.in_(close)),
        select(TeamMember.proposal_id).where(joined, TeamMember.person_id.in_(close)),
        _of_house(actor),
    )


def _asked_to_join(actor: Actor) -> Select[int]:
    """Whatever became of the invitation."""
    mine = select(func.lower(Person.email)).where(Person.id == actor.person_id)
    asked = or_(TeamMember.person_id == actor.person_id, func.lower(TeamMember.email).in_(mine))
    return select(TeamMember.proposal_id).where(asked)


def _colleagues(actor: Actor) -> tuple[Select[int], Select[int]]:
    """Members of one project with the actor, now or in the window."""
    remembered = PastMembership.left_at > clock.now() - WINDOW
    left = PastMembership.person_id == actor.person_id
    mine = union(
        select(Membership.project_id).where(Membership.person_id == actor.person_id),
        select(PastMembership.project_id).where(left, remembered),
    )
    return (
        select(Membership.person_id).where(Membership.project_id.in_(mine)),
        select(PastMembership.person_id).where(PastMembership.project_id.in_(mine), remembered),
    )


def _close_ones(actor: Actor) -> tuple[Select[int | None], Select[int]]:
    """Supervisors, students and family as the actor states them. What applicants state of the actor is
    told to the office: otherwise they could take a proposal out of the hands of whoever reads it."""
    mine = (
        PersonalRelation.person_id == actor.person_id,
        PersonalRelation.kind != RelationKind.COLLABORATOR,
        personal_relations.holding((clock.now() - WINDOW).date()),
    )
    named = select(PersonalRelation.other_orcid).where(*mine, PersonalRelation.other_orcid != "")
    return (
        select(PersonalRelation.other_id).where(*mine, PersonalRelation.other_id.is_not(None)),
        select(Person.id).where(Person.orcid.in_(named)),
    )


def _same_account(actor: Actor) -> Select[int]:
    """Accounts with the actor's address or ORCID iD."""
    me = Person.id == actor.person_id
    addresses = select(func.lower(Person.email)).where(me)
    orcids = select(Person.orcid).where(me, Person.orcid != "")
    return select(Person.id).where(or_(func.lower(Person.email).in_(addresses), Person.orcid.in_(orcids)))


def _of_house(actor: Actor) -> Select[int]:
    waived = select(Waiver.proposal_id).where(
        Waiver.person_id == actor.person_id, Waiver.kind == "institution", Waiver.until > clock.now()
    )
    housed = select(Person.id).where(Person.institution_id == actor.institution_id)
    found = select(PROPOSAL.c.id).where(PROPOSAL.c.pi_id.in_(housed))
    return found.where(PROPOSAL.c.id.not_in(waived))
