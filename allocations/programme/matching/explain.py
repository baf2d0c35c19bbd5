"""Why a pair, and why not at all: ranks, next candidates and plain sentences."""

from dataclasses import dataclass

import numpy as np

from allocations.programme.matching.flows.feasible import Cut
from allocations.programme.matching.flows.instance import Edges, Instance
from allocations.programme.matching.problem import Bools, Floats, Ints, Options, Problem
from allocations.programme.matching.solution import Infeasible, Pairing, Run


@dataclass(frozen=True, slots=True)
class Chosen:
    """All pairs of an answer with their chances (1 where no lots were drawn), pins among them."""

    p: Ints
    r: Ints
    pinned: Bools
    chances: Floats


def chosen(instance: Instance, edges: Edges, taken: Bools, chances: Floats | None) -> Chosen:
    pins = len(instance.pinned)
    odds = np.ones(len(edges)) if chances is None else chances
    p = np.concatenate([edges.p[taken], instance.pinned.p])
    r = np.concatenate([edges.r[taken], instance.pinned.r])
    pinned = np.concatenate([np.zeros(int(taken.sum()), dtype=np.bool_), np.ones(pins, dtype=np.bool_)])
    order = np.lexsort((r, p))
    return Chosen(p[order], r[order], pinned[order], np.concatenate([odds[taken], np.ones(pins)])[order])


def pairings(instance: Instance, problem: Problem, found: Chosen, options: Options) -> tuple[Pairing, ...]:
    """One per pair, proposals by id, the best reviewer of each first."""
    loads = np.bincount(found.r, minlength=len(instance.reviewers))
    full = loads >= np.array([one.cap for one in instance.reviewers], dtype=np.int64)
    made = []
    for row in range(len(instance.demands)):
        mine = np.flatnonzero(found.p == row)
        best = mine[np.lexsort((found.r[mine], -instance.weight[row, found.r[mine]]))]
        made += [_pairing(instance, problem, found, at=at, full=full, options=options) for at in best]
    return tuple(made)


def _pairing(
    instance: Instance, problem: Problem, found: Chosen, *, at: int, full: Bools, options: Options
) -> Pairing:
    row, column, pinned = int(found.p[at]), int(found.r[at]), bool(found.pinned[at])
    able, affinity = instance.allowed[row], float(instance.weight[row, column])
    together = np.zeros(len(full), dtype=np.bool_)
    together[found.r[found.p == row]] = True
    better = able & (instance.weight[row] > affinity)
    pool = able | together
    next_ = able & ~full & ~together & ~_beside(instance, together, column)
    instead = float(instance.weight[row, next_].max()) if next_.any() else None
    rank = 1 + int((pool & (instance.weight[row] > affinity)).sum())
    passed = better & ~together
    proposal, reviewer = instance.demands[row].proposal, instance.reviewers[column].id
    return Pairing(
        proposal=proposal,
        reviewer=reviewer,
        affinity=affinity,
        rank=rank,
        candidates=int(pool.sum()),
        instead=instead,
        why=_why(rank, int(pool.sum()), affinity, pinned=pinned, passed=passed, full=full)
        + _without(instead, pinned=pinned),
        evidence=problem.evidence(proposal, reviewer),
        pinned=pinned,
        chance=None if options.limit is None else float(found.chances[at]),
    )


def _beside(instance: Instance, together: Bools, leaving: int) -> Bools:
    """Who shares an institution with those who stay on the proposal."""
    stay = together.copy()
    stay[leaving] = False
    homes = instance.institution[stay]
    return np.asarray(np.isin(instance.institution, homes[homes >= 0]), dtype=np.bool_)


def _why(rank: int, pool: int, affinity: float, *, pinned: bool, passed: Bools, full: Bools) -> str:
    place = f"Match {affinity:.2f}, number {rank} of {pool} possible reviewers"
    if pinned:
        return f"Kept because it was fixed by hand or accepted; {place[0].lower()}{place[1:]}."
    if not passed.any():
        return f"{place}; nobody better was left out."
    busy, others = int((passed & full).sum()), int((passed & ~full).sum())
    reasons = [f"{busy} better {'one has' if busy == 1 else 'ones have'} no free place"] if busy else []
    if others:
        reasons.append(
            f"{others} better {'one' if others == 1 else 'ones'} would have cost other proposals more, "
            "or shared an institution or role with another reviewer of this one"
        )
    return f"{place}; {' and '.join(reasons)}."


def _without(instead: float | None, *, pinned: bool) -> str:
    if pinned:
        return ""
    if instead is None:
        return " Without this pair nobody with a free place could take the proposal."
    return f" Without this pair the next free candidate matches {instead:.2f}."


def infeasible(instance: Instance, cut: Cut, *, relax: tuple[str, ...], run: Run) -> Infeasible:
    proposals = tuple(instance.demands[row].proposal for row in cut.proposals)
    reviewers = tuple(instance.reviewers[column].id for column in cut.reviewers)
    return Infeasible(
        proposals=proposals,
        reviewers=reviewers,
        wanted=cut.wanted,
        places=cut.places,
        single=cut.single,
        missing=cut.missing,
        promised=cut.promised,
        sentence=_promised(cut) if cut.promised else _short(cut),
        relax=relax,
        run=run,
    )


def _short(cut: Cut) -> str:
    these = _count(len(cut.proposals), "This proposal", "These {} proposals")
    wants = f"{'wants' if len(cut.proposals) == 1 else 'want'} {_count(cut.wanted, '1 review', '{} reviews')}"
    can = "can be reviewed by" if cut.single else "can only be reviewed by"
    if len(cut.reviewers):
        people = _count(len(cut.reviewers), "this 1 person, who has", "these {} people, who have")
        text = f"{these} {can} {people} {_count(cut.places, '1 free place', '{} free places')}"
        text += f"; others can take {_count(cut.single, '1 review', '{} reviews')}" if cut.single else ""
        return f"{text}; {wants.split(' ', 1)[1]} are wanted, {cut.missing} {_are(cut.missing)} missing."
    others = _count(cut.single, "1 review", "{} reviews") if cut.single else "no review"
    short = f"{cut.missing} {_are(cut.missing)} missing"
    return f"{these} {wants}, but those who may review can take {others}; {short}."


def _promised(cut: Cut) -> str:
    these = _count(len(cut.reviewers), "This 1 person is", "These {} people are")
    offer = cut.places + cut.single
    return (
        f"{these} promised at least {_count(cut.wanted, '1 review', '{} reviews')} in all, but the proposals "
        f"they may review have room for {offer}; {cut.missing} {_are(cut.missing)} missing."
    )


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _count(number: int, one: str, many: str) -> str:
    return one if number == 1 else many.format(number)
