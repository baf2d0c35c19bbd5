"""What the fitted model says with which certainty: joint draws of all proposals, and their ranks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from allocations.programme.calibration import model
from allocations.programme.calibration.model import Floats, Ints, Normal, Solved, Variances
from allocations.programme.calibration.values import Priors

DRAWS = 4000
# From here on the variances are known so well that letting them vary changes no printed digit.
CERTAIN = 2000
STEPS = 9
# The same for each sd under priors from elsewhere, which may be far from where the reviews point.
FINE_STEPS = 40
# exp(-6): what lies further down the density carries less than one draw in four hundred.
DROP = 6.0
BATCH = 500
LIMITS = (0.05, 0.25, 0.75, 0.95)


@dataclass(frozen=True, slots=True)
class Part:
    """So many draws at these ratios to the judgement's sd, and how that sd itself is drawn.

    With `free` degrees of freedom the variance is residual / chi-square; with None the sd is `fixed`.
    """

    gone: float
    kept: float
    draws: int
    free: int | None
    fixed: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """`proposals` and `reviewers`: effects, shape (draws, levels), rows drawn jointly."""

    proposals: Floats
    reviewers: Floats


def best_linear(equations: Normal, at: Variances) -> tuple[float, Floats, Floats]:
    """The mean and the BLUPs of proposals and reviewers at fitted variances."""
    gone, kept = _ratios(equations, at)
    solved = model.solve(equations, gone=gone, kept=kept)
    effects = kept * solved.solution[1:], gone * _eliminated(equations, solved, solved.solution[None, :])[0]
    reviewers, proposals = effects if equations.by_reviewer else effects[::-1]
    return float(solved.solution[0]), proposals, reviewers


def mixture(equations: Normal, at: Variances, draws: int) -> list[Part]:
    """Where the draws come from: a grid over the posterior of the two ratios, sds having flat priors.

    A single point would pretend that the variances are known; with a panel of 15 x 5 that makes the
    best look too certain by a quarter of a rank.
    """
    reviews = int(equations.total[4])
    gone, kept = _ratios(equations, at)
    if reviews >= CERTAIN:
        return [Part(gone, kept, draws, None, at.judgement)]
    free = reviews - 4
    axes = _axis(equations, (gone, kept), 0), _axis(equations, (gone, kept), 1)
    points = [(a, b) for a in axes[0] for b in axes[1]]
    height = np.array([_density(equations, gone=a, kept=b) for a, b in points])
    weight = np.exp(height - height.max())
    counts = shares(weight / weight.sum(), draws)
    return [Part(a, b, int(n), free) for (a, b), n in zip(points, counts, strict=True) if n]


def under(equations: Normal, priors: Priors, draws: int) -> list[Part]:
    """The same with other people's priors, on a grid over the sds of proposals and of a judgement."""
    middles = [priors.most * (step + 0.5) / FINE_STEPS for step in range(FINE_STEPS)]
    points = [(a, s) for a in middles for s in middles]
    height = np.array([_height(equations, priors, proposals=a, judgement=s) for a, s in points])
    weight = np.exp(height - height.max())
    counts = shares(weight / weight.sum(), draws)
    return [
        Part(*_turned(equations, a / s, priors.reviewers / s), int(n), None, s)
        for (a, s), n in zip(points, counts, strict=True)
        if n
    ]


def _height(equations: Normal, priors: Priors, *, proposals: float, judgement: float) -> float:
    gone, kept = _turned(equations, proposals / judgement, priors.reviewers / judgement)
    solved = model.solve(equations, gone=gone, kept=kept)
    power = priors.parts - 1 - (equations.total[4] - 1)
    return float(power * np.log(judgement) - 0.5 * solved.logdet - 0.5 * solved.residual / judgement**2)


def middle(equations: Normal, parts: Sequence[Part]) -> Variances:
    """The mean of each sd over parts of fixed sds, and the deviance there."""
    draws = np.array([part.draws for part in parts])
    gone, kept, judgement = (
        float(np.average(values, weights=draws))
        for values in zip(*((p.gone * p.fixed, p.kept * p.fixed, p.fixed) for p in parts), strict=True)
    )
    deviance = model.deviance(equations, gone=gone / judgement, kept=kept / judgement)
    return Variances(*_turned(equations, gone, kept), judgement, deviance)


def _turned(equations: Normal, one: float, other: float) -> tuple[float, float]:
    """Proposals and reviewers as the eliminated and the kept factor, or the other way round."""
    return (one, other) if equations.by_reviewer else (other, one)


def _ratios(equations: Normal, at: Variances) -> tuple[float, float]:
    return _turned(equations, at.proposals / at.judgement, at.reviewers / at.judgement)


def _density(equations: Normal, *, gone: float, kept: float) -> float:
    solved = model.solve(equations, gone=gone, kept=kept)
    return float(-0.5 * solved.logdet - 0.5 * (equations.total[4] - 4) * np.log(solved.residual))


def _axis(equations: Normal, best: tuple[float, float], axis: int) -> list[float]:
    """Midpoints of STEPS equal steps over the part of one axis that carries weight."""
    if best[axis] == 0 and len(equations.kept if axis else equations.gone) == equations.total[4]:
        return [0.0]

    def density(ratio: float) -> float:
        gone, kept = (ratio, best[1]) if axis == 0 else (best[0], ratio)
        return _density(equations, gone=gone, kept=kept)

    least = density(best[axis]) - DROP
    high = best[axis] + 0.05
    while density(high) > least and high < model.LARGEST_RATIO:
        high *= 1.25
    low = best[axis]
    while low > 0.01 and density(low) > least:
        low *= 0.8
    low = 0.0 if low <= 0.01 else low
    return [low + (high - low) * (step + 0.5) / STEPS for step in range(STEPS)]


def shares(weight: Floats, draws: int) -> Ints:
    """Whole numbers that add up to `draws`, each within one of its share."""
    edges = np.floor(np.concatenate([[0.0], np.cumsum(weight)]) * draws + 0.5).astype(np.int64)
    edges[-1] = draws
    return np.diff(edges)


def draw(equations: Normal, parts: Sequence[Part], seed: int) -> Drawn:
    """Joint draws; the same seed gives the same ones."""
    generator = np.random.Generator(np.random.PCG64(seed))
    kept, gone = zip(*(_batch(equations, part, generator) for part in parts), strict=True)
    effects = np.concatenate(kept), np.concatenate(gone)
    reviewers, proposals = effects if equations.by_reviewer else effects[::-1]
    return Drawn(proposals, reviewers)


def _batch(equations: Normal, part: Part, generator: np.random.Generator) -> tuple[Floats, Floats]:
    solved = model.solve(equations, gone=part.gone, kept=part.kept)
    scale = np.full(part.draws, part.fixed)
    if part.free is not None:
        scale = np.sqrt(solved.residual / generator.chisquare(part.free, part.draws))
    noise = generator.standard_normal((len(solved.solution), part.draws))
    moved = solve_triangular(solved.lower, noise, lower=True, trans="T").T * scale[:, None]
    dense = solved.solution + moved
    noise = generator.standard_normal((part.draws, len(solved.diagonal)))
    gone = _eliminated(equations, solved, dense) + scale[:, None] * noise / np.sqrt(solved.diagonal)
    return part.kept * dense[:, 1:], part.gone * gone


def _eliminated(equations: Normal, solved: Solved, dense: Floats) -> Floats:
    """The eliminated effects given the mean and the kept ones, (draws, m)."""
    told = (equations.crossed.T @ (dense * solved.scale).T).T
    return np.asarray((solved.right - told) / solved.diagonal)


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """Per proposal: `expected` rank, `chance` of being among the best, `limits` (4, proposals)."""

    expected: Floats
    chance: Floats
    limits: Ints


def ranks(effects: Floats, places: int) -> Ranked:
    """Rank 1 is the highest effect of a draw."""
    found = np.empty(effects.shape, dtype=np.int32)
    for start in range(0, len(effects), BATCH):
        part = slice(start, start + BATCH)
        order = np.argsort(-effects[part], axis=1, kind="stable")
        np.put_along_axis(
            found[part], order, np.arange(1, effects.shape[1] + 1, dtype=np.int32)[None, :], axis=1
        )
    limits = np.quantile(found, LIMITS, axis=0, method="inverted_cdf").astype(np.int64)
    return Ranked(found.mean(axis=0), (found <= places).mean(axis=0), limits)
