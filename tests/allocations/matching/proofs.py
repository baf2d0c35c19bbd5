"""Every assignment of a tiny call, by brute force."""

from collections import Counter
from collections.abc import Iterator
from itertools import combinations

from allocations.programme.matching.problem import Options, Pair, Problem
from benchmarks.matching_checks import expertise, homes, open_to


def assignments(problem: Problem, options: Options, floor: float = 0.0) -> Iterator[frozenset[Pair]]:
    """Every allowed assignment, by brute force; for tiny calls."""
    known = expertise(problem)
    loads = Counter(r for _, r in problem.pinned)
    yield from _next(problem, options, 0, loads=loads, able=lambda pair: known[pair] >= floor - 1e-9)


def _next(problem, options, row, *, loads, able):  # type: ignore[no-untyped-def]
    if row == len(problem.demands):
        if all(loads[one.id] >= one.least for one in problem.reviewers):
            yield problem.pinned
        return
    demand = problem.demands[row]
    pins = sum(p == demand.proposal for p, _ in problem.pinned)
    free = [
        one
        for one in open_to(problem, options, demand.proposal)
        if loads[one.id] < one.cap and able((demand.proposal, one.id))
    ]
    want = max(0, demand.reviews - pins)
    for team in combinations(free, want):
        if homes(list(team), options) < want:
            continue
        after = loads + Counter(one.id for one in team)
        for rest in _next(problem, options, row + 1, loads=after, able=able):
            yield rest | {(demand.proposal, one.id) for one in team}
