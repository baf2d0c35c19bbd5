"""Splitting scarce pools: who is funded with how much, why, and what an edit would displace."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from allocations.programme.selection import bands, certificates, requests, rounding, solving
from allocations.programme.selection.certificates import Ground
from allocations.programme.selection.requests import Pin, Portion, Round
from allocations.programme.selection.results import Certificate, Change, Kind, Outcome, Price, Served, Split
from allocations.programme.selection.rounding import Desk
from allocations.programme.selection.solving import Item, Solution, Space

# Micro-units: what rounding may need for each line, and by how little a promise may fall short of itself.
ROUNDING, YIELD = 20, 100_000
NOTHING = Certificate(Kind.BELOW_LINE, "")


@dataclass(frozen=True, slots=True)
class _Spread:
    """Kept items with the most they may get, the linear solution over them and its exact hours."""

    items: tuple[Item, ...]
    found: Solution
    desk: Desk


def split(this: Round) -> Split:
    """The same round gives the same split, in any order of its parts. Impossible: the pins do not fit."""
    this = requests.canonical(this)
    choice = bands.choose(this)
    sources = dict(choice.sources)
    spread = _spread(this, choice.kept, {pin.proposal for pin in this.pins})
    ranked = requests.ranked(this)
    numbers = {item.candidate.proposal: number for number, item in enumerate(spread.items)}
    outcomes = [
        Outcome(
            proposal=one.proposal,
            rank=rank,
            lines=_lines(spread, numbers.get(one.proposal), len(one.lines)),
            source=sources.get(one.proposal, ""),
            certificate=NOTHING,
        )
        for rank, one in enumerate(ranked, 1)
    ]
    left = {slug: max(0, amount) for slug, amount in spread.desk.free.items()}
    names = {pool.slug: pool.name or pool.slug for pool in this.pools}
    ground = Ground(ranked, outcomes, bands.space(this), left, this.rules.width, names)
    return Split(
        outcomes=tuple(
            replace(outcome, certificate=certificates.of(ground, number))
            for number, outcome in enumerate(outcomes)
        ),
        bands=choice.bands,
        left=tuple(Portion(slug, left[slug]) for slug in sorted(left)),
        prices=tuple(Price(slug, spread.found.prices[slug]) for slug in sorted(left)),
        value=spread.found.value,
        proven=choice.proven,
    )


def _spread(this: Round, kept: Sequence[Item], pinned: set[int]) -> _Spread:
    """What the bands left over goes to those funded, an hour being worth their score.

    Should exact amounts not come out of a round that is tight to the last millionth, the worst one not
    pinned is given up and the rest tried again.
    """
    items = [item if item.candidate.proposal in pinned else _open(item) for item in kept]
    while True:
        spread = _exact(bands.space(this), items)
        if spread:
            return spread
        loose = [item for item in items if item.candidate.proposal not in pinned]
        if not loose:
            raise bands.Impossible("The pinned awards do not fit into the pools and caps together.")
        items.remove(min(loose, key=lambda item: (item.candidate.score, -item.candidate.proposal)))


def _exact(space: Space, items: Sequence[Item]) -> _Spread | None:
    """First with a margin for rounding, else to the last millionth, else with promises that yield a bit."""
    margin = ROUNDING * (1 + sum(len(item.rates) for item in items))
    tight = _tightened(space, margin)
    for within, held in ((tight, items), (space, items), (tight, [_yielding(item) for item in items])):
        found = solving.relax(within, held)
        desk = rounding.exact(space, held, found) if found else None
        if found and desk:
            return _Spread(tuple(held), found, desk)
    return None


def _tightened(space: Space, margin: int) -> Space:
    capacity = {slug: max(0, amount - margin) for slug, amount in space.capacity.items()}
    weight = max(space.credit.values(), default=Fraction(1)) * margin
    houses = {name: max(Fraction(0), room - weight) for name, room in (space.houses or {}).items()}
    return Space(capacity, space.credit, houses if space.houses is not None else None)


def _yielding(item: Item) -> Item:
    """Never under a line's minimum, and a pinned amount (equal to its most) not at all."""
    if item.least == item.most:
        return item
    amounts = zip(item.least, item.candidate.lines, strict=True)
    return replace(item, least=tuple(max(line.minimum, least - YIELD) for least, line in amounts))


def _open(item: Item) -> Item:
    return replace(item, most=tuple(line.requested for line in item.candidate.lines))


def _lines(spread: _Spread, number: int | None, lines: int) -> tuple[Served, ...]:
    if number is None:
        return (Served(0, ()),) * lines
    item, desk = spread.items[number], spread.desk
    return tuple(
        Served(
            awarded=min(desk.served(number, place), item.most[place]),
            uses=tuple(
                Portion(rate.pool, desk.hours[number, place, rate.pool])
                for rate in rates
                if desk.hours[number, place, rate.pool]
            ),
        )
        for place, rates in enumerate(item.rates)
    )


def repinned(this: Round, pins: Sequence[Pin]) -> tuple[Split, tuple[Change, ...]]:
    """The split with these pins in place of the present ones, and what that changes for whom."""
    before, after = split(this), split(replace(this, pins=tuple(pins)))
    return after, difference(before, after)


def difference(before: Split, after: Split) -> tuple[Change, ...]:
    """Proposals whose award differs, best rank first."""
    was: Mapping[int, int] = {outcome.proposal: outcome.awarded for outcome in before.outcomes}
    return tuple(
        Change(outcome.proposal, was.get(outcome.proposal, 0), outcome.awarded)
        for outcome in after.outcomes
        if was.get(outcome.proposal, 0) != outcome.awarded
    )


def with_more(this: Round, pool: str, amount: int) -> tuple[Change, ...]:
    """What `amount` micro-units more of a pool would change: "1,000 more hours would fund these two".

    Prices say which pool is worth asking this of; only solving again says who would be funded.
    """
    larger = tuple(
        replace(one, capacity=one.capacity + amount) if one.slug == pool else one for one in this.pools
    )
    return difference(split(this), split(replace(this, pools=larger)))


def newly_funded(changes: Sequence[Change]) -> tuple[int, ...]:
    return tuple(change.proposal for change in changes if change.before == 0)
