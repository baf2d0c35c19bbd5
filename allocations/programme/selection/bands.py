"""Who is funded: band by band from the top, each at its promise and then at the minimum."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil

from allocations.programme.selection import requests, solving
from allocations.programme.selection.requests import Candidate, Pin, Portion, Rate, Round
from allocations.programme.selection.solving import Item, Mode, Solution, Space


class Impossible(ValueError):
    """The chair's pins do not fit together."""


@dataclass(frozen=True, slots=True)
class Band:
    """Proposals that the panel cannot tell apart, the best share they are promised, and who holds what.

    `promise` None means the minimum; `held` has the share of each that is funded, None at its minimum.
    """

    members: tuple[int, ...]
    promise: Fraction | None
    held: tuple[tuple[int, Fraction | None], ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Items kept so far, what each draws on (`sources` by proposal), and whether optima were proven."""

    kept: tuple[Item, ...] = ()
    sources: tuple[tuple[int, str], ...] = ()
    bands: tuple[Band, ...] = ()
    proven: bool = True


CHAIR, HIGH_RISK, FIRST_TIME, SCORE = "chair", "high-risk reserve", "first-time reserve", "score"


def choose(this: Round) -> Choice:
    """Pins, then the reserves each within its own portion, then everybody within all that is left."""
    pins = {pin.proposal: pin for pin in this.pins}
    free = [one for one in requests.ranked(this) if one.proposal not in pins]
    choice = _pinned(this, [one for one in requests.ranked(this) if one.proposal in pins], pins)
    risky = [one for one in free if one.if_it_works is not None]
    choice = _reserved(this, choice, risky, (this.rules.high_risk, HIGH_RISK, _if_it_works))
    held = {item.candidate.proposal for item in choice.kept}
    first = [one for one in free if one.first_time and one.proposal not in held]
    choice = _reserved(this, choice, first, (this.rules.first_time, FIRST_TIME, _score))
    return _walk(this.rules.promises, grouped(free, this.rules.width, _score), choice, (space(this), SCORE))


def _score(one: Candidate) -> float:
    return one.score


def _if_it_works(one: Candidate) -> float:
    return one.score if one.if_it_works is None else one.if_it_works


def space(this: Round) -> Space:
    most = requests.cap(this)
    houses = None if most is None else {one.institution: most for one in this.candidates}
    return Space(requests.capacities(this), {pool.slug: pool.credit for pool in this.pools}, houses)


def grouped(
    ordered: Iterable[Candidate], width: float, value: Callable[[Candidate], float]
) -> list[list[Candidate]]:
    """A band starts with the best that is left and takes in all that are less than `width` behind it."""
    bands: list[list[Candidate]] = []
    for one in sorted(ordered, key=lambda one: (-value(one), one.proposal)):
        if not bands or value(bands[-1][0]) - value(one) >= width:
            bands.append([])
        bands[-1].append(one)
    return bands


def _pinned(this: Round, candidates: Sequence[Candidate], pins: dict[int, Pin]) -> Choice:
    wanted = [one for one in candidates if any(pins[one.proposal].amounts)]
    items = [_item(one, pins[one.proposal].amounts, Mode.MUST) for one in wanted]
    found = solving.solve(space(this), items)
    if found is None:
        raise Impossible("The pinned awards do not fit into the pools and caps together.")
    kept = settled(space(this), items, found)
    # A solver's "one" may be 0.999999, and its limits give by as much.
    if solving.relax(space(this), kept) is None:
        raise Impossible("The pinned awards do not fit into the pools and caps together.")
    return Choice(tuple(kept), tuple((one.proposal, CHAIR) for one in candidates), (), found.proven)


def _reserved(
    this: Round,
    choice: Choice,
    candidates: Sequence[Candidate],
    reserve: tuple[tuple[Portion, ...], str, Callable[[Candidate], float]],
) -> Choice:
    """A reserve is its own small call; what it leaves over falls to everybody, as do its losers.

    Inside it an hour is worth what the reserve judges by; later the kept ones count by score, as all do.
    """
    portions, name, value = reserve
    if not portions or not candidates:
        return choice
    whole = space(this)
    left = _left(whole, choice.kept)
    amounts = {
        slug: min(requests.total(portions, slug), max(0, left.capacity[slug])) for slug in whole.capacity
    }
    judged = [replace(one, score=value(one)) for one in candidates]
    own = _walk(
        this.rules.promises,
        grouped(judged, this.rules.width, _score),
        Choice(),
        (Space(amounts, whole.credit, left.houses), name),
    )
    known = {one.proposal: one for one in candidates}
    kept = [replace(item, candidate=known[item.candidate.proposal]) for item in own.kept]
    return Choice(
        (*choice.kept, *kept), (*choice.sources, *own.sources), choice.bands, choice.proven and own.proven
    )


def _left(whole: Space, kept: Sequence[Item]) -> Space:
    """What remains beside kept items when each has its least; only used before anything is movable."""
    found = solving.relax(whole, [replace(item, most=item.least) for item in kept])
    if found is None:  # They fit but for a solver's tolerance: nothing is left for sure.
        return Space(dict.fromkeys(whole.capacity, 0), whole.credit, whole.houses)
    capacity, houses = dict(whole.capacity), dict(whole.houses or {})
    for item, lines in zip(kept, found.served, strict=True):
        for pool, used in _used(item, lines):
            capacity[pool] -= used
            if houses:
                houses[item.candidate.institution] -= used * whole.credit[pool]
    return Space(capacity, whole.credit, houses or None)


def _used(item: Item, lines: Sequence[Mapping[str, float]]) -> Iterator[tuple[str, int]]:
    """Micro-units of each pool that a solution takes for an item, rounded up."""
    for rates, served in zip(item.rates, lines, strict=True):
        for rate in rates:
            yield rate.pool, ceil(served[rate.pool] * solving.MICRO / rate.worth)


def _walk(
    promises: Sequence[Fraction],
    groups: Sequence[Sequence[Candidate]],
    choice: Choice,
    within: tuple[Space, str],
) -> Choice:
    for number, group in enumerate(groups):
        choice = _band(choice, group, promises[number:], within)
    return choice


def _band(
    choice: Choice, group: Sequence[Candidate], promises: Sequence[Fraction], within: tuple[Space, str]
) -> Choice:
    """At the band's promise first; who finds no room is tried at each lower one and at the minimum.

    The minimum is tried until nobody more fits: only that proof makes a refusal final.
    """
    place, source = within
    kept, proven = _raised(place, choice.kept, group, promises=promises), choice.proven
    reserved = {item.candidate.proposal for item in kept}
    group = [one for one in group if one.proposal not in reserved]
    held: dict[int, Fraction | None] = {}
    for promise in (*promises, None):
        while True:
            items = [
                _item(one, _promised(one, promise), Mode.OPEN) for one in group if one.proposal not in held
            ]
            added, sure = _added(place, kept, items)
            proven, kept = proven and sure, kept + added
            held |= {item.candidate.proposal: promise for item in added}
            if promise is not None or not added:
                break
    best = promises[0] if promises else None
    band = Band(tuple(one.proposal for one in group), best, tuple(held.items()))
    sources = tuple((proposal, source) for proposal in held)
    return Choice(tuple(kept), (*choice.sources, *sources), (*choice.bands, band), proven)


def _raised(
    place: Space, kept: Sequence[Item], group: Sequence[Candidate], *, promises: Sequence[Fraction]
) -> list[Item]:
    """Whoever of the band holds a place in a reserve is promised no less than its other members."""
    members = {one.proposal for one in group}
    raised = list(kept)
    for number, item in enumerate(kept):
        for promise in promises if item.candidate.proposal in members else ():
            better = tuple(map(max, item.least, _promised(item.candidate, promise)))
            trial = [*raised[:number], replace(item, least=better, most=better), *raised[number + 1 :]]
            if solving.relax(place, trial) is not None:
                raised = trial
                break
    return raised


def _promised(one: Candidate, promise: Fraction | None) -> tuple[int, ...]:
    return tuple(max(line.minimum, ceil(line.requested * (promise or 0))) for line in one.lines)


def _item(one: Candidate, amounts: tuple[int, ...], mode: Mode) -> Item:
    return Item(one, amounts, amounts, tuple(line.rates for line in one.lines), mode)


def _added(place: Space, kept: Sequence[Item], items: Sequence[Item]) -> tuple[list[Item], bool]:
    """The open items that are funded beside the kept ones, whose hours may move between their pools."""
    if not items:
        return [], True
    together = [*kept, *items]
    found = solving.solve(place, together)
    if found is None:
        return [], False
    chosen = settled(place, together, found)[len(kept) :]
    # A solver's "one" may be 0.999999: make sure that the whole amounts fit, worst dropped first.
    while chosen and solving.relax(place, [*kept, *chosen]) is None:
        chosen.pop()
    return chosen, found.proven


def settled(place: Space, items: Sequence[Item], found: Solution) -> list[Item]:
    """Funded items with the pools that they hold from now on, filled up to their number of pools."""
    free = dict.fromkeys(place.capacity, 0.0) | {
        s: amount / solving.MICRO for s, amount in place.capacity.items()
    }
    for number in found.funded:
        for rates, served in zip(items[number].rates, found.served[number], strict=True):
            for rate in rates:
                free[rate.pool] -= served[rate.pool] / float(rate.worth)
    return [
        replace(
            items[number],
            mode=Mode.KEPT,
            rates=tuple(
                _pools(rates, served, (free, line.most_pools))
                for rates, served, line in zip(
                    items[number].rates, found.served[number], items[number].candidate.lines, strict=True
                )
            ),
        )
        for number in found.funded
    ]


def _pools(
    rates: Sequence[Rate], served: Mapping[str, float], room: tuple[dict[str, float], int]
) -> tuple[Rate, ...]:
    """The pools in use, then those with most room; never more than allowed."""
    free, most = room
    order = sorted(rates, key=lambda rate: (-round(served[rate.pool], 6), -free[rate.pool], rate.pool))
    wanted = {rate.pool for rate in order[:most]}
    return tuple(rate for rate in rates if rate.pool in wanted)
