"""Proposes who reviews what: feasibility, floor, flow, lift, polish; role mix or lots where asked for."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from allocations.programme.matching import explain, relax
from allocations.programme.matching.flows import chance, network, roles
from allocations.programme.matching.flows.bound import best_worst
from allocations.programme.matching.flows.feasible import cut, staffable
from allocations.programme.matching.flows.floor import best_floor
from allocations.programme.matching.flows.flow import WHOLE, Scale, plain, staffed, worth
from allocations.programme.matching.flows.instance import (
    Edges,
    Instance,
    candidates,
    compiled,
    every,
    pruned,
    widths,
    without_spread,
)
from allocations.programme.matching.flows.lift import Lifted, lifted, weighed
from allocations.programme.matching.flows.polish import polished
from allocations.programme.matching.problem import Bools, Floats, Options, Pair, Problem, fingerprint
from allocations.programme.matching.solution import Infeasible, Run, Shortage, Solution

ROLE_WIDTH = 10  # Candidates kept for each role that a proposal asks for.
TINY = 1e-9  # Floors are compared with rounded affinities; a floor must not lose its own pair.


@dataclass(frozen=True, slots=True)
class _Found:
    """Pairs over the floor, the taken ones, t*, the floor applied, and chances where lots were drawn."""

    edges: Edges
    taken: Bools
    best: float | None
    floor: float | None
    chances: Floats | None


def propose(problem: Problem, options: Options | None = None, *, seed: int) -> Solution | Infeasible:
    """Every proposal gets its reviews, or nobody does and a minimum cut says why.

    The same problem, options, seed and solver version give the same answer, in whatever order the
    problem lists its parts. The seed decides ties and draws lots.
    """
    options = options or Options()
    instance = compiled(problem, options, seed)
    name, version = network.chosen(options.solver)
    run = Run(seed=seed, input_hash=fingerprint(problem, options), solver=name, version=version)
    scale = WHOLE if options.limit is None else chance.scale_of(options.limit)
    edges = _able(instance, instance.allowed, options, scale)
    if edges is None:
        short = cut(instance, every(instance.allowed), scale)
        if short is None:
            raise ArithmeticError("a flow falls short without a cut")
        advice = relax.advice(instance, problem, short, options=options, scale=scale)
        return explain.infeasible(instance, short, relax=advice, run=run)
    found = _assigned(instance, edges, options, seed=seed, scale=scale)
    return _told(instance, problem, found, options=options, run=run)


def refill(
    problem: Problem,
    options: Options | None = None,
    *,
    kept: Iterable[Pair],
    declined: Iterable[Pair],
    seed: int,
) -> Solution | Infeasible:
    """Fills the gaps after declines: kept pairs are never touched, declined ones never asked again."""
    refused = frozenset(declined)
    pinned = problem.pinned | frozenset(kept)
    if pinned & refused:
        raise ValueError("a declined pair is also kept")
    again = replace(
        problem, pinned=pinned, forbidden=problem.forbidden | refused, sent=problem.sent - refused
    )
    return propose(again, options, seed=seed)


def _able(instance: Instance, allowed: Bools, options: Options, scale: Scale) -> Edges | None:
    """The fewest best pairs that can staff everybody; None where not even all of them can."""
    for best in widths(instance, options.best):
        edges = pruned(instance, allowed, best, roles=ROLE_WIDTH if options.mix else 0)
        if staffable(instance, edges, scale):
            return edges
    return None


def _assigned(instance: Instance, edges: Edges, options: Options, *, seed: int, scale: Scale) -> _Found:
    best = best_floor(instance, edges, scale)
    floor = _applied(best, options)
    inside = _able(instance, candidates(instance, (floor or 0.0) - TINY), options, scale)
    if inside is None:
        raise ArithmeticError("the floor cannot be kept")
    if options.limit is not None:
        lots = chance.drawn(instance, inside, worth(instance, inside, options), options=options, seed=seed)
        if lots is None:
            raise ArithmeticError("the flow of chances falls short")
        return _Found(inside, lots.taken, best, floor, lots.chances)
    taken, pull = _lifted(instance, inside, options)
    if options.mix:
        mixed = roles.mixed(instance, inside, worth(instance, inside, options, pull), options)
        taken = taken if mixed is None else mixed
    return _Found(inside, taken, best, floor, None)


def _applied(best: float | None, options: Options) -> float | None:
    """The floor's share of t*, or what the chair wants, which can only be lower."""
    if best is None:
        return None
    floor = options.floor_share * best
    return floor if options.floor is None else min(floor, options.floor)


def _lifted(instance: Instance, edges: Edges, options: Options) -> tuple[Bools, Floats]:
    even = np.ones(len(instance.demands))
    units = staffed(instance, edges, worth(instance, edges, options), options=options)
    if units is None:
        raise ArithmeticError("the flow falls short")
    start = weighed(instance, edges, units > 0, even)
    best: Lifted = lifted(instance, edges, start, options=options)
    if options.polish and not options.mix:  # A role mix chooses its pairs anew, by the pull alone.
        best = polished(instance, edges, start=start, best=best, options=options)
    return best.taken, best.pull


def _optimum(instance: Instance, problem: Problem, options: Options) -> float:
    """The greatest total with bans, pins, caps and minima only."""
    free = without_spread(instance, problem)
    alone = replace(options, load_price=0.0, stability=0.0)
    edges = _able(free, free.allowed, replace(alone, mix=False), WHOLE)
    units = None if edges is None else staffed(free, edges, plain(free, edges), options=alone)
    if edges is None or units is None:
        raise ArithmeticError("the flow falls short without the spread of institutions")
    return weighed(free, edges, units > 0, np.ones(len(free.demands))).total


def _told(instance: Instance, problem: Problem, found: _Found, *, options: Options, run: Run) -> Solution:
    chosen = explain.chosen(instance, found.edges, found.taken, found.chances)
    reached = weighed(instance, found.edges, found.taken, np.ones(len(instance.demands)))
    counts = np.bincount(chosen.p, minlength=len(instance.demands))
    worst = int(reached.means.argmin()) if counts.any() else None
    loads = np.bincount(chosen.r, minlength=len(instance.reviewers))
    short = roles.missing(instance, found.edges, found.taken) if options.mix else []
    return Solution(
        pairs=explain.pairings(instance, problem, chosen, options),
        total=reached.total,
        optimum=_optimum(instance, problem, options),
        best_floor=found.best,
        floor=found.floor,
        worst=None if worst is None else instance.demands[worst].proposal,
        worst_total=0.0 if worst is None else float(reached.means[worst] * counts[worst]),
        bound=best_worst(instance, found.edges) if options.bound else None,
        loads=tuple((one.id, int(load)) for one, load in zip(instance.reviewers, loads, strict=True)),
        shortages=tuple(
            Shortage(
                proposal=instance.demands[ask.p].proposal,
                role=ask.role,
                missing=ask.count,
                is_excess=ask.is_cap,
            )
            for ask in short
        ),
        run=run,
    )
