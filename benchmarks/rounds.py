"""Made-up rounds of requests over scarce pools."""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from allocations.programme.selection.requests import Candidate, Line, Pin, Pool, Portion, Rate, Round, Rules

MICRO = 1_000_000
POOLS = ("a100", "cloud", "gh200", "h100", "mi300", "tpu")


@dataclass(frozen=True, slots=True)
class Shape:
    """How a round is made: `times` oversubscribed, capped institutions, pools with unequal rates."""

    proposals: int
    pools: int = 6
    times: float = 3.0
    cap: Fraction | None = Fraction(1, 5)
    institutions: int = 20
    width: float = 0.5


def make(shape: Shape, seed: int) -> Round:
    """Log-normal requests (a factor of about twenty between small and large), minimum 30-80 %."""
    generator = np.random.Generator(np.random.PCG64(seed))
    slugs = POOLS[: shape.pools]
    credits = {slug: Fraction(int(generator.integers(5, 21)), 10) for slug in slugs}
    candidates = tuple(
        _candidate(number, shape, credits, generator) for number in range(1, shape.proposals + 1)
    )
    wanted = sum(line.requested for one in candidates for line in one.lines)
    shares = generator.dirichlet(np.full(len(slugs), 4.0))
    pools = tuple(
        Pool(slug, int(wanted * share / shape.times / float(credits[slug])), credits[slug])
        for slug, share in zip(slugs, shares, strict=True)
    )
    return Round(pools, candidates, Rules(width=shape.width, cap=shape.cap))


def with_reserves(this: Round, seed: int) -> Round:
    """Some proposals are high-risk or from first-time leaders; 5 % set aside, two reserves of 8 %."""
    generator = np.random.Generator(np.random.PCG64(seed))
    candidates = tuple(
        replace(
            one,
            if_it_works=float(generator.uniform(6, 10)) if generator.random() < 0.15 else None,
            first_time=bool(generator.random() < 0.2),
        )
        for one in this.candidates
    )

    def portion(percent: int) -> tuple[Portion, ...]:
        return tuple(Portion(pool.slug, pool.capacity * percent // 100) for pool in this.pools)

    rules = replace(this.rules, set_asides=portion(5), high_risk=portion(8), first_time=portion(8))
    return replace(this, candidates=candidates, rules=rules)


def hostile(seed: int) -> Round:
    """A little round at its edges: equal scores, empty pools, whole awards or none, pins."""
    generator = np.random.Generator(np.random.PCG64(seed))
    slugs = POOLS[: int(generator.integers(1, 5))]
    pools = tuple(
        Pool(
            slug, int(generator.choice([0, 300, 3000])) * MICRO, Fraction(int(generator.integers(1, 31)), 10)
        )
        for slug in slugs
    )
    candidates = tuple(
        Candidate(
            proposal=number,
            score=float(generator.choice([5.0, 5.0, 5.5, generator.uniform(0.1, 10)])),
            institution=f"House {generator.integers(3)}",
            lines=tuple(_edgy(slugs, generator) for _ in range(int(generator.integers(1, 3)))),
        )
        for number in range(1, int(generator.integers(2, 14)))
    )
    one = candidates[int(generator.integers(len(candidates)))]
    pin = Pin(one.proposal, tuple(line.minimum for line in one.lines))
    rules = Rules(
        width=float(generator.choice([0.0, 0.5, 100.0])),
        promises=(Fraction(1), Fraction(1, 2))[: int(generator.integers(3))],
        cap=(None, Fraction(1), Fraction(1, 10))[int(generator.integers(3))],
    )
    return Round(pools, candidates, rules, (pin,) if generator.random() < 0.3 else ())


def _edgy(slugs: tuple[str, ...], generator: np.random.Generator) -> Line:
    units = int(generator.integers(2, 500))
    named = generator.permutation(list(slugs))[: int(generator.integers(1, len(slugs) + 1))]
    rates = tuple(Rate(str(slug), Fraction(*generator.integers(1, 51, 2).tolist())) for slug in named)
    least = int(generator.choice([units, max(1, units // 3)]))
    return Line(units * MICRO, least * MICRO, rates, int(generator.integers(1, 4)))


def with_storage(this: Round, seed: int) -> Round:
    """Half of the proposals ask for disk space as well, of which there is too little."""
    generator = np.random.Generator(np.random.PCG64(seed))
    candidates = tuple(
        replace(one, lines=(*one.lines, _disk(generator))) if generator.random() < 0.5 else one
        for one in this.candidates
    )
    disk = Pool("disk", 30 * len(candidates) * MICRO, Fraction(1, 10))
    return replace(this, pools=(*this.pools, disk), candidates=candidates)


def _disk(generator: np.random.Generator) -> Line:
    units = int(generator.integers(20, 200))
    return Line(units * MICRO, units * MICRO // 2, (Rate("disk"),))


def _candidate(
    number: int, shape: Shape, credits: dict[str, Fraction], generator: np.random.Generator
) -> Candidate:
    units = int(np.clip(np.exp(generator.normal(8.0, 1.0)), 200, 100_000))
    minimum = max(1, int(units * generator.uniform(0.3, 0.8)))
    eligible = sorted(
        generator.permutation(list(credits))[: int(generator.integers(1, min(5, len(credits)) + 1))]
    )
    rates = tuple(
        Rate(str(slug), credits[slug] * Fraction(int(generator.integers(80, 121)), 100)) for slug in eligible
    )
    return Candidate(
        proposal=number,
        score=round(float(np.clip(generator.normal(5.5, 1.0), 1, 10)), 3),
        institution=f"House {int(generator.integers(shape.institutions)):02d}",
        lines=(Line(units * MICRO, minimum * MICRO, rates),),
    )
