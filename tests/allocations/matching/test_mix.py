"""Who sits together: a senior at least, one early in the career at most, both kinds; against brute force."""

from collections import Counter
from itertools import combinations, product

import numpy as np
import pytest

from allocations.programme.matching.assignment import propose
from allocations.programme.matching.problem import Demand, Options, Pair, Problem, Reviewer
from allocations.programme.matching.solution import Shortage, Solution
from benchmarks.matching_checks import affinity, faults

LEAST = (("domain", 1), ("senior", 1), ("technical", 1))
MOST = (("early_career", 1),)
# No other wish beside the mix: what is left is the mix first, then the total.
BARE = Options(mix=True, floor_share=0.0, lift_rounds=0, load_price=0.0, spread=False)


def random_call(seed: int) -> Problem:
    """Three proposals, five people; who has said nothing is neither senior nor early."""
    rng = np.random.Generator(np.random.PCG64(seed))
    ranks = ("senior", "early_career", "experienced", "")
    people = tuple(
        Reviewer(
            10 + number,
            int(rng.integers(1, 4)),
            roles=frozenset({str(rng.choice(["domain", "technical"])), str(rng.choice(ranks))} - {""}),
        )
        for number in range(5)
    )
    demands = tuple(Demand(number, int(rng.integers(1, 4)), LEAST, MOST) for number in range(3))
    pairs = [(demand.proposal, one.id) for demand in demands for one in people]
    kind = rng.choice(["", "banned", "pinned"], len(pairs), p=[0.8, 0.1, 0.1])
    return Problem(
        demands=demands,
        reviewers=people,
        affinities=np.round(rng.random((3, 5)), 2),
        banned=frozenset(pair for pair, mine in zip(pairs, kind, strict=True) if mine == "banned"),
        pinned=frozenset(pair for pair, mine in zip(pairs, kind, strict=True) if mine == "pinned"),
    )


def wrong(problem: Problem, pairs: frozenset[Pair]) -> Counter[tuple[int, str, bool]]:
    """What a set of pairs lacks or has too much of: proposal, role, and whether it is too much."""
    roles = {one.id: one.roles for one in problem.reviewers}
    found: Counter[tuple[int, str, bool]] = Counter()
    for demand in problem.demands:
        held = Counter(role for p, r in pairs if p == demand.proposal for role in roles[r])
        found.update({(demand.proposal, role, False): n - held[role] for role, n in demand.mix})
        found.update({(demand.proposal, role, True): held[role] - n for role, n in demand.most})
    return +found


def every_assignment(problem: Problem) -> list[frozenset[Pair]]:
    """All that keep pins, bans and loads, each proposal full."""
    choices = []
    for demand in problem.demands:
        pins = {pair for pair in problem.pinned if pair[0] == demand.proposal}
        able = [(demand.proposal, one.id) for one in problem.reviewers]
        free = [pair for pair in able if pair not in pins | problem.banned]
        more = max(0, demand.reviews - len(pins))
        choices.append([pins | set(chosen) for chosen in combinations(free, more)])
    return [frozenset().union(*each) for each in product(*choices) if _loads_hold(problem, each)]


def _loads_hold(problem: Problem, chosen: tuple[set[Pair], ...]) -> bool:
    loads = Counter(r for part in chosen for _, r in part)
    pins = Counter(r for _, r in problem.pinned)
    return all(loads[one.id] <= max(one.cap, pins[one.id]) for one in problem.reviewers)


@pytest.mark.parametrize("seed", range(120))
def test_as_few_wishes_as_can_be_are_missed_and_then_the_total_is_greatest(seed: int) -> None:
    problem = random_call(seed)
    able = every_assignment(problem)

    answer = propose(problem, BARE, seed=1)

    assert isinstance(answer, Solution) == bool(able)
    if not isinstance(answer, Solution):
        return
    worth = affinity(problem)
    fewest = min(wrong(problem, pairs).total() for pairs in able)
    best = max(
        sum(worth[pair] for pair in pairs) for pairs in able if wrong(problem, pairs).total() == fewest
    )
    missed = {(s.proposal, s.role, s.is_excess): s.missing for s in answer.shortages}
    assert missed == dict(wrong(problem, answer.assigned))
    assert sum(missed.values()) == fewest
    # The solver stops within a ten-thousandth of its objective, prices of what is missed included.
    assert answer.total >= best - 1e-4 * (best + BARE.mix_price * fewest) - 1e-4
    assert faults(problem, BARE, answer) == []


@pytest.mark.parametrize("seed", range(12))
def test_with_everything_else_it_still_breaks_no_rule(seed: int) -> None:
    answer = propose(random_call(seed), Options(mix=True), seed=1)

    assert not isinstance(answer, Solution) or faults(random_call(seed), Options(mix=True), answer) == []


def test_two_early_ones_are_parted_where_they_can_be_and_told_where_not() -> None:
    early, old = frozenset({"early_career"}), frozenset({"senior"})
    people = (Reviewer(1, 2, roles=early), Reviewer(2, 2, roles=early), Reviewer(3, 2, roles=old))
    values = np.array([[0.9, 0.8, 0.1]])

    def answered(*reviewers: Reviewer) -> Solution:
        call = Problem(
            demands=(Demand(7, 2, most=MOST),),
            reviewers=reviewers,
            affinities=values[:, : len(reviewers)],
        )
        found = propose(call, BARE, seed=1)
        assert isinstance(found, Solution)
        return found

    parted, together = answered(*people), answered(*people[:2])
    assert (parted.assigned, parted.shortages) == (frozenset({(7, 1), (7, 3)}), ())
    assert together.shortages == (Shortage(proposal=7, role="early_career", missing=1, is_excess=True),)
