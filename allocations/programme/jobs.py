"""What the runs compute: plain values in, plain values out, no database. Loads the numeric libraries."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict
from typing import Any

from allocations.programme.bids import WEIGHTS, BidValue
from allocations.programme.calibration import calibrating
from allocations.programme.calibration.values import Calibrated, Score
from allocations.programme.expertise import Kind, Seniority
from allocations.programme.matching import distributed
from allocations.programme.matching.affinity import Affinities, Profile, Text, affinities
from allocations.programme.matching.assignment import refill
from allocations.programme.matching.distributed import Applicant, TooFew
from allocations.programme.matching.problem import Demand, Options, Pair, Problem, Reviewer
from allocations.programme.matching.solution import Infeasible, Pairing, Solution
from allocations.programme.matching.vectors import MODELS, named
from allocations.programme.runs import RunKind, Unsolvable
from allocations.programme.selection import rounds

# What the explanation of a pair says of the reviewer's own wish.
SAID = {
    str(BidValue.EAGER): " They asked for it.",
    str(BidValue.WILLING): " They said that they would take it.",
    str(BidValue.UNWILLING): " They would rather not.",
}

# Wishes about who sits together on a proposal: the role of which there is at least, or at most, one.
LEAST = {"technical": str(Kind.TECHNICAL), "domain": str(Kind.DOMAIN), "senior": str(Seniority.SENIOR)}
MOST = {"early": str(Seniority.EARLY)}


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


def assignment(inputs: dict[str, Any], seed: int) -> dict[str, Any]:
    """Who should review what, with reasons; see `matching.assignment.propose`."""
    fit = affinities(
        [Text(one["id"], one["text"], tuple(one["fields"])) for one in inputs["proposals"]],
        [_profile(inputs, one) for one in inputs["people"]],
        MODELS[_text_model(inputs)],
    )
    options = Options(spread=inputs["spread"], mix=bool(inputs["mix"]), limit=inputs["limit"])
    answer = refill(
        _problem(inputs, fit),
        options,
        kept=_pairs(inputs["kept"]),
        declined=_pairs(inputs["declined"]),
        seed=seed,
    )
    if isinstance(answer, Infeasible):
        raise Unsolvable(
            answer.sentence,
            proposals=list(answer.proposals),
            people=list(answer.reviewers),
            relax=list(answer.relax),
            dropped=inputs["dropped"],
        )
    return _told(inputs, fit, answer)


def _text_model(inputs: dict[str, Any]) -> str:
    """What compares texts; words in runs of before there was a choice."""
    return str(inputs.get("text_model", "words"))


def _profile(inputs: dict[str, Any], one: dict[str, Any]) -> Profile:
    said = {proposal: WEIGHTS[BidValue(value)] for proposal, value in _said(inputs).get(str(one["id"]), [])}
    return Profile(one["id"], tuple(one["papers"]), tuple(one["fields"]), said)


def _said(inputs: dict[str, Any]) -> dict[str, list[tuple[int, str]]]:
    """Bids by person; none in runs of before there were any."""
    found: dict[str, list[tuple[int, str]]] = inputs.get("bids", {})
    return found


def _problem(inputs: dict[str, Any], fit: Affinities) -> Problem:
    kept = Counter(proposal for proposal, _ in inputs["kept"])
    least = tuple((LEAST[name], 1) for name in inputs["mix"] if name in LEAST)
    most = tuple((MOST[name], 1) for name in inputs["mix"] if name in MOST)
    return Problem(
        # What is kept counts as a review that the proposal asks for.
        demands=tuple(
            Demand(one["id"], one["wanted"] + kept[one["id"]], least, most) for one in inputs["proposals"]
        ),
        reviewers=tuple(
            Reviewer(one["id"], one["cap"], 0, one["institution"], frozenset(one["roles"]))
            for one in inputs["people"]
        ),
        affinities=fit.affinity,
        expertise=fit.expertise,
        banned=frozenset(_pairs(inputs["barred"])),
        forbidden=frozenset(_pairs(inputs["bans"])),
        pinned=frozenset(_pairs(inputs["locks"])),
        evidence=fit.evidence,
    )


def _pairs(listed: Iterable[list[int]]) -> list[Pair]:
    return [(proposal, person) for proposal, person in listed]


def _told(inputs: dict[str, Any], fit: Affinities, answer: Solution) -> dict[str, Any]:
    titles = {one["id"]: [paper.split("\n", 1)[0] for paper in one["papers"]] for one in inputs["people"]}
    kept = set(_pairs(inputs["kept"]))
    row = {proposal: place for place, proposal in enumerate(fit.proposals)}
    column = {person: place for place, person in enumerate(fit.reviewers)}
    said = {(p, int(r)): value for r, listed in _said(inputs).items() for p, value in listed}
    return {
        "pairs": [
            _pair(one, titles[one.reviewer], SAID.get(said.get((one.proposal, one.reviewer), ""), ""))
            | {
                "kept": (one.proposal, one.reviewer) in kept,
                "unknown": bool(fit.unknown[row[one.proposal], column[one.reviewer]]),
            }
            for one in answer.pairs
        ],
        "loads": [list(load) for load in answer.loads],
        "shortages": [[one.proposal, one.role, one.missing, one.is_excess] for one in answer.shortages],
        "dropped": inputs["dropped"],
        "total": answer.total,
        "optimum": answer.optimum,
        "best_floor": answer.best_floor,
        "floor": answer.floor,
        "worst": answer.worst,
        "worst_total": answer.worst_total,
        "digest": answer.run.input_hash,
        "texts": named(_text_model(inputs)),
        "solver": f"{answer.run.solver} {answer.run.version}",
    }


def _pair(one: Pairing, titles: list[str], said: str) -> dict[str, Any]:
    return {
        "proposal": one.proposal,
        "person": one.reviewer,
        "affinity": round(one.affinity, 4),
        "rank": one.rank,
        "candidates": one.candidates,
        "why": one.why + said,
        "evidence": [[titles[each.paper], each.similarity] for each in one.evidence],
        "chance": one.chance,
        "locked": one.pinned,
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
    RunKind.ASSIGNMENT: assignment,
    RunKind.CALIBRATION: calibration,
    RunKind.EXCHANGE: exchange,
    RunKind.SPLIT: split,
}
