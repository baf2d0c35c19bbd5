"""Reviewers for all proposals of a call at once: have them computed, fix pairs by hand, and ask."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, true
from sqlalchemy.orm import Session, defer, selectinload

from allocations.kernel import audit
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.errors import DomainError, IllegalMove, Incomplete, Invalid, NotFound
from allocations.kernel.refs import checked, id_of
from allocations.people.persons import Person
from allocations.people.roles import Actor, Role
from allocations.programme import calls, proposals, reviewing, runs
from allocations.programme.calls import Call, CallState, Reviewers
from allocations.programme.proposals import Proposal, State
from allocations.programme.reviews import READING, Review, ReviewState
from allocations.programme.runs import Run, RunKind, RunState
from allocations.programme.steps import StepKind
from allocations.programme.teams import TeamMember

Pair = tuple[int, int]  # proposal id, person id
MIX = ("technical", "domain", "senior", "early")
READY = frozenset({RunState.DONE, RunState.APPLIED})
MOST = 9
# A pair's chance, in percent.
LEAST_LIMIT, MOST_LIMIT = 10, 100
OWN = "You have a proposal in this call, so colleagues of the office find its reviewers."


@dataclass(frozen=True, slots=True)
class Wish:
    """How reviewers are proposed.

    `technical`, `domain` and `senior` ask for at least one such reviewer on each proposal, `early` for at
    most one early in their career. `limit` is the most likely that a pair may be, in percent; `forget`
    drops what was fixed by hand.
    """

    reviewers: int
    spread: bool = True
    technical: bool = False
    limit: int | None = None
    forget: bool = False
    domain: bool = False
    senior: bool = False
    early: bool = False

    @property
    def mix(self) -> list[str]:
        """The wishes about who sits together on a proposal, by name."""
        return [name for name in MIX if getattr(self, name)]


@dataclass(frozen=True, slots=True)
class Marks:
    """What an officer marked on some of the proposals (`shown`): pairs to keep, and pairs never to have."""

    shown: frozenset[int]
    locks: frozenset[Pair]
    bans: frozenset[Pair]


@dataclass(slots=True)
class Asked:
    """What became of the pairs that were chosen; `refused` holds a sentence for each that cannot be."""

    asked: int = 0
    already: int = 0
    refused: dict[Pair, str] = field(default_factory=dict)


def may_propose(actor: Actor, call: Call) -> Answer:
    """To have reviewers proposed. Whether the actor has a proposal in the call, `get` and the verbs ask."""
    runs_it = actor.has(Role.PROGRAMME_OFFICER) or actor.has(Role.PANEL_CHAIR, call.id)
    return first_no(
        when(runs_it, "Only programme officers and the chair of the call assign reviewers."),
        when(call.reviewed_by == Reviewers.EXPERTS, "In this call applicants review each other."),
        when(call.has_step(StepKind.REVIEW), "This call has no reviews."),
        when(call.state == CallState.PUBLISHED, "Reviewers are assigned between publication and conclusion."),
    )


def assignable(actor: Actor) -> ColumnElement[bool]:
    """`reviewing.may_assign` as SQL, for whoever may propose; a property test holds one against the other."""
    if actor.is_system:
        return Proposal.state == State.IN_REVIEW
    team = select(TeamMember.proposal_id).where(TeamMember.person_id == actor.person_id)
    house = select(Person.id).where(Person.institution_id == actor.institution_id)
    return and_(
        Proposal.state == State.IN_REVIEW,
        proposals.visible(actor),
        Proposal.pi_id != actor.person_id,
        Proposal.id.not_in(team),
        true() if actor.institution_id is None else Proposal.pi_id.not_in(house),
    )


def get(session: Session, actor: Actor, ref: str) -> Call:
    """A call whose reviewers this actor may propose, without its criteria, pools and questions."""
    query = select(Call, applies_in(actor)).where(Call.id == id_of(Call, ref), calls.visible(actor))
    call, own = session.execute(query).one_or_none() or (None, False)
    call = checked(call, ref)
    require(first_no(may_propose(actor, call), when(not own, OWN)))
    return call


def applies_in(actor: Actor) -> ColumnElement[bool]:
    """The actor leads or joins a proposal of the call; also one that is still a draft."""
    team = select(TeamMember.proposal_id).where(TeamMember.person_id == actor.person_id)
    mine = or_(Proposal.pi_id == actor.person_id, Proposal.id.in_(team))
    in_it = (Proposal.call_id == Call.id, Proposal.state != State.WITHDRAWN, mine)
    return exists().where(*in_it).correlate(Call)


def require_office(session: Session, actor: Actor, call: Call) -> None:
    """For verbs about who reviews in the call: whoever assigns, and has no proposal of their own in it."""
    require(first_no(may_propose(actor, call), when(not has_own(session, actor, call), OWN)))


def has_own(session: Session, actor: Actor, call: Call) -> bool:
    """Whoever applies in a call, or only drafts, does not choose its reviewers."""
    return bool(session.scalar(select(applies_in(actor)).where(Call.id == call.id)))


def latest(session: Session, call: Call) -> Run | None:
    """Without its inputs, which are every text of the call."""
    query = select(Run).where(Run.call_id == call.id, Run.kind == RunKind.ASSIGNMENT)
    return session.scalar(query.options(defer(Run.inputs)).order_by(Run.id.desc()).limit(1))


def ask(session: Session, actor: Actor, call: Call, wish: Wish, *, seed: int) -> Run:
    """Have reviewers proposed; what was fixed by hand on the last run stays fixed, unless it is forgotten."""
    require_office(session, actor, call)
    _check(wish)
    in_review = (Proposal.call_id == call.id, Proposal.state == State.IN_REVIEW)
    if not session.scalar(select(func.count()).where(*in_review)):
        raise IllegalMove("No proposal of this call is in review yet.")
    last = latest(session, call)
    fixed = last.parameters if last and not wish.forget else {}
    return _ask(session, actor, call, wish, seed=seed, fixed=fixed)


def _check(wish: Wish) -> None:
    wrong = {}
    if not 1 <= wish.reviewers <= MOST:
        wrong["reviewers"] = f"Enter a number from 1 to {MOST}."
    if wish.limit is not None and not LEAST_LIMIT <= wish.limit <= MOST_LIMIT:
        wrong["limit"] = f"Enter a number from {LEAST_LIMIT} to {MOST_LIMIT}, or leave this empty."
    elif wish.limit is not None and wish.mix:
        wrong["limit"] = "Lots and wishes about who sits together on a proposal cannot be had at once."
    if wrong:
        raise Invalid(wrong)


def _ask(session: Session, actor: Actor, call: Call, wish: Wish, *, seed: int, fixed: dict[str, Any]) -> Run:
    return runs.ask(
        session,
        actor,
        call,
        RunKind.ASSIGNMENT,
        seed=seed,
        reviewers=wish.reviewers,
        spread=wish.spread,
        **{name: getattr(wish, name) for name in MIX},
        limit=None if wish.limit is None else wish.limit / 100,
        locks=fixed.get("locks", []),
        bans=fixed.get("bans", []),
    )


def again(session: Session, actor: Actor, call: Call, run: Run, *, marks: Marks) -> Run:
    """The same once more, seed and wishes alike, with other marks on the proposals that were shown."""
    require_office(session, actor, call)
    if run.state not in READY:
        raise IllegalMove("There is no result yet that could be marked.")
    if marks.locks & marks.bans:
        raise Invalid({"_form": "A pair cannot be both locked and never to be asked."})
    mine = set(_mine(session, actor, call, marks.shown))
    marked = marks.locks | marks.bans
    known = _pairs(run.parameters["bans"]) | {(one["proposal"], one["person"]) for one in _found(run)}
    if not (marks.shown <= mine and {proposal for proposal, _ in marked} <= mine and marked <= known):
        raise NotFound
    fixed = {
        key: sorted(chosen | {pair for pair in _pairs(run.parameters[key]) if pair[0] not in marks.shown})
        for key, chosen in (("locks", marks.locks), ("bans", marks.bans))
    }
    return _ask(session, actor, call, wish_of(run), seed=run.seed, fixed=fixed)


def wish_of(run: Run) -> Wish:
    chosen = run.parameters
    limit = chosen["limit"]
    percent = None if limit is None else round(limit * 100)
    mix = {name: chosen.get(name, False) for name in MIX}
    return Wish(chosen["reviewers"], chosen["spread"], limit=percent, **mix)


def _pairs(listed: Sequence[Sequence[int]]) -> set[Pair]:
    return {(proposal, person) for proposal, person in listed}


def _found(run: Run) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = run.result.get("pairs", [])
    return found


def _mine(session: Session, actor: Actor, call: Call, ids: Collection[int]) -> dict[int, Proposal]:
    query = select(Proposal).where(Proposal.call_id == call.id, Proposal.id.in_(ids), assignable(actor))
    loaded = (selectinload(Proposal.team), selectinload(Proposal.requests))
    return {each.id: each for each in session.scalars(query.options(*loaded))}


def apply(session: Session, actor: Actor, call: Call, run: Run, *, pairs: Collection[Pair]) -> Asked:
    """Ask for these reviews of a computed assignment, each as if by hand: conflicts and loads of this moment.

    What is no longer possible is kept with the run, and the rest is done. Who was asked already is not
    asked again, also not after a refusal.
    """
    require_office(session, actor, call)
    # One after the other, also from two tabs: the second one sees what the first one did.
    locked = select(Run).where(Run.id == run.id).options(defer(Run.inputs)).with_for_update()
    session.scalars(locked.execution_options(populate_existing=True)).one()
    if run.state not in READY:
        raise IllegalMove("Reviewers are asked when the computation is done.")
    if not pairs:
        raise Incomplete({"_form": "Tick at least one reviewer to ask."})
    if not set(pairs) <= {(one["proposal"], one["person"]) for one in _found(run)}:
        raise NotFound
    told = _ask_all(session, actor, _mine(session, actor, call, {p for p, _ in pairs}), pairs=pairs)
    old = {(p, r): why for p, r, why in run.parameters.get("not_asked", []) if (p, r) not in set(pairs)}
    kept = sorted((old | told.refused).items())
    run.parameters = run.parameters | {"not_asked": [[*pair, why] for pair, why in kept]}
    if told.asked and run.state == RunState.DONE:
        runs.apply(session, actor, run)
    note = f"{run.ref}: {told.asked} asked, {len(told.refused)} not possible"
    audit.record(session, actor, "call.assign", subject=call.ref, note=note)
    return told


def _ask_all(session: Session, actor: Actor, mine: dict[int, Proposal], *, pairs: Collection[Pair]) -> Asked:
    ids = {person for _, person in pairs}
    people = {each.id: each for each in session.scalars(select(Person).where(Person.id.in_(ids)))}
    query = select(Review.proposal_id, Review.reviewer_id, Review.state).where(Review.proposal_id.in_(mine))
    states = {(proposal, person): state for proposal, person, state in session.execute(query)}
    told = Asked()
    for pair in sorted(pairs):
        state, person = states.get(pair), people[pair[1]]
        why = _ask_one(session, actor, mine.get(pair[0]), person=person, state=state)
        if state in READING and not why:
            told.already += 1
        elif why:
            told.refused[pair] = why
        else:
            told.asked += 1
    return told


def _ask_one(
    session: Session, actor: Actor, proposal: Proposal | None, *, person: Person, state: ReviewState | None
) -> str:
    """Why this cannot be; empty when it is done, now or before."""
    if proposal is None:
        return "The proposal is not in review any more, or not yours to assign."
    if state in READING:
        return ""
    if state is not None:
        return f"{person.name} was asked before, and the review is {state}. Ask again by hand if you mean it."
    try:
        reviewing.assign(session, actor, proposal, person=person)
    except DomainError as error:
        return error.reason
    return ""
