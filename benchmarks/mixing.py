"""What a mix of reviewers costs: the same call with and without it, and what could not be had."""

import statistics
import time
from collections import Counter
from dataclasses import replace

import numpy as np

from allocations.programme.matching.assignment import propose
from allocations.programme.matching.problem import Options, Problem
from allocations.programme.matching.solution import Solution
from benchmarks.matching_data import SEEDS, made_up

SIZES = ((200, 100), (500, 300), (1000, 400))
LEAST = (("domain", 1), ("technical", 1), ("senior", 1))
MOST = (("early_career", 1),)
KINDS = {"technical": 0.25, "domain": 0.75}
RANKS = {"senior": 0.25, "early_career": 0.3, "experienced": 0.25, "": 0.2}


def run() -> None:
    print("\nMix of reviewers: a senior, both kinds, at most one early in the career; medians of three seeds")
    print(f"    {'call':14}{'CPU s':>8}{'x without':>11}{'total':>9}{'missed without':>16}{'with':>6}")
    for size in SIZES:
        rows = [_compared(mixed(*size, seed)) for seed in SEEDS]
        cpu, ratio, total, without, with_ = (statistics.median(column) for column in zip(*rows, strict=True))
        name = f"{size[0]} x {size[1]}"
        print(f"    {name:14}{cpu:8.2f}{ratio:11.1f}{100 * total:8.2f}%{without:16.0f}{with_:6.0f}")


def mixed(proposals: int, reviewers: int, seed: int) -> Problem:
    """The made-up call, whose people hold kinds and ranks by lot."""
    call, rng = made_up(proposals, reviewers, seed), np.random.Generator(np.random.PCG64([seed, 3]))
    kinds = rng.choice(list(KINDS), reviewers, p=list(KINDS.values()))
    ranks = rng.choice(list(RANKS), reviewers, p=list(RANKS.values()))
    return replace(
        call,
        demands=tuple(replace(demand, mix=LEAST, most=MOST) for demand in call.demands),
        reviewers=tuple(
            replace(one, roles=frozenset({str(kind), str(rank)} - {""}))
            for one, kind, rank in zip(call.reviewers, kinds, ranks, strict=True)
        ),
    )


def _compared(call: Problem) -> tuple[float, float, float, int, int]:
    """CPU seconds, their ratio, the change of the total, wishes missed without and with the mix."""
    (plain, least), (best, most) = _timed(call, Options()), _timed(call, Options(mix=True))
    return most, most / least, best.total / plain.total - 1, _missed(call, plain), _missed(call, best)


def _timed(call: Problem, options: Options) -> tuple[Solution, float]:
    began = time.process_time()
    answer = propose(call, options, seed=1)
    if not isinstance(answer, Solution):
        raise RuntimeError(answer.sentence)
    return answer, time.process_time() - began


def _missed(call: Problem, answer: Solution) -> int:
    roles = {one.id: one.roles for one in call.reviewers}
    held = Counter((p, role) for p, r in answer.assigned for role in roles[r])
    least = sum(max(0, n - held[one.proposal, role]) for one in call.demands for role, n in one.mix)
    return least + sum(max(0, held[one.proposal, role] - n) for one in call.demands for role, n in one.most)
