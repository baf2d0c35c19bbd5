"""Relations between people and proposals that the portal knows of, and what each does to a review.

What is not known is said to be unchecked; it never counts as "no conflict".
"""

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CompoundSelect, and_, case, literal, or_, select, union_all
from sqlalchemy.orm import Session

from allocations.accounts.projects import Membership, PastMembership
from allocations.kernel import clock
from allocations.people.personal_relations import RelationKind
from allocations.people.persons import Person
from allocations.people.roles import Role, RoleGrant, live
from allocations.programme import acquaintance, coauthors
from allocations.programme.acquaintance import Bond, Stated
from allocations.programme.coauthors import Papers, Shared
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
    PERSONAL = "personal"
    NAMED = "named"
    COAUTHOR = "coauthor"
    PROPOSAL = "proposal"
    INSTITUTION = "institution"
    UNCHECKED = "unchecked"
    COMPETITOR = "competitor"
    PROVIDER = "provider"
    NAMESAKE = "namesake"
    PAPERS_UNCHECKED = "papers_unchecked"


LEVELS = {
    Kind.TEAM: Level.BARS,
    Kind.DECLARED: Level.BARS,
    Kind.ACCOUNT: Level.BARS,
    Kind.PROJECT: Level.BARS,
    # Supervisor, student and family, as somebody says of themselves.
    Kind.PERSONAL: Level.BARS,
    # The same as the team says of a reviewer, and close collaborators: an officer looks, because applicants
    # could keep anybody from judging them otherwise.
    Kind.NAMED: Level.WAIVER,
    Kind.COAUTHOR: Level.WAIVER,
    Kind.PROPOSAL: Level.WAIVER,
    Kind.INSTITUTION: Level.WAIVER,
    Kind.UNCHECKED: Level.WAIVER,
    Kind.COMPETITOR: Level.TOLD,
    Kind.PROVIDER: Level.TOLD,
    Kind.NAMESAKE: Level.TOLD,
    # Most applicants keep no list: if that needed a waiver, calls would have no reviewers.
    Kind.PAPERS_UNCHECKED: Level.TOLD,
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


@dataclass(frozen=True, slots=True)
class _Known:
    """What is on record, fetched for many proposals at once.

    `declared` and `waived` by proposal id, `operating` by provider id; `projects` and `written` are
    groups of people by person: who was in a project, and who wrote a proposal, with whom.
    """

    declared: Mapping[int, Sequence[tuple[int, str]]]
    waived: Mapping[int, Set[tuple[int, str]]]
    operating: Mapping[int, Sequence[int]]
    projects: Mapping[int, Sequence[Set[int]]]
    written: Mapping[int, Sequence[Set[int]]]
    competitors: Set[int]
    stated: Stated
    papers: Papers


def of_people(session: Session, people: Sequence[Person], proposal: Proposal) -> dict[int, list[Relation]]:
    """All relations of these people to one proposal, by person; five statements in all.

    Its team and requests are those of the getter.
    """
    return next(of_proposals(session, people, [proposal]))[1]


def of_proposals(
    session: Session, people: Sequence[Person], proposals: Sequence[Proposal]
) -> Iterator[tuple[Proposal, dict[int, list[Relation]]]]:
    """The same for many proposals of one call, one after the other; five statements, however many.

    Teams and requests of the proposals should be loaded.
    """
    wanted = {person.id: person for person in people}
    known = _known(session, wanted, proposals)
    for proposal in proposals:
        yield proposal, _of_one(wanted, proposal, known)


def barred(
    session: Session, people: Sequence[Person], proposals: Sequence[Proposal]
) -> Iterator[tuple[int, int]]:
    """Proposal and person of each pair that something keeps apart: what is not checked or not waived does."""
    for proposal, related in of_proposals(session, people, proposals):
        yield from ((proposal.id, person_id) for person_id in related if keeping(related[person_id]))


def _known(session: Session, wanted: Mapping[int, Person], proposals: Sequence[Proposal]) -> _Known:
    ids = [proposal.id for proposal in proposals]
    providers = {request.resource.provider_id for proposal in proposals for request in proposal.requests}
    declared, waived, operating = _stated(session, ids, sorted(providers))
    # A subquery, because the teams of a large call are more people than a statement takes parameters.
    team: CompoundSelect[Any] = union_all(
        select(Proposal.pi_id).where(Proposal.id.in_(ids)),
        select(TeamMember.person_id).where(
            TeamMember.proposal_id.in_(ids), TeamMember.state == InvitationState.ACCEPTED
        ),
    )
    written, competitors = _written(session, wanted, team, proposals)
    return _Known(
        declared,
        waived,
        operating,
        _projects(session, wanted, team),
        written,
        competitors,
        acquaintance.stated(session, wanted, team),
        coauthors.papers(session, wanted, team),
    )


def _of_one(wanted: Mapping[int, Person], proposal: Proposal, known: _Known) -> dict[int, list[Relation]]:
    joined = [m.person for m in proposal.team if m.person and m.state == InvitationState.ACCEPTED]
    team = {person.id: person for person in [proposal.pi, *joined]}
    invited = {member.email.casefold() for member in proposal.team}
    # Competing is normal where applicants review each other, and worth knowing.
    rivals = sorted(known.competitors & set(wanted) - set(team))
    own = "has a proposal of their own in this call"
    found: list[Relation] = [
        *_on_record(wanted, proposal, known),
        *_at_hand(wanted.values(), team, invited),
        *_bound(known.stated, team),
        *_published(known.papers, wanted, team, proposal.fields_of_science),
        *_together(known.projects, wanted, team, Kind.PROJECT, "shares a project with"),
        *_together(known.written, wanted, team, Kind.PROPOSAL, "wrote a proposal with"),
        *(Relation(person_id, Kind.COMPETITOR, own) for person_id in rivals),
    ]
    waived = known.waived.get(proposal.id, frozenset())
    by_person: dict[int, list[Relation]] = {person_id: [] for person_id in wanted}
    for each in found:
        lifted = (each.person_id, str(each.kind)) in waived
        by_person[each.person_id].append(Relation(each.person_id, each.kind, each.evidence, lifted))
    return by_person


def _on_record(wanted: Mapping[int, Person], proposal: Proposal, known: _Known) -> Iterator[Relation]:
    """What somebody stated about this very proposal, and who operates what it asks for."""
    for person_id, reason in known.declared.get(proposal.id, ()):
        if person_id in wanted:
            yield Relation(person_id, Kind.DECLARED, f"has declared: {reason}")
    providers = {request.resource.provider_id for request in proposal.requests}
    operators = {person_id for provider in providers for person_id in known.operating.get(provider, ())}
    for person_id in sorted(operators & set(wanted)):
        yield Relation(person_id, Kind.PROVIDER, "operates machines that the proposal asks for")


def _stated(
    session: Session, ids: Sequence[int], providers: Sequence[int]
) -> tuple[dict[int, list[tuple[int, str]]], dict[int, set[tuple[int, str]]], dict[int, list[int]]]:
    """Declared conflicts and waivers by proposal, operators by provider; one statement."""
    conflicts = select(
        literal("declared").label("what"), Conflict.proposal_id, Conflict.person_id, Conflict.reason
    ).where(Conflict.proposal_id.in_(ids))
    waivers = select(literal("waived"), Waiver.proposal_id, Waiver.person_id, Waiver.kind).where(
        Waiver.proposal_id.in_(ids), Waiver.until > clock.now()
    )
    grants = select(literal("operating"), RoleGrant.scope_id, RoleGrant.person_id, literal("")).where(
        RoleGrant.role == Role.PROVIDER_OPERATOR, RoleGrant.scope_id.in_(providers), live()
    )
    declared: dict[int, list[tuple[int, str]]] = {}
    waived: dict[int, set[tuple[int, str]]] = {}
    operating: dict[int, list[int]] = {}
    rows: Iterable[Any] = session.execute(union_all(conflicts, waivers, grants))
    for what, about, person_id, words in rows:
        if what == "declared":
            declared.setdefault(about, []).append((person_id, words))
        elif what == "waived":
            waived.setdefault(about, set()).add((person_id, words))
        else:
            operating.setdefault(about, []).append(person_id)
    return declared, waived, operating


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


def _bound(stated: Stated, team: Mapping[int, Person]) -> Iterator[Relation]:
    """Supervisors, students, family and close collaborators: each kind once for each person."""
    told: set[tuple[int, Kind]] = set()
    for member in team.values():
        for bond in acquaintance.with_member(stated, member).values():
            kind = _weight(bond)
            if bond.person_id not in team and (bond.person_id, kind) not in told:
                told.add((bond.person_id, kind))
                yield Relation(bond.person_id, kind, acquaintance.words(bond, member))


def _weight(bond: Bond) -> Kind:
    if not bond.sure:
        return Kind.NAMESAKE
    return Kind.PERSONAL if bond.own and bond.kind != RelationKind.COLLABORATOR else Kind.NAMED


def _published(
    papers: Papers, wanted: Mapping[int, Person], team: Mapping[int, Person], fields: Sequence[str]
) -> Iterator[Relation]:
    """Co-authors of somebody on the team; for the others, whether there was anything to compare."""
    found: dict[tuple[int, Kind], Relation] = {}
    for member in team.values():
        for person_id, shared in coauthors.with_member(papers, member).items():
            if person_id not in team:
                relation = _coauthor(wanted[person_id], member, shared, fields)
                found.setdefault((person_id, relation.kind), relation)
    yield from found.values()
    on_record = not papers.of_person.keys().isdisjoint(team)
    for person_id in wanted.keys() - team.keys():
        if (person_id, Kind.COAUTHOR) in found or (on_record and person_id in papers.of_person):
            continue
        words = f"has no publications since {coauthors.since()} on record, so co-authorship is not checked"
        if person_id in papers.of_person:
            words = "is not checked for co-authorship: the team has no recent publications on record"
        yield Relation(person_id, Kind.PAPERS_UNCHECKED, words)


def _coauthor(person: Person, member: Person, shared: Shared, fields: Sequence[str]) -> Relation:
    if shared.sure:
        words = f"has published with {member.name} {shared.when}"
        return Relation(person.id, Kind.COAUTHOR, words)
    signal = coauthors.second_signal(person, member, fields)
    if signal:
        words = f"has probably published with {member.name} {shared.when}: the name and {signal} agree"
        return Relation(person.id, Kind.COAUTHOR, words)
    words = f"may have published with {member.name} {shared.when}: a name agrees and nothing else"
    return Relation(person.id, Kind.NAMESAKE, words)


def _projects(
    session: Session, wanted: Mapping[int, Person], team: CompoundSelect[Any]
) -> dict[int, list[Set[int]]]:
    """Members of one project at any time in the window, also when one of them has left it."""
    since = clock.now() - WINDOW
    now = select(Membership.project_id, Membership.person_id).where(
        or_(Membership.person_id.in_(list(wanted)), Membership.person_id.in_(team))
    )
    left = select(PastMembership.project_id, PastMembership.person_id).where(
        PastMembership.left_at > since,
        or_(PastMembership.person_id.in_(list(wanted)), PastMembership.person_id.in_(team)),
    )
    return _groups((group, person_id) for group, person_id in session.execute(now.union_all(left)))


def _written(
    session: Session,
    wanted: Mapping[int, Person],
    team: CompoundSelect[Any],
    proposals: Sequence[Proposal],
) -> tuple[dict[int, list[Set[int]]], set[int]]:
    """Teams of proposals that were begun in the window, and applicants of the same call (the second).

    Whoever shares the very proposal in question with its team is on that team, and never asked about.
    """
    recent = Proposal.created_at > clock.now() - WINDOW
    competing = and_(
        Proposal.call_id.in_({proposal.call_id for proposal in proposals}),
        Proposal.state.not_in([State.DRAFT, State.WITHDRAWN]),
    )
    led = select(Proposal.id, Proposal.pi_id, case((competing, 1), else_=0)).where(
        recent, or_(Proposal.pi_id.in_(list(wanted)), Proposal.pi_id.in_(team))
    )
    joined = (
        select(Proposal.id, TeamMember.person_id, literal(0))
        .join(TeamMember, TeamMember.proposal_id == Proposal.id)
        .where(
            recent,
            or_(TeamMember.person_id.in_(list(wanted)), TeamMember.person_id.in_(team)),
            TeamMember.state == InvitationState.ACCEPTED,
        )
    )
    rows = session.execute(led.union_all(joined)).all()
    competitors = {person_id for _, person_id, competes in rows if competes}
    return _groups((proposal_id, person_id) for proposal_id, person_id, _ in rows), competitors


def _groups(rows: Iterable[tuple[int, int]]) -> dict[int, list[Set[int]]]:
    """Person -> the groups that they were in; each row is a group and one of its people."""
    members: dict[int, set[int]] = {}
    for group, person_id in rows:
        members.setdefault(group, set()).add(person_id)
    of_person: dict[int, list[Set[int]]] = {}
    for group in sorted(members):
        for person_id in members[group]:
            of_person.setdefault(person_id, []).append(members[group])
    return of_person


def _together(
    groups: Mapping[int, Sequence[Set[int]]],
    wanted: Mapping[int, Person],
    team: Mapping[int, Person],
    kind: Kind,
    words: str,
) -> Iterator[Relation]:
    """Each wanted person once, with one member of the team whom they met in a group."""
    told: set[int] = set()
    for colleague in sorted(team):
        met = {person_id for group in groups.get(colleague, ()) for person_id in group}
        for person_id in sorted(met & set(wanted) - set(team) - told):
            told.add(person_id)
            yield Relation(person_id, kind, f"{words} {team[colleague].name}")
