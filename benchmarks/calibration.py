"""Calibration against known truth: ways of ranking compared, and published figures."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from allocations.programme.calibration import model, posterior
from allocations.programme.calibration.calibrating import calibrate
from allocations.programme.calibration.model import Design
from allocations.programme.calibration.values import Priors
from benchmarks import reviews
from benchmarks.reviews import Call, Simulated

Floats = NDArray[np.float64]

CALLS = (
    Call(500, 300, 3, 0.0),
    Call(500, 300, 3, 0.5),
    Call(500, 300, 3, 1.0),
    Call(500, 120, 3, 1.0),
    Call(500, 300, 5, 1.0),
    Call(500, 300, 3, 1.0, 0.3),
)
TRIALS = 10
# As the vignette of ERforResearch has them: the reviewers' sd is 0.5; a judgement's error is how a reviewer
# takes to a proposal and what is left.
VIGNETTE = Priors(reviewers=0.5, most=2.0, parts=2)


def by_raw_mean(call: Simulated) -> Floats:
    return _mean(call, np.array([score.value for score in call.scores]))


def by_centred(call: Simulated) -> Floats:
    return _mean(call, _within(call, np.array([score.value for score in call.scores]), scaled=False))


def by_z_score(call: Simulated) -> Floats:
    return _mean(call, _within(call, np.array([score.value for score in call.scores]), scaled=True))


def by_calibration(call: Simulated) -> Floats:
    design = Design(
        np.array([score.value for score in call.scores]),
        np.ones(len(call.scores)),
        numbers(call, "proposal"),
        np.unique(numbers(call, "reviewer"), return_inverse=True)[1].astype(np.int64),
    )
    return posterior.best_linear(model.normal(design), model.fit(design))[1]


def by_known_offsets(call: Simulated) -> Floats:
    values = np.array([score.value for score in call.scores])
    return _mean(call, values - call.offsets[numbers(call, "reviewer")])


WAYS: Mapping[str, Callable[[Simulated], Floats]] = {
    "raw mean": by_raw_mean,
    "centred": by_centred,
    "z-score": by_z_score,
    "calibrated": by_calibration,
    "offsets known": by_known_offsets,
}


def found_shares(call: Call, *, trials: int) -> dict[str, float]:
    """The share of the truly best fifth that each way of ranking would fund."""
    best = call.proposals // 5
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    for seed in range(trials):
        made = reviews.simulate(call, seed)
        truly = set(np.argsort(-made.quality)[:best].tolist())
        for way, ranked in WAYS.items():
            funded = np.argsort(-ranked(made), kind="stable")[:best].tolist()
            found[way].append(len(truly & set(funded)) / best)
    return {way: float(np.mean(shares)) for way, shares in found.items()}


def mock_ranks(priors: Priors | None, seed: int) -> Floats:
    """Expected ranks of the published mock panel: with somebody's priors, or as every call is calibrated."""
    found, _ = calibrate(reviews.mock_panel(), places=5, seed=seed, priors=priors, draws=20_000)
    ranks = {line.proposal: line.estimate.expected_rank for line in found.lines if line.estimate}
    return np.array([ranks[number] for number in sorted(ranks)])


def numbers(call: Simulated, factor: str) -> NDArray[np.int64]:
    return np.array([getattr(score, factor) for score in call.scores], dtype=np.int64)


def _mean(call: Simulated, values: Floats) -> Floats:
    proposal = numbers(call, "proposal")
    return np.bincount(proposal, values) / np.bincount(proposal)


def _within(call: Simulated, values: Floats, *, scaled: bool) -> Floats:
    """Scores against the reviewer's own mean, if wanted in units of the reviewer's own sd."""
    reviewer = numbers(call, "reviewer")
    count = np.maximum(np.bincount(reviewer), 1)
    rest = values - (np.bincount(reviewer, values) / count)[reviewer]
    sd = np.sqrt(np.bincount(reviewer, rest**2) / count)
    return rest / np.where(sd > 0, sd, 1)[reviewer] if scaled else rest
