"""The flow's own rules as rows of a linear programme, for what a flow alone cannot say."""

import numpy as np
from scipy.optimize import LinearConstraint
from scipy.sparse import coo_array, csr_array

from allocations.programme.matching.flows.flow import crossing
from allocations.programme.matching.flows.instance import Edges, Instance
from allocations.programme.matching.problem import Floats, Ints


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


def summed(rows: Ints, columns: Ints, values: Floats, *, shape: tuple[int, int]) -> csr_array:
    return csr_array(coo_array((values, (rows, columns)), shape=shape))
