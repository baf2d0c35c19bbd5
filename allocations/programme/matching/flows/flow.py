"""The assignment as a flow: proposals give reviews, reviewers take them, institutions stand in between."""

from dataclasses import dataclass

import numpy as np

from allocations.programme.matching.flows import network
from allocations.programme.matching.flows.instance import SCALE, Edges, Instance
from allocations.programme.matching.flows.network import Network
from allocations.programme.matching.problem import Floats, Ints, Options


@dataclass(frozen=True, slots=True)
class Scale:
    """One review is `units` units of flow, a pair carries at most `most`: 1 and 1, or D and q D for lots."""

    units: int = 1
    most: int = 1


WHOLE = Scale()


@dataclass(frozen=True, slots=True)
class Crossing:
    """Pair arcs (first, in the order of the edges) and the arcs into institution nodes after them.

    Nodes: proposals 0..P-1, reviewers P..P+R-1, the sink P+R, then a node per proposal and institution
    that has at least two candidates; its one incoming arc lets a single review through.
    """

    tails: Ints
    heads: Ints
    capacities: Ints
    nodes: int


def crossing(instance: Instance, edges: Edges, scale: Scale = WHOLE) -> Crossing:
    proposals, reviewers = instance.weight.shape
    tails, first = edges.p.copy(), proposals + reviewers + 1
    inside = np.flatnonzero(instance.institution[edges.r] >= 0)
    key = edges.p[inside] * (instance.institution.max(initial=0) + 1) + instance.institution[edges.r[inside]]
    _, groups, sizes = np.unique(key, return_inverse=True, return_counts=True)
    shared = inside[sizes[groups] > 1]
    numbers = np.cumsum(sizes > 1) - 1
    nodes = first + numbers[groups[sizes[groups] > 1]]
    owners = edges.p[shared]
    tails[shared] = nodes
    gates, at = np.unique(nodes, return_index=True)
    most = np.full(len(edges), scale.most, dtype=np.int64)
    return Crossing(
        np.concatenate([tails, owners[at]]),
        np.concatenate([proposals + edges.r, gates]),
        np.concatenate([most, np.full(len(gates), scale.units, dtype=np.int64)]),
        first + len(gates),
    )


def worth(instance: Instance, edges: Edges, options: Options, pull: Floats | None = None) -> Ints:
    """Integer value of each pair: affinity times the proposal's pull, what was sent dearer, ties by lot."""
    value = instance.weight[edges.p, edges.r]
    if pull is not None:
        value = value * pull[edges.p]
    value = value + options.stability * instance.sent[edges.p, edges.r]
    return np.rint(value * SCALE).astype(np.int64) + instance.jitter[edges.p, edges.r]


def plain(instance: Instance, edges: Edges) -> Ints:
    """Integer value of each pair when only the total counts."""
    return np.rint(instance.weight[edges.p, edges.r] * SCALE).astype(np.int64)


def staffed(
    instance: Instance, edges: Edges, values: Ints, *, options: Options, scale: Scale = WHOLE
) -> Ints | None:
    """Units on each pair at greatest value less the price of loads, every proposal full; None: impossible.

    A reviewer's j-th further review of c costs load_price * j / c: convex, so a flow still finds the best.
    """
    proposals, reviewers = instance.weight.shape
    middle = crossing(instance, edges, scale)
    sink = proposals + reviewers
    holders, room, prices = places(instance, options.load_price)
    supplies = np.zeros(middle.nodes, dtype=np.int64)
    supplies[:proposals] = instance.wanted * scale.units
    supplies[proposals:sink] = -instance.least * scale.units
    supplies[sink] = -supplies.sum()
    if supplies[sink] > 0:
        return None
    gates = len(middle.tails) - len(edges)
    made = Network(
        np.concatenate([middle.tails, proposals + holders]),
        np.concatenate([middle.heads, np.full(len(holders), sink, dtype=np.int64)]),
        np.concatenate([middle.capacities, room * scale.units]),
        np.concatenate([-values, np.zeros(gates, dtype=np.int64), prices]),
        supplies,
    )
    units = network.cheapest(made, options.solver)
    return None if units is None else units[: len(edges)]


def places(instance: Instance, price: float) -> tuple[Ints, Ints, Ints]:
    """What reviewers may take above their minimum: whose, how many places, at what price each."""
    above = instance.free - instance.least
    everybody = np.arange(len(above))
    if price <= 0:
        return everybody, above, np.zeros(len(above), dtype=np.int64)
    holders = np.repeat(everybody, above)
    starts = np.repeat(np.cumsum(above) - above, above)
    # Whoever holds pinned reviews or a minimum starts higher up.
    caps = np.array([max(1, one.cap) for one in instance.reviewers], dtype=np.int64)
    step = np.arange(len(holders)) - starts + (caps - above)[holders]
    prices = np.rint(price * SCALE * np.maximum(step, 0) / caps[holders]).astype(np.int64)
    return holders, np.ones(len(holders), dtype=np.int64), prices
