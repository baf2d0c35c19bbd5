"""Can everybody be staffed? A greatest flow says yes; its minimum cut says why not."""

from dataclasses import dataclass

import numpy as np

from allocations.programme.matching.flows import network
from allocations.programme.matching.flows.flow import WHOLE, Crossing, Scale, crossing
from allocations.programme.matching.flows.instance import Edges, Instance
from allocations.programme.matching.flows.network import Filled, Network
from allocations.programme.matching.problem import Ints

Arcs = tuple[Ints, Ints, Ints]  # tails, heads, capacities


@dataclass(frozen=True, slots=True)
class Cut:
    """Rows and columns of a minimum cut; see `solution.Infeasible` for the numbers."""

    proposals: Ints
    reviewers: Ints
    wanted: int
    places: int
    single: int
    missing: int
    promised: bool


def staffable(instance: Instance, edges: Edges, scale: Scale = WHOLE) -> bool:
    """Whether these pairs can staff every proposal and keep every promised minimum.

    One flow answers both: reviewers take their minimum directly, what is above it passes through one
    node that lets no more through than the minima leave.
    """
    proposals, reviewers = instance.weight.shape
    spare = int(instance.wanted.sum() - instance.least.sum())
    if spare < 0:
        return False
    middle = crossing(instance, edges, scale)
    above, everybody = proposals + reviewers, proposals + np.arange(reviewers)
    sink = np.full(reviewers, middle.nodes)
    ends = [
        (everybody, sink, instance.least * scale.units),
        (everybody, np.full(reviewers, above), (instance.free - instance.least) * scale.units),
        (np.array([above]), np.array([middle.nodes]), np.array([spare * scale.units])),
    ]
    made = _closed(instance, middle, ends, scale)
    filled = network.fill(made, middle.nodes + 1, middle.nodes)
    return filled.value == int(instance.wanted.sum()) * scale.units


def cut(instance: Instance, edges: Edges, scale: Scale = WHOLE) -> Cut | None:
    """Why these pairs cannot staff everybody, or cannot keep the minima; None where they can do both.

    By the theorem of Mendelsohn and Dulmage both can be kept at once when each can be kept alone,
    so one of the two flows falls short.
    """
    middle = crossing(instance, edges, scale)
    network_ = _closed(instance, middle, [_room(instance, middle, instance.free * scale.units)], scale)
    found = network.fill(network_, middle.nodes + 1, middle.nodes)
    if found.value < instance.wanted.sum() * scale.units:
        return _read(instance, found, scale, promised=False)
    network_ = _closed(instance, middle, [_room(instance, middle, instance.least * scale.units)], scale)
    # From the reviewers' end, so that the cut names the few whose minimum cannot be kept.
    turned = Network(network_.heads, network_.tails, network_.capacities, network_.prices, network_.supplies)
    found = network.fill(turned, middle.nodes, middle.nodes + 1)
    if found.value < instance.least.sum() * scale.units:
        return _read(instance, found, scale, promised=True)
    return None


def _room(instance: Instance, middle: Crossing, places: Ints) -> Arcs:
    proposals, reviewers = instance.weight.shape
    return proposals + np.arange(reviewers), np.full(reviewers, middle.nodes), places


def _closed(instance: Instance, middle: Crossing, ends: list[Arcs], scale: Scale) -> Network:
    """A network from a source (the last node) through the pairs to a sink (the last but one)."""
    proposals = len(instance.demands)
    source = middle.nodes + 1
    starts = (np.full(proposals, source), np.arange(proposals), instance.wanted * scale.units)
    inner = (middle.tails, middle.heads, middle.capacities)
    tails, heads, capacities = (np.concatenate(parts) for parts in zip(inner, *ends, starts, strict=True))
    nothing = np.zeros(len(tails), dtype=np.int64)
    return Network(tails, heads, capacities, nothing, np.zeros(source + 1, dtype=np.int64))


def _read(instance: Instance, found: Filled, scale: Scale, *, promised: bool) -> Cut:
    """What the reached side asks for, what the other side of it offers, and what is short.

    Lots work in fractions of a review; what is short of them is rounded up to whole reviews.
    """
    proposals, reviewers = instance.weight.shape
    rows = np.flatnonzero(found.reached[:proposals])
    columns = np.flatnonzero(found.reached[proposals : proposals + reviewers])
    asked, offered = (instance.least, instance.wanted) if promised else (instance.wanted, instance.free)
    wanted = int(asked[columns if promised else rows].sum())
    places = int(offered[rows if promised else columns].sum())
    missing = -(-(int(asked.sum()) * scale.units - found.value) // scale.units)
    return Cut(rows, columns, wanted, places, wanted - places - missing, missing, promised)
