"""What an assignment is asked for: demands, reviewers, affinities, bans, pins, and the options of a run."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Matrix = Floats | csr_array
Pair = tuple[int, int]  # proposal id, reviewer id


@dataclass(frozen=True, slots=True)
class Demand:
    """A proposal that wants `reviews`; `mix` asks for so many of them from a role: (("technical", 1),).

    `most` asks for so many from a role and not more: (("early_career", 1),).
    """

    proposal: int
    reviews: int
    mix: tuple[tuple[str, int], ...] = ()
    most: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Who may take up to `cap` reviews and is promised at least `least`; pinned ones count in both.

    An empty institution is unknown and never counts as the same as another. `roles` are free words
    ("technical", "domain", "senior") that a demand's mix may name.
    """

    id: int
    cap: int
    least: int = 0
    institution: str = ""
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Evidence:
    """One paper of a reviewer: its place in the profile, how it begins, how near it is (0 to 1)."""

    paper: int
    begins: str
    similarity: float


def no_evidence(proposal: int, reviewer: int) -> tuple[Evidence, ...]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """One call's assignment.

    `affinities` has a row per demand and a column per reviewer, in their order, each 0 to 1, bids
    included; a sparse matrix means 0 where it stores nothing. `expertise` is the same without bids
    (None: the same); the floor looks at it alone, so no bid lifts a pair over the floor.
    `banned` are conflicts of interest, `forbidden` are declined or struck out by hand; neither is
    ever assigned. `pinned` pairs are kept whatever they cost, `sent` ones are dear to change.
    """

    demands: tuple[Demand, ...]
    reviewers: tuple[Reviewer, ...]
    affinities: Matrix
    expertise: Matrix | None = None
    banned: frozenset[Pair] = frozenset()
    forbidden: frozenset[Pair] = frozenset()
    pinned: frozenset[Pair] = frozenset()
    sent: frozenset[Pair] = frozenset()
    evidence: Callable[[int, int], tuple[Evidence, ...]] = field(default=no_evidence)

    def __post_init__(self) -> None:
        proposals = _unique([demand.proposal for demand in self.demands], "proposal")
        reviewers = _unique([reviewer.id for reviewer in self.reviewers], "reviewer")
        if any(demand.reviews < 0 for demand in self.demands):
            raise ValueError("a proposal cannot want fewer than no reviews")
        if any(not 0 <= reviewer.least <= reviewer.cap for reviewer in self.reviewers):
            raise ValueError("a reviewer's minimum must lie between 0 and the cap")
        if any(p not in proposals or r not in reviewers for p, r in self.pinned):
            raise ValueError("a pinned pair names a proposal or reviewer that is not part of the problem")
        if self.pinned & (self.banned | self.forbidden):
            raise ValueError("a pinned pair is banned or forbidden")
        for matrix in (self.affinities, self.expertise):
            _sound(matrix, (len(self.demands), len(self.reviewers)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a run weighs what it is asked for; the defaults suit a panel of experts.

    `floor_share`: pairs under this share of the best possible floor t* are not used. `floor`: a lower
    floor that the chair wants instead, as an affinity. `spread`: at most one reviewer of an institution
    on a proposal. `lift_rounds`: rounds spent on the worst proposals; `lift_loss`: the share of the
    total they may cost. `polish`: then win back what the total can have at the same worst proposal.
    `load_price`: what a full load costs a reviewer's last review, in affinity.
    `stability`: what dropping a sent pair costs, in affinity. `mix`: heed the roles that demands ask for;
    one missing, or one too many, costs `mix_price`. `limit`: no pair is likelier than this (None: no lots
    are drawn). `best`: candidates kept for each proposal and each reviewer. `bound`: also work out how good
    the worst proposal could be with the candidates kept at or above the floor.
    """

    floor_share: float = 0.9
    floor: float | None = None
    spread: bool = True
    lift_rounds: int = 40
    lift_loss: float = 0.003
    polish: bool = True
    load_price: float = 0.005
    stability: float = 0.1
    mix: bool = False
    mix_price: float = 10.0
    limit: float | None = None
    best: tuple[int, int] = (40, 30)
    bound: bool = False
    solver: Literal["auto", "scipy", "ortools"] = "auto"

    def __post_init__(self) -> None:
        if not 0 <= self.floor_share <= 1:
            raise ValueError("the floor's share lies between 0 and 1")
        if self.limit is not None and not 0 < self.limit <= 1:
            raise ValueError("the limit of a pair's chance lies above 0 and is at most 1")
        if self.limit is not None and self.mix:
            raise ValueError("a role mix and a limit on chances cannot be asked for together")
        if min(self.best) < 1:
            raise ValueError("at least one candidate must be kept")


def dense(matrix: Matrix) -> Floats:
    return np.asarray(matrix.toarray() if isinstance(matrix, csr_array) else matrix, dtype=np.float64)


def fingerprint(problem: Problem, options: Options) -> str:
    """SHA-256 of all that decides the answer but the seed; the order of the input does not matter."""
    rows = np.argsort([demand.proposal for demand in problem.demands], kind="stable")
    columns = np.argsort([reviewer.id for reviewer in problem.reviewers], kind="stable")
    made = hashlib.sha256()
    for row in rows:
        made.update(repr(problem.demands[row]).encode())
    for column in columns:
        one = problem.reviewers[column]
        made.update(repr((one.id, one.cap, one.least, one.institution, sorted(one.roles))).encode())
    for matrix in (problem.affinities, problem.expertise):
        if matrix is not None:
            made.update(dense(matrix)[np.ix_(rows, columns)].tobytes())
    for pairs in (problem.banned, problem.forbidden, problem.pinned, problem.sent):
        made.update(repr(sorted(pairs)).encode())
    made.update(repr(options).encode())
    return made.hexdigest()


def _unique(ids: Iterable[int], noun: str) -> frozenset[int]:
    listed = list(ids)
    if len(set(listed)) != len(listed):
        raise ValueError(f"a {noun} is listed twice")
    return frozenset(listed)


def _sound(matrix: Matrix | None, shape: tuple[int, int]) -> None:
    if matrix is None:
        return
    if matrix.shape != shape:
        raise ValueError(f"affinities have the shape {matrix.shape}, not {shape}")
    values = matrix.data if isinstance(matrix, csr_array) else matrix
    if values.size and not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
        raise ValueError("affinities lie between 0 and 1")
