"""An independent check of a split in integers: it shares no code with the solver and trusts nothing."""

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction

from allocations.programme.selection.requests import Candidate, Line, Round
from allocations.programme.selection.results import Outcome, Served, Split


def faults(this: Round, result: Split) -> list[str]:
    """The rules that the amounts break, in words; empty when they may be awarded."""
    known = {one.proposal: one for one in this.candidates}
    if sorted(known) != sorted(outcome.proposal for outcome in result.outcomes):
        return ["The outcomes are not those of the candidates."]
    found = [fault for outcome in result.outcomes for fault in _amounts(known[outcome.proposal], outcome)]
    return found or [*_pools(this, result), *_institutions(this, result, known), *_pins(this, result)]


def _amounts(candidate: Candidate, outcome: Outcome) -> Iterator[str]:
    name = f"Proposal {outcome.proposal}"
    if len(outcome.lines) != len(candidate.lines):
        yield f"{name} has other lines than were asked for."
        return
    funded = any(served.awarded or served.uses for served in outcome.lines)
    for line, served in zip(candidate.lines, outcome.lines, strict=True):
        if funded and served.awarded < line.minimum:
            yield f"{name} gets {served.awarded}, under its minimum of {line.minimum}."
        if served.awarded > line.requested:
            yield f"{name} gets more than it asked for."
        yield from (f"{name} {fault}" for fault in _uses(line, served))


def _uses(line: Line, served: Served) -> Iterator[str]:
    worth = {rate.pool: rate.worth for rate in line.rates}
    used = [use.pool for use in served.uses]
    if len(set(used)) < len(used) or len(used) > line.most_pools:
        yield f"draws on {len(used)} pools."
    if any(pool not in worth for pool in used) or any(use.amount <= 0 for use in served.uses):
        yield "draws on a pool that it cannot use, or nothing from one."
        return
    hours = sum(use.amount * worth[use.pool].numerator // worth[use.pool].denominator for use in served.uses)
    if hours < served.awarded:
        yield f"is promised {served.awarded} and its hours are worth {hours}."


def _pools(this: Round, result: Split) -> Iterator[str]:
    used: Counter[str] = Counter()
    for use in (use for outcome in result.outcomes for served in outcome.lines for use in served.uses):
        used[use.pool] += use.amount
    for pool in this.pools:
        aside = sum(portion.amount for portion in this.rules.set_asides if portion.pool == pool.slug)
        if used[pool.slug] > pool.capacity - aside:
            yield f"Pool {pool.slug} is over-committed by {used[pool.slug] - pool.capacity + aside}."


def _institutions(this: Round, result: Split, known: dict[int, Candidate]) -> Iterator[str]:
    if this.rules.cap is None:
        return
    credit = {pool.slug: pool.credit for pool in this.pools}
    aside = sum(portion.amount * credit[portion.pool] for portion in this.rules.set_asides)
    whole = sum(pool.capacity * pool.credit for pool in this.pools) - aside
    held: dict[str, Fraction] = {}
    for outcome in result.outcomes:
        house = known[outcome.proposal].institution
        hours = (use.amount * credit[use.pool] for served in outcome.lines for use in served.uses)
        held[house] = sum(hours, held.get(house, Fraction(0)))
    for house, amount in sorted(held.items()):
        if amount > this.rules.cap * whole:
            yield f"{house} holds more than its share of all pools."


def _pins(this: Round, result: Split) -> Iterator[str]:
    given = {outcome.proposal: outcome for outcome in result.outcomes}
    for pin in this.pins:
        if tuple(served.awarded for served in given[pin.proposal].lines) != pin.amounts:
            yield f"Proposal {pin.proposal} does not get what the chair set."


def leapfrogged(this: Round, result: Split) -> list[int]:
    """Unfunded proposals of one line that would reach their minimum in the hours that remain when all
    keep what they hold except those funded by score and more than one sd worse. Caps are looked at, too.
    """
    known = {one.proposal: one for one in this.candidates}
    return [
        outcome.proposal
        for outcome in result.outcomes
        if not outcome.awarded
        and outcome.source != "chair"
        and _would_fit(this, result, known[outcome.proposal])
    ]


def _would_fit(this: Round, result: Split, one: Candidate) -> bool:
    if len(one.lines) != 1:
        return False
    known = {other.proposal: other for other in this.candidates}
    free = {pool.slug: pool.capacity for pool in this.pools}
    for portion in this.rules.set_asides:
        free[portion.pool] -= portion.amount
    credit = {pool.slug: pool.credit for pool in this.pools}
    room = None if this.rules.cap is None else this.rules.cap * sum(free[p] * credit[p] for p in free)
    for outcome in result.outcomes:
        other = known[outcome.proposal]
        if outcome.source == "score" and other.score < one.score - this.rules.width:
            continue
        for use in (use for served in outcome.lines for use in served.uses):
            free[use.pool] -= use.amount
            if room is not None and other.institution == one.institution:
                room -= use.amount * credit[use.pool]
    return _reach(one.lines[0], free, (credit, room)) >= one.lines[0].minimum


def _reach(line: Line, free: dict[str, int], house: tuple[dict[str, Fraction], Fraction | None]) -> Fraction:
    """The most that fits; under a cap the pools with most worth a credit first, all of them allowed."""
    credit, room = house
    if room is None:
        return sum(
            sorted((free[r.pool] * r.worth for r in line.rates), reverse=True)[: line.most_pools], Fraction(0)
        )
    served = Fraction(0)
    usable = sorted(line.rates, key=lambda rate: -rate.worth / credit[rate.pool])
    for rate in usable if line.most_pools >= len(usable) else ():
        hours = min(Fraction(free[rate.pool]), max(Fraction(0), room / credit[rate.pool]))
        served, room = served + hours * rate.worth, room - hours * credit[rate.pool]
    return served
