"""Independent checks of an assignment and of a cut, straight from the problem and not through the solvers."""

import functools
from collections import Counter
from fractions import Fraction
from math import ceil

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


def true_cut(problem: Problem, options: Options, cut: Infeasible) -> bool:
    """Whether the named parts really lack what the cut says, and its numbers add up."""
    lacking = over_promised if cut.promised else missing
    named = bool(cut.reviewers if cut.promised else cut.proposals)
    adds_up = cut.missing == cut.wanted - cut.places - cut.single
    return named and adds_up and ceil(lacking(problem, options, cut)) == cut.missing > 0


def missing(problem: Problem, options: Options, cut: Infeasible) -> Fraction:
    """What the named proposals lack even if everybody outside the cut takes all that the rules allow.

    For each proposal of the cut, everybody outside can give one review per institution (or each, where
    it is unknown or not spread). If this is positive, no assignment exists: the cut is true.
    """
    inside = set(cut.reviewers)
    loads = Counter(r for _, r in problem.pinned)
    places = sum(max(0, one.cap - loads[one.id]) for one in problem.reviewers if one.id in inside)
    wanted, single = 0, Fraction(0)
    for demand in problem.demands:
        if demand.proposal in cut.proposals:
            pins = sum(p == demand.proposal for p, _ in problem.pinned)
            wanted += max(0, demand.reviews - pins)
            able = [one for one in open_to(problem, options, demand.proposal) if one.id not in inside]
            single += homes(able, options)
    return wanted - places - single


def over_promised(problem: Problem, options: Options, cut: Infeasible) -> Fraction:
    """What the named reviewers' minima need beyond all that their proposals can take."""
    inside = set(cut.proposals)
    loads = Counter(r for _, r in problem.pinned)
    pins = Counter(p for p, _ in problem.pinned)
    needed = sum(max(0, one.least - loads[one.id]) for one in problem.reviewers if one.id in cut.reviewers)
    room = Fraction(0)
    for demand in problem.demands:
        mine = [one for one in open_to(problem, options, demand.proposal) if one.id in cut.reviewers]
        want = max(0, demand.reviews - pins[demand.proposal])
        room += want if demand.proposal in inside else homes(mine, options)
    return needed - room


def homes(able: list[Reviewer], options: Options) -> Fraction:
    """The most reviews that these people can give to one proposal."""
    share = _share(options.limit)
    if not options.spread:
        return len(able) * share
    named = Counter(one.institution for one in able if one.institution)
    alone = sum(not one.institution for one in able)
    return sum((min(Fraction(1), share * count) for count in named.values()), share * alone)


@functools.cache
def _share(limit: float | None) -> Fraction:
    """Lots work in steps of at most a twentieth of a review; what is written as 0.6 means 3/5."""
    written = Fraction(limit or 1).limit_denominator(1000)
    return max(Fraction(written.numerator * steps // written.denominator, steps) for steps in range(1, 21))


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
