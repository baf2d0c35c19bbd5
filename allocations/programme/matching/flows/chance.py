"""Lots against manipulation: no pair is likelier than a limit, and one draw keeps every chance as it was."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from allocations.programme.matching.flows.flow import Scale, crossing, staffed
from allocations.programme.matching.flows.instance import Edges, Instance
from allocations.programme.matching.problem import Bools, Floats, Ints, Options

FINEST = 20  # Limits are rounded down to a fraction with at most this denominator.
WRITTEN = 1000  # 0.6 as a float lies under 3/5: it is read as the fraction that was meant.


@dataclass(frozen=True, slots=True)
class Drawn:
    taken: Bools
    chances: Floats


def scale_of(limit: float) -> Scale:
    """The greatest fraction most/units with units up to 20 that does not exceed the limit."""
    meant = Fraction(limit).limit_denominator(WRITTEN)
    best = max(Fraction(int(meant * units), units) for units in range(1, FINEST + 1))
    if not best:
        raise ValueError(f"a limit under {1 / FINEST} cannot be drawn")
    return Scale(best.denominator, best.numerator)


def drawn(instance: Instance, edges: Edges, values: Ints, *, options: Options, seed: int) -> Drawn | None:
    """The best chances under the limit, as a flow in fractions of a review, and one draw from them."""
    if options.limit is None:
        raise ValueError("no limit was given")
    scale = scale_of(options.limit)
    units = staffed(instance, edges, values, options=options, scale=scale)
    if units is None:
        return None
    rng = np.random.Generator(np.random.PCG64([seed, 1]))
    rounded = _Rounding(instance, edges, units, scale).run(rng)
    return Drawn(rounded, units / scale.units)


class _Rounding:
    """Dependent rounding (Gandhi, Khuller, Parthasarathy, Srinivasan 2006) on the flow's own network.

    Take a cycle of fractional arcs, push as much around it as makes an arc whole, one way or the other
    with odds that keep every arc's expected value. Sums at nodes never change, so every proposal stays
    full; institutions and loads are arcs too, so neither passes its limit.
    Integers throughout: `units` make one review.
    """

    def __init__(self, instance: Instance, edges: Edges, flow: Ints, scale: Scale) -> None:
        self.units, self.pairs = scale.units, len(edges)
        ends = _ends(instance, edges, flow)
        self.tails, self.heads, values = (column.tolist() for column in ends)
        self.flow: list[int] = values
        self.beside: dict[int, set[int]] = {}
        for arc in range(len(self.flow)):
            self._settle(arc)

    def run(self, rng: np.random.Generator) -> Bools:
        for node in sorted(self.beside):
            while self.beside[node]:
                self._push(self._cycle(node), rng)
        return np.array(self.flow[: self.pairs], dtype=np.int64) >= self.units

    def _settle(self, arc: int) -> None:
        """Notes whether an arc is still fractional."""
        for node in (self.tails[arc], self.heads[arc]):
            mine = self.beside.setdefault(node, set())
            if self.flow[arc] % self.units:
                mine.add(arc)
            else:
                mine.discard(arc)

    def _cycle(self, node: int) -> list[tuple[int, int]]:
        """Arcs of a cycle with their direction (1 along, -1 against); every node has two or none."""
        path: list[tuple[int, int]] = []
        seen = {node: 0}
        last = -1
        while True:
            arc = min(self.beside[node] - {last})
            along = self.tails[arc] == node
            path.append((arc, 1 if along else -1))
            node, last = (self.heads[arc] if along else self.tails[arc]), arc
            if node in seen:
                return path[seen[node] :]
            seen[node] = len(path)

    def _push(self, cycle: list[tuple[int, int]], rng: np.random.Generator) -> None:
        rest = [(self.flow[arc] % self.units, way) for arc, way in cycle]
        forth = min(self.units - part if way > 0 else part for part, way in rest)
        back = min(part if way > 0 else self.units - part for part, way in rest)
        step = forth if int(rng.integers(forth + back)) < back else -back
        for arc, way in cycle:
            self.flow[arc] += way * step
            self._settle(arc)


def _ends(instance: Instance, edges: Edges, flow: Ints) -> tuple[Ints, Ints, Ints]:
    """Arcs with their flow: pairs, gates into institutions, loads into one sink."""
    middle = crossing(instance, edges)
    proposals, reviewers = instance.weight.shape
    pairs, gates = middle.tails[: len(edges)], middle.heads[len(edges) :]
    through = np.bincount(pairs, weights=flow, minlength=middle.nodes).astype(np.int64)[gates]
    loads = np.bincount(edges.r, weights=flow, minlength=reviewers).astype(np.int64)
    return (
        np.concatenate([middle.tails, proposals + np.arange(reviewers)]),
        np.concatenate([middle.heads, np.full(reviewers, proposals + reviewers)]),
        np.concatenate([flow, through, loads]),
    )
