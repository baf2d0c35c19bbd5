"""Review among applicants: each reviews some of the others, and nobody's scores can move their own rank."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from allocations.programme.matching.flows import network
from allocations.programme.matching.flows.network import Network
from allocations.programme.matching.problem import Bools, Ints, Pair

GROUPS = 3
MOST, ENOUGH = 5, 3
TRIES = 20  # Random groups drawn before the number of reviews is lowered.
NEXT, OTHER, MUTUAL = 0, 1_000, 1_000_000  # Prices of a pair: to the next group, to another, both ways.
ROUNDS = 200


@dataclass(frozen=True, slots=True)
class Applicant:
    """A person with one proposal in the pool; `barred` are proposals they must not see (conflicts)."""

    person: int
    proposal: int
    institution: str = ""
    barred: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Scheme:
    """Who reviews what: pairs are proposal and person; `groups` hold proposals.

    Everybody gives and every proposal receives exactly `reviews`. `mutual` counts pairs of applicants
    who review each other because it could not be avoided.
    """

    pairs: tuple[Pair, ...]
    groups: tuple[tuple[int, ...], ...]
    reviews: int
    mutual: int


@dataclass(frozen=True, slots=True)
class TooFew:
    sentence: str


@dataclass(frozen=True, slots=True)
class Place:
    """A proposal's rank in its group, counted from 1; equal means share a rank."""

    group: int
    rank: int
    mean: float


def arranged(applicants: tuple[Applicant, ...], *, seed: int, most: int = MOST) -> Scheme | TooFew:
    """Groups and pairs for one pool, or why there are none.

    Three groups A, B, C, drawn by lot, as equal in size as can be. Nobody reviews a proposal of
    their own group, and proposals are ranked within groups only: so the scores one gives touch only
    ranks of other groups, never one's own. Members of A review B's proposals, B's C's, C's A's;
    hence nobody reviews each other. Where groups are not equal, a few reviews go to the third group
    instead, chosen so that they are not mutual either if that can be had. Fewer reviews than
    `most`, but not under three, are asked where more would make people review each other. The search
    for schemes without mutual pairs repeats flows; it is thorough, not exhaustive.
    """
    ordered = tuple(sorted(applicants, key=lambda one: one.person))
    if len({one.person for one in ordered}) < len(ordered):
        raise ValueError("an applicant is listed twice")
    if len({one.proposal for one in ordered}) < len(ordered):
        raise ValueError("a proposal is listed twice")
    rng = np.random.Generator(np.random.PCG64(seed))
    found: Scheme | None = None
    for reviews in range(min(most, len(ordered) - 1), 0, -1):
        if found is not None and reviews < ENOUGH:
            return found
        found = _best(ordered, reviews, rng) or found
        if found is not None and not found.mutual:
            return found
    return found or TooFew(
        f"{len(ordered)} applicants cannot review each other: nobody may review their own proposal, one of "
        "their own institution or one barred to them, and too few are left."
    )


def ranks(scheme: Scheme, scores: Mapping[Pair, float]) -> dict[int, Place]:
    """Places by plain mean within each group; scores are never set against another group's.

    A proposal without a score comes last in its group, with a mean of 0.
    """
    given: dict[int, list[float]] = {proposal: [] for group in scheme.groups for proposal in group}
    for pair in scheme.pairs:
        if pair in scores:
            given[pair[0]].append(scores[pair])
    means = {proposal: fmean(mine) if mine else 0.0 for proposal, mine in given.items()}
    return {
        proposal: Place(number, 1 + sum(means[other] > means[proposal] for other in group), means[proposal])
        for number, group in enumerate(scheme.groups)
        for proposal in group
    }


def _best(ordered: tuple[Applicant, ...], reviews: int, rng: np.random.Generator) -> Scheme | None:
    """The scheme with the fewest mutual pairs over random groups, up to the first with none."""
    best: Scheme | None = None
    for _ in range(TRIES):
        group = np.empty(len(ordered), dtype=np.int64)
        group[rng.permutation(len(ordered))] = np.arange(len(ordered)) % GROUPS
        scheme = _paired(ordered, group, reviews, rng)
        if scheme is not None and (best is None or scheme.mutual < best.mutual):
            best = scheme
        if best is not None and not best.mutual:
            break
    return best


def _paired(
    ordered: tuple[Applicant, ...], group: Ints, reviews: int, rng: np.random.Generator
) -> Scheme | None:
    """Cheapest flow; a mutual pair gets dear in the direction against the circle, and the flow runs again."""
    able = _able(ordered, group)
    proposals, people = np.nonzero(able)
    forward = group[proposals] == (group[people] + 1) % GROUPS
    prices = np.where(forward, NEXT, OTHER) + rng.integers(0, 100, len(proposals))
    best: Bools | None = None
    for _ in range(ROUNDS):
        taken = _flow(len(ordered), (proposals, people), prices, reviews)
        if taken is None:
            return None
        both = _mutual(len(ordered), proposals, people, taken)
        if best is None or both.sum() < _mutual(len(ordered), proposals, people, best).sum():
            best = taken
        dear = both & ~forward & (prices < MUTUAL)
        if not dear.any():
            break
        prices = prices + MUTUAL * dear
    return None if best is None else _scheme(ordered, group, (proposals, people, best), reviews)


def _able(ordered: tuple[Applicant, ...], group: Ints) -> Bools:
    """Proposal by person: another group, another institution, not barred."""
    able = group[:, None] != group[None, :]
    for row, owner in enumerate(ordered):
        for column, person in enumerate(ordered):
            if owner.proposal in person.barred or (
                owner.institution and owner.institution == person.institution
            ):
                able[row, column] = False
    return np.asarray(able, dtype=np.bool_)


def _flow(size: int, pairs: tuple[Ints, Ints], prices: Ints, reviews: int) -> Bools | None:
    each = np.full(size, reviews, dtype=np.int64)
    ones = np.ones(len(prices), dtype=np.int64)
    made = Network(pairs[0], size + pairs[1], ones, prices, np.concatenate([each, -each]))
    units = network.cheapest(made, "auto")
    return None if units is None else np.asarray(units > 0, dtype=np.bool_)


def _mutual(size: int, proposals: Ints, people: Ints, taken: Bools) -> Bools:
    """Marks taken pairs whose opposite is taken too."""
    chosen = np.zeros((size, size), dtype=np.bool_)
    chosen[proposals[taken], people[taken]] = True
    return np.asarray(taken & chosen[people, proposals], dtype=np.bool_)


def _scheme(
    ordered: tuple[Applicant, ...], group: Ints, found: tuple[Ints, Ints, Bools], reviews: int
) -> Scheme:
    proposals, people, taken = found
    pairs = sorted(
        (ordered[p].proposal, ordered[r].person) for p, r in zip(proposals[taken], people[taken], strict=True)
    )
    groups = (tuple(ordered[at].proposal for at in np.flatnonzero(group == one)) for one in range(GROUPS))
    both = _mutual(len(ordered), proposals, people, taken)
    return Scheme(tuple(pairs), tuple(one for one in groups if one), reviews, int(both.sum()) // 2)
