"""What a ring of bidders gains: how often it gets the pairs that it wants, with and without its bids."""

from collections import Counter
from dataclasses import replace

from allocations.programme.matching.assignment import propose
from allocations.programme.matching.problem import Options, Pair, Problem
from allocations.programme.matching.solution import Solution
from benchmarks.bidding_data import CLASSES, EACH, arranged, honest, wanted, with_bids
from benchmarks.matching_data import SEEDS, made_up

SIZE = (200, 100)
RINGS = 8  # for each seed of the call
LOTS = Options(limit=0.5, lift_rounds=0)
TARGET = "a pair outside the best 30 is had by at most 2 % of rings; one outside the best 10 by at most 25 %"


def run() -> None:
    print(f"\nBids: share of wanted pairs that a ring gets, {SIZE[0]} x {SIZE[1]}, seeds {SEEDS}")
    print(f"  target: {TARGET}")
    print(f"    {'place by knowledge':36}{''.join(f'{name:>10}' for name in CLASSES)}{'mean match':>12}")
    rows: dict[str, Counter[str]] = {}
    match: dict[str, float] = {}
    for seed in SEEDS:
        call = made_up(*SIZE, seed)
        for number in range(RINGS):
            pairs = wanted(call, 100 * seed + number)
            for name, assigned in _tried(call, pairs, 100 * seed + number).items():
                rows.setdefault(name, Counter()).update(pairs[pair] for pair in pairs if pair in assigned)
                match[name] = match.get(name, 0.0) + _match(call, assigned)
    runs = len(SEEDS) * RINGS
    for name, got in rows.items():
        shares = "".join(f"{100 * got[each] / (EACH * runs):9.0f}%" for each in CLASSES)
        print(f"    {name:36}{shares}{match[name] / runs:12.3f}")


def _tried(call: Problem, pairs: dict[Pair, str], seed: int) -> dict[str, frozenset[Pair]]:
    truth = honest(call, seed)
    ring = arranged(truth, pairs)
    return {
        "nobody bids": _assigned(call, Options()),
        "everybody bids honestly": _assigned(with_bids(call, truth), Options()),
        "the ring bids for its pairs": _assigned(with_bids(call, ring), Options()),
        "the same, by lots with q = 0.5": _assigned(with_bids(call, ring), LOTS),
        "with refusals in full": _assigned(with_bids(call, ring, tempers=False), Options()),
        "with bids of 0.5": _assigned(with_bids(call, ring, shift=0.5, tempers=False), Options()),
        "... that the floor sees, too": _assigned(
            replace(with_bids(call, ring, shift=0.5, tempers=False), expertise=None), Options()
        ),
    }


def _assigned(problem: Problem, options: Options) -> frozenset[Pair]:
    answer = propose(problem, options, seed=1)
    if not isinstance(answer, Solution):
        raise RuntimeError(answer.sentence)
    return answer.assigned


def _match(call: Problem, assigned: frozenset[Pair]) -> float:
    """By what people know, whatever they bid."""
    return sum(float(call.affinities[pair]) for pair in assigned) / len(assigned)
