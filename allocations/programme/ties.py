"""Lots among tied proposals of a panel: a secret sealed, a tie declared, a draw that anybody repeats."""

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from statistics import fmean
from typing import Any

from sqlalchemy.orm import Session

from allocations.kernel import audit, clock
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.errors import IllegalMove, Incomplete, Invalid
from allocations.people.roles import Actor
from allocations.programme import calibrated, decisions, draws, panel_list, runs, splitting
from allocations.programme.calibrated import Level
from allocations.programme.calls import Call, Reviewers
from allocations.programme.draws import Draw
from allocations.programme.panel_list import Entry
from allocations.programme.proposals import State
from allocations.programme.runs import RunKind
from allocations.programme.selection import lottery, seeds
from allocations.programme.selection.lottery import Record, Tie

# Further from the line than so many sds no proposal is offered; of the others, the nearest.
REACH, MOST = 2.0, 60


@dataclass(frozen=True, slots=True)
class Standing:
    """Scores of what waits for a decision, `width` being one sd; `offered` and `suggested` stand best first.

    Without a calibration there is no line: the nearest of all are offered, and none is suggested.
    """

    scores: Mapping[int, float]
    width: float
    is_calibrated: bool
    offered: tuple[int, ...]
    suggested: tuple[int, ...] = ()
    places: int = 1
    # Reviews that are still to come, of what waits for a decision.
    awaited: int = 0

    @property
    def has_tie(self) -> bool:
        near = itertools.pairwise(self.scores[key] for key in self.offered)
        return any(better - worse < self.width for better, worse in near)


@dataclass(frozen=True, slots=True)
class Declared:
    """The tie, how many of it win, and where the public value will come from."""

    proposals: Sequence[int]
    places: int
    source: str


def may_run(actor: Actor, call: Call) -> Answer:
    """To seal, declare and draw."""
    return first_no(
        decisions.is_decider(actor, call),
        when(call.reviewed_by == Reviewers.EXPERTS, "Where applicants review each other there are tiers."),
        when(call.window == "closed", "Ties are declared after the call has closed."),
    )


def is_something_to_draw(here: Standing) -> Answer:
    """Whether it is known that lots are wanted: a secret sealed for nothing is a step for nothing."""
    come = "1 review is" if here.awaited == 1 else f"{here.awaited} reviews are"
    return first_no(
        when(not here.awaited, f"{come} still to come. What is tied is known when all are in."),
        when(
            len(here.scores) > 1,
            "Fewer than two proposals with a submitted review wait for a decision: there is nothing to draw.",
        ),
        when(
            here.has_tie,
            "No two proposals are so close that reviews cannot tell them apart: there is nothing to draw.",
        ),
    )


def of_call(session: Session, call: Call) -> Draw | None:
    return draws.of_call(session, call) if call.reviewed_by == Reviewers.EXPERTS else None


def seal(session: Session, actor: Actor, call: Call, *, secret: str) -> Draw:
    """Fix a secret that nobody sees, before a tie is declared; its fingerprint is public at once."""
    require(may_run(actor, call))
    require(seeds.may_seal(secret))
    if of_call(session, call) is not None:
        raise IllegalMove("A secret is sealed for this call already.")
    require(is_something_to_draw(standing(session, actor, call)))
    draw = Draw(call_id=call.id, secret=secret, commitment=seeds.commitment(secret), sealed_by=actor.name)
    session.add(draw)
    session.flush()
    audit.record(session, actor, "draw.seal", subject=call.ref, note=f"fingerprint {draw.commitment[:16]}")
    return draw


def standing(session: Session, actor: Actor, call: Call) -> Standing:
    """As the actor's list has it: calibrated scores where they cover all that waits, else plain means."""
    listed = panel_list.entries(session, actor, call)
    awaited = sum(one.asked - len(one.given) for one in listed if one.state == State.IN_REVIEW)
    waiting = [entry for entry in listed if splitting.is_candidate(entry)]
    reading = calibrated.read(runs.newest_and_done(session, call, RunKind.CALIBRATION)[1], listed)
    levels = reading.levels if reading else {}
    if reading is None or not waiting or any(entry.proposal not in levels for entry in waiting):
        return _plain(waiting, awaited)
    scores = {entry.proposal: levels[entry.proposal].mean for entry in waiting}
    width = fmean(levels[key].sd for key in scores)
    line = _line(levels, reading.places)
    near = [key for key in _best_first(scores) if abs(scores[key] - line) <= REACH * width]
    near = sorted(near, key=lambda key: (abs(scores[key] - line), key))[:MOST]
    offered = tuple(key for key in _best_first(scores) if key in near)
    tied = tuple(k for k in offered if abs(scores[k] - line) <= width and levels[k].zone == "discuss")
    ahead = sum(1 for key, level in levels.items() if key not in tied and level.mean > line)
    left = max(1, min(reading.places - ahead, len(tied) - 1))
    return Standing(scores, width, True, offered, tied, places=left, awaited=awaited)


def _plain(waiting: Sequence[Entry], awaited: int) -> Standing:
    scores = {entry.proposal: entry.mean or 0.0 for entry in waiting}
    width = splitting.plain_width(waiting)
    return Standing(scores, width, False, tuple(_best_first(scores)[:MOST]), awaited=awaited)


def _best_first(scores: Mapping[int, float]) -> list[int]:
    return sorted(scores, key=lambda key: (-scores[key], key))


def _line(levels: Mapping[int, Level], places: int) -> float:
    """Between the last that the call can pay for and the next one."""
    means = sorted((level.mean for level in levels.values()), reverse=True)
    # Whoever may not know of all may see fewer than there are places.
    last = min(places, len(means))
    return fmean(means[last - 1 : last + 1])


def declare(session: Session, actor: Actor, call: Call, declared: Declared) -> Tie:
    """Fix the tie, its chances and the source of the public value, for good and in public."""
    require(may_run(actor, call))
    draw = _sealed(session, call)
    if draw.frozen_at is not None:
        raise IllegalMove("The tie is declared already.")
    here = standing(session, actor, call)
    _check(here, declared)
    scores = [(key, here.scores[key]) for key in sorted(set(declared.proposals))]
    tie = lottery.tie(call.ref, scores, places=declared.places, width=here.width)
    known = panel_list.loaded(session, [key for key, _ in scores])
    _check_chances(lottery.chances(tie), {key: known[key].ref for key, _ in scores})
    draw.placed = [asdict(entry) | {"ref": known[entry.proposal].ref} for entry in tie.entries]
    draw.budget = {"places": tie.places, "width_micro": tie.width_micro}
    draw.digest, draw.source, draw.frozen_at = lottery.digest(tie), declared.source.strip(), clock.now()
    audit.record(session, actor, "draw.freeze", subject=call.ref, note=f"fingerprint {draw.digest[:16]}")
    return tie


def _sealed(session: Session, call: Call) -> Draw:
    draw = of_call(session, call)
    if draw is None:
        raise IllegalMove("Seal a secret first.")
    return draw


def _check(here: Standing, declared: Declared) -> None:
    wrong: dict[str, str] = {}
    chosen = set(declared.proposals)
    if not chosen <= set(here.scores):
        wrong["tied"] = "Choose proposals of the list that wait for a decision."
    elif len(chosen) < 2:
        wrong["tied"] = "A tie has at least two proposals."
    elif not 0 < declared.places < len(chosen):
        wrong["places"] = f"Enter a number from 1 to {len(chosen) - 1}: there must be winners and losers."
    if len(declared.source.strip()) < 10:
        wrong["source"] = "Say which value you will use, and when it becomes known."
    if wrong:
        raise Invalid(wrong)


def _check_chances(chances: Mapping[int, Fraction], refs: Mapping[int, str]) -> None:
    """Whoever is sure to win or to lose is tied with nobody, and is decided without lots."""
    sure = [f"{refs[key]} would always win" for key, chance in chances.items() if chance == 1]
    sure += [f"{refs[key]} would never win" for key, chance in chances.items() if chance == 0]
    if sure:
        told = f"Their scores are too far apart to be a tie: {'; '.join(sure[:5])}. Leave them out."
        raise Invalid({"tied": told})


def tie_of(call: Call, draw: Draw) -> Tie | None:
    """As it was declared; None before."""
    if draw.frozen_at is None:
        return None
    entries = tuple(lottery.Entry(one["proposal"], one["score_micro"]) for one in draw.placed)
    return Tie(call.ref, entries, draw.budget["places"], draw.budget["width_micro"])


def draw_lots(session: Session, actor: Actor, call: Call, *, public: str) -> Record:
    """Draw. `public` is a value that nobody could know when the tie was declared, and all can look up.

    Nothing is decided by it: the split leaves the losers out, and whoever decides follows, or says why not.
    """
    require(may_run(actor, call))
    draw = _sealed(session, call)
    tie = tie_of(call, draw)
    if tie is None:
        raise IllegalMove("Declare the tie first.")
    if draw.drawn_at is not None:
        raise IllegalMove("The lots are drawn already.")
    if len(public.strip()) < 4:
        raise Incomplete({"public": "Enter the public value, with its source and date."})
    record = lottery.draw(tie, commitment=draw.commitment, secret=draw.secret, public=public.strip())
    draw.record = json.loads(lottery.to_json(record))
    # The worker, which decides by tiers, has nothing to do here.
    draw.drawn_at = draw.applied_at = clock.now()
    audit.record(session, actor, "draw.draw", subject=call.ref, note=public.strip())
    return record


def is_sound(values: Mapping[str, Any]) -> bool:
    """Whether the record follows from its own inputs."""
    try:
        given = lottery.from_json(json.dumps(values))
        return lottery.replay(given) == given
    except (KeyError, TypeError, ValueError, AttributeError):
        return False
