"""Why a proposal got what it got, in a sentence that can be checked against the table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from allocations.programme.selection import solving
from allocations.programme.selection.bands import SCORE
from allocations.programme.selection.requests import Candidate, Line
from allocations.programme.selection.results import Certificate, Kind, Outcome
from allocations.programme.selection.solving import Item, Mode, Space

# Less than a thousandth of a unit in a pool serves nobody.
CRUMB = 1000


@dataclass(frozen=True, slots=True)
class Ground:
    """What reasons are found from: outcomes by rank beside their candidates, and the whole space."""

    ranked: Sequence[Candidate]
    outcomes: Sequence[Outcome]
    space: Space
    left: Mapping[str, int]
    width: float
    names: Mapping[str, str]


def of(ground: Ground, number: int) -> Certificate:
    """The certificate of the outcome with this number (rank less one)."""
    outcome, candidate = ground.outcomes[number], ground.ranked[number]
    if outcome.source == "chair":
        return Certificate(Kind.PINNED, "The chair set this amount; the others were split around it.")
    if outcome.awarded:
        return _funded(ground, outcome, candidate)
    return _unfunded(ground, number)


def _funded(ground: Ground, outcome: Outcome, candidate: Candidate) -> Certificate:
    requested = sum(line.requested for line in candidate.lines)
    tail = "" if outcome.source == SCORE else f" (from the {outcome.source})"
    if outcome.awarded == requested:
        return Certificate(Kind.FULL, f"Funded in full{tail}.")
    share = outcome.awarded * 100 // requested
    cut = [
        line
        for line, served in zip(candidate.lines, outcome.lines, strict=True)
        if served.awarded < line.requested
    ]
    eligible = sorted({rate.pool for line in cut for rate in line.rates})
    pools = tuple(pool for pool in eligible if ground.left[pool] < CRUMB)
    if not pools and _at_cap(ground, candidate.institution):
        return Certificate(Kind.CUT, f"Cut to {share} % because the institution is at its cap{tail}.")
    return Certificate(
        Kind.CUT, f"Cut to {share} % because {_exhausted(ground, eligible, pools)}{tail}.", pools
    )


def _exhausted(ground: Ground, eligible: Sequence[str], pools: Sequence[str]) -> str:
    if not pools:
        return "a request draws on so many pools at most, and those are held by others"
    if len(pools) == 1:
        named = f"pool {ground.names[pools[0]]} is exhausted at rank {_last(ground, pools[0])}"
    else:
        listed = ", ".join(f"{ground.names[pool]} at rank {_last(ground, pool)}" for pool in pools)
        named = f"its pools are exhausted ({listed})"
    return named if len(pools) == len(eligible) else f"{named} and it may not draw on more pools"


def _last(ground: Ground, pool: str) -> int:
    """The rank that got the last of a pool."""
    holders = [
        outcome.rank
        for outcome in ground.outcomes
        if any(use.pool == pool for line in outcome.lines for use in line.uses)
    ]
    return max(holders, default=0)


def _at_cap(ground: Ground, institution: str) -> bool:
    houses = ground.space.houses
    return houses is not None and houses[institution] - _used(ground, institution) < CRUMB


def _used(ground: Ground, institution: str) -> Fraction:
    return sum(
        (
            use.amount * ground.space.credit[use.pool]
            for candidate, outcome in zip(ground.ranked, ground.outcomes, strict=True)
            if candidate.institution == institution
            for line in outcome.lines
            for use in line.uses
        ),
        Fraction(0),
    )


def _unfunded(ground: Ground, number: int) -> Certificate:
    candidate = ground.ranked[number]
    free = without_worse(ground, number)
    if _fits(free, candidate):
        return Certificate(
            Kind.AVOIDABLE, "It would fit if worse ones were dropped: the split was not solved to the end."
        )
    if free.houses is not None and _fits(replace(free, houses=None), candidate):
        reason = f"{candidate.institution} would pass its cap; the pools themselves have room."
        return Certificate(Kind.INSTITUTION_CAP, reason)
    pools = tuple(sorted({rate.pool for line in candidate.lines for rate in line.rates}))
    if not any(outcome.awarded for outcome in ground.outcomes[number + 1 :]):
        return Certificate(Kind.BELOW_LINE, "Below the line: nobody behind it is funded either.", pools)
    reason = (
        "Below its minimum: it would not fit even if all worse ones were dropped, for "
        f"{' and '.join(ground.names[pool] for pool in pools)} can serve too little beside the better ones."
    )
    return Certificate(Kind.NO_ROOM, reason, pools)


def without_worse(ground: Ground, number: int) -> Space:
    """What is free when all keep exactly what they hold but those more than one sd worse.

    Pinned and reserved awards stay: they do not compete by score.
    """
    line = ground.ranked[number].score - ground.width
    capacity, houses = dict(ground.space.capacity), dict(ground.space.houses or {})
    for candidate, outcome in zip(ground.ranked, ground.outcomes, strict=True):
        if candidate.score < line and outcome.source == SCORE:
            continue
        for use in (use for served in outcome.lines for use in served.uses):
            capacity[use.pool] -= use.amount
            if houses:
                houses[candidate.institution] -= use.amount * ground.space.credit[use.pool]
    return Space(capacity, ground.space.credit, houses or None)


def _fits(free: Space, candidate: Candidate) -> bool:
    """Whether all lines reach their minimum in what is free."""
    minimum = tuple(line.minimum for line in candidate.lines)
    reach = [
        sum(
            sorted((free.capacity[rate.pool] * rate.worth for rate in line.rates), reverse=True)[
                : line.most_pools
            ]
        )
        for line in candidate.lines
    ]
    if any(most < least for most, least in zip(reach, minimum, strict=True)):
        return False
    item = Item(candidate, minimum, minimum, tuple(line.rates for line in candidate.lines), Mode.MUST)
    return solving.solve(free, [item]) is not None


def _reach(free: Space, line: Line) -> Fraction:
    """The most a line could get if it were alone in what is free, caps aside."""
    most = sorted((free.capacity[rate.pool] * rate.worth for rate in line.rates), reverse=True)
    return sum(most[: line.most_pools], Fraction(0))
