"""The floor: the highest affinity such that every proposal can still be staffed with pairs at or above it."""

import numpy as np

from allocations.programme.matching.flows.feasible import staffable
from allocations.programme.matching.flows.flow import WHOLE, Scale
from allocations.programme.matching.flows.instance import Edges, Instance, candidates, every
from allocations.programme.matching.problem import Floats


def best_floor(instance: Instance, edges: Edges, scale: Scale = WHOLE) -> float | None:
    """t*, exact over all pairs; `edges` must be able to staff everybody. None: nobody wants a review.

    Feasibility only falls as t rises, so two binary searches find it: among the given (pruned) pairs
    first, then among all pairs above what those reach, which are few. No t* can exceed what the
    choosiest proposal has: its k-th best expertise.
    """
    top = _ceiling(instance)
    if top is None:
        return None
    values = instance.expertise[edges.p, edges.r]
    reached = _search(instance, edges, values, scale)
    all_pairs = every(candidates(instance, reached))
    above = instance.expertise[all_pairs.p, all_pairs.r]
    inside = Edges(all_pairs.p, all_pairs.r)
    return _search(instance, inside, above, scale, top)


def _ceiling(instance: Instance) -> float | None:
    if not instance.wanted.any():
        return None
    ranked = -np.sort(-np.where(instance.allowed, instance.expertise, -1.0), axis=1)
    rows = np.flatnonzero(instance.wanted)
    return float(ranked[rows, instance.wanted[rows] - 1].min())


def _search(instance: Instance, edges: Edges, values: Floats, scale: Scale, top: float = 1.0) -> float:
    """The greatest of the values that can be a floor; the least of them is known to be one."""
    steps = np.unique(values[values <= top])
    low, high = 0, len(steps) - 1
    while low < high:
        middle = (low + high + 1) // 2
        above = values >= steps[middle]
        if staffable(instance, Edges(edges.p[above], edges.r[above]), scale):
            low = middle
        else:
            high = middle - 1
    return float(steps[low])
