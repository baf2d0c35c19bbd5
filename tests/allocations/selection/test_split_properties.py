"""What holds for every split, on made-up rounds of 8 to 40 proposals."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from allocations.programme.selection import checking
from allocations.programme.selection.bands import Impossible
from allocations.programme.selection.requests import Pin, Round
from allocations.programme.selection.results import Kind, Split
from allocations.programme.selection.split import split
from benchmarks import rounds
from benchmarks.rounds import Shape

caps = st.sampled_from([None, Fraction(1, 4), Fraction(1, 10)])
shapes = st.builds(
    Shape,
    proposals=st.integers(8, 40),
    pools=st.integers(1, 6),
    times=st.sampled_from([1.2, 3.0, 6.0]),
    cap=caps,
    institutions=st.integers(2, 12),
)
seeds = st.integers(0, 10_000)


def sound(this: Round) -> Split:
    """Every limit kept, and nobody leapfrogged: caps are taken into account by the check itself."""
    result = split(this)
    assert checking.faults(this, result) == []
    assert checking.leapfrogged(this, result) == []
    assert Kind.AVOIDABLE not in {outcome.certificate.kind for outcome in result.outcomes}
    return result


@settings(max_examples=7)
@given(shape=shapes, seed=seeds)
def test_limits_hold_and_nobody_is_leapfrogged(shape: Shape, seed: int) -> None:
    sound(rounds.make(shape, seed))


@settings(max_examples=7)
@given(shape=shapes, seed=seeds)
def test_the_same_holds_with_reserves_and_set_asides(shape: Shape, seed: int) -> None:
    sound(rounds.with_reserves(rounds.make(shape, seed), seed))


@settings(max_examples=7)
@given(shape=shapes, seed=seeds)
def test_the_same_holds_with_several_lines_a_proposal(shape: Shape, seed: int) -> None:
    sound(rounds.with_storage(rounds.make(shape, seed), seed))


@settings(max_examples=7)
@given(shape=shapes, seed=seeds)
def test_pins_are_kept_or_refused_together(shape: Shape, seed: int) -> None:
    this = rounds.make(shape, seed)
    generator = np.random.Generator(np.random.PCG64(seed))
    chosen = generator.permutation(len(this.candidates))[:3]
    first, second, third = (this.candidates[number] for number in chosen)
    pins = (
        Pin(first.proposal, (first.lines[0].requested,)),
        Pin(second.proposal, (second.lines[0].minimum + 7,)),
        Pin(third.proposal, (0,)),
    )
    try:
        result = split(replace(this, pins=pins))
    except Impossible:
        assume(False)
    assert checking.faults(replace(this, pins=pins), result) == []
    assert checking.leapfrogged(replace(this, pins=pins), result) == []


@pytest.mark.parametrize(
    "seed", [*range(12), *(pytest.param(s, marks=pytest.mark.slow) for s in range(12, 300))]
)
def test_rounds_at_their_edges_keep_all_limits_or_refuse_a_pin(seed: int) -> None:
    this = rounds.hostile(seed)
    try:
        sound(this)
    except Impossible:
        assert this.pins


@settings(max_examples=7)
@given(shape=shapes, seed=seeds)
def test_the_order_of_the_input_does_not_matter(shape: Shape, seed: int) -> None:
    this = rounds.with_reserves(rounds.make(shape, seed), seed)
    generator = np.random.Generator(np.random.PCG64(seed))
    turned = replace(
        this,
        pools=tuple(this.pools[n] for n in generator.permutation(len(this.pools))),
        candidates=tuple(
            replace(one, lines=tuple(replace(line, rates=line.rates[::-1]) for line in one.lines))
            for one in (this.candidates[n] for n in generator.permutation(len(this.candidates)))
        ),
    )

    assert split(turned) == split(this)


def first_band(this: Round, result: Split) -> float:
    """Score times units that the top band holds at its full promise."""
    known = {one.proposal: one for one in this.candidates}
    full = [proposal for proposal, share in result.bands[0].held if share == 1]
    return sum(known[number].score * known[number].lines[0].requested for number in full)


@settings(max_examples=7)
@given(shape=shapes, seed=seeds, more=st.integers(1, 60))
def test_more_capacity_never_serves_the_top_band_less(shape: Shape, seed: int, more: int) -> None:
    this = rounds.make(replace(shape, cap=None), seed)
    larger = tuple(replace(pool, capacity=pool.capacity * (100 + more) // 100) for pool in this.pools)

    before, after = split(this), split(replace(this, pools=larger))

    assert first_band(this, after) >= first_band(this, before) * (1 - 2e-4)


@pytest.mark.slow
@settings(max_examples=300)
@given(shape=shapes, seed=seeds, kind=st.sampled_from(["plain", "reserves", "storage", "both"]))
def test_limits_hold_on_many_more_rounds(shape: Shape, seed: int, kind: str) -> None:
    this = rounds.make(shape, seed)
    this = rounds.with_storage(this, seed) if kind in ("storage", "both") else this
    sound(rounds.with_reserves(this, seed) if kind in ("reserves", "both") else this)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_large_round_keeps_all_limits_too(seed: int) -> None:
    result = sound(rounds.make(Shape(200), seed))

    assert result.proven
