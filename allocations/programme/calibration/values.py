"""What calibration takes and gives: scores, estimates with their limits, zones."""

import enum
from dataclasses import dataclass

from allocations.kernel.answers import Answer

LEAST_CONFIDENCE, MOST_CONFIDENCE = 1, 5
# Under so many reviews nothing is calibrated.
LEAST_REVIEWS = 30


class Zone(enum.StrEnum):
    """What the chance of being among the best says: clear cases need no discussion."""

    FUND = "fund"
    DISCUSS = "discuss"
    DECLINE = "decline"


@dataclass(frozen=True, slots=True)
class Score:
    """One review as one number on the rubric's scale; `confidence` is the reviewer's own, 1 to 5."""

    proposal: int
    reviewer: int
    value: float
    confidence: int = 3

    def __post_init__(self) -> None:
        if not LEAST_CONFIDENCE <= self.confidence <= MOST_CONFIDENCE:
            raise ValueError("Confidence is a whole number from 1 to 5")


@dataclass(frozen=True, slots=True)
class Priors:
    """What is held of the standard deviations before any review, in points of the rubric's scale.

    The reviewers' is fixed; the proposals' is flat up to `most`. A judgement's error is the sum of `parts`,
    each with an sd flat up to `most`; so its own sd has a density that grows with the power `parts` - 1
    (and is held to be under `most` as well).
    """

    reviewers: float
    most: float
    parts: int = 1

    def __post_init__(self) -> None:
        if self.reviewers < 0 or self.most <= 0 or self.parts < 1:
            raise ValueError("Standard deviations are positive, and an error has at least one part")


@dataclass(frozen=True, slots=True)
class RankLimits:
    """With these percentages of certainty the true rank is at most so much."""

    at_5: int
    at_25: int
    at_75: int
    at_95: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the reviews say about one proposal once the reviewers' habits are taken into account.

    `mean` and `sd` are on the rubric's scale; `chance` is that of being among the best `places`.
    """

    mean: float
    sd: float
    expected_rank: float
    chance: float
    limits: RankLimits
    zone: Zone


@dataclass(frozen=True, slots=True)
class Calibrated:
    """One proposal: every review it got, the plain mean beside, and the estimate unless it was refused.

    `rank` counts from 1: by the estimate's mean, or by the plain mean when calibration was refused.
    `island` numbers the groups of proposals that no chain of reviewers connects, the largest being 1.
    """

    proposal: int
    rank: int
    raw_mean: float
    raw_rank: int
    island: int
    reviews: tuple[Score, ...]
    estimate: Estimate | None


@dataclass(frozen=True, slots=True)
class Spread:
    """Standard deviations: between proposals, between reviewers' habits, and of a single judgement."""

    mean: float
    proposals: float
    reviewers: float
    judgement: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """A run over one call: best proposal first. Nothing in here rates a reviewer; reviews carry their ids.

    `answer` says whether scores were calibrated, and why not; `comparable` whether one list is fair.
    """

    answer: Answer
    comparable: Answer
    lines: tuple[Calibrated, ...]
    islands: tuple[frozenset[int], ...]
    spread: Spread | None
    places: int
    seed: int


@dataclass(frozen=True, slots=True)
class Offset:
    """How much higher a reviewer scores than the average one; shrunken, so few reviews say little."""

    reviewer: int
    offset: float
    sd: float
    reviews: int


@dataclass(frozen=True, slots=True)
class ForTheChair:
    """Shown to the panel chair and to nobody else; empty when calibration was refused."""

    offsets: tuple[Offset, ...] = ()
