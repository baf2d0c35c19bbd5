"""What holds for every call: no conflict, loads within limits, all staffed or a true cut."""

from dataclasses import replace

import numpy as np
import pytest

from allocations.programme.matching.assignment import propose
from allocations.programme.matching.problem import Options, Problem
from allocations.programme.matching.solution import Infeasible, Solution
from benchmarks.matching_checks import affinity, expertise, faults, true_cut
from benchmarks.matching_data import options_of, small
from tests.allocations.matching.proofs import assignments

QUICK, ALL = range(60), range(60, 1000)
SEEDS = [*QUICK, *(pytest.param(seed, marks=pytest.mark.slow) for seed in ALL)]
SOLVERS = ["scipy", "ortools"]


@pytest.mark.parametrize("seed", SEEDS)
def test_everybody_is_staffed_within_the_rules_or_a_true_cut_says_why_not(seed: int) -> None:
    problem, options = small(seed), options_of(seed)
    whole = replace(options, limit=None)

    answer = propose(problem, options, seed=seed)

    if isinstance(answer, Solution):
        assert faults(problem, options, answer) == []
        assert answer.total <= answer.optimum + 1e-6
        return
    assert true_cut(problem, options, answer)
    if options.limit is not None:
        assert isinstance(propose(problem, whole, seed=seed), Infeasible) == (
            "a pair's chance" not in answer.relax[0]
        )


def tiny(seed: int) -> Problem:
    problem = small(seed)
    return replace(
        problem,
        demands=tuple(replace(d, reviews=min(2, d.reviews)) for d in problem.demands[:3]),
        affinities=np.asarray(problem.affinities)[:3],
        expertise=None if problem.expertise is None else np.asarray(problem.expertise)[:3],
        pinned=frozenset(
            pair for pair in problem.pinned if pair[0] in {d.proposal for d in problem.demands[:3]}
        ),
    )


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    "seed", [*range(30), *(pytest.param(s, marks=pytest.mark.slow) for s in range(30, 200))]
)
def test_floor_and_optimum_are_exact(seed: int, solver: str) -> None:
    problem = tiny(seed)
    options = Options(spread=seed % 2 == 0, solver=solver, load_price=0, stability=0, lift_rounds=0)  # type: ignore[arg-type]

    answer = propose(problem, options, seed=1)

    possible = list(assignments(problem, options))
    assert bool(possible) == isinstance(answer, Solution)
    if isinstance(answer, Solution):
        known, worth = expertise(problem), affinity(problem)
        floors = [min((known[pair] for pair in one - problem.pinned), default=1.0) for one in possible]
        over = list(assignments(problem, options, answer.floor or 0.0))
        free = assignments(problem, replace(options, spread=False))
        assert answer.best_floor in (None, pytest.approx(max(floors)))
        assert answer.total == pytest.approx(max(sum(worth[pair] for pair in one) for one in over), abs=1e-5)
        assert answer.optimum == pytest.approx(
            max(sum(worth[pair] for pair in one) for one in free), abs=1e-5
        )


@pytest.mark.parametrize("seed", range(0, 40, 2))
def test_the_order_of_the_input_changes_nothing(seed: int) -> None:
    problem, options = small(seed), options_of(seed)
    rng = np.random.Generator(np.random.PCG64(seed))
    rows, columns = rng.permutation(len(problem.demands)), rng.permutation(len(problem.reviewers))

    def turned(matrix: object) -> np.ndarray:
        return np.asarray(matrix)[np.ix_(rows, columns)]

    other = replace(
        problem,
        demands=tuple(problem.demands[row] for row in rows),
        reviewers=tuple(problem.reviewers[column] for column in columns),
        affinities=turned(problem.affinities),
        expertise=None if problem.expertise is None else turned(problem.expertise),
    )

    assert propose(problem, options, seed=7) == propose(other, options, seed=7)


@pytest.mark.parametrize("seed", range(0, 40, 5))
def test_the_same_seed_gives_the_same_answer(seed: int) -> None:
    assert propose(small(seed), options_of(seed), seed=3) == propose(small(seed), options_of(seed), seed=3)


@pytest.mark.parametrize("seed", range(0, 60, 3))
def test_both_solvers_reach_the_same_total(seed: int) -> None:
    options = replace(options_of(seed), lift_rounds=0, limit=None, mix=False)
    one, other = (
        propose(small(seed), replace(options, solver=name), seed=1) for name in ("scipy", "ortools")
    )

    assert type(one) is type(other)
    if isinstance(one, Solution) and isinstance(other, Solution):
        assert one.total == pytest.approx(other.total, abs=0.03)
        assert one.optimum == pytest.approx(other.optimum, abs=1e-6)
        assert one.best_floor == other.best_floor
