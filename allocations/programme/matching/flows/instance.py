"""A problem in index form, sorted by id so that the input's order cannot matter, and its candidate pairs."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from allocations.programme.matching.problem import (
    Bools,
    Demand,
    Floats,
    Ints,
    Matrix,
    Options,
    Pair,
    Problem,
    Reviewer,
    dense,
)

JITTER = 16  # Ties fall by lot, not by id: a pair's price gets 0 to 15 units, less than one millionth.
SCALE = 1_000_000 * JITTER


@dataclass(frozen=True, slots=True)
class Edges:
    """Candidate pairs as parallel rows (`p`) and columns (`r`), in row-major order."""

    p: Ints
    r: Ints

    def __len__(self) -> int:
        return len(self.p)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """P proposals by R reviewers; `wanted`, `free` and `least` are what pins leave of them.

    `weight` and `expertise` (P x R) are rounded to millionths; `allowed` leaves out bans, pins and,
    where institutions are spread, whoever shares one with a pinned reviewer of the same proposal.
    `institution` numbers them, -1 where unknown or where institutions are not spread.
    """

    demands: tuple[Demand, ...]
    reviewers: tuple[Reviewer, ...]
    wanted: Ints
    free: Ints
    least: Ints
    weight: Floats
    expertise: Floats
    allowed: Bools
    institution: Ints
    pinned: Edges
    sent: Bools
    jitter: NDArray[np.int8]


def compiled(problem: Problem, options: Options, seed: int) -> Instance:
    rows = np.argsort([demand.proposal for demand in problem.demands], kind="stable").astype(np.int64)
    columns = np.argsort([one.id for one in problem.reviewers], kind="stable").astype(np.int64)
    demands = tuple(problem.demands[row] for row in rows)
    reviewers = tuple(problem.reviewers[column] for column in columns)
    place = _Places(demands, reviewers)
    pinned = place.edges(problem.pinned)
    reviews, loads = _counts(pinned.p, len(rows)), _counts(pinned.r, len(columns))
    weight = _matrix(problem.affinities, rows, columns)
    institution = _institutions(reviewers, options)
    barred = place.mask(problem.banned | problem.forbidden | problem.pinned)
    rng = np.random.Generator(np.random.PCG64(seed))
    return Instance(
        demands=demands,
        reviewers=reviewers,
        wanted=np.maximum(_ints(demand.reviews for demand in demands) - reviews, 0),
        free=np.maximum(_ints(one.cap for one in reviewers) - loads, 0),
        least=np.maximum(_ints(one.least for one in reviewers) - loads, 0),
        weight=weight,
        expertise=weight if problem.expertise is None else _matrix(problem.expertise, rows, columns),
        allowed=~(barred | _beside_pins(pinned, institution, barred.shape)),
        institution=institution,
        pinned=pinned,
        sent=place.mask(problem.sent - problem.pinned),
        jitter=rng.integers(0, JITTER, size=weight.shape, dtype=np.int8),
    )


def candidates(instance: Instance, least_expertise: float = 0.0) -> Bools:
    """Every pair that may be used and is not under the floor."""
    if least_expertise <= 0:
        return instance.allowed
    return np.asarray(instance.allowed & (instance.expertise >= least_expertise), dtype=np.bool_)


def pruned(instance: Instance, allowed: Bools, best: tuple[int, int], roles: int = 0) -> Edges:
    """The best candidates of each proposal and of each reviewer, sent pairs, and `roles` for each role asked.

    A tenth of all pairs carries practically the whole total: measured in docs/matching.md.
    """
    score = np.where(allowed, instance.weight, -1.0)
    keep = _top(score, best[0], 1) | _top(score, best[1], 0) | instance.sent
    if roles:
        keep |= _for_mix(instance, score, roles)
    p, r = np.nonzero(keep & allowed)
    return Edges(p.astype(np.int64), r.astype(np.int64))


def _for_mix(instance: Instance, score: Floats, roles: int) -> Bools:
    """The best of each role that is asked for, and the best without each that is wanted at most."""
    sets = [holders(instance, role) for role in sorted({r for one in instance.demands for r, _ in one.mix})]
    sets += [
        ~holders(instance, role) for role in sorted({r for one in instance.demands for r, _ in one.most})
    ]
    keep = np.zeros(score.shape, dtype=np.bool_)
    for inside in sets:
        keep |= _top(np.where(inside[None, :], score, -1.0), roles, 1)
    return keep


def every(allowed: Bools) -> Edges:
    p, r = np.nonzero(allowed)
    return Edges(p.astype(np.int64), r.astype(np.int64))


def widths(instance: Instance, best: tuple[int, int]) -> Iterable[tuple[int, int]]:
    """The width of pruning and its doublings, until nothing is pruned any more."""
    shape = instance.weight.shape
    wide = (max(best[0], 4 * int(instance.wanted.max(initial=0))), best[1])
    while True:
        yield wide
        if wide[0] >= shape[1] or wide[1] >= shape[0]:
            return
        wide = (2 * wide[0], 2 * wide[1])


def without_spread(instance: Instance, problem: Problem) -> Instance:
    place = _Places(instance.demands, instance.reviewers)
    barred = place.mask(problem.banned | problem.forbidden | problem.pinned)
    apart = np.full(len(instance.reviewers), -1, dtype=np.int64)
    return replace(instance, allowed=~barred, institution=apart)


class _Places:
    """Where ids stand in the sorted lists; ids that are not part of the problem stand nowhere."""

    def __init__(self, demands: tuple[Demand, ...], reviewers: tuple[Reviewer, ...]) -> None:
        self.row = {demand.proposal: place for place, demand in enumerate(demands)}
        self.column = {one.id: place for place, one in enumerate(reviewers)}

    def edges(self, pairs: Iterable[Pair]) -> Edges:
        found = sorted((self.row[p], self.column[r]) for p, r in pairs if p in self.row and r in self.column)
        return Edges(_ints(p for p, _ in found), _ints(r for _, r in found))

    def mask(self, pairs: Iterable[Pair]) -> Bools:
        marked = np.zeros((len(self.row), len(self.column)), dtype=np.bool_)
        at = self.edges(pairs)
        marked[at.p, at.r] = True
        return marked


def _matrix(values: Matrix, rows: Ints, columns: Ints) -> Floats:
    return np.asarray(np.round(dense(values)[np.ix_(rows, columns)], 6), dtype=np.float64)


def _ints(values: Iterable[int]) -> Ints:
    return np.fromiter(values, dtype=np.int64)


def _counts(places: Ints, size: int) -> Ints:
    return np.bincount(places, minlength=size).astype(np.int64)


def _institutions(reviewers: tuple[Reviewer, ...], options: Options) -> Ints:
    """Numbers for institutions that have at least two reviewers; everybody else stands alone."""
    sizes = Counter(one.institution for one in reviewers if one.institution)
    numbers = {name: number for number, name in enumerate(sorted(n for n, size in sizes.items() if size > 1))}
    if not options.spread:
        numbers = {}
    return _ints(numbers.get(one.institution, -1) for one in reviewers)


def _beside_pins(pinned: Edges, institution: Ints, shape: tuple[int, ...]) -> Bools:
    beside = np.zeros(shape, dtype=np.bool_)
    for p, r in zip(pinned.p, pinned.r, strict=True):
        if institution[r] >= 0:
            beside[p] |= institution == institution[r]
    return beside


def holders(instance: Instance, role: str) -> Bools:
    return np.array([role in one.roles for one in instance.reviewers], dtype=np.bool_)


def _top(score: Floats, most: int, axis: int) -> Bools:
    """Marks the `most` greatest values along an axis; negative ones never."""
    if most >= score.shape[axis]:
        return np.asarray(score >= 0, dtype=np.bool_)
    best = np.argpartition(score, -most, axis=axis).take(range(-most, 0), axis=axis)
    marked = np.zeros(score.shape, dtype=np.bool_)
    np.put_along_axis(marked, best, values=True, axis=axis)
    return np.asarray(marked & (score >= 0), dtype=np.bool_)
