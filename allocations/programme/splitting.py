"""The split of a call's pools: asked for with its terms and the chair's pins, gathered, and read."""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, pstdev
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.accounts import ledger
from allocations.accounts.ledger import Purpose
from allocations.kernel import audit, units
from allocations.kernel.answers import Answer, require, when
from allocations.kernel.errors import IllegalMove, Incomplete, Invalid
from allocations.people.roles import SYSTEM, Actor, Role
from allocations.programme import calibrated, decisions, draws, panel_list, runs, substitutes
from allocations.programme.calls import Call
from allocations.programme.panel_list import Entry
from allocations.programme.proposals import Proposal, ResourceRequest, State
from allocations.programme.runs import Run, RunKind

# Scores closer than this are one band when the reviews do not say how far their means can be trusted.
WIDTH = 0.25


@dataclass(frozen=True, slots=True)
class Terms:
    """Percent throughout: `promises` of the request by band from the top, the smallest useful share of a
    request where its PI has not said, the share kept out of every pool, and the most of all pools for one
    institution (100: no cap)."""

    promises: tuple[int, ...] = (100, 90, 80, 70)
    minimum: int = 50
    set_aside: int = 0
    cap: int = 100


@dataclass(frozen=True, slots=True)
class Pinned:
    """Amounts that the chair has fixed (micro-units by resource slug), with the reason and who gave it."""

    proposal: int
    amounts: Mapping[str, int]
    reason: str
    by: str


def may_split(actor: Actor, call: Call) -> Answer:
    """To have the pools split, and to see how."""
    allowed = decisions.is_decider(actor, call).allowed or actor.has(Role.PROGRAMME_OFFICER)
    return when(allowed, "Only whoever decides and the programme office split the pools.")


def terms_of(run: Run | None) -> Terms:
    """Those of a run, to begin the next one with."""
    if run is None:
        return Terms()
    given = run.parameters["terms"]
    return Terms(**{**given, "promises": tuple(given["promises"])})


def pins_of(run: Run | None) -> list[Pinned]:
    return [Pinned(**one) for one in run.parameters["pins"]] if run else []


def ask(session: Session, actor: Actor, call: Call, terms: Terms, *, seed: int) -> Run:
    """With the pins of the last result, as far as the actor may know of them."""
    require(may_split(actor, call))
    _check(terms)
    done = runs.newest_and_done(session, call, RunKind.SPLIT)[1]
    return _ask(session, actor, call, terms, pins=pins_of(done), seed=seed)


def _check(terms: Terms) -> None:
    wrong: dict[str, str] = {}
    falling = all(a > b for a, b in itertools.pairwise((*terms.promises, 0)))
    if not terms.promises or not falling or terms.promises[0] > 100:
        wrong["promises"] = "Enter shares that fall from group to group, such as 100, 90, 80, 70."
    if not 1 <= terms.minimum <= 100:
        wrong["minimum"] = "Enter a number from 1 to 100."
    if not 0 <= terms.set_aside <= 90:
        wrong["set_aside"] = "Enter a number from 0 to 90."
    if not 1 <= terms.cap <= 100:
        wrong["cap"] = "Enter a number from 1 to 100; 100 means no cap."
    if wrong:
        raise Invalid(wrong)


def _ask(
    session: Session, actor: Actor, call: Call, terms: Terms, *, pins: Sequence[Pinned], seed: int
) -> Run:
    if not call.pools:
        raise IllegalMove("This call has no pools; there is nothing to split.")
    waiting = [one for one in panel_list.entries(session, actor, call) if is_candidate(one)]
    if not waiting:
        raise IllegalMove("No proposal with a submitted review waits for a decision.")
    done = runs.newest_and_done(session, call, RunKind.SPLIT)[1]
    kept = [asdict(pin) for pin in pins]
    before = [asdict(pin) for pin in pins_of(done)] if done else None
    return runs.ask(
        session, actor, call, RunKind.SPLIT, seed=seed, terms=asdict(terms), pins=kept, pins_before=before
    )


def is_candidate(entry: Entry) -> bool:
    return entry.state == State.IN_REVIEW and bool(entry.given)


def pin(
    session: Session,
    actor: Actor,
    proposal: Proposal,
    amounts: Mapping[str, int],
    *,
    reason: str,
    seed: int,
) -> Run:
    """Fix a proposal's amounts and have everything else split around them."""
    require(decisions.may_decide(actor, proposal))
    decisions.check_amounts(proposal, amounts)
    if not reason.strip():
        raise Incomplete({"reason": "Write why the amounts differ from those of the split."})
    run, pins = _others(session, proposal)
    pins.append(Pinned(proposal.id, dict(amounts), reason.strip(), actor.name))
    given = ", ".join(f"{units.shown(amount)} {slug}" for slug, amount in sorted(amounts.items()))
    audit.record(session, actor, "proposal.pin", subject=proposal.ref, note=f"{given}. {reason.strip()}")
    return _ask(session, actor, proposal.call, terms_of(run), pins=pins, seed=seed)


def unpin(session: Session, actor: Actor, proposal: Proposal, *, seed: int) -> Run:
    """Let the split find the amounts again."""
    require(decisions.may_decide(actor, proposal))
    run, pins = _others(session, proposal)
    if len(pins) == len(pins_of(run)):
        raise IllegalMove("The amounts of this proposal are not set by hand.")
    audit.record(session, actor, "proposal.unpin", subject=proposal.ref)
    return _ask(session, actor, proposal.call, terms_of(run), pins=pins, seed=seed)


def _others(session: Session, proposal: Proposal) -> tuple[Run, list[Pinned]]:
    run = runs.newest_and_done(session, proposal.call, RunKind.SPLIT)[1]
    if run is None:
        raise IllegalMove("Split the pools first.")
    return run, [one for one in pins_of(run) if one.proposal != proposal.id]


def gather(session: Session, run: Run) -> dict[str, Any]:
    """Everything that the split depends on, and the same for everybody from whom something is kept."""
    call = session.get_one(Call, run.call_id)
    listed = panel_list.entries(session, SYSTEM, call)
    known = panel_list.loaded(session, [one.proposal for one in listed if is_candidate(one)])
    done = runs.newest_and_done(session, call, RunKind.CALIBRATION)[1]
    everything = [one.proposal for one in listed]
    hidden = panel_list.hidden_from_panel(session, call, everything)
    crowd = Crowd(listed, known, _had_awards(session, known.values()))
    views = [_view(crowd, done, set(kept)) for kept in [[], *hidden]]
    return {
        "proposals": everything,
        "pools": _pools(session, call),
        "high_risk": call.high_risk_percent,
        "first_time": call.first_time_percent,
        "terms": run.parameters["terms"],
        "pins": [_amounts(one) for one in run.parameters["pins"] if one["proposal"] in known],
        # Whom the lots passed over gets nothing, unless an appeal brought it back or a person sets an amount.
        "lost": sorted(draws.losers(session, call) & _first_time(known)),
        "pins_before": _before(run, known),
        "views": views,
    }


def _first_time(known: Mapping[int, Proposal]) -> set[int]:
    return {key for key, proposal in known.items() if not decisions.is_back(proposal)}


def _amounts(one: Mapping[str, Any]) -> dict[str, Any]:
    return {"proposal": one["proposal"], "amounts": one["amounts"]}


def _before(run: Run, known: Mapping[int, Proposal]) -> list[dict[str, Any]] | None:
    before = run.parameters["pins_before"]
    return None if before is None else [_amounts(one) for one in before if one["proposal"] in known]


def _pools(session: Session, call: Call) -> list[dict[str, Any]]:
    held = ledger.balances(session, [ledger.pool(link.pool_id) for link in call.pools])
    return [
        {
            "slug": link.pool.resource.slug,
            "name": link.pool.resource.name,
            "unit": link.pool.resource.unit,
            "capacity": held.get(ledger.pool(link.pool_id), {}).get(Purpose.FREE, 0),
        }
        for link in call.pools
    ]


@dataclass(frozen=True, slots=True)
class Crowd:
    """The whole list, its candidates, and which proposals of each PI have been awarded, in any call."""

    listed: Sequence[Entry]
    known: Mapping[int, Proposal]
    awarded: Mapping[int, set[int]]


def _had_awards(session: Session, candidates: Iterable[Proposal]) -> dict[int, set[int]]:
    theirs = (Proposal.pi_id.in_({one.pi_id for one in candidates}), Proposal.state == State.AWARDED)
    found: dict[int, set[int]] = {}
    for pi, proposal in session.execute(select(Proposal.pi_id, Proposal.id).where(*theirs)):
        found.setdefault(pi, set()).add(proposal)
    return found


def _view(crowd: Crowd, done: Run | None, hidden: set[int]) -> dict[str, Any]:
    """Scores are calibrated ones where there are such for this list, and plain means otherwise."""
    listed = crowd.listed
    seen = [entry for entry in listed if is_candidate(entry) and entry.proposal not in hidden]
    levels = _levels(listed, done, hidden, seen)
    scores = {one.proposal: levels[one.proposal].mean if levels else one.mean or 0.0 for one in seen}
    width = fmean(levels[one.proposal].sd for one in seen) if levels else plain_width(seen)
    return {
        "hidden": sorted(hidden),
        "calibrated": bool(levels),
        "width": round(width, 4),
        "candidates": [_candidate(crowd, one, scores[one.proposal], hidden=hidden) for one in seen],
    }


def _levels(
    listed: Sequence[Entry], done: Run | None, hidden: set[int], seen: Sequence[Entry]
) -> Mapping[int, calibrated.Level]:
    reading = calibrated.read(done, [entry for entry in listed if entry.proposal not in hidden])
    levels = reading.levels if reading else {}
    return levels if seen and all(one.proposal in levels for one in seen) else {}


def plain_width(seen: Sequence[Entry]) -> float:
    """The standard error of a plain mean, from how far the reviews of one proposal differ."""
    spreads = [pstdev(one.scores) for one in seen if len(one.given) > 1]
    if not spreads or not any(spreads):
        return WIDTH
    return max(0.05, fmean(spreads) / math.sqrt(fmean(len(one.given) for one in seen)))


def lift(scores: Sequence[float]) -> float:
    """By how much the better half of a proposal's reviews (the middle one counted in) is above them all."""
    best = sorted(scores, reverse=True)[: (len(scores) + 1) // 2]
    return fmean(best) - fmean(scores)


def _candidate(crowd: Crowd, entry: Entry, score: float, *, hidden: set[int]) -> dict[str, Any]:
    proposal = crowd.known[entry.proposal]
    return {
        "proposal": proposal.id,
        "version": proposal.version,
        "score": score,
        # People without an institution on record are no house together.
        "house": f"institution {proposal.pi.institution_id or f'of {proposal.pi_id}'}",
        "high_risk": proposal.high_risk,
        # Those who doubt that it works say nothing about what it would bring if it does.
        "if_it_works": round(score + lift(entry.scores), 4),
        "first_time": not crowd.awarded.get(proposal.pi_id, set()) - hidden,
        "lines": [_line(wanted) for wanted in proposal.requests],
    }


def _line(wanted: ResourceRequest) -> dict[str, Any]:
    return {
        "slug": wanted.resource.slug,
        "requested": wanted.requested,
        "minimum": wanted.minimum,
        "instead": substitutes.rates(wanted),
    }


@dataclass(frozen=True, slots=True)
class Reading:
    """A split as one viewer reads it, solved without what is kept from them.

    `view` is the stored result; `pins` are those that the viewer may know of, by proposal.
    """

    run: Run
    view: Mapping[str, Any]
    pins: Mapping[int, Pinned]
    is_stale: bool

    @property
    def outcomes(self) -> list[dict[str, Any]]:
        """By rank; empty when the split was refused."""
        return list(self.view.get("outcomes", ()))


def read(session: Session, call: Call, run: Run | None, listed: Sequence[Entry]) -> Reading | None:
    """None when there is no result, or it was computed for another list."""
    view = calibrated.view_of(run, {entry.proposal for entry in listed}) if run else None
    if run is None or view is None:
        return None
    seen = {entry.proposal for entry in listed}
    now = {entry.proposal for entry in listed if is_candidate(entry)}
    then = set(view["candidates"])
    moved = _pools(session, call) != run.inputs["pools"]
    pins = {one.proposal: one for one in pins_of(run) if one.proposal in seen}
    return Reading(run, view, pins, is_stale=now != then or moved)
