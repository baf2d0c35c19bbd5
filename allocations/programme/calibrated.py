"""Calibrated scores of a call: asked for, gathered for the computation, and read by one viewer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from allocations.kernel.answers import Answer, require
from allocations.kernel.errors import IllegalMove, Invalid
from allocations.people.roles import SYSTEM, Actor
from allocations.programme import decisions, panel_list, runs
from allocations.programme.calibration.values import LEAST_REVIEWS
from allocations.programme.calls import Call
from allocations.programme.panel_list import Entry
from allocations.programme.runs import Run, RunKind


@dataclass(frozen=True, slots=True)
class Level:
    """What the reviews say of one proposal once reviewers' habits are taken out.

    `ranks` are the limits at 5, 25, 75 and 95 % certainty; `chance` is that of being among the best.
    """

    proposal: int
    rank: int
    mean: float
    sd: float
    ranks: tuple[int, int, int, int]
    chance: float
    zone: str
    island: int

    @property
    def low(self) -> float:
        """With `high`: where the mean lies nine times out of ten."""
        return self.mean - 1.645 * self.sd

    @property
    def high(self) -> float:
        return self.mean + 1.645 * self.sd


@dataclass(frozen=True, slots=True)
class Leniency:
    """How much higher or lower than the average one reviewer scores."""

    reviewer: int
    offset: float
    sd: float
    reviews: int


@dataclass(frozen=True, slots=True)
class Reading:
    """A run as one viewer reads it, computed without what is kept from them.

    `refused` says why there are no levels; `changed` counts the reviews that came or went since.
    """

    run: Run
    refused: str
    levels: Mapping[int, Level]
    comparable: str
    islands: Sequence[Sequence[int]]
    leniency: Sequence[Leniency]
    places: int
    changed: int


@dataclass(frozen=True, slots=True)
class Line:
    """One proposal with its two standings; ranks are among what the viewer sees."""

    entry: Entry
    plain_rank: int | None
    level: Level | None


def may_calibrate(actor: Actor, call: Call) -> Answer:
    """To have it computed, and to see what it says about proposals and reviewers."""
    return decisions.may_chair(actor, call)


def ask(session: Session, actor: Actor, call: Call, *, places: int, seed: int) -> Run:
    """`places`: how many proposals the call can fund, which the zones are about."""
    require(may_calibrate(actor, call))
    scored = [one for one in panel_list.entries(session, actor, call) if one.given]
    number = sum(len(one.given) for one in scored)
    if number < LEAST_REVIEWS:
        raise IllegalMove(f"There are {number} reviews; under {LEAST_REVIEWS} the plain means are the list.")
    if not 1 <= places <= len(scored):
        raise Invalid({"places": f"Enter a number from 1 to {len(scored)}: so many proposals have reviews."})
    return runs.ask(session, actor, call, RunKind.CALIBRATION, seed=seed, places=places)


def usual_places(run: Run | None, listed: Sequence[Entry], pools: Sequence[Mapping[str, Any]]) -> int:
    """As many as last time; else those that the free pools could pay if all asked for the average."""
    scored = sum(1 for entry in listed if entry.given)
    if run is not None:
        return min(int(run.parameters["places"]), max(scored, 1))
    shares = [pool["free"] / pool["asked"] for pool in pools if pool["asked"]]
    return max(1, min(scored, int(scored * min([1.0, *shares]))))


def gather(session: Session, run: Run) -> dict[str, Any]:
    """Scores by numbers of proposals and reviewers, and what is kept from whom."""
    call = session.get_one(Call, run.call_id)
    listed = panel_list.entries(session, SYSTEM, call)
    scores: list[list[Any]] = [
        [entry.proposal, one.reviewer, one.value, one.confidence] for entry in listed for one in entry.given
    ]
    hidden = panel_list.hidden_from_panel(session, call, {score[0] for score in scores})
    return {"scores": scores, "places": run.parameters["places"], "hidden": hidden}


def read(run: Run | None, listed: Sequence[Entry]) -> Reading | None:
    """What the run says to whoever sees this list; None when it was computed for another one."""
    if run is None:
        return None
    seen = {entry.proposal for entry in listed}
    view = view_of(run, seen)
    if view is None:
        return None
    before = {(score[0], score[1]) for score in run.inputs["scores"] if score[0] in seen}
    now = {(entry.proposal, one.reviewer) for entry in listed for one in entry.given}
    return Reading(
        run=run,
        refused=view["refused"],
        levels={one["proposal"]: _level(one) for one in view["levels"]},
        comparable=view["comparable"],
        islands=view["islands"],
        leniency=[Leniency(**one) for one in view["leniency"]],
        places=view["places"],
        changed=len(before ^ now),
    )


def view_of(run: Run, seen: set[int]) -> dict[str, Any] | None:
    """The part of a result that was computed without exactly what this viewer does not see."""
    hidden = set(run.result["proposals"]) - seen
    views: list[dict[str, Any]] = run.result["views"]
    return next((view for view in views if set(view["hidden"]) == hidden), None)


def level_without(run: Run, barred: set[int], proposal: int) -> Level | None:
    """Of one proposal, computed without exactly those that somebody must not know of."""
    view = view_of(run, set(run.result["proposals"]) - barred)
    found = (one for one in (view["levels"] if view else ()) if one["proposal"] == proposal)
    return next((_level(one) for one in found), None)


def _level(one: Mapping[str, Any]) -> Level:
    return Level(**{**one, "ranks": tuple(one["ranks"])})


def ordered(listed: Sequence[Entry], reading: Reading | None, *, by: str) -> list[Line]:
    """Best first, by the `raw` or the `calibrated` mean; what has none stands last, ties by reference."""
    plain = panel_list.ranks({entry.proposal: entry.mean for entry in listed})
    levels = reading.levels if reading else {}
    lines = [Line(one, plain.get(one.proposal), levels.get(one.proposal)) for one in listed]
    return sorted(lines, key=_by_level if by == "calibrated" else _by_mean)


def _by_mean(line: Line) -> tuple[bool, int, int]:
    return line.plain_rank is None, line.plain_rank or 0, line.entry.proposal


def _by_level(line: Line) -> tuple[bool, int, bool, int, int]:
    return line.level is None, line.level.rank if line.level else 0, *_by_mean(line)
