"""A computed assignment as one officer may see it: nothing, and no number, about proposals closed to them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.kernel.refs import spelt
from allocations.people.persons import Person
from allocations.people.roles import Actor
from allocations.programme import assigning, reviewers
from allocations.programme.assigning import Pair
from allocations.programme.calls import Call
from allocations.programme.proposals import Proposal
from allocations.programme.reviewers import Reviewer
from allocations.programme.reviews import Review, ReviewState
from allocations.programme.runs import Run, RunState

# Proposals on a page: what one form asks for is done in one request.
SIZE = 20
WEAKEST = 10
# Pages say matches with two decimals.
ROUNDING = 0.005


@dataclass(frozen=True, slots=True)
class Heading:
    """A proposal by what a list names it."""

    id: int
    ref: str
    title: str


@dataclass(frozen=True, slots=True)
class Match:
    """One proposed reviewer: `found` is the pair as computed, `state` that of the review, if there is one."""

    person_id: int
    name: str
    affiliation: str
    found: Mapping[str, Any]
    load: int
    most: int
    state: ReviewState | None
    not_asked: str

    @property
    def is_open(self) -> bool:
        """Nobody has been asked for this review yet."""
        return self.state is None


@dataclass(frozen=True, slots=True)
class Line:
    """One proposal with its reviewers; `banned` are people whom an officer struck out."""

    proposal: Heading
    matches: tuple[Match, ...]
    banned: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Cut:
    """Why there is no assignment; no names where one of the proposals is closed to the actor."""

    proposals: tuple[Heading, ...]
    people: tuple[str, ...]
    relax: tuple[str, ...]
    is_closed: bool


@dataclass(frozen=True, slots=True)
class Missed:
    """A wish about who sits together that could not be had for these proposals."""

    role: str
    is_excess: bool
    proposals: tuple[Heading, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """`loads`: how many reviewers would have how many open reviews; `weakest`: mean match, worst first."""

    in_review: int
    lines: tuple[Line, ...]
    older: int | None
    loads: tuple[tuple[int, int], ...]
    weakest: tuple[tuple[Heading, float], ...]
    missed: tuple[Missed, ...]
    dropped: tuple[tuple[str, Heading, str], ...]
    cut: Cut | None
    # Why some of these pairs match less than the least that anybody new has to.
    under: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pages:
    """Which part of the list: by number, or the weakest mean match first; `after` is the last one seen."""

    weakest_first: bool = False
    after: int | None = None


class _Table:
    """What the database knows now, and the pairs of the run that the actor may see."""

    def __init__(self, session: Session, actor: Actor, call: Call, run: Run | None) -> None:
        self.headings = _headings(session, actor, call)
        self.reviewers = {each.person.id: each for each in reviewers.everybody(session, actor, call.id)}
        self.states, self.former = _states(session, self.headings)
        self.parameters: Mapping[str, Any] = run.parameters if run else {}
        self.result: Mapping[str, Any] = run.result if run else {}
        self.pairs: dict[int, list[dict[str, Any]]] = {}
        for one in self.result.get("pairs", []):
            if one["proposal"] in self.headings:
                self.pairs.setdefault(one["proposal"], []).append(one)
        self.loads = self._loads()

    def _loads(self) -> dict[int, int]:
        """Open reviews of everybody once the proposed ones are asked for."""
        loads = {person_id: each.load for person_id, each in self.reviewers.items()}
        for one in (one for listed in self.pairs.values() for one in listed):
            if (one["proposal"], one["person"]) not in self.states and one["person"] in loads:
                loads[one["person"]] += 1
        return loads

    def mean(self, proposal_id: int) -> float:
        matches: list[float] = [one["affinity"] for one in self.pairs[proposal_id]]
        return sum(matches) / len(matches)

    def person(self, person_id: int) -> tuple[str, str]:
        """Name and affiliation."""
        reviewer: Reviewer | None = self.reviewers.get(person_id)
        person: Person | None = reviewer.person if reviewer else self.former.get(person_id)
        return (person.name, person.affiliation) if person else ("Somebody who no longer reviews", "")


def shown(session: Session, actor: Actor, call: Call, run: Run | None, *, pages: Pages) -> Shown:
    """Three statements, however long the call's list is."""
    table = _Table(session, actor, call, run)
    by_match = sorted(table.pairs, key=lambda each: (table.mean(each), each))
    order = by_match if pages.weakest_first else sorted(table.pairs)
    start = order.index(pages.after) + 1 if pages.after in table.pairs else 0
    listed = order[start : start + SIZE]
    dropped = [each for each in table.result.get("dropped", []) if each[0] in table.headings]
    is_failed = run is not None and run.state == RunState.FAILED
    return Shown(
        in_review=len(table.headings),
        lines=tuple(_line(table, proposal_id) for proposal_id in listed),
        older=listed[-1] if start + SIZE < len(order) else None,
        loads=tuple(sorted(Counter(table.loads.values()).items())),
        weakest=tuple((table.headings[each], table.mean(each)) for each in by_match[:WEAKEST]),
        missed=_missed(table),
        dropped=tuple((table.person(r)[0], table.headings[p], why) for p, r, why in dropped),
        cut=_cut(table) if is_failed and table.result else None,
        under=_under(table),
    )


def _missed(table: _Table) -> tuple[Missed, ...]:
    found: dict[tuple[str, bool], list[Heading]] = {}
    for proposal_id, role, _, *is_excess in table.result.get("shortages", []):
        if proposal_id in table.headings:
            # Runs of before there was a most have three columns.
            found.setdefault((role, any(is_excess)), []).append(table.headings[proposal_id])
    return tuple(Missed(*key, tuple(listed)) for key, listed in sorted(found.items()))


def _under(table: _Table) -> tuple[str, ...]:
    """The floor looks at what people know, and at nobody who is on the proposal already."""
    floor = (table.result.get("floor") or 0.0) - ROUNDING
    low = [one for listed in table.pairs.values() for one in listed if one["affinity"] < floor]
    return tuple(sorted({_why_under(one) for one in low}))


def _why_under(one: Mapping[str, Any]) -> str:
    if one["kept"]:
        return "had been asked already"
    return "are locked" if one["locked"] else "would rather not"


def _headings(session: Session, actor: Actor, call: Call) -> dict[int, Heading]:
    query = select(Proposal.id, Proposal.created_at, Proposal.title).where(
        Proposal.call_id == call.id, assigning.assignable(actor)
    )
    return {
        proposal_id: Heading(proposal_id, spelt(Proposal, proposal_id, created_at), title)
        for proposal_id, created_at, title in session.execute(query)
    }


def _states(
    session: Session, headings: Mapping[int, Heading]
) -> tuple[dict[Pair, ReviewState], dict[int, Person]]:
    """Reviews of these proposals by pair, and who writes them."""
    query = select(Review.proposal_id, Review.state, Person).join(Person, Person.id == Review.reviewer_id)
    states, people = {}, {}
    for proposal_id, state, person in session.execute(query.where(Review.proposal_id.in_(headings))):
        states[proposal_id, person.id] = state
        people[person.id] = person
    return states, people


def _line(table: _Table, proposal_id: int) -> Line:
    refused = {(p, r): why for p, r, why in table.parameters.get("not_asked", [])}
    return Line(
        table.headings[proposal_id],
        tuple(_match(table, one, refused) for one in table.pairs[proposal_id]),
        tuple((r, table.person(r)[0]) for p, r in table.parameters["bans"] if p == proposal_id),
    )


def _match(table: _Table, one: Mapping[str, Any], refused: Mapping[Pair, str]) -> Match:
    person_id, pair = one["person"], (one["proposal"], one["person"])
    name, affiliation = table.person(person_id)
    reviewer = table.reviewers.get(person_id)
    return Match(
        person_id=person_id,
        name=name,
        affiliation=affiliation,
        found=one,
        load=table.loads.get(person_id, 0),
        most=reviewer.most if reviewer else 0,
        state=table.states.get(pair),
        not_asked=refused.get(pair, ""),
    )


def _cut(table: _Table) -> Cut:
    ids: Sequence[int] = table.result.get("proposals", [])
    people: Iterable[int] = table.result.get("people", [])
    if not set(ids) <= set(table.headings):
        return Cut((), (), (), is_closed=True)
    return Cut(
        tuple(table.headings[each] for each in ids),
        tuple(table.person(each)[0] for each in people),
        tuple(table.result.get("relax", [])),
        is_closed=False,
    )
