"""The ranked table of a call: pure arithmetic on scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from allocations.programme.calls import Criterion
from allocations.programme.proposals import Proposal
from allocations.programme.reviews import Review, ReviewState


@dataclass(frozen=True, slots=True)
class Standing:
    """One line of the table; `mean` and `spread` are None without a submitted review.

    `rank` counts from 1 and is shared by proposals with equal means.
    """

    proposal: Proposal
    rank: int
    mean: float | None
    spread: float | None
    scores: tuple[float, ...]
    asked: int


def overall(review: Review, criteria: Sequence[Criterion]) -> float:
    """The weighted mean of one review's scores, 1 to 5."""
    weight = {criterion.id: criterion.weight for criterion in criteria}
    scored = [(score.value, weight[score.criterion_id]) for score in review.scores]
    return fmean([value for value, _ in scored], weights=[w for _, w in scored])


def rank(
    proposals: Sequence[Proposal], reviews: Mapping[int, Sequence[Review]], criteria: Sequence[Criterion]
) -> list[Standing]:
    """Best mean first; ties by reference, unreviewed proposals last. Spread is highest less lowest."""
    lines = [_line(proposal, reviews.get(proposal.id, ()), criteria) for proposal in proposals]
    lines.sort(key=lambda line: (line.mean is None, -(line.mean or 0), line.proposal.id))
    better = [line.mean for line in lines]
    return [_at(line, 1 + sum(_beats(mean, line.mean) for mean in better)) for line in lines]


def _beats(mean: float | None, other: float | None) -> bool:
    return mean is not None and (other is None or mean > other)


def _line(proposal: Proposal, reviews: Sequence[Review], criteria: Sequence[Criterion]) -> Standing:
    done = [review for review in reviews if review.state == ReviewState.SUBMITTED and review.scores]
    scores = tuple(sorted(round(overall(review, criteria), 4) for review in done))
    asked = sum(review.state in (ReviewState.INVITED, ReviewState.ACCEPTED) for review in reviews)
    mean = round(fmean(scores), 4) if scores else None
    spread = scores[-1] - scores[0] if scores else None
    return Standing(
        proposal=proposal, rank=0, mean=mean, spread=spread, scores=scores, asked=asked + len(done)
    )


def _at(line: Standing, place: int) -> Standing:
    return Standing(line.proposal, place, line.mean, line.spread, line.scores, line.asked)
