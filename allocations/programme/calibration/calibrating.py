"""From the reviews of a call to its calibrated list: the one function that callers use."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np

from allocations.kernel.answers import Answer, first_no, when
from allocations.programme.calibration import islands, model, posterior
from allocations.programme.calibration.model import Design
from allocations.programme.calibration.posterior import Ranked
from allocations.programme.calibration.values import (
    LEAST_REVIEWS,
    Calibrated,
    Calibration,
    Estimate,
    ForTheChair,
    Offset,
    Priors,
    RankLimits,
    Score,
    Spread,
    Zone,
)

SURE, HOPELESS = 0.95, 0.05


@dataclass(frozen=True, slots=True)
class _Found:
    """Everything the model says, by numbers of proposals and reviewers."""

    mean: float
    proposals: model.Floats
    reviewers: model.Floats
    ranked: Ranked
    sds: tuple[model.Floats, model.Floats]
    spread: Spread


def weight(confidence: int) -> float:
    """A review given with confidence 5 counts three times one given with 1; 3 counts once."""
    return (1 + confidence) / 4


def may_calibrate(scores: Sequence[Score]) -> Answer:
    """Whether there is enough to tell a strict reviewer from a weak proposal."""
    proposals, reviewers = {s.proposal for s in scores}, {s.reviewer for s in scores}
    few = f"There are {len(scores)} reviews; under {LEAST_REVIEWS} the plain means are the better list."
    return first_no(
        when(len(scores) >= LEAST_REVIEWS, few),
        when(len(proposals) >= 2 and len(reviewers) >= 2, "Two proposals and two reviewers are the least."),
        when(len(scores) > len(proposals), "No proposal has two reviews: nothing shows how far they differ."),
        when(_disagreed(scores), "No two reviews of a proposal differ: there is nothing to calibrate."),
    )


def _disagreed(scores: Sequence[Score]) -> bool:
    given: dict[int, set[float]] = {}
    for score in scores:
        given.setdefault(score.proposal, set()).add(score.value)
    return any(len(values) > 1 for values in given.values())


def calibrate(
    scores: Sequence[Score],
    *,
    places: int,
    seed: int,
    priors: Priors | None = None,
    draws: int = posterior.DRAWS,
) -> tuple[Calibration, ForTheChair]:
    """`places`: how many the call can fund. Order of `scores` does not matter; the seed fixes the draws.

    Without `priors` the reviews alone say how far reviewers and proposals differ.

    The second value is about reviewers and goes to nobody but the chair.
    """
    ordered = sorted(scores, key=lambda score: (score.proposal, score.reviewer))
    pairs = [(score.proposal, score.reviewer) for score in ordered]
    if len(set(pairs)) < len(pairs):
        raise ValueError("A reviewer scores a proposal once")
    groups, answer = islands.islands(ordered), may_calibrate(ordered)
    found = _model(_design(ordered), places, seed=seed, priors=priors, draws=draws) if answer else None
    lines = _lines(ordered, groups)
    if found is not None:
        lines = [_estimated(line, number, found, places) for number, line in enumerate(lines)]
    calibration = Calibration(
        answer=answer,
        comparable=islands.comparable(groups),
        lines=_ranked(lines),
        islands=groups,
        spread=found.spread if found else None,
        places=places,
        seed=seed,
    )
    return calibration, _offsets(ordered, found)


def _model(design: Design, places: int, *, seed: int, priors: Priors | None, draws: int) -> _Found:
    equations = model.normal(design)
    if priors is None:
        at = model.fit(design)
        parts = posterior.mixture(equations, at, draws)
    else:
        parts = posterior.under(equations, priors, draws)
        at = posterior.middle(equations, parts)
    mean, proposals, reviewers = posterior.best_linear(equations, at)
    drawn = posterior.draw(equations, parts, seed)
    spread = Spread(mean, at.proposals, at.reviewers, at.judgement)
    ranked = posterior.ranks(drawn.proposals, places)
    sds = _sds(drawn.proposals), _sds(drawn.reviewers)
    return _Found(mean, proposals, reviewers - reviewers.mean(), ranked, sds, spread)


def _sds(effects: model.Floats) -> model.Floats:
    """Against the average of all: what is uncertain about everybody alike decides nothing."""
    return np.asarray((effects - effects.mean(axis=1, keepdims=True)).std(axis=0))


def _design(ordered: Sequence[Score]) -> Design:
    return Design(
        value=np.array([score.value for score in ordered], dtype=np.float64),
        weight=np.array([weight(score.confidence) for score in ordered], dtype=np.float64),
        proposal=np.unique([score.proposal for score in ordered], return_inverse=True)[1].astype(np.int64),
        reviewer=np.unique([score.reviewer for score in ordered], return_inverse=True)[1].astype(np.int64),
    )


def _lines(ordered: Sequence[Score], groups: Sequence[frozenset[int]]) -> list[Calibrated]:
    """By proposal id, not ranked yet."""
    reviews: dict[int, list[Score]] = {}
    for score in ordered:
        reviews.setdefault(score.proposal, []).append(score)
    island = {proposal: number for number, group in enumerate(groups, 1) for proposal in group}
    means = {proposal: fmean(s.value for s in given) for proposal, given in reviews.items()}
    ranks = _places(means)
    return [
        Calibrated(
            proposal=proposal,
            rank=0,
            raw_mean=means[proposal],
            raw_rank=ranks[proposal],
            island=island[proposal],
            reviews=tuple(given),
            estimate=None,
        )
        for proposal, given in sorted(reviews.items())
    ]


def _places(values: Mapping[int, float]) -> dict[int, int]:
    """Rank by proposal, 1 for the highest; equal values share one."""
    ordered = sorted(-value for value in values.values())
    return {proposal: 1 + bisect_left(ordered, -value) for proposal, value in values.items()}


def _estimated(line: Calibrated, number: int, found: _Found, places: int) -> Calibrated:
    chance = float(found.ranked.chance[number])
    estimate = Estimate(
        mean=found.mean + float(found.proposals[number]),
        sd=float(found.sds[0][number]),
        expected_rank=float(found.ranked.expected[number]),
        chance=chance,
        limits=RankLimits(*(int(rank) for rank in found.ranked.limits[:, number])),
        zone=zone(chance),
    )
    return replace(line, estimate=estimate)


def zone(chance: float) -> Zone:
    if chance > SURE:
        return Zone.FUND
    return Zone.DECLINE if chance < HOPELESS else Zone.DISCUSS


def _ranked(lines: Sequence[Calibrated]) -> tuple[Calibrated, ...]:
    """Best first; equal ones share the rank and stand in the order of their ids."""
    value = {line.proposal: line.estimate.mean if line.estimate else line.raw_mean for line in lines}
    ranks = _places(value)
    placed = [replace(line, rank=ranks[line.proposal]) for line in lines]
    return tuple(sorted(placed, key=lambda line: (line.rank, line.proposal)))


def _offsets(ordered: Sequence[Score], found: _Found | None) -> ForTheChair:
    if found is None:
        return ForTheChair()
    people = sorted({score.reviewer for score in ordered})
    given = Counter(score.reviewer for score in ordered)
    return ForTheChair(
        tuple(
            Offset(person, float(found.reviewers[number]), float(found.sds[1][number]), given[person])
            for number, person in enumerate(people)
        )
    )
