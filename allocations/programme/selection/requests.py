"""What is asked for and what there is: pools, request lines, candidates, rules and pins."""

import itertools
from dataclasses import dataclass, replace
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Pool:
    """`capacity` in micro-units of the pool; `credit` is what one of them weighs towards a house's cap.

    `name` is what reasons call it, the slug where there is none.
    """

    slug: str
    capacity: int
    credit: Fraction = Fraction(1)
    name: str = ""

    def __post_init__(self) -> None:
        if self.capacity < 0 or self.credit <= 0:
            raise ValueError("A pool holds nothing or more, and its units weigh something")


@dataclass(frozen=True, slots=True)
class Rate:
    """One micro-unit of this pool serves `worth` micro-units of the line."""

    pool: str
    worth: Fraction = Fraction(1)

    def __post_init__(self) -> None:
        if self.worth <= 0:
            raise ValueError("A pool that serves nothing is not named")


@dataclass(frozen=True, slots=True)
class Line:
    """One request line: amounts in micro-units of the line, split over at most `most_pools` pools.

    Under `minimum` the work cannot be done: the proposal gets that much on every line, or nothing.
    """

    requested: int
    minimum: int
    rates: tuple[Rate, ...]
    most_pools: int = 2

    def __post_init__(self) -> None:
        if not 0 < self.minimum <= self.requested:
            raise ValueError("A line's minimum is more than nothing and at most what is requested")
        if not self.rates or self.most_pools < 1 or len({r.pool for r in self.rates}) < len(self.rates):
            raise ValueError("A line names each of its pools once, and at least one")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A proposal with its calibrated score, more being better and all above zero.

    `if_it_works` is the second score of a proposal that the panel flagged as high-risk.
    """

    proposal: int
    score: float
    institution: str
    lines: tuple[Line, ...]
    if_it_works: float | None = None
    first_time: bool = False


@dataclass(frozen=True, slots=True)
class Portion:
    """So much of one pool, kept apart; `purpose` is shown (education, small requests, appeals ...)."""

    pool: str
    amount: int
    purpose: str = ""

    def __post_init__(self) -> None:
        if self.amount < 0:
            raise ValueError("A portion is nothing or more")


@dataclass(frozen=True, slots=True)
class Rules:
    """The call's policy. `width` is one posterior sd: closer scores are one band.

    `promises` are shares of the request, by band from the top; later bands are promised their minimum.
    `cap` is the largest share of all pools (after set-asides, weighed in credits) for one institution.
    """

    width: float
    promises: tuple[Fraction, ...] = (Fraction(1), Fraction(9, 10), Fraction(8, 10), Fraction(7, 10))
    cap: Fraction | None = None
    set_asides: tuple[Portion, ...] = ()
    high_risk: tuple[Portion, ...] = ()
    first_time: tuple[Portion, ...] = ()

    def __post_init__(self) -> None:
        falling = all(a > b for a, b in itertools.pairwise((*self.promises, Fraction(0))))
        if not falling or max(self.promises, default=1) > 1:
            raise ValueError("Promises fall from band to band, from the whole request at most")
        if self.width < 0 or (self.cap is not None and not 0 < self.cap <= 1):
            raise ValueError("A width is not negative, and a cap is a share")


@dataclass(frozen=True, slots=True)
class Pin:
    """The chair's edit: exactly these amounts, one a line; all zero means declined."""

    proposal: int
    amounts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Round:
    """Everything one split depends on. The order inside the tuples does not matter."""

    pools: tuple[Pool, ...]
    candidates: tuple[Candidate, ...]
    rules: Rules
    pins: tuple[Pin, ...] = ()

    def __post_init__(self) -> None:
        known = {pool.slug for pool in self.pools}
        named = {rate.pool for one in self.candidates for line in one.lines for rate in line.rates}
        named |= {portion.pool for portion in _portions(self.rules)}
        if len(known) < len(self.pools) or not named <= known:
            raise ValueError("Pools are named once, and every pool that is named exists")
        if len({one.proposal for one in self.candidates}) < len(self.candidates):
            raise ValueError("A proposal is a candidate once")
        if any(one.score <= 0 or not one.lines for one in self.candidates):
            raise ValueError("A candidate has a score above zero and at least one line")
        if any(amount < 0 for amount in capacities(self).values()):
            raise ValueError("Set-asides and reserves are larger than their pool")
        _check_pins(self)


def _portions(rules: Rules) -> tuple[Portion, ...]:
    return (*rules.set_asides, *rules.high_risk, *rules.first_time)


def _check_pins(this: Round) -> None:
    lines = {one.proposal: one.lines for one in this.candidates}
    if len({pin.proposal for pin in this.pins}) < len(this.pins):
        raise ValueError("A proposal is pinned once")
    for pin in this.pins:
        asked = lines.get(pin.proposal, ())
        fits = len(asked) == len(pin.amounts) and all(
            line.minimum <= amount <= line.requested for line, amount in zip(asked, pin.amounts, strict=True)
        )
        if not fits and (any(pin.amounts) or len(asked) != len(pin.amounts)):
            raise ValueError("A pin is nothing at all, or between minimum and request on every line")


def total(portions: tuple[Portion, ...], pool: str) -> int:
    return sum(portion.amount for portion in portions if portion.pool == pool)


def capacities(this: Round) -> dict[str, int]:
    """By pool, without the set-asides; what would remain if reserves were taken out must not be negative."""
    free = {pool.slug: pool.capacity - total(this.rules.set_asides, pool.slug) for pool in this.pools}
    reserved = {slug: total((*this.rules.high_risk, *this.rules.first_time), slug) for slug in free}
    return {slug: amount if reserved[slug] <= amount else -1 for slug, amount in free.items()}


def canonical(this: Round) -> Round:
    """The same round with pools, rates and pins in the order of their names; lines keep theirs."""
    candidates = tuple(replace(one, lines=tuple(map(_sorted, one.lines))) for one in this.candidates)
    pools = tuple(sorted(this.pools, key=lambda pool: pool.slug))
    pins = tuple(sorted(this.pins, key=lambda pin: pin.proposal))
    return Round(pools, candidates, this.rules, pins)


def _sorted(line: Line) -> Line:
    return replace(line, rates=tuple(sorted(line.rates, key=lambda rate: rate.pool)))


def ranked(this: Round) -> list[Candidate]:
    """Best first, equal scores by id: the canonical order, so that the same input gives the same result."""
    return sorted(this.candidates, key=lambda one: (-one.score, one.proposal))


def cap(this: Round) -> Fraction | None:
    """The largest amount for one institution, in micro-credits."""
    if this.rules.cap is None:
        return None
    free = capacities(this)
    return this.rules.cap * sum(free[pool.slug] * pool.credit for pool in this.pools)
