"""Role mix: one mixed-integer programme over the pairs; a role missing or too often costs, never blocks."""

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
    """Row `p` wants `count` more reviews of a role beyond its pins; with `is_cap` not more than that."""

    p: int
    role: str
    count: int
    is_cap: bool = False


def asks(instance: Instance) -> list[Ask]:
    """What pins leave of each demand's mix."""
    found = []
    for row, demand in enumerate(instance.demands):
        pins = instance.pinned.r[instance.pinned.p == row]
        least = [(role, count - _held(instance, role, pins)) for role, count in demand.mix]
        most = [(role, max(0, count - _held(instance, role, pins))) for role, count in demand.most]
        found += [Ask(row, role, left) for role, left in least if left > 0]
        found += [Ask(row, role, left, is_cap=True) for role, left in most]
    return found


def missing(instance: Instance, edges: Edges, taken: Bools) -> list[Ask]:
    """What pins and taken pairs together leave open, or have too many of."""
    open_, rows, columns = [], edges.p[taken], edges.r[taken]
    for row, demand in enumerate(instance.demands):
        pins = instance.pinned.r[instance.pinned.p == row]
        mine = np.concatenate([columns[rows == row], pins])
        open_ += [Ask(row, role, count - _held(instance, role, mine)) for role, count in demand.mix]
        open_ += [
            Ask(row, role, _held(instance, role, mine) - count, is_cap=True) for role, count in demand.most
        ]
    return [ask for ask in open_ if ask.count > 0]


def _held(instance: Instance, role: str, columns: Ints) -> int:
    return sum(role in instance.reviewers[r].roles for r in columns)


def mixed(instance: Instance, edges: Edges, worth: Ints, options: Options) -> Bools | None:
    """Taken pairs at greatest worth less the price of missing roles; None where the solver found nothing.

    Variables: a 0/1 per pair, then a slack per ask. The rows are the flow's and one per ask:
    pairs of the role + slack >= count, or pairs of the role - slack <= count where there is a most.
    """
    wanted = asks(instance)
    # A pull can make a pair worth more than 1; a missing role must stay dearer than any pair.
    price = np.full(len(wanted), options.mix_price * max(1.0, float(worth.max(initial=0)) / SCALE))
    answer = milp(
        np.concatenate([-worth / SCALE, price]),
        integrality=np.concatenate([np.ones(len(edges)), np.zeros(len(wanted))]),
        bounds=Bounds(0.0, np.concatenate([np.ones(len(edges)), [_slack(instance, ask) for ask in wanted]])),
        constraints=[*flow_rows(instance, edges, more=len(wanted)), *_asked(instance, edges, wanted)],
        options={"mip_rel_gap": GAP, "time_limit": SECONDS},
    )
    return None if answer.x is None else np.asarray(answer.x[: len(edges)] > 0.5, dtype=np.bool_)


def _slack(instance: Instance, ask: Ask) -> int:
    """The most that can be missing, or too many."""
    return int(instance.wanted[ask.p]) if ask.is_cap else ask.count


def _asked(instance: Instance, edges: Edges, wanted: list[Ask]) -> list[LinearConstraint]:
    if not wanted:
        return []
    rows, columns, values = [], [], []
    starts = np.searchsorted(edges.p, np.arange(len(instance.demands) + 1))
    held = {ask.role: holders(instance, ask.role)[edges.r] for ask in wanted}
    for number, ask in enumerate(wanted):
        start, end = starts[ask.p], starts[ask.p + 1]
        mine = start + np.flatnonzero(held[ask.role][start:end])
        columns += [mine, np.array([len(edges) + number])]
        values += [np.ones(len(mine)), np.array([-1.0 if ask.is_cap else 1.0])]
        rows.append(np.full(len(mine) + 1, number))
    counts: Floats = np.array([ask.count for ask in wanted], dtype=np.float64)
    caps = np.array([ask.is_cap for ask in wanted])
    shape = (len(wanted), len(edges) + len(wanted))
    at = np.concatenate(rows)
    held_ = summed(at, np.concatenate(columns), np.concatenate(values), shape=shape)
    return [LinearConstraint(held_, np.where(caps, -np.inf, counts), np.where(caps, counts, np.inf))]
