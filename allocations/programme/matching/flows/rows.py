"""The flow's own rules as rows of a linear programme, for what a flow alone cannot say."""

import numpy as np
from scipy.optimize import LinearConstraint
from scipy.sparse import coo_array, csr_array

from allocations.programme.matching.flows.flow import crossing
from allocations.programme.matching.flows.instance import Edges, Instance
from allocations.programme.matching.problem import Floats, Ints

SLACK = 1e-7  # Sums are whole millionths.
FINE = 1e3  # HiGHS keeps rows to a millionth; in thousandths it keeps these to a billionth.


def flow_rows(instance: Instance, edges: Edges, *, more: int) -> list[LinearConstraint]:
    """Proposals full, loads within limits, institutions once; columns are the pairs and `more` after them."""
    proposals, reviewers = instance.weight.shape
    width, first = len(edges) + more, proposals + reviewers + 1
    middle, pairs = crossing(instance, edges), np.arange(len(edges))
    inside = np.flatnonzero(middle.tails[: len(edges)] >= first)
    ones = np.ones(len(edges))
    full = summed(edges.p, pairs, ones, shape=(proposals, width))
    loads = summed(edges.r, pairs, ones, shape=(reviewers, width))
    shape = (middle.nodes - first, width)
    homes = summed(middle.tails[inside] - first, inside, ones[: len(inside)], shape=shape)
    return [
        LinearConstraint(full, instance.wanted, instance.wanted),
        LinearConstraint(loads, instance.least, instance.free),
        LinearConstraint(homes, -np.inf, 1.0),
    ]


def mean_rows(instance: Instance, edges: Edges, mean: float, *, more: int) -> LinearConstraint:
    """Every proposal's affinities, pinned ones included, reach this mean over its reviews."""
    proposals, pins = len(instance.demands), instance.pinned
    pinned = np.bincount(pins.p, weights=instance.weight[pins.p, pins.r], minlength=proposals)
    counts = instance.wanted + np.bincount(pins.p, minlength=proposals)
    values = FINE * instance.weight[edges.p, edges.r]
    reached = summed(edges.p, np.arange(len(edges)), values, shape=(proposals, len(edges) + more))
    return LinearConstraint(reached, FINE * (counts * mean - pinned - SLACK), np.inf)


def summed(rows: Ints, columns: Ints, values: Floats, *, shape: tuple[int, int]) -> csr_array:
    return csr_array(coo_array((values, (rows, columns)), shape=shape))
