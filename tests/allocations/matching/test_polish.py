"""After the lift: more total at the same worst proposal, checked against every assignment of tiny calls."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from statistics import fmean

import numpy as np
import pytest

from allocations.programme.matching.assignment import propose
from allocations.programme.matching.flows.instance import Edges, Instance, compiled, every
from allocations.programme.matching.flows.lift import Lifted, weighed
from allocations.programme.matching.flows.polish import polished
from allocations.programme.matching.problem import Options, Pair, Problem
from allocations.programme.matching.solution import Solution
from benchmarks.matching_checks import affinity, expertise, faults
from benchmarks.matching_data import made_up, small
from tests.allocations.matching.proofs import assignments

SLOW = pytest.mark.slow
MOST = 20_000  # Assignments listed for one tiny call.


Marks = tuple[float, float, float]


def judge(problem: Problem) -> Callable[[frozenset[Pair]], Marks]:
    """The lowest mean affinity of a proposal, 1 where nobody has a review; the lowest affinity of a pair,
    and the lowest expertise: a pinned one is nobody's choice."""
    known, able = affinity(problem), expertise(problem)

    def marks(pairs: frozenset[Pair]) -> Marks:
        given, chosen = defaultdict(list), pairs - problem.pinned
        for pair in pairs:
            given[pair[0]].append(known[pair])
        return (
            min((fmean(values) for values in given.values()), default=1.0),
            min((known[pair] for pair in chosen), default=1.0),
            min((able[pair] for pair in chosen), default=1.0),
        )

    return marks


def no_worse(one: Marks, other: Marks) -> bool:
    """Whether neither the worst proposal nor the weakest pair of `one` is under those of `other`."""
    return one[0] >= other[0] - 1e-7 and one[1] >= other[1] and one[2] >= other[2]


def few(seed: int) -> Problem:
    """At most four proposals with at most two reviews each, so that all assignments can be listed."""
    problem = small(seed)
    demands = tuple(replace(d, reviews=min(2, d.reviews)) for d in problem.demands[:4])
    names = {demand.proposal for demand in demands}
    return replace(
        problem,
        demands=demands,
        affinities=np.asarray(problem.affinities)[: len(demands)],
        expertise=None if problem.expertise is None else np.asarray(problem.expertise)[: len(demands)],
        pinned=frozenset(pair for pair in problem.pinned if pair[0] in names),
    )


def reached(instance: Instance, edges: Edges, pairs: frozenset[Pair]) -> Lifted:
    """An assignment by ids in the form that the lift leaves behind."""
    ids = [
        (instance.demands[p].proposal, instance.reviewers[r].id)
        for p, r in zip(edges.p, edges.r, strict=True)
    ]
    taken = np.array([pair in pairs for pair in ids], dtype=np.bool_)
    return weighed(instance, edges, taken, np.ones(len(instance.demands)))


@pytest.mark.parametrize("seed", [*range(60), *(pytest.param(s, marks=SLOW) for s in range(60, 1000))])
def test_no_assignment_with_so_good_a_worst_proposal_has_a_greater_total(seed: int) -> None:
    """Whatever assignment it starts from."""
    problem = few(seed)
    options = Options(spread=seed % 2 == 0, load_price=0.0, stability=0.0)
    possible = list(islice(assignments(problem, options), MOST + 1))
    if not 2 <= len(possible) <= MOST:
        return
    instance = compiled(problem, options, 1)
    edges, known = every(instance.allowed), affinity(problem)
    rng = np.random.Generator(np.random.PCG64(seed))
    first, second = (possible[n] for n in rng.choice(len(possible), 2, replace=False))
    given = reached(instance, edges, first)

    found = polished(instance, edges, start=reached(instance, edges, second), best=given, options=options)

    marks = judge(problem)
    least = marks(first)
    totals = [sum(known[pair] for pair in one) for one in possible if no_worse(marks(one), least)]
    assert found.total == pytest.approx(max(totals), abs=2e-5)
    assert found.total >= given.total
    assert found.means.min(initial=1.0) >= given.means.min(initial=1.0) - 1e-6


@pytest.mark.parametrize("seed", [*range(30), *(pytest.param(s, marks=SLOW) for s in range(30, 1000))])
def test_a_run_loses_nothing_by_it(seed: int) -> None:
    """With pins, minima, institutions, sent pairs and everything else that a call can have."""
    problem = small(seed) if seed % 2 else made_up(10 + seed % 30, 12 + seed % 17, seed)
    options = Options(spread=seed % 3 == 0, lift_loss=0.1, best=(2, 2) if seed % 7 == 0 else (40, 30))

    rough, fine = (propose(problem, replace(options, polish=polish), seed=1) for polish in (False, True))

    assert type(rough) is type(fine)
    if isinstance(rough, Solution) and isinstance(fine, Solution):
        assert faults(problem, options, fine) == []
        marks = judge(problem)
        assert no_worse(marks(fine.assigned), marks(rough.assigned))
        assert fine.total >= rough.total


@pytest.mark.parametrize("call", [(200, 100, 19), (500, 300, 12)], ids=["whole", "what the lift moved"])
def test_it_wins_back_total_in_large_calls(call: tuple[int, int, int]) -> None:
    problem = made_up(*call)

    rough, fine = (propose(problem, Options(polish=polish), seed=1) for polish in (False, True))

    assert isinstance(rough, Solution)
    assert isinstance(fine, Solution)
    assert faults(problem, Options(), fine) == []
    marks = judge(problem)
    assert no_worse(marks(fine.assigned), marks(rough.assigned))
    assert fine.total > rough.total * 1.0005
