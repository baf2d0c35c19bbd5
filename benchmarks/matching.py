"""Assigning reviewers: methods side by side on made-up calls, and public data where somebody put it."""

import math
import multiprocessing
import resource
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from allocations.programme.matching.assignment import propose
from allocations.programme.matching.problem import Options, Pair, Problem
from allocations.programme.matching.solution import Solution
from benchmarks.matching_data import REVIEWS, SEEDS, made_up
from benchmarks.matching_public import GOLD, MIDL, folder, gold_losses, midl

SIZES = ((200, 100), (500, 300), (1000, 400))
LARGE = (5000, 1500)
PLAIN = Options(spread=False, load_price=0.0)
METHODS = {
    "max total": replace(PLAIN, floor_share=0.0, lift_rounds=0),
    "floor": replace(PLAIN, lift_rounds=0),
    "floor + lift": PLAIN,
    "default (and loads, spread)": Options(),
    "lots, q = 0.5": replace(PLAIN, limit=0.5),
}
SCIPY = {"floor + lift, SciPy": replace(PLAIN, solver="scipy")}
TARGETS = (
    "1. MIDL: total >= 201.6 and worst proposal >= 0.944, under 2 CPU s",
    "2. 200 x 100, each seed: total >= -0.5 %, worst proposal >= 1.3 x max total's, worst pair >= 0.9 t*, "
    "no same-institution pair when spread; under 3 CPU s with ortools, 15 with SciPy alone",
    "3. 5000 x 1500 under 60 CPU s and 1 GB; every infeasible call yields a named cut",
    "4. gold standard: loss <= 0.26",
)


@dataclass(frozen=True, slots=True)
class Figures:
    """One run: CPU seconds, peak MB of its process, share of the optimum lost, worst sum, worst pair ..."""

    cpu: float
    memory: float
    lost: float
    worst: float
    pair: float
    floor: float
    idle: int
    crowded: int
    unstaffed: int


def run(*, large: bool = False, bound: bool = False) -> None:
    print("\nAssignment of reviewers: medians of three seeds")
    print("  targets:", *TARGETS, sep="\n    ")
    for size in (*SIZES, *([LARGE] if large else [])):
        _table(size, bound=bound and size != LARGE)
    _midl()
    _gold()


def _table(size: tuple[int, int], *, bound: bool) -> None:
    print(f"\n  {size[0]} x {size[1]}")
    print(
        f"    {'method':28}{'CPU s':>8}{'MB':>6}{'total':>9}{'worst':>7}{'x max':>7}{'pair':>7}{'t*':>7}"
        f"{'idle':>6}{'same inst.':>11}{'unstaffed':>10}"
    )
    seeds = SEEDS if size != LARGE else SEEDS[:1]
    methods = METHODS | (SCIPY if size[0] <= SIZES[0][0] else {})
    plain = [_apart(_measured, size, seed, METHODS["max total"]) for seed in seeds]
    rows = {"greedy, caps counted": [_apart(_greedy, size, seed, PLAIN) for seed in seeds]}
    for name, options in methods.items():
        rows[name] = [
            found if name == "max total" else _apart(_measured, size, seed, options)
            for seed, found in zip(seeds, plain, strict=True)
        ]
    for name, found in rows.items():
        _print(name, found, plain)
    if bound:
        for name in ("max total", "floor + lift"):
            print(f"    worst proposal by seed, {name}:", *[f"{one.worst:.3f}" for one in rows[name]])
        print("    worst proposal by seed, bound for any method:", *[_bound(size, one) for one in seeds])


def _print(name: str, found: list[Figures], plain: list[Figures]) -> None:
    def middle(value: Callable[[Figures], float]) -> float:
        return statistics.median(value(one) for one in found)

    ratio = statistics.median(one.worst / other.worst for one, other in zip(found, plain, strict=True))
    print(
        f"    {name:28}{middle(lambda f: f.cpu):8.2f}{middle(lambda f: f.memory):6.0f}"
        f"{-100 * middle(lambda f: f.lost):8.2f}%{middle(lambda f: f.worst):7.3f}{ratio:7.2f}"
        f"{middle(lambda f: f.pair):7.3f}{middle(lambda f: f.floor):7.3f}{middle(lambda f: f.idle):6.0f}"
        f"{middle(lambda f: f.crowded):11.0f}{middle(lambda f: f.unstaffed):10.0f}"
    )


def _apart(
    method: Callable[[Problem, Options], Figures], size: tuple[int, int], seed: int, options: Options
) -> Figures:
    """In a process of its own, so that peak memory is this run's alone."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_inside, (method, size, seed, options))


def _inside(
    method: Callable[[Problem, Options], Figures], size: tuple[int, int], seed: int, options: Options
) -> Figures:
    return method(made_up(*size, seed), options)


def _measured(problem: Problem, options: Options) -> Figures:
    began = time.process_time()
    answer = propose(problem, options, seed=1)
    spent = time.process_time() - began
    if not isinstance(answer, Solution):
        raise RuntimeError(answer.sentence)
    return _figures(problem, answer.assigned, spent, answer.optimum, answer.best_floor or 0.0)


def _greedy(problem: Problem, options: Options) -> Figures:
    """Each proposal in turn takes its best reviewers who have a place left."""
    optimum = propose(problem, METHODS["max total"], seed=1)
    began = time.process_time()
    places = np.array([one.cap for one in problem.reviewers])
    values = np.asarray(problem.affinities).copy()
    for p, r in problem.banned:
        values[p, r] = -1.0
    pairs: set[Pair] = set()
    for row, demand in enumerate(problem.demands):
        order = np.argsort(-np.where(places > 0, values[row], -1.0), kind="stable")
        taken = [int(r) for r in order[: demand.reviews] if places[r] > 0 and values[row, r] >= 0]
        places[taken] -= 1
        pairs |= {(row, r) for r in taken}
    spent = time.process_time() - began
    return _figures(
        problem, frozenset(pairs), spent, optimum.optimum if isinstance(optimum, Solution) else 0, 0
    )


def _figures(problem: Problem, pairs: frozenset[Pair], cpu: float, optimum: float, floor: float) -> Figures:
    values = np.asarray(problem.affinities)
    loads, homes = Counter[int](), Counter[tuple[int, str]]()
    sums: defaultdict[int, float] = defaultdict(float)
    counts = Counter(p for p, _ in pairs)
    for p, r in sorted(pairs):
        sums[p] += float(values[p, r])
        loads[r] += 1
        homes[p, problem.reviewers[r].institution] += 1
    return Figures(
        cpu=cpu,
        memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        lost=1 - sum(sums.values()) / optimum,
        worst=min(sums[demand.proposal] for demand in problem.demands),
        pair=min(float(values[p, r]) for p, r in pairs),
        floor=floor,
        idle=len(problem.reviewers) - len(loads),
        crowded=sum(math.comb(count, 2) for count in homes.values()),
        unstaffed=sum(counts[demand.proposal] < demand.reviews for demand in problem.demands),
    )


def _bound(size: tuple[int, int], seed: int) -> str:
    answer = propose(made_up(*size, seed), replace(METHODS["floor"], bound=True), seed=1)
    return f"{REVIEWS * answer.bound:.3f}" if isinstance(answer, Solution) and answer.bound else "none"


def _midl() -> None:
    where = folder(MIDL)
    if where is None:
        print(f"\n  MIDL: not measured; {MIDL} names no folder")
        return
    for name in ("ortools", "scipy"):
        began = time.process_time()
        answer = propose(midl(where), replace(PLAIN, solver=name, bound=True), seed=1)
        spent = time.process_time() - began
        if isinstance(answer, Solution) and answer.bound:
            worst = min(pair.affinity for pair in answer.pairs)
            print(
                f"\n  MIDL, {name}: {spent:.2f} CPU s, total {answer.total:.2f} of {answer.optimum:.2f}, "
                f"worst proposal {answer.worst_total:.4f} (bound {3 * answer.bound:.4f}), "
                f"worst pair {worst:.3f}"
            )


def _gold() -> None:
    where = folder(GOLD)
    if where is None:
        print(f"  Gold standard of expertise: not measured; {GOLD} names no folder")
        return
    began = time.process_time()
    losses = gold_losses(where)
    spent = time.process_time() - began
    print(
        f"  Gold standard of expertise: loss {statistics.fmean(losses):.3f} "
        f"({min(losses):.3f} to {max(losses):.3f} over ten sets), {spent:.0f} CPU s"
    )
