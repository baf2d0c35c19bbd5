"""Many decisions at once: amounts of a split noted as recommended, and decided as recommended."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, select
from sqlalchemy.orm import Session

from allocations.kernel.answers import Answer, require
from allocations.kernel.errors import DomainError, IllegalMove, Incomplete
from allocations.people.roles import Actor
from allocations.programme import decisions, noting, panel_list, runs, substitutes
from allocations.programme.calls import Call
from allocations.programme.noting import Kept
from allocations.programme.panel_list import shown
from allocations.programme.proposals import Proposal, ResourceRequest, State
from allocations.programme.runs import RunState
from allocations.programme.splitting import Reading

# Proposals decided by one press: awards found projects, and everybody gets a letter.
AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Left:
    """A proposal that stays as it was, and why."""

    ref: str
    reason: str


@dataclass(frozen=True, slots=True)
class Taken:
    """How many proposals have amounts of a split now, which could not be given theirs, and what people had
    noted and nobody chose to replace."""

    taken: int
    left: tuple[Left, ...]
    noted: tuple[Left, ...]


@dataclass(frozen=True, slots=True)
class Decided:
    awarded: int
    declined: int
    left: tuple[Left, ...]


@dataclass(frozen=True, slots=True)
class Ready:
    """What has recommended amounts and waits: ids of those that get something, and of those that do not."""

    award: tuple[int, ...]
    decline: tuple[int, ...]

    @property
    def both(self) -> list[int]:
        return [*self.award, *self.decline]


def may_decide_all(actor: Actor, call: Call) -> Answer:
    """To take a split over and to decide by it; each proposal is asked about besides."""
    return decisions.is_decider(actor, call)


def take_over(
    session: Session, actor: Actor, call: Call, reading: Reading, *, replace: Collection[str] = ()
) -> Taken:
    """Note the amounts of this split, save what has changed since or is not for this actor to decide.

    What people have noted stays, unless `replace` holds the key of that line.
    """
    require(may_decide_all(actor, call))
    if reading.run.state == RunState.APPLIED:
        raise IllegalMove("This split is taken over already. Split the pools again to take over more.")
    before, put = noting.put(session, call), dict[str, dict[str, int]]()
    known = panel_list.loaded(session, [one["proposal"] for one in reading.outcomes])
    left, noted = list[Left](), list[Left]()
    for one in reading.outcomes:
        proposal = known[one["proposal"]]
        lines = noting.kept_of(call, proposal, one["amounts"], before)
        staying = [line for line in lines if line.key not in replace]
        noted += [Left(proposal.ref, line.words) for line in staying]
        # Whoever ticked a line has seen the proposal as it is now; the others stand as they were gathered.
        version = one["version"] if staying == lines else None
        try:
            put[str(proposal.id)] = _take(session, actor, proposal, one | {"version": version}, staying)
        except DomainError as error:
            left.append(Left(proposal.ref, error.reason))
    done = sum(1 for amounts in put.values() if amounts)
    if not done:
        raise IllegalMove(_nothing(left, noted))
    reading.run.parameters = reading.run.parameters | {"put": {**before, **put}}
    runs.apply(session, actor, reading.run)
    return Taken(done, tuple(left), tuple(noted))


def _take(
    session: Session, actor: Actor, proposal: Proposal, one: Mapping[str, Any], staying: Sequence[Kept]
) -> dict[str, int]:
    """What the split puts on the lines of a proposal but those that stay; empty when all of them do."""
    stays = {slug: amount for line in staying for slug, amount in line.noted.items()}
    given = {slug: one["amounts"].get(slug, 0) for slug in substitutes.slugs(proposal)}
    if stays.keys() != given.keys():
        decisions.recommend(session, actor, proposal, given | stays, version=one["version"])
    return {slug: amount for slug, amount in given.items() if slug not in stays}


def _nothing(left: Sequence[Left], noted: Sequence[Left]) -> str:
    if left:
        return left[0].reason
    if noted:
        return "Everything is noted by hand. Tick what the split is to replace."
    return "The split has nothing to take over."


def ready(session: Session, actor: Actor, call: Call) -> Ready:
    """Of the viewer's list, in the order of their references; one statement."""
    gets = exists().where(ResourceRequest.proposal_id == Proposal.id, ResourceRequest.recommended > 0)
    rows = session.execute(select(Proposal.id, gets).where(_noted(actor, call)).order_by(Proposal.id)).all()
    award, decline = [key for key, something in rows if something], [k for k, some in rows if not some]
    return Ready(tuple(award), tuple(decline))


def _noted(actor: Actor, call: Call) -> ColumnElement[bool]:
    requests = exists().where(ResourceRequest.proposal_id == Proposal.id)
    open_ones = requests.where(ResourceRequest.recommended.is_(None))
    return and_(shown(actor, call), Proposal.state == State.IN_REVIEW, requests, ~open_ones)


def decide_as_recommended(
    session: Session, actor: Actor, call: Call, *, summary: str, reasons: Mapping[int, Mapping[str, Any]]
) -> Decided:
    """The next ones, at most AT_ONCE; `summary` may name {title}, {outcome} and {explanation}.

    What cannot be decided now is left as it is, and does not keep the others waiting.
    """
    require(may_decide_all(actor, call))
    if not summary.strip():
        raise Incomplete({"summary": "Write a summary of the decisions; it goes into each letter."})
    waiting = ready(session, actor, call).both
    if not waiting:
        raise IllegalMove("No proposal with recommended amounts waits for a decision.")
    done, left = {True: 0, False: 0}, list[Left]()
    for proposal in _each(session, waiting):
        amounts = substitutes.recommended(proposal)
        why = _explanation(reasons.get(proposal.id), amounts)
        words = _filled(summary, proposal, why, gets=any(amounts.values()))
        try:
            with session.begin_nested():
                _decide(session, actor, proposal, amounts, summary=words)
        except DomainError as error:
            left.append(Left(proposal.ref, error.reason))
            continue
        done[any(amounts.values())] += 1
        if sum(done.values()) == AT_ONCE:
            break
    return Decided(done[True], done[False], tuple(left))


def _each(session: Session, ids: Sequence[int]) -> Iterator[Proposal]:
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        known = panel_list.loaded(session, some)
        yield from (known[key] for key in some)


def _filled(summary: str, proposal: Proposal, explanation: str, *, gets: bool) -> str:
    """Only these three are replaced: braces of any other kind are text."""
    outcome = "awarded" if gets else "declined"
    words = {"{title}": proposal.heading, "{outcome}": outcome, "{explanation}": explanation}
    for mark, word in words.items():
        summary = summary.replace(mark, word)
    return summary


def _decide(
    session: Session, actor: Actor, proposal: Proposal, amounts: Mapping[str, int], *, summary: str
) -> None:
    if any(amounts.values()):
        decisions.award(session, actor, proposal, amounts=amounts, summary=summary)
    else:
        decisions.decline(session, actor, proposal, summary=summary)
    session.flush()


def explanations(reading: Reading | None) -> dict[int, Mapping[str, Any]]:
    """What the split says of each proposal, once it has been taken over."""
    if reading is None or reading.run.state != RunState.APPLIED:
        return {}
    return {one["proposal"]: one for one in reading.outcomes}


def _explanation(one: Mapping[str, Any] | None, amounts: Mapping[str, int]) -> str:
    """The sentence of the split, where what is decided are its amounts: it explains no others."""
    if one is None or any(one["amounts"].get(slug, 0) != amount for slug, amount in amounts.items()):
        return ""
    return str(one["reason"])
