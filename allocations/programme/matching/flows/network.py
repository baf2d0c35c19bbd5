"""Flow networks and the two solvers for them: OR-Tools where it is installed, SciPy's HiGHS everywhere."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from allocations.programme.matching.problem import Bools, Ints

try:  # The one place that knows whether the optional extra is there.
    import ortools
    from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

    ORTOOLS: str = ortools.__version__
except ImportError:
    ORTOOLS = ""

Name = Literal["auto", "scipy", "ortools"]


@dataclass(frozen=True, slots=True)
class Network:
    """Arcs with a capacity and an integer price per unit, and what each node gives (negative: takes)."""

    tails: Ints
    heads: Ints
    capacities: Ints
    prices: Ints
    supplies: Ints


def chosen(name: Name) -> tuple[str, str]:
    """Name and version of the solver that a run with this option uses."""
    if name == "ortools" and not ORTOOLS:
        raise ValueError("ortools is not installed; choose scipy or auto")
    if name != "scipy" and ORTOOLS:
        return "ortools", ORTOOLS
    return "scipy", scipy.__version__


def cheapest(network: Network, name: Name) -> Ints | None:
    """Units on each arc at least total price, all supplies met; None where they cannot be."""
    return _ortools(network) if chosen(name)[0] == "ortools" else _scipy(network)


def _ortools(network: Network) -> Ints | None:
    solver = SimpleMinCostFlow()
    arcs = solver.add_arcs_with_capacity_and_unit_cost(
        network.tails, network.heads, network.capacities, network.prices
    )
    solver.set_nodes_supplies(np.arange(len(network.supplies)), network.supplies)
    if solver.solve() != SimpleMinCostFlow.OPTIMAL:
        return None
    return np.asarray(solver.flows(arcs), dtype=np.int64)


def _scipy(network: Network) -> Ints | None:
    """The same as a linear programme: a network matrix has integral corners, and HiGHS ends in one."""
    arcs, nodes = len(network.tails), len(network.supplies)
    if not arcs:
        return np.zeros(0, dtype=np.int64) if not network.supplies.any() else None
    ends = np.concatenate([network.tails, network.heads])
    columns = np.tile(np.arange(arcs), 2)
    signs = np.repeat([1.0, -1.0], arcs)
    incidence = csr_array(coo_array((signs, (ends, columns)), shape=(nodes, arcs)))
    # Prices near 1 keep HiGHS's absolute tolerances far below the differences that matter.
    prices = network.prices / max(1.0, float(np.abs(network.prices).max()) / 1e4)
    met = LinearConstraint(incidence, network.supplies, network.supplies)
    answer = milp(prices, bounds=Bounds(0, network.capacities), constraints=met)
    if answer.x is None:
        return None
    units: Ints = np.rint(answer.x).astype(np.int64)
    if not np.array_equal(incidence @ units, network.supplies):
        raise ArithmeticError("the linear solver left a fractional flow")
    return units


@dataclass(frozen=True, slots=True)
class Filled:
    """A greatest flow: its value, and the nodes that could still receive from the source."""

    value: int
    reached: Bools


def fill(network: Network, source: int, sink: int) -> Filled:
    """Greatest flow from source to sink (Dinic); prices and supplies play no part."""
    shape = (len(network.supplies), len(network.supplies))
    data = network.capacities.astype(np.int32)
    graph = csr_array(coo_array((data, (network.tails, network.heads)), shape=shape))
    found = maximum_flow(graph, source, sink, method="dinic")
    rest = csr_array(graph - csr_array(found.flow))
    rest.data = np.maximum(rest.data, 0)
    rest.eliminate_zeros()
    order = breadth_first_order(rest, source, directed=True, return_predecessors=False)
    reached = np.zeros(shape[0], dtype=np.bool_)
    reached[order] = True
    return Filled(int(found.flow_value), reached)
