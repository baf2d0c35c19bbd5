"""What would help where nobody can be staffed: each piece of advice was tried or counted."""

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
    return (*found, *(_fewer_promises(cut) if cut.promised else _more_places(instance, cut)))


def _fewer_promises(cut: Cut) -> list[str]:
    return [f"Lower the promised minimum of these reviewers by {cut.missing} in all."]


def _more_places(instance: Instance, cut: Cut) -> list[str]:
    found = [f"Raise the limits of these reviewers by {cut.missing} in all."] if len(cut.reviewers) else []
    found.append(f"Invite more people who may review these proposals; places needed: {cut.missing}.")
    found.append(f"Ask for fewer reviews of these proposals, {cut.missing} in all.")
    barred = _barred(instance, cut)
    if barred:
        found.append(f"Look at the {barred} bars between these proposals and people with free places.")
    return found


def _barred(instance: Instance, cut: Cut) -> int:
    """Pairs of the cut's proposals with others who have places left, closed by a conflict or a refusal."""
    others: Bools = instance.free > 0
    others = others.copy()
    others[cut.reviewers] = False
    return int((~instance.allowed[cut.proposals][:, others]).sum())
