"""What the public learns of a call: its awards, and how applicants fared, with small groups hidden."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session, selectinload

from allocations.accounts.awards import Award, AwardState
from allocations.kernel import audit
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.people.institutions import KINDS, Institution
from allocations.people.persons import STAGES, CareerStage, Person
from allocations.people.roles import Actor
from allocations.programme import panel_list
from allocations.programme.calls import Call, CallState
from allocations.programme.decisions import Decision
from allocations.programme.proposals import Proposal, State, is_pi

# A proposal's PI, and whether it was awarded.
Fate = tuple[int, bool]
# Groups with fewer applicants than this are not told apart: somebody could be recognised.
SMALLEST = 5
OTHERS = "Others"
DECIDED = (State.AWARDED, State.DECLINED)


@dataclass(frozen=True, slots=True)
class PublicAward:
    """An accepted award as everybody may read it; `abstract` is empty where the PI keeps it back."""

    id: int
    title: str
    abstract: str
    pi: str
    institution: str
    call: str
    award: Award


@dataclass(frozen=True, slots=True)
class Success:
    """How one group of applicants fared."""

    group: str
    applied: int
    awarded: int

    @property
    def percent(self) -> int:
        return round(100 * self.awarded / self.applied)


def awards(session: Session, *, before: int | None = None, size: int = 25) -> list[PublicAward]:
    """Accepted awards, newest first, by keyset; awards without a proposal are none of a call."""
    query = (
        select(Award, Proposal)
        .join(Decision, Decision.award_id == Award.id)
        .join(Proposal, Proposal.id == Decision.proposal_id)
        .where(Award.state == AwardState.ACCEPTED)
        .options(selectinload(Award.allocations))
    )
    if before is not None:
        query = query.where(Award.id < before)
    found = session.execute(query.order_by(Award.id.desc()).limit(size))
    return [_public(award, proposal) for award, proposal in found]


def _public(award: Award, proposal: Proposal) -> PublicAward:
    return PublicAward(
        id=award.id,
        title=proposal.title,
        abstract="" if proposal.hides_abstract else proposal.abstract,
        pi=proposal.pi.name,
        institution=proposal.pi.affiliation,
        call=proposal.call.title,
        award=award,
    )


def may_hide(actor: Actor, proposal: Proposal) -> Answer:
    """To keep the abstract back from the public list of awards, and to show it again."""
    return first_no(
        is_pi(actor, proposal),
        when(proposal.state == State.AWARDED, "Only awarded proposals are published."),
    )


def hide(session: Session, actor: Actor, proposal: Proposal) -> None:
    """Keep the abstract back, or show it again: whichever it is not now."""
    require(may_hide(actor, proposal))
    proposal.hides_abstract = not proposal.hides_abstract
    word = "kept back" if proposal.hides_abstract else "shown"
    audit.record(session, actor, "proposal.hide_abstract", subject=proposal.ref, note=word)


def statistics(session: Session, actor: Actor, call: Call) -> dict[str, list[Success]]:
    """Applications and awards by field of science, country, kind of institution, career stage and whether
    the PI applied for the first time.

    Only decided proposals count; until the call is concluded, and everybody reads this, only those on the
    actor's own list. A proposal with two fields counts in both. Empty for fewer than ten applicants: anything
    less tells of single people.
    """
    told = (Proposal.pi_id, Proposal.state, Proposal.fields_of_science, Person.career_stage)
    query = (
        select(*told, Institution.country, Institution.kind)
        .select_from(Proposal)
        .join(Person, Person.id == Proposal.pi_id)
        .outerjoin(Institution, Institution.id == Person.institution_id)
        .where(Proposal.call_id == call.id, Proposal.state.in_(DECIDED))
    )
    if call.state != CallState.CONCLUDED:
        query = query.where(panel_list.shown(actor, call))
    rows = session.execute(query.order_by(Proposal.id)).all()
    if len({row.pi_id for row in rows}) < 2 * SMALLEST:
        return {}
    earlier = select(Proposal.pi_id).where(Proposal.state.in_(DECIDED), Proposal.call_id < call.id)
    known = set(session.scalars(earlier.distinct()))
    tables: dict[str, dict[str, list[Fate]]] = {}
    for row in rows:
        for table, groups in _groups(row, is_known=row.pi_id in known).items():
            lines = tables.setdefault(table, defaultdict(list))
            for group in groups:
                lines[group].append((row.pi_id, row.state == State.AWARDED))
    every = Success("All", len(rows), sum(row.state == State.AWARDED for row in rows))
    return {"All": [every]} | {name: suppressed(groups) for name, groups in tables.items()}


def _groups(row: Row[*tuple[Any, ...]], *, is_known: bool) -> dict[str, Sequence[str]]:
    """Table -> the groups in which one proposal counts. “Prefer not to say” counts as not told."""
    stage = row.career_stage if row.career_stage != CareerStage.NOT_SAID else None
    return {
        "Field of science": row.fields_of_science,
        "Country": [row.country or "Not known"],
        "Kind of institution": [KINDS[row.kind] if row.kind else "Not known"],
        "Career stage": [STAGES[stage] if stage else "Not told"],
        "Experience": ["Applied before" if is_known else "First application"],
    }


def suppressed(groups: Mapping[str, Sequence[Fate]]) -> list[Success]:
    """Groups of few people go together; none that is left out is found by taking the others from the sum.

    While those put together are themselves too few, the next smallest group joins them. A table of one
    line tells nothing and is left out.
    """
    ordered = sorted(groups.items(), key=lambda item: (_people(item[1]), item[0]))
    together: list[Fate] = []
    while ordered and (_people(ordered[0][1]) < SMALLEST or 0 < _people(together) < SMALLEST):
        together += ordered.pop(0)[1]
    lines = [_success(name, told) for name, told in reversed(ordered)]
    if together:
        lines.append(_success(OTHERS, together))
    return lines if len(lines) > 1 else []


def _people(told: Sequence[Fate]) -> int:
    return len({pi for pi, _ in told})


def _success(group: str, told: Sequence[Fate]) -> Success:
    return Success(group, len(told), sum(won for _, won in told))
