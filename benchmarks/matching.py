"""Assigning reviewers: methods side by side on made-up calls, and public data where somebody put it."""

import math
import multiprocessing
import resource
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from allocations.programme.matching.assignment import propose
from allocations.programme.matching.problem import Options, Pair, Problem
from allocations.programme.matching.solution import Solution
from allocations.programme.matching.texts import Backend
from allocations.programme.matching.vectors import MODELS
from benchmarks import matching_targets
from benchmarks.matching_data import REVIEWS, SEEDS, made_up
from benchmarks.matching_public import GOLD, MIDL, folder, gold_losses, midl
from benchmarks.verdicts import told, unmeasured

SIZES = ((200, 100), (500, 300), (1000, 400))
LARGE = (5000, 1500)
PLAIN = Options(spread=False, load_price=0.0)
METHODS = {
    "max total": replace(PLAIN, floor_share=0.0, lift_rounds=0),
    "floor": replace(PLAIN, lift_rounds=0),
    "floor + lift": replace(PLAIN, polish=False),
    "floor + lift + polish": PLAIN,
    "default (and loads, spread)": Options(),
    "lots, q = 0.5": replace(PLAIN, limit=0.5),
}
SCIPY = {"floor + lift + polish, SciPy": replace(PLAIN, solver="scipy")}


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
    print("\nAssignment of reviewers: targets")
    _midl()
    matching_targets.small_calls()
    _large()
    matching_targets.random_calls()
    _gold()
    print("\nAssignment of reviewers: medians of three seeds")
    for size in (*SIZES, *([LARGE] if large else [])):
        _table(size, bound=bound and size != LARGE)


def _large() -> None:
    one = _apart(_measured, LARGE, SEEDS[0], Options())
    name = f"{LARGE[0]} x {LARGE[1]}, default options"
    told(name, f"{one.cpu:.0f} CPU s", "60", kept=one.cpu < 60)
    told(name, f"{one.memory:.0f} MB", "1 GB", kept=one.memory < 1024)


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
        for name in ("max total", "floor + lift + polish"):
            print(f"    worst proposal by seed, {name}:", *[f"{one.worst:.3f}" for one in rows[name]])
        print(
            "    worst proposal by seed, bound with these candidates:", *[_bound(size, one) for one in seeds]
        )


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
    wanted = "total >= 201.6, worst proposal >= 0.944, under 2 CPU s"
    where = folder(MIDL)
    if where is None:
        unmeasured("MIDL", f"{MIDL} names no folder", wanted)
        return
    most = propose(midl(where), replace(METHODS["max total"], best=(1000, 1000), bound=True), seed=1)
    for name in ("ortools", "scipy"):
        began = time.process_time()
        answer = propose(midl(where), replace(PLAIN, solver=name), seed=1)
        spent = time.process_time() - began
        if isinstance(answer, Solution) and isinstance(most, Solution):
            worst = answer.worst_total
            told(
                f"MIDL, {name}",
                f"total {answer.total:.2f} of {answer.optimum:.2f}, worst proposal {worst:.4f} "
                f"(bound {REVIEWS * (most.bound or 0):.4f}), {spent:.2f} CPU s",
                wanted,
                kept=answer.total >= 201.6 and worst >= 0.944 and spent < 2,
            )


def _gold() -> None:
    where = folder(GOLD)
    for model in MODELS:
        name = f"gold standard of expertise, {model}, loss"
        if where is None:
            unmeasured(name, f"{GOLD} names no folder", "<= 0.26")
        elif model != "words" and find_spec(model) is None:
            unmeasured(name, f"{model} is not installed", "<= 0.26")
        else:
            _gold_of(name, where, MODELS[model])


def _gold_of(name: str, where: Path, backend: Backend) -> None:
    began = time.process_time()
    losses = gold_losses(where, backend)
    spent, mean = time.process_time() - began, statistics.fmean(losses)
    found = f"{mean:.3f} ({min(losses):.3f} to {max(losses):.3f} over ten sets), {spent:.0f} CPU s"
    told(name, found, "<= 0.26", kept=mean <= 0.26)
