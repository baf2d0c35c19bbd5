"""How good the worst proposal could be at best: a linear programme, as a yardstick for the lift."""

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from allocations.programme.matching.flows.instance import Edges, Instance
from allocations.programme.matching.flows.rows import flow_rows, summed


def best_worst(instance: Instance, edges: Edges) -> float | None:
    """No assignment of these pairs has a worst mean affinity above this: maximise z over fractional pairs.

    Beside the flow's rows, sum_r w_pr x_pr + pinned_p >= n_p z for every proposal p with n_p reviews.
    """
    proposals, size = len(instance.demands), len(edges)
    pins = instance.pinned
    pinned = np.bincount(pins.p, weights=instance.weight[pins.p, pins.r], minlength=proposals)
    counts = instance.wanted + np.bincount(pins.p, minlength=proposals)
    reached = summed(
        np.concatenate([edges.p, np.arange(proposals)]),
        np.concatenate([np.arange(size), np.full(proposals, size)]),
        np.concatenate([instance.weight[edges.p, edges.r], -counts.astype(np.float64)]),
        shape=(proposals, size + 1),
    )
    answer = milp(
        np.append(np.zeros(size), -1.0),
        bounds=Bounds(0.0, 1.0),
        constraints=[*flow_rows(instance, edges, more=1), LinearConstraint(reached, -pinned, np.inf)],
    )
    return None if answer.x is None else float(answer.x[-1])
