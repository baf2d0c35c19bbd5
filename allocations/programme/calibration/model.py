"""The mixed model of scores: its likelihood with one factor eliminated, fitted by REML."""

from dataclasses import dataclass
from math import log, pi, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import minimize
from scipy.sparse import coo_array, csr_array

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# A ratio of standard deviations above this is not a finding but a degenerate set of scores.
LARGEST_RATIO = 100.0
EXACT = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """n reviews: `value`, `weight` (n,), and the numbers of their `proposal` and `reviewer` (n,).

    Model: value = mu + theta[proposal] + b[reviewer] + e with theta ~ N(0, st^2), b ~ N(0, sb^2),
    e ~ N(0, s^2 / weight), all independent. Both factors are numbered from 0 without gaps.
    """

    value: Floats
    weight: Floats
    proposal: Ints
    reviewer: Ints

    @property
    def proposals(self) -> int:
        return int(self.proposal.max()) + 1

    @property
    def reviewers(self) -> int:
        return int(self.reviewer.max()) + 1


@dataclass(frozen=True, slots=True)
class Variances:
    """Standard deviations st, sb, s of the model and the deviance (-2 log restricted likelihood) there."""

    proposals: float
    reviewers: float
    judgement: float
    deviance: float


@dataclass(frozen=True, slots=True, eq=False)
class Normal:
    """Henderson's mixed model equations without the ratios: what one likelihood needs of the data.

    The factor with more levels (m) is eliminated: its block is diagonal, so what remains to be
    factorised is dense of size 1 + k, the mean and the other factor (k levels; mostly the reviewers).
    `crossed` (1 + k, m) sums the weights of the eliminated levels and of the pairs, sparse;
    `kept` (k,) and `gone` (m,) are the sums of the levels;
    `kept_value`, `gone_value` the weighted scores. `by_reviewer` says that the kept ones are reviewers.
    """

    crossed: csr_array
    kept: Floats
    gone: Floats
    kept_value: Floats
    gone_value: Floats
    total: Floats
    by_reviewer: bool


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """The equations at given ratios, for effects in units of their own ratio (so a ratio 0 is no harm).

    `lower` is the Cholesky factor of the dense block, `solution` (1 + k,) the mean and the kept effects,
    `diagonal` (m,) the eliminated block, `right` (m,) its side; `scale` (1 + k,) times
    the crossed sums is what connects the two.
    """

    lower: Floats
    solution: Floats
    diagonal: Floats
    right: Floats
    scale: Floats
    residual: float
    logdet: float


def normal(design: Design) -> Normal:
    by_reviewer = design.proposals >= design.reviewers
    gone, kept = (design.proposal, design.reviewer) if by_reviewer else (design.reviewer, design.proposal)
    weight, value = design.weight, design.weight * design.value
    rows = np.concatenate([np.zeros_like(kept), kept + 1])
    pairs = np.concatenate([weight, weight]), (rows, np.concatenate([gone, gone]))
    return Normal(
        crossed=coo_array(pairs).tocsr(),
        kept=_sums(kept, weight),
        gone=_sums(gone, weight),
        kept_value=_sums(kept, value),
        gone_value=_sums(gone, value),
        total=np.array([weight.sum(), value.sum(), value @ design.value, np.log(weight).sum(), len(weight)]),
        by_reviewer=by_reviewer,
    )


def _sums(level: Ints, amount: Floats) -> Floats:
    return np.bincount(level, amount).astype(np.float64)


def solve(equations: Normal, *, gone: float, kept: float) -> Solved:
    """`gone` and `kept` are the ratios st/s and sb/s (or the other way round) of the two factors."""
    diagonal = 1 + gone**2 * equations.gone
    right = gone * equations.gone_value
    scale = np.concatenate([[gone], np.full(len(equations.kept), gone * kept)])
    divided = equations.crossed.copy()
    divided.data = divided.data / diagonal[divided.indices]
    taken = (divided @ equations.crossed.T).toarray() * np.outer(scale, scale)
    dense = _dense(equations, kept) - taken
    side = np.concatenate([equations.total[1:2], kept * equations.kept_value]) - scale * (divided @ right)
    lower = cholesky(dense, lower=True)
    half = solve_triangular(lower, side, lower=True)
    # Scores that two effects explain exactly would leave zero, and a likelihood without a bound.
    residual = max(float(equations.total[2] - right @ (right / diagonal) - half @ half), EXACT)
    logdet = float(np.log(diagonal).sum() + 2 * np.log(np.diag(lower)).sum())
    solution = solve_triangular(lower, half, lower=True, trans="T")
    return Solved(lower, solution, diagonal, right, scale, residual, logdet)


def _dense(equations: Normal, kept: float) -> Floats:
    dense = np.diag(np.concatenate([equations.total[0:1], 1 + kept**2 * equations.kept]))
    dense[0, 1:] = dense[1:, 0] = kept * equations.kept
    return dense


def deviance(equations: Normal, *, gone: float, kept: float) -> float:
    """-2 log restricted likelihood with s^2 profiled out, constants included (as lme4 reports it)."""
    at = solve(equations, gone=gone, kept=kept)
    free = equations.total[4] - 1
    return float(at.logdet - equations.total[3] + free * (1 + log(2 * pi * at.residual / free)))


def fit(design: Design) -> Variances:
    """Nelder-Mead over the two ratios: about 70 evaluations, each one factorisation."""
    equations = normal(design)
    alone = len(design.value) == design.reviewers
    bounds = [(0.0, LARGEST_RATIO), (0.0, LARGEST_RATIO)]
    if alone:  # Nobody scored twice: a reviewer's habit is the same as one judgement's error.
        bounds[1 if equations.by_reviewer else 0] = (0.0, 0.0)

    def objective(ratios: Floats) -> float:
        return deviance(equations, gone=float(ratios[0]), kept=float(ratios[1]))

    found = minimize(
        objective,
        np.array([min(0.7, most) for _, most in bounds]),
        method="Nelder-Mead",
        bounds=bounds,
        options={"xatol": 1e-5, "fatol": 1e-7, "maxfev": 400},
    )
    at = solve(equations, gone=float(found.x[0]), kept=float(found.x[1]))
    judgement = sqrt(at.residual / (len(design.value) - 1))
    gone, kept = (float(ratio) * judgement for ratio in found.x)
    proposals, reviewers = (gone, kept) if equations.by_reviewer else (kept, gone)
    return Variances(proposals, reviewers, judgement, float(found.fun))
