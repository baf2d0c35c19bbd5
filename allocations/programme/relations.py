"""Relations between people and proposals that the portal knows of, and what each does to a review.

What is not known is said to be unchecked; it never counts as "no conflict".
"""

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from allocations.accounts.projects import Membership, PastMembership
from allocations.accounts.resources import Resource
from allocations.kernel import clock
from allocations.people.persons import Person
from allocations.people.roles import Role, RoleGrant
from allocations.programme.conflicts import Conflict, Waiver
from allocations.programme.proposals import Proposal, ResourceRequest, State
from allocations.programme.teams import InvitationState, TeamMember

# How long working together is remembered.
WINDOW = timedelta(days=730)


class Level(enum.StrEnum):
    """What a relation does: nobody lifts a bar; an officer waives with a reason; the rest is told."""

    BARS = "bars"
    WAIVER = "waiver"
    TOLD = "told"


class Kind(enum.StrEnum):
    TEAM = "team"
    DECLARED = "declared"
    ACCOUNT = "account"
    PROJECT = "project"
    PROPOSAL = "proposal"
    INSTITUTION = "institution"
    UNCHECKED = "unchecked"
    COMPETITOR = "competitor"
    PROVIDER = "provider"


LEVELS = {
    Kind.TEAM: Level.BARS,
    Kind.DECLARED: Level.BARS,
    Kind.ACCOUNT: Level.BARS,
    Kind.PROJECT: Level.BARS,
    Kind.PROPOSAL: Level.WAIVER,
    Kind.INSTITUTION: Level.WAIVER,
    Kind.UNCHECKED: Level.WAIVER,
    Kind.COMPETITOR: Level.TOLD,
    Kind.PROVIDER: Level.TOLD,
}


@dataclass(frozen=True, slots=True)
class Relation:
    """One relation, with the evidence in words that follow the person's name."""

    person_id: int
    kind: Kind
    evidence: str
    is_waived: bool = False

    @property
    def level(self) -> Level:
        return LEVELS[self.kind]

    @property
    def stands(self) -> bool:
        """Whether it keeps the person from reviewing."""
        return self.level == Level.BARS or (self.level == Level.WAIVER and not self.is_waived)


def keeping(found: Iterable[Relation]) -> Relation | None:
    """The heaviest that keeps a person from reviewing."""
    order = list(Level)
    standing = [relation for relation in found if relation.stands]
    return min(standing, key=lambda relation: order.index(relation.level), default=None)


def of_people(session: Session, people: Sequence[Person], proposal: Proposal) -> dict[int, list[Relation]]:
    """All relations of these people to one proposal, by person; a handful of statements in all."""
    team, invited = _team(session, proposal), _invited(session, proposal)
    wanted = {person.id: person for person in people}
    found: list[Relation] = [
        *_declared(session, proposal, wanted),
        *_at_hand(wanted.values(), team, invited),
        *_projects(session, wanted, team),
        *_proposals(session, wanted, team, proposal),
        *_competitors(session, wanted, proposal),
        *_providers(session, wanted, proposal),
    ]
    waived = _waived(session, proposal)
    by_person: dict[int, list[Relation]] = {person_id: [] for person_id in wanted}
    for relation in found:
        lifted = (relation.person_id, str(relation.kind)) in waived
        by_person[relation.person_id].append(
            Relation(relation.person_id, relation.kind, relation.evidence, lifted)
        )
    return by_person


def _team(session: Session, proposal: Proposal) -> dict[int, Person]:
    """The PI and everybody who accepted."""
    joined = select(TeamMember.person_id).where(
        TeamMember.proposal_id == proposal.id, TeamMember.state == InvitationState.ACCEPTED
    )
    query = select(Person).where(Person.id.in_(joined) | (Person.id == proposal.pi_id))
    return {person.id: person for person in session.scalars(query)}


def _invited(session: Session, proposal: Proposal) -> set[str]:
    """Addresses that the team has asked to join, whatever they answered."""
    query = select(TeamMember.email).where(TeamMember.proposal_id == proposal.id)
    return {address.casefold() for address in session.scalars(query)}


def _declared(session: Session, proposal: Proposal, wanted: Mapping[int, Person]) -> Iterator[Relation]:
    query = select(Conflict).where(Conflict.proposal_id == proposal.id, Conflict.person_id.in_(wanted))
    for row in session.scalars(query):
        yield Relation(row.person_id, Kind.DECLARED, f"has declared: {row.reason}")


def _at_hand(people: Iterable[Person], team: Mapping[int, Person], invited: set[str]) -> Iterator[Relation]:
    """What the rows themselves show: being on the team, one account's marks on another, the institution."""
    marks = {mark: member for member in team.values() for mark in _marks(member)}
    houses = {member.institution_id: member for member in team.values()}
    for person in people:
        if person.id in team or person.email.casefold() in invited:
            yield Relation(person.id, Kind.TEAM, "is on the team or was asked to join it")
            continue
        twin = next((marks[mark] for mark in _marks(person) if mark in marks), None)
        if twin is not None:
            yield Relation(person.id, Kind.ACCOUNT, f"has the same address or ORCID iD as {twin.name}")
        if person.institution_id is None:
            yield Relation(person.id, Kind.UNCHECKED, "has no institution on record, so this is not checked")
        elif person.institution_id in houses:
            colleague = houses[person.institution_id]
            yield Relation(person.id, Kind.INSTITUTION, f"is at {person.affiliation}, as is {colleague.name}")


def _marks(person: Person) -> set[str]:
    return {person.email.casefold(), person.orcid} - {""}


def _projects(
    session: Session, wanted: Mapping[int, Person], team: Mapping[int, Person]
) -> Iterator[Relation]:
    """Members of one project at any time in the window, also when one of them has left it."""
    since = clock.now() - WINDOW
    now = select(Membership.project_id, Membership.person_id)
    left = select(PastMembership.project_id, PastMembership.person_id).where(PastMembership.left_at > since)
    everybody = now.where(Membership.person_id.in_([*wanted, *team])).union_all(
        left.where(PastMembership.person_id.in_([*wanted, *team]))
    )
    of_project: dict[int, set[int]] = {}
    for project_id, person_id in session.execute(everybody):
        of_project.setdefault(project_id, set()).add(person_id)
    yield from _together(of_project.values(), wanted, team, Kind.PROJECT, "shares a project with")


def _proposals(
    session: Session, wanted: Mapping[int, Person], team: Mapping[int, Person], proposal: Proposal
) -> Iterator[Relation]:
    """Teams of one other proposal that was begun in the window."""
    recent = (Proposal.created_at > clock.now() - WINDOW, Proposal.id != proposal.id)
    everybody = [*wanted, *team]
    written = select(Proposal.id, Proposal.pi_id).where(*recent, Proposal.pi_id.in_(everybody))
    joined = (
        select(Proposal.id, TeamMember.person_id)
        .join(TeamMember, TeamMember.proposal_id == Proposal.id)
        .where(*recent, TeamMember.person_id.in_(everybody), TeamMember.state == InvitationState.ACCEPTED)
    )
    of_proposal: dict[int, set[int]] = {}
    for proposal_id, person_id in session.execute(written.union_all(joined)):
        of_proposal.setdefault(proposal_id, set()).add(person_id)
    yield from _together(of_proposal.values(), wanted, team, Kind.PROPOSAL, "wrote a proposal with")


def _together(
    groups: Iterable[set[int]],
    wanted: Mapping[int, Person],
    team: Mapping[int, Person],
    kind: Kind,
    words: str,
) -> Iterator[Relation]:
    """Each wanted person once, with one member of the team whom they met in a group."""
    told: set[int] = set()
    for group in groups:
        colleagues = sorted(group & set(team))
        for person_id in sorted(group & set(wanted) - set(team) - told):
            if colleagues:
                told.add(person_id)
                yield Relation(person_id, kind, f"{words} {team[colleagues[0]].name}")


def _competitors(session: Session, wanted: Mapping[int, Person], proposal: Proposal) -> Iterator[Relation]:
    """Applicants in the same call: normal where applicants review each other, and worth knowing."""
    rival = aliased(Proposal)
    query = select(rival.pi_id).where(
        rival.call_id == proposal.call_id,
        rival.id != proposal.id,
        rival.pi_id.in_(wanted),
        rival.state.not_in([State.DRAFT, State.WITHDRAWN]),
    )
    for person_id in set(session.scalars(query)):
        yield Relation(person_id, Kind.COMPETITOR, "has a proposal of their own in this call")


def _providers(session: Session, wanted: Mapping[int, Person], proposal: Proposal) -> Iterator[Relation]:
    """Operators of the machines that the proposal asks for."""
    asked = select(Resource.provider_id).join(ResourceRequest, ResourceRequest.resource_id == Resource.id)
    held = select(RoleGrant.person_id).where(
        RoleGrant.role == Role.PROVIDER_OPERATOR,
        RoleGrant.person_id.in_(wanted),
        RoleGrant.scope_id.in_(asked.where(ResourceRequest.proposal_id == proposal.id)),
    )
    for person_id in set(session.scalars(held)):
        yield Relation(person_id, Kind.PROVIDER, "operates machines that the proposal asks for")


def _waived(session: Session, proposal: Proposal) -> set[tuple[int, str]]:
    live = select(Waiver.person_id, Waiver.kind).where(
        Waiver.proposal_id == proposal.id, Waiver.until > clock.now()
    )
    return {(person_id, kind) for person_id, kind in session.execute(live)}
