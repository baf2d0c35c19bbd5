"""The fast likelihood against the plain one, written down with full matrices."""

from math import log, pi

import numpy as np
import pytest
from scipy.optimize import minimize

from allocations.programme.calibration import model, posterior
from allocations.programme.calibration.model import Design, Floats
from allocations.programme.calibration.values import Priors


def design(proposals: int, reviewers: int, *, reviews: int, seed: int) -> Design:
    generator = np.random.Generator(np.random.PCG64(seed))
    rows = [(p, r) for p in range(proposals) for r in generator.permutation(reviewers)[:reviews]]
    proposal, reviewer = np.array(rows, dtype=np.int64).T
    reviewer = np.unique(reviewer, return_inverse=True)[1].astype(np.int64)
    effects = generator.normal(0, 1, proposals)[proposal] + generator.normal(0, 0.8, reviewers)[reviewer]
    weight = generator.choice([0.5, 0.75, 1.0, 1.25, 1.5], len(rows))
    value = 5 + effects + generator.normal(0, 0.7, len(rows)) / np.sqrt(weight)
    return Design(value, weight, proposal, reviewer)


def covariance(known: Design, proposals: float, reviewers: float, judgement: float) -> Floats:
    same = known.proposal[:, None] == known.proposal, known.reviewer[:, None] == known.reviewer
    noise = np.diag(judgement**2 / known.weight)
    return np.asarray(proposals**2 * same[0] + reviewers**2 * same[1] + noise)


def dense_deviance(known: Design, sds: Floats) -> float:
    """-2 log restricted likelihood by the textbook formula."""
    inverse = np.linalg.inv(covariance(known, *sds))
    ones, n = np.ones(len(known.value)), len(known.value)
    information = ones @ inverse @ ones
    rest = known.value - (ones @ inverse @ known.value) / information
    logdet = -np.linalg.slogdet(inverse)[1] + log(information)
    return float((n - 1) * log(2 * pi) + logdet + rest @ inverse @ rest)


SHAPES = [(12, 6, 3), (6, 12, 4), (15, 5, 5), (20, 30, 2)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_fit_is_the_one_that_full_matrices_find(shape: tuple[int, int, int]) -> None:
    known = design(shape[0], shape[1], reviews=shape[2], seed=sum(shape))

    found = model.fit(known)

    sds = np.array([found.proposals, found.reviewers, found.judgement])
    assert found.deviance == pytest.approx(dense_deviance(known, sds), abs=1e-8)
    start = minimize(
        lambda x: dense_deviance(known, np.abs(x)),
        np.array([0.8, 0.8, 0.8]),
        method="Nelder-Mead",
        options={"xatol": 1e-7, "fatol": 1e-10, "maxfev": 2000},
    )
    assert sds == pytest.approx(np.abs(start.x), abs=1e-3)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_estimates_and_draws_are_those_of_the_full_normal_distribution(shape: tuple[int, int, int]) -> None:
    known = design(shape[0], shape[1], reviews=shape[2], seed=sum(shape))
    at = model.Variances(proposals=0.9, reviewers=0.6, judgement=0.7, deviance=0.0)
    inverse = np.linalg.inv(covariance(known, 0.9, 0.6, 0.7))
    ones = np.ones(len(known.value))
    mean = ones @ inverse @ known.value / (ones @ inverse @ ones)
    owner = 0.81 * (np.arange(known.proposals)[:, None] == known.proposal)
    expected = owner @ inverse @ (known.value - mean)
    projection = inverse - np.outer(inverse @ ones, ones @ inverse) / (ones @ inverse @ ones)
    spread = np.sqrt(np.diag(0.81 * np.eye(known.proposals) - owner @ projection @ owner.T))

    equations = model.normal(known)
    level, proposals, reviewers = posterior.best_linear(equations, at)
    ratios = (0.9 / 0.7, 0.6 / 0.7) if equations.by_reviewer else (0.6 / 0.7, 0.9 / 0.7)
    drawn = posterior.draw(equations, [posterior.Part(*ratios, 20_000, None, 0.7)], seed=5)

    assert level == pytest.approx(mean)
    assert proposals == pytest.approx(expected)
    assert len(reviewers) == known.reviewers
    assert drawn.proposals.mean(axis=0) == pytest.approx(expected, abs=0.03)
    assert drawn.proposals.std(axis=0) == pytest.approx(spread, rel=0.03)


@pytest.mark.parametrize("shape", SHAPES[:2], ids=str)
def test_what_priors_make_of_the_reviews_is_what_full_matrices_say(shape: tuple[int, int, int]) -> None:
    """Likelihood times the density of the judgement's sd, summed over a grid of both sds."""
    known = design(shape[0], shape[1], reviews=shape[2], seed=sum(shape))
    priors = Priors(reviewers=0.5, most=2.0, parts=2)
    steps = np.arange(0.025, 2.0, 0.05)
    points = np.array([(a, 0.5, s) for a in steps for s in steps])
    height = np.array([-0.5 * dense_deviance(known, sds) + log(sds[2]) for sds in points])
    weight = np.exp(height - height.max())
    expected = weight @ points / weight.sum()

    equations = model.normal(known)
    found = posterior.middle(equations, posterior.under(equations, priors, 50_000))

    assert (found.proposals, found.reviewers, found.judgement) == pytest.approx(tuple(expected), abs=0.01)


def test_a_design_where_nobody_scores_twice_has_no_reviewer_variance() -> None:
    known = design(20, 100, reviews=2, seed=3)
    alone = Design(known.value, known.weight, known.proposal, np.arange(40, dtype=np.int64))

    found = model.fit(alone)

    assert found.reviewers == 0
    assert found.proposals > 0


def test_ranks_count_each_draw_and_their_limits_are_ranks() -> None:
    effects = np.array([[3.0, 2.0, 1.0], [3.0, 1.0, 2.0], [2.0, 3.0, 1.0], [3.0, 2.0, 1.0]])

    found = posterior.ranks(effects, 1)

    assert found.expected.tolist() == [1.25, 2.0, 2.75]
    assert found.chance.tolist() == [0.75, 0.25, 0.0]
    assert found.limits[:, 0].tolist() == [1, 1, 1, 2]
