"""Every assignment of a tiny call, by brute force."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations

from allocations.programme.matching.problem import Demand, Options, Pair, Problem, Reviewer
from benchmarks.matching_checks import expertise, homes, open_to

Teams = list[tuple[frozenset[Pair], tuple[Reviewer, ...]]]


def assignments(problem: Problem, options: Options, floor: float = 0.0) -> Iterator[frozenset[Pair]]:
    """Every allowed assignment, by brute force; for tiny calls."""
    known = expertise(problem)
    able = {pair for pair, value in known.items() if value >= floor - 1e-9}
    teams = [_teams(problem, options, demand, able=able) for demand in problem.demands]
    yield from _next(problem, teams, Counter(r for _, r in problem.pinned))


def _teams(problem: Problem, options: Options, demand: Demand, *, able: set[Pair]) -> Teams:
    """Everybody who may sit together on one proposal, whatever else they have."""
    number = demand.proposal
    pins = sum(p == number for p, _ in problem.pinned)
    free = [one for one in open_to(problem, options, number) if (number, one.id) in able]
    want = max(0, demand.reviews - pins)
    found = [team for team in combinations(free, want) if homes(list(team), options) >= want]
    return [(frozenset((number, one.id) for one in team), team) for team in found]


def _next(problem: Problem, teams: Sequence[Teams], loads: Counter[int]) -> Iterator[frozenset[Pair]]:
    if not teams:
        if all(loads[one.id] >= one.least for one in problem.reviewers):
            yield problem.pinned
        return
    for pairs, team in teams[0]:
        if all(loads[one.id] < one.cap for one in team):
            after = loads + Counter(one.id for one in team)
            for rest in _next(problem, teams[1:], after):
                yield rest | pairs
