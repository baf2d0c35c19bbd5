"""Simulated calls with known true quality, and the published mock panel of the Swiss funder."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allocations.programme.calibration.values import Score

# Grades of 15 proposals (rows of five) by five reviewers, 1 the best and 6 the worst.
# Source: R/data.R of ERforResearch 4.0.0, copyright 2021 Rachel Heyard, MIT licence.
MOCK = "11125 11226 12135 13215 12235 13145 12345 15225 13435 14255 23445 24355 25446 23466 25546"
# Expected ranks of that panel as its vignette prints them (posterior of the same model by MCMC).
MOCK_RANKS = (2.44, 4.06, 4.09, 4.12, 5.08, 6.19, 7.34, 7.26, 8.43, 9.42, 10.4, 11.4, 13.0, 13.0, 13.7)


@dataclass(frozen=True, slots=True)
class Call:
    """How a simulated call is made; standard deviations in points of a scale from 1 to 10."""

    proposals: int
    reviewers: int
    reviews: int
    reviewer_sd: float
    slope_sd: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Simulated:
    """`quality` and `offsets` are the truth that no panel sees."""

    scores: tuple[Score, ...]
    quality: NDArray[np.float64]
    offsets: NDArray[np.float64]


def simulate(call: Call, seed: int) -> Simulated:
    """Quality sd 1 and noise sd 1 around 5.5, rounded and clipped; even loads."""
    generator = np.random.Generator(np.random.PCG64(seed))
    quality = generator.standard_normal(call.proposals)
    offsets = call.reviewer_sd * generator.standard_normal(call.reviewers)
    slopes = 1 + call.slope_sd * generator.standard_normal(call.reviewers)
    scores = []
    for proposal, readers in enumerate(_readers(call, generator)):
        heard = (
            slopes[readers] * quality[proposal] + offsets[readers] + generator.standard_normal(len(readers))
        )
        values = np.clip(np.rint(5.5 + heard), 1, 10)
        scores += [Score(proposal, int(r), float(v)) for r, v in zip(readers, values, strict=True)]
    return Simulated(tuple(scores), quality, offsets)


def _readers(call: Call, generator: np.random.Generator) -> NDArray[np.int64]:
    """Distinct reviewers for each proposal: a shuffled list of slots, collisions swapped away."""
    slots = np.resize(generator.permutation(call.reviewers), call.proposals * call.reviews)
    slots = generator.permutation(slots)
    for proposal in range(call.proposals):
        start = proposal * call.reviews
        while len(set(slots[start : start + call.reviews].tolist())) < call.reviews:
            here, there = start + int(generator.integers(call.reviews)), int(generator.integers(len(slots)))
            slots[here], slots[there] = slots[there], slots[here]
    rows = slots.reshape(call.proposals, call.reviews).astype(np.int64)
    for row in rows:  # A later swap may have put a double into an earlier row.
        while len(set(row.tolist())) < call.reviews:
            row[int(generator.integers(call.reviews))] = int(generator.integers(call.reviewers))
    return rows


def mock_panel() -> tuple[Score, ...]:
    """15 proposals by 5 reviewers; 6 is the best value here."""
    return tuple(
        Score(proposal, reviewer, 7 - float(grade))
        for proposal, row in enumerate(MOCK.split(), 1)
        for reviewer, grade in enumerate(row, 1)
    )
