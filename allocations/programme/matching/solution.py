"""What a run answers: the pairs with their reasons, or why there is no answer and what to relax."""

from dataclasses import dataclass

from allocations.programme.matching.problem import Evidence, Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """One reviewer for one proposal.

    `rank` counts from 1 among the proposal's candidates, bans left out. `instead` is the affinity of
    the best candidate with a free place who would be next (None: nobody). `chance` is the probability
    with which lots gave this pair (None: no lots).
    """

    proposal: int
    reviewer: int
    affinity: float
    rank: int
    candidates: int
    instead: float | None
    why: str
    evidence: tuple[Evidence, ...]
    pinned: bool
    chance: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How an answer came about, enough to repeat it."""

    seed: int
    input_hash: str
    solver: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """So many reviews of a role that a proposal lacks; with `is_excess`, has beyond the most it wants."""

    proposal: int
    role: str
    missing: int
    is_excess: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """Every proposal fully staffed.

    `total` is the sum of the affinities of all pairs, pinned ones included; `optimum` the same for the
    assignment that cares for nothing else (no floor, spread, lift, load price, stability, mix or limit).
    `best_floor` is t*, the highest affinity such that all proposals can be staffed with pairs at or
    above it; `floor` the one that was applied. `worst` is the proposal with the lowest mean affinity,
    `worst_total` its sum; `bound`: with the candidates kept at or above the floor, no assignment's worst
    mean is better (None: not asked for). To hold for every assignment it takes a run that keeps them all.
    `loads` are the reviews per reviewer, pinned ones included, by id.
    """

    pairs: tuple[Pairing, ...]
    total: float
    optimum: float
    best_floor: float | None
    floor: float | None
    worst: int | None
    worst_total: float
    bound: float | None
    loads: tuple[tuple[int, int], ...]
    shortages: tuple[Shortage, ...]
    run: Run

    @property
    def assigned(self) -> frozenset[Pair]:
        return frozenset((pair.proposal, pair.reviewer) for pair in self.pairs)

    @property
    def idle(self) -> tuple[int, ...]:
        return tuple(reviewer for reviewer, load in self.loads if not load)


@dataclass(frozen=True, slots=True, kw_only=True)
class Infeasible:
    """No assignment gives every proposal its reviews (or every reviewer the promised minimum).

    A minimum cut: the `proposals` want `wanted` further reviews; the `reviewers` have `places` free
    places, and `single` more pairs are all that anybody else can take: `missing` are short. With
    `promised` it is the other way round: the reviewers' minima need more than the proposals can give.
    """

    proposals: tuple[int, ...]
    reviewers: tuple[int, ...]
    wanted: int
    places: int
    single: int
    missing: int
    promised: bool
    sentence: str
    relax: tuple[str, ...]
    run: Run
