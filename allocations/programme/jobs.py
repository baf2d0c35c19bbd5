"""What the runs compute: plain values in, plain values out, no database. Loads the numeric libraries."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from typing import Any

from allocations.programme.calibration import calibrating
from allocations.programme.calibration.values import Calibrated, Score
from allocations.programme.matching import distributed
from allocations.programme.matching.distributed import Applicant, TooFew
from allocations.programme.runs import RunKind, Unsolvable
from allocations.programme.selection import rounds


def exchange(inputs: dict[str, Any], seed: int) -> dict[str, Any]:
    """Who reviews whose proposal; see `distributed.arranged`."""
    applicants = tuple(
        Applicant(one["person"], one["proposal"], one["institution"], frozenset(one["barred"]))
        for one in inputs["applicants"]
    )
    scheme = distributed.arranged(applicants, seed=seed, most=inputs["most"])
    if isinstance(scheme, TooFew):
        raise Unsolvable(scheme.sentence)
    return {
        "pairs": [list(pair) for pair in scheme.pairs],
        "groups": [list(group) for group in scheme.groups],
        "reviews": scheme.reviews,
        "mutual": scheme.mutual,
    }


def calibration(inputs: dict[str, Any], seed: int) -> dict[str, Any]:
    """The calibrated list, and the same again without what is hidden from each viewer."""
    scores = [Score(*score) for score in inputs["scores"]]
    views = [
        _calibrated(scores, set(hidden), places=inputs["places"], seed=seed)
        for hidden in [[], *inputs["hidden"]]
    ]
    return {"proposals": sorted({score.proposal for score in scores}), "views": views}


def _calibrated(
    scores: Sequence[Score], hidden: Collection[int], *, places: int, seed: int
) -> dict[str, Any]:
    seen = [score for score in scores if score.proposal not in hidden]
    found, for_the_chair = calibrating.calibrate(seen, places=places, seed=seed)
    return {
        "hidden": sorted(hidden),
        "places": places,
        "refused": found.answer.reason,
        "comparable": found.comparable.reason,
        "islands": [sorted(group) for group in found.islands],
        "levels": [_level(line) for line in found.lines if line.estimate],
        "leniency": [asdict(offset) for offset in for_the_chair.offsets],
    }


def split(inputs: dict[str, Any], _seed: int) -> dict[str, Any]:
    """Who gets how much of the pools, and why; nothing in it is drawn."""
    return rounds.answered(inputs)


def _level(line: Calibrated) -> dict[str, Any]:
    estimate = line.estimate
    assert estimate is not None  # noqa: S101 - the caller has left out the others
    limits = estimate.limits
    return {
        "proposal": line.proposal,
        "rank": line.rank,
        "mean": round(estimate.mean, 4),
        "sd": round(estimate.sd, 4),
        "ranks": [limits.at_5, limits.at_25, limits.at_75, limits.at_95],
        "chance": round(estimate.chance, 4),
        "zone": str(estimate.zone),
        "island": line.island,
    }


COMPUTE: dict[RunKind, Callable[[dict[str, Any], int], dict[str, Any]]] = {
    RunKind.EXCHANGE: exchange,
    RunKind.CALIBRATION: calibration,
    RunKind.SPLIT: split,
}
