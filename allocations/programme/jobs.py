"""What the runs compute: plain values in, plain values out, no database. Loads the numeric libraries."""

from collections.abc import Callable
from typing import Any

from allocations.programme.matching import distributed
from allocations.programme.matching.distributed import Applicant, TooFew
from allocations.programme.runs import RunKind, Unsolvable


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


COMPUTE: dict[RunKind, Callable[[dict[str, Any], int], dict[str, Any]]] = {RunKind.EXCHANGE: exchange}
