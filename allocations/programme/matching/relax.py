"""What would help where nobody can be staffed: each piece of advice was tried or counted."""

from dataclasses import replace

from allocations.programme.matching.flows.feasible import Cut, staffable
from allocations.programme.matching.flows.flow import WHOLE, Scale
from allocations.programme.matching.flows.instance import Instance, every, without_spread
from allocations.programme.matching.problem import Bools, Options, Problem


def advice(
    instance: Instance, problem: Problem, cut: Cut, *, options: Options, scale: Scale
) -> tuple[str, ...]:
    """Sentences for the officer, the cheapest first."""
    found = []
    if scale != WHOLE and staffable(instance, every(instance.allowed)):
        found.append("Raise or drop the limit on a pair's chance: without it everybody can be staffed.")
    free = without_spread(instance, problem)
    if options.spread and staffable(free, every(free.allowed), scale):
        found.append("Allow two reviewers of one institution on a proposal: then everybody can be staffed.")
    if cut.promised:
        return (*found, f"Lower the promised minimum of these reviewers by {cut.missing} in all.")
    higher = instance.free.copy()
    higher[cut.reviewers] = len(instance.demands)
    if staffable(replace(instance, free=higher), every(instance.allowed), scale):
        found.append(f"Raise the limits of these reviewers by at least {cut.missing} in all.")
    found.append(f"Invite more people who may review these proposals; places needed: {cut.missing}.")
    found.append(f"Ask for fewer reviews of these proposals, {cut.missing} in all.")
    barred = _barred(instance, cut)
    if barred:
        found.append(f"Check the conflicts and refusals that keep people with free places away: {barred}.")
    return tuple(found)


def _barred(instance: Instance, cut: Cut) -> int:
    """Pairs of the cut's proposals with others who have places left, closed by a conflict or a refusal."""
    others: Bools = instance.free > 0
    others = others.copy()
    others[cut.reviewers] = False
    return int((~instance.allowed[cut.proposals][:, others]).sum())
