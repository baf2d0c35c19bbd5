"""Ways to split scarce pools, compared: ours, the free optimum, the walk down the list, and the bound."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median

from allocations.programme.selection import bands, checking, requests, solving
from allocations.programme.selection.requests import Candidate, Portion, Round
from allocations.programme.selection.results import Certificate, Kind, Outcome, Served, Split
from allocations.programme.selection.rounding import exact
from allocations.programme.selection.solving import Item, Mode, Space
from allocations.programme.selection.split import split
from benchmarks import rounds
from benchmarks.rounds import MICRO, Shape
from benchmarks.verdicts import told

OURS = "bands, promises 100/90/80/70"
NONE = Certificate(Kind.BELOW_LINE, "")


@dataclass(frozen=True, slots=True)
class Measured:
    """One way on one round; `leaps` are avoidable ones, `share` is of the requests of those funded."""

    seconds: float
    value: float
    funded: int
    score: float
    share: float
    leaps: int
    faults: int


def open_items(this: Round) -> list[Item]:
    """Everybody to be decided, between minimum and request."""
    return [
        Item(
            one,
            tuple(line.minimum for line in one.lines),
            tuple(line.requested for line in one.lines),
            tuple(line.rates for line in one.lines),
            Mode.OPEN,
        )
        for one in requests.ranked(this)
    ]


def bound(this: Round) -> float:
    """No split can be worth more: the linear problem without minima and whole decisions."""
    found = solving.relax(bands.space(this), open_items(this))
    return found.value if found else 0.0


def free_optimum(this: Round) -> dict[int, dict[str, int]]:
    """Everything decided at once for the greatest value: what a plain optimiser does."""
    items = open_items(this)
    found = solving.solve(bands.space(this), items, gap=1e-3)
    if found is None:
        return {}
    kept = bands.settled(bands.space(this), items, found)
    kept = [replace(item, most=tuple(line.requested for line in item.candidate.lines)) for item in kept]
    return _hours(bands.space(this), kept)


def _hours(space: Space, kept: list[Item]) -> dict[int, dict[str, int]]:
    while True:
        found = solving.relax(space, kept)
        desk = exact(space, kept, found) if found else None
        if desk:
            break
        kept = kept[:-1]
    hours: dict[int, dict[str, int]] = {}
    for (number, _, pool), amount in desk.hours.items():
        hours.setdefault(kept[number].candidate.proposal, {})[pool] = amount
    return hours


def full_list(this: Round) -> dict[int, dict[str, int]]:
    return _down_the_list(this, lambda one: one.lines[0].requested)


def list_by_score(this: Round) -> dict[int, dict[str, int]]:
    """Awards between minimum and request in proportion to the score from 4 to 8."""

    def amount(one: Candidate) -> int:
        line, height = one.lines[0], min(1.0, max(0.0, (one.score - 4) / 4))
        return line.minimum + int((line.requested - line.minimum) * height)

    return _down_the_list(this, amount)


def _down_the_list(this: Round, amount: Callable[[Candidate], int]) -> dict[int, dict[str, int]]:
    """Best first; who finds less than the minimum is passed over. Fullest pool first."""
    space = bands.space(this)
    free, houses = dict(space.capacity), dict(space.houses or {})
    given: dict[int, dict[str, int]] = {}
    for one in requests.ranked(this):
        line, room = one.lines[0], houses.get(one.institution)
        missing, taken = amount(one), {}
        for rate in sorted(line.rates, key=lambda rate: -free[rate.pool] * rate.worth)[: line.most_pools]:
            hours = min(free[rate.pool], int(missing / rate.worth))
            if room is not None:
                hours = min(hours, int(room / space.credit[rate.pool]))
                room -= hours * space.credit[rate.pool]
            taken[rate.pool] = hours
            missing -= int(hours * rate.worth)
        if amount(one) - missing >= line.minimum:
            given[one.proposal] = taken
            free = {pool: left - taken.get(pool, 0) for pool, left in free.items()}
            if room is not None:
                houses[one.institution] = room
    return given


def as_split(this: Round, hours: dict[int, dict[str, int]]) -> Split:
    """Hours by proposal and pool in the form that the check reads."""
    outcomes = tuple(
        Outcome(one.proposal, rank, (_served(one, hours.get(one.proposal, {})),), "score", NONE)
        for rank, one in enumerate(requests.ranked(this), 1)
    )
    return Split(outcomes, (), (), (), 0.0, True)


def _served(one: Candidate, hours: dict[str, int]) -> Served:
    line = one.lines[0]
    uses = tuple(Portion(pool, amount) for pool, amount in hours.items() if amount)
    worth = {rate.pool: rate.worth for rate in line.rates}
    served = sum(int(use.amount * worth[use.pool]) for use in uses)
    return Served(min(served, line.requested), uses)


def measured(this: Round, way: Callable[[Round], Split]) -> Measured:
    began = time.process_time()
    result = way(this)
    seconds = time.process_time() - began
    known = {one.proposal: one for one in this.candidates}
    funded = [outcome for outcome in result.outcomes if outcome.awarded]
    value = sum(known[outcome.proposal].score * outcome.awarded / MICRO for outcome in funded)
    shares = [outcome.awarded / known[outcome.proposal].lines[0].requested for outcome in funded]
    return Measured(
        seconds=seconds,
        value=value,
        funded=len(funded),
        score=sum(known[outcome.proposal].score for outcome in funded) / max(1, len(funded)),
        share=sum(shares) / max(1, len(shares)),
        leaps=len(checking.leapfrogged(this, result)),
        faults=len(checking.faults(this, result)),
    )


WAYS: dict[str, Callable[[Round], Split]] = {
    OURS: split,
    "bands, minimum awards": lambda this: split(replace(this, rules=replace(this.rules, promises=()))),
    "free MILP": lambda this: as_split(this, free_optimum(this)),
    "list order, full award": lambda this: as_split(this, full_list(this)),
    "list order, award by score": lambda this: as_split(this, list_by_score(this)),
}


def run(sizes: tuple[int, ...] = (200, 500), seeds: int = 3) -> None:
    ours: dict[int, list[Measured]] = {}
    for size in sizes:
        made = [rounds.make(Shape(size), seed) for seed in range(seeds)]
        bounds = [bound(this) for this in made]
        print(f"\nSplit of 6 pools, {size} proposals, 3 times oversubscribed, median of {seeds} seeds")
        print(f"  {'way':30} {'CPU s':>6} {'/bound':>7} {'funded':>6} {'score':>6} {'share':>6} {'leaps':>6}")
        for name, way in WAYS.items():
            found = [measured(this, way) for this in made]
            ratio = median(one.value / most for one, most in zip(found, bounds, strict=True))
            _print(name, found, ratio)
            if name == OURS:
                ours[size] = found
    _targets(ours)


def _targets(ours: dict[int, list[Measured]]) -> None:
    """Faults: a pool over-committed, an award under its minimum, an institution over its cap, a pin lost."""
    for size, found in ours.items():
        name, slowest = f"split of {size} proposals", max(one.seconds for one in found)
        faults, leaps = sum(one.faults for one in found), sum(one.leaps for one in found)
        told(name, f"{faults} faults", "0", kept=not faults)
        told(name, f"{leaps} leapfrogs that no cap explains", "0", kept=not leaps)
        told(name, f"{slowest:.1f} CPU s at most", "30", kept=slowest < 30)


def _print(name: str, found: list[Measured], ratio: float) -> None:
    funded, leaps = _middle(found, "funded"), _middle(found, "leaps")
    print(
        f"  {name:30} {_middle(found, 'seconds'):6.1f} {ratio:7.3f} {funded:6.0f}"
        f" {_middle(found, 'score'):6.2f} {_middle(found, 'share'):6.2f} {leaps:6.0f}"
        f"   faults {sum(one.faults for one in found)}"
    )


def _middle(found: list[Measured], what: str) -> float:
    return median(float(getattr(one, what)) for one in found)
