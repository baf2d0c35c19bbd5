"""Relations between people and proposals that the portal knows of, and what each does to a review.

What is not known is said to be unchecked; it never counts as "no conflict".
"""

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import and_, case, literal, select, union_all
from sqlalchemy.orm import Session

from allocations.accounts.projects import Membership, PastMembership
from allocations.kernel import clock
from allocations.people.persons import Person
from allocations.people.roles import Role, RoleGrant, live
from allocations.programme.conflicts import WINDOW, Conflict, Waiver
from allocations.programme.proposals import Proposal, State
from allocations.programme.teams import InvitationState, TeamMember


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
    """All relations of these people to one proposal, by person; three statements in all.

    Its team and requests are those of the getter.
    """
    joined = [m.person for m in proposal.team if m.person and m.state == InvitationState.ACCEPTED]
    team = {person.id: person for person in [proposal.pi, *joined]}
    invited = {member.email.casefold() for member in proposal.team}
    wanted = {person.id: person for person in people}
    stated, waived = _stated(session, wanted, proposal)
    found: list[Relation] = [
        *stated,
        *_at_hand(wanted.values(), team, invited),
        *_projects(session, wanted, team),
        *_proposals(session, wanted, team, proposal),
    ]
    by_person: dict[int, list[Relation]] = {person_id: [] for person_id in wanted}
    for relation in found:
        lifted = (relation.person_id, str(relation.kind)) in waived
        by_person[relation.person_id].append(
            Relation(relation.person_id, relation.kind, relation.evidence, lifted)
        )
    return by_person


def _stated(
    session: Session, wanted: Mapping[int, Person], proposal: Proposal
) -> tuple[list[Relation], set[tuple[int, str]]]:
    """What is on record for this very proposal: declared conflicts, operators, and waivers (the second)."""
    providers = sorted({request.resource.provider_id for request in proposal.requests})
    declared = select(
        Conflict.person_id, literal(str(Kind.DECLARED)), Conflict.reason, literal(0).label("waived")
    ).where(Conflict.proposal_id == proposal.id)
    operating = select(RoleGrant.person_id, literal(str(Kind.PROVIDER)), literal(""), literal(0)).where(
        RoleGrant.role == Role.PROVIDER_OPERATOR, RoleGrant.scope_id.in_(providers), live()
    )
    waived = select(Waiver.person_id, Waiver.kind, literal(""), literal(1)).where(
        Waiver.proposal_id == proposal.id, Waiver.until > clock.now()
    )
    words = {
        Kind.DECLARED: "has declared: {}",
        Kind.PROVIDER: "operates machines that the proposal asks for{}",
    }
    relations, lifted = [], set()
    for person_id, kind, reason, is_waiver in session.execute(union_all(declared, operating, waived)):
        if is_waiver:
            lifted.add((person_id, kind))
        elif person_id in wanted:
            relations.append(Relation(person_id, Kind(kind), words[Kind(kind)].format(reason)))
    return relations, lifted


def _at_hand(people: Iterable[Person], team: Mapping[int, Person], invited: set[str]) -> Iterator[Relation]:
    """What the rows themselves show: being on the team, one account's marks on another, the institution."""
    marks = {mark: member for member in team.values() for mark in _marks(member)}
    # The PI is named first.
    houses = {member.institution_id: member for member in reversed(list(team.values()))}
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
    """Teams of one other proposal that was begun in the window, and applicants of the same call."""
    recent = (Proposal.created_at > clock.now() - WINDOW, Proposal.id != proposal.id)
    everybody = [*wanted, *team]
    competing = and_(
        Proposal.call_id == proposal.call_id, Proposal.state.not_in([State.DRAFT, State.WITHDRAWN])
    )
    written = select(Proposal.id, Proposal.pi_id, case((competing, 1), else_=0)).where(
        *recent, Proposal.pi_id.in_(everybody)
    )
    joined = (
        select(Proposal.id, TeamMember.person_id, literal(0))
        .join(TeamMember, TeamMember.proposal_id == Proposal.id)
        .where(*recent, TeamMember.person_id.in_(everybody), TeamMember.state == InvitationState.ACCEPTED)
    )
    of_proposal: dict[int, set[int]] = {}
    competitors = set()
    for proposal_id, person_id, competes in session.execute(written.union_all(joined)):
        of_proposal.setdefault(proposal_id, set()).add(person_id)
        if competes and person_id in wanted:
            competitors.add(person_id)
    yield from _together(of_proposal.values(), wanted, team, Kind.PROPOSAL, "wrote a proposal with")
    for person_id in sorted(competitors - set(team)):
        # Normal where applicants review each other, and worth knowing.
        yield Relation(person_id, Kind.COMPETITOR, "has a proposal of their own in this call")


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
