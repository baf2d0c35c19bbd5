"""Many decisions at once: amounts of a split noted as recommended, and decided as recommended."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, exists, select
from sqlalchemy.orm import Session

from allocations.kernel.answers import Answer, require
from allocations.kernel.errors import DomainError, IllegalMove, Incomplete
from allocations.people.roles import Actor
from allocations.programme import decisions, panel_list, runs, substitutes
from allocations.programme.calls import Call
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
    """How many proposals have the amounts of a split now, and which stay as they were."""

    taken: int
    left: tuple[Left, ...]


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


def take_over(session: Session, actor: Actor, call: Call, reading: Reading) -> Taken:
    """Note the amounts of this split, save what has changed since or is not for this actor to decide."""
    require(may_decide_all(actor, call))
    amounts = {one["proposal"]: (one["amounts"], one["version"]) for one in reading.outcomes}
    known, left = panel_list.loaded(session, list(amounts)), list[Left]()
    for key, (given, version) in amounts.items():
        try:
            decisions.recommend(session, actor, known[key], given, version=version)
        except DomainError as error:
            left.append(Left(known[key].ref, error.reason))
    if len(left) == len(amounts):
        raise IllegalMove(left[0].reason if left else "The split has nothing to take over.")
    runs.apply(session, actor, reading.run)
    return Taken(len(amounts) - len(left), tuple(left))


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
    session: Session, actor: Actor, call: Call, *, summary: str, reasons: Mapping[int, str]
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
        words = _filled(summary, proposal, reasons.get(proposal.id, ""), gets=any(amounts.values()))
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


def explanations(reading: Reading | None) -> dict[int, str]:
    """The sentence of the split for each proposal, once it has been taken over."""
    if reading is None or reading.run.state != RunState.APPLIED:
        return {}
    return {one["proposal"]: one["reason"] for one in reading.outcomes}
