"""The panel's list as a CSV file: what its page shows, one line a proposal."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from allocations.kernel import units
from allocations.people.roles import Actor
from allocations.programme import disclosure
from allocations.programme.calibrated import Level, Line
from allocations.programme.calls import Call
from allocations.programme.proposals import Proposal

HEADS = ("Proposal", "Title", "PI", "Institution", "State", "Plain rank", "Plain mean", "Reviews", "Scores")
MEAN_HEADS = ("Calibrated rank", "Calibrated mean", "Standard deviation")
RANK_HEADS = ("Rank at 5 %", "Rank at 25 %", "Rank at 75 %", "Rank at 95 %")
LEVEL_HEADS = (*MEAN_HEADS, *RANK_HEADS, "Chance among the best", "Suggestion", "Group")
AMOUNTS = ("requested", "recommended", "awarded")
# Spreadsheet programs take a cell that begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def rows(
    actor: Actor, call: Call, lines: Iterable[Line], known: Mapping[int, Proposal]
) -> Iterable[Sequence[object]]:
    resources = call.resources
    amounts = [f"{one.name} {amount} ({one.unit})" for one in resources for amount in AMOUNTS]
    yield [*HEADS, *LEVEL_HEADS, *amounts]
    for line in lines:
        proposal = known[line.entry.proposal]
        asked = {wanted.resource_id: wanted for wanted in proposal.requests}
        cells = [_amount(getattr(asked.get(one.id), amount, None)) for one in resources for amount in AMOUNTS]
        yield [*_about(actor, proposal), *_plain(line), *_level(line.level), *cells]


def _about(actor: Actor, proposal: Proposal) -> list[object]:
    named = disclosure.shows_team(actor, proposal)
    team = [proposal.pi.name, proposal.pi.affiliation] if named else ["", ""]
    return [proposal.ref, proposal.heading, *team, str(proposal.state).replace("_", " ")]


def _plain(line: Line) -> list[object]:
    entry = line.entry
    mean = "" if entry.mean is None else f"{entry.mean:.4f}"
    scores = " ".join(f"{score:g}" for score in entry.scores)
    return [line.plain_rank or "", mean, len(entry.given), scores]


def _level(level: Level | None) -> list[object]:
    if level is None:
        return [""] * len(LEVEL_HEADS)
    chance = f"{level.chance:.4f}"
    mean, spread = f"{level.mean:.4f}", f"{level.sd:.4f}"
    return [level.rank, mean, spread, *level.ranks, chance, level.zone, level.island]


def _amount(micro: int | None) -> str:
    return "" if micro is None else f"{units.units(micro):f}"


def written(lines: Iterable[Sequence[object]]) -> str:
    kept = io.StringIO()
    csv.writer(kept).writerows([_harmless(cell) for cell in line] for line in lines)
    return kept.getvalue()


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
