"""Independent checks of an assignment and of a cut, straight from the problem; brute force for tiny calls."""

from collections import Counter
from collections.abc import Iterator
from itertools import combinations

import numpy as np

from allocations.programme.matching.problem import Options, Pair, Problem, Reviewer, dense
from allocations.programme.matching.solution import Infeasible, Solution


def faults(problem: Problem, options: Options, solution: Solution) -> list[str]:
    """What is wrong with a solution; pins are exempt from caps, spread and floor."""
    pairs = [(pair.proposal, pair.reviewer) for pair in solution.pairs]
    reviews, loads = Counter(p for p, _ in pairs), Counter(r for _, r in pairs)
    pins = Counter(p for p, _ in problem.pinned), Counter(r for _, r in problem.pinned)
    found = ["a pair twice"] * (len(set(pairs)) < len(pairs))
    found += ["a conflict"] * bool(set(pairs) & (problem.banned | problem.forbidden))
    found += ["a pin lost"] * (not problem.pinned <= set(pairs))
    found += [
        f"proposal {d.proposal} has {reviews[d.proposal]}"
        for d in problem.demands
        if reviews[d.proposal] != max(d.reviews, pins[0][d.proposal])
    ]
    found += [
        f"reviewer {one.id} holds {loads[one.id]}"
        for one in problem.reviewers
        if not one.least <= loads[one.id] <= max(one.cap, pins[1][one.id])
    ]
    found += ["an institution twice"] * (options.spread and _crowded(problem, pairs))
    return found + ["a pair under the floor"] * _under(problem, solution, pairs)


def _crowded(problem: Problem, pairs: list[Pair]) -> bool:
    home = {one.id: one.institution for one in problem.reviewers}
    seen = Counter((p, home[r]) for p, r in pairs if home[r])
    pinned = Counter((p, home[r]) for p, r in problem.pinned if home[r])
    return any(count > max(1, pinned[key]) for key, count in seen.items())


def _under(problem: Problem, solution: Solution, pairs: list[Pair]) -> bool:
    if solution.floor is None:
        return False
    known = expertise(problem)
    return any(known[pair] < solution.floor - 1e-6 for pair in pairs if pair not in problem.pinned)


def expertise(problem: Problem) -> dict[Pair, float]:
    values = dense(problem.affinities if problem.expertise is None else problem.expertise)
    return _named(problem, values)


def affinity(problem: Problem) -> dict[Pair, float]:
    return _named(problem, dense(problem.affinities))


def _named(problem: Problem, values: np.ndarray) -> dict[Pair, float]:
    return {
        (d.proposal, one.id): float(values[row, column])
        for row, d in enumerate(problem.demands)
        for column, one in enumerate(problem.reviewers)
    }


def missing(problem: Problem, options: Options, cut: Infeasible) -> int:
    """What the named proposals lack even if everybody outside the cut takes all that the rules allow.

    For each proposal of the cut, everybody outside can give one review per institution (or each, where
    it is unknown or not spread). If this is positive, no assignment exists: the cut is true.
    """
    inside = set(cut.reviewers)
    loads = Counter(r for _, r in problem.pinned)
    places = sum(max(0, one.cap - loads[one.id]) for one in problem.reviewers if one.id in inside)
    wanted = single = 0
    for demand in problem.demands:
        if demand.proposal in cut.proposals:
            pins = sum(p == demand.proposal for p, _ in problem.pinned)
            wanted += max(0, demand.reviews - pins)
            able = [one for one in open_to(problem, options, demand.proposal) if one.id not in inside]
            single += _homes(able, options)
    return wanted - places - single


def over_promised(problem: Problem, options: Options, cut: Infeasible) -> int:
    """What the named reviewers' minima need beyond all that their proposals can take."""
    inside = set(cut.proposals)
    loads = Counter(r for _, r in problem.pinned)
    pins = Counter(p for p, _ in problem.pinned)
    needed = sum(max(0, one.least - loads[one.id]) for one in problem.reviewers if one.id in cut.reviewers)
    room = 0
    for demand in problem.demands:
        mine = [one for one in open_to(problem, options, demand.proposal) if one.id in cut.reviewers]
        want = max(0, demand.reviews - pins[demand.proposal])
        room += want if demand.proposal in inside else _homes(mine, options)
    return needed - room


def _homes(able: list[Reviewer], options: Options) -> int:
    if not options.spread:
        return len(able)
    named = {one.institution for one in able if one.institution}
    return len(named) + sum(not one.institution for one in able)


def open_to(problem: Problem, options: Options, proposal: int) -> list[Reviewer]:
    """Who may still be given a proposal, bans, pins and neighbours of pins left out."""
    mine = {r for p, r in problem.pinned if p == proposal}
    taken = {one.institution for one in problem.reviewers if one.id in mine and one.institution}
    barred = problem.banned | problem.forbidden | problem.pinned
    return [
        one
        for one in problem.reviewers
        if (proposal, one.id) not in barred and not (options.spread and one.institution in taken)
    ]


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
        if _homes(list(team), options) < want:
            continue
        after = loads + Counter(one.id for one in team)
        for rest in _next(problem, options, row + 1, loads=after, able=able):
            yield rest | {(demand.proposal, one.id) for one in team}
