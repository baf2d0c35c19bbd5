"""The last phase: once the lift has settled how well the worst proposal fares, the greatest total at that."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from allocations.programme.matching.flows.flow import places, worth
from allocations.programme.matching.flows.instance import SCALE, Edges, Instance
from allocations.programme.matching.flows.lift import Lifted, better, weighed
from allocations.programme.matching.flows.rows import flow_rows, mean_rows, summed
from allocations.programme.matching.problem import Bools, Options

# Up to so many pairs everything may move and the answer is the optimum; above, only what the lift moved.
# That finds nine tenths of the gain in a fraction of the time: measured in docs/matching.md.
WHOLE = 10_000
GAP = 1e-6
# A limit in seconds would let two runs differ. Every measured call was solved at the first node.
NODES = 10


@dataclass(frozen=True, slots=True)
class _Limits:
    """What must not get worse: the lowest mean of a proposal, the weakest pair."""

    mean: float
    weight: float
    expertise: float


def polished(instance: Instance, edges: Edges, *, start: Lifted, best: Lifted, options: Options) -> Lifted:
    """Greatest value (affinity, stability, loads) where no proposal and no pair is under `best`'s lowest.

    `start` is the flow before the lift. The answer replaces `best` only if its total is greater.
    """
    if np.array_equal(start.taken, best.taken):
        return best  # A flow that no pull has bent is the greatest value already.
    limits = _limits(instance, edges, best)
    pool = np.flatnonzero(_movable(instance, edges, start, best, limits))
    found = _solved(instance, Edges(edges.p[pool], edges.r[pool]), limits, options)
    if found is None:
        return best
    taken = np.zeros(len(edges), dtype=np.bool_)
    taken[pool[found]] = True
    other = weighed(instance, edges, taken, best.pull)
    return other if better(other, best) else best


def _limits(instance: Instance, edges: Edges, best: Lifted) -> _Limits:
    p, r = edges.p[best.taken], edges.r[best.taken]
    return _Limits(
        mean=float(best.means.min(initial=1.0)),
        weight=float(instance.weight[p, r].min(initial=1.0)),
        expertise=float(instance.expertise[p, r].min(initial=1.0)),
    )


def _movable(instance: Instance, edges: Edges, start: Lifted, best: Lifted, limits: _Limits) -> Bools:
    """Pairs that may be chosen; a proposal that may not move is left with the pairs it has."""
    strong = (instance.weight[edges.p, edges.r] >= limits.weight) & (
        instance.expertise[edges.p, edges.r] >= limits.expertise
    )
    if len(edges) > WHOLE:
        strong &= np.isin(edges.p, edges.p[start.taken != best.taken])
    return np.asarray(strong | best.taken, dtype=np.bool_)


def _solved(instance: Instance, pool: Edges, limits: _Limits, options: Options) -> Bools | None:
    """Variables: a 0/1 per pair, then the places that a reviewer fills above the minimum, at their price."""
    holders, room, prices = places(instance, options.load_price)
    pairs, more = len(pool), len(holders)
    answer = milp(
        np.concatenate([-worth(instance, pool, options), prices]) / SCALE,
        integrality=np.concatenate([np.ones(pairs), np.zeros(more)]),
        bounds=Bounds(0.0, np.concatenate([np.ones(pairs), room])),
        constraints=[
            *flow_rows(instance, pool, more=more),
            mean_rows(instance, pool, limits.mean, more=more),
            LinearConstraint(
                summed(
                    np.concatenate([pool.r, holders]),
                    np.arange(pairs + more),
                    np.concatenate([np.ones(pairs), -np.ones(more)]),
                    shape=(len(instance.reviewers), pairs + more),
                ),
                instance.least,
                instance.least,
            ),
        ],
        options={"mip_rel_gap": GAP, "node_limit": NODES},
    )
    return None if answer.x is None else np.asarray(answer.x[:pairs] > 0.5, dtype=np.bool_)
