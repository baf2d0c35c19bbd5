"""Role mix: one mixed-integer programme over the pairs, where a missing role costs but never blocks."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from allocations.programme.matching.flows.instance import SCALE, Edges, Instance, holders
from allocations.programme.matching.flows.rows import flow_rows, summed
from allocations.programme.matching.problem import Bools, Floats, Ints, Options

GAP = 1e-4
SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Ask:
    """Row `p` wants `count` more reviews of a role beyond its pins."""

    p: int
    role: str
    count: int


def asks(instance: Instance) -> list[Ask]:
    """What pins leave of each demand's mix."""
    found = []
    for row, demand in enumerate(instance.demands):
        pins = instance.pinned.r[instance.pinned.p == row]
        for role, count in demand.mix:
            held = sum(role in instance.reviewers[r].roles for r in pins)
            found.append(Ask(row, role, max(0, count - held)))
    return found


def missing(instance: Instance, edges: Edges, taken: Bools) -> list[Ask]:
    """What the taken pairs still leave open."""
    open_, rows, columns = [], edges.p[taken], edges.r[taken]
    for ask in asks(instance):
        mine = columns[rows == ask.p]
        held = sum(ask.role in instance.reviewers[r].roles for r in mine)
        open_.append(Ask(ask.p, ask.role, max(0, ask.count - held)))
    return [ask for ask in open_ if ask.count]


def mixed(instance: Instance, edges: Edges, worth: Ints, options: Options) -> Bools | None:
    """Taken pairs at greatest worth less the price of missing roles; None where the solver found nothing.

    Variables: a 0/1 per pair, then a slack per ask. The rows are the flow's and one per ask:
    pairs of the role + slack >= count.
    """
    wanted = [ask for ask in asks(instance) if ask.count]
    # A pull can make a pair worth more than 1; a missing role must stay dearer than any pair.
    price = np.full(len(wanted), options.mix_price * max(1.0, float(worth.max(initial=0)) / SCALE))
    answer = milp(
        np.concatenate([-worth / SCALE, price]),
        integrality=np.concatenate([np.ones(len(edges)), np.zeros(len(wanted))]),
        bounds=Bounds(0.0, np.concatenate([np.ones(len(edges)), [ask.count for ask in wanted]])),
        constraints=[*flow_rows(instance, edges, more=len(wanted)), *_asked(instance, edges, wanted)],
        options={"mip_rel_gap": GAP, "time_limit": SECONDS},
    )
    return None if answer.x is None else np.asarray(answer.x[: len(edges)] > 0.5, dtype=np.bool_)


def _asked(instance: Instance, edges: Edges, wanted: list[Ask]) -> list[LinearConstraint]:
    if not wanted:
        return []
    rows, columns = [], []
    starts = np.searchsorted(edges.p, np.arange(len(instance.demands) + 1))
    held = {ask.role: holders(instance, ask.role)[edges.r] for ask in wanted}
    for number, ask in enumerate(wanted):
        start, end = starts[ask.p], starts[ask.p + 1]
        mine = start + np.flatnonzero(held[ask.role][start:end])
        columns += [mine, np.array([len(edges) + number])]
        rows.append(np.full(len(mine) + 1, number))
    counts: Floats = np.array([ask.count for ask in wanted], dtype=np.float64)
    shape = (len(wanted), len(edges) + len(wanted))
    at = np.concatenate(rows)
    held_ = summed(at, np.concatenate(columns), np.ones(len(at)), shape=shape)
    return [LinearConstraint(held_, counts, np.inf)]
