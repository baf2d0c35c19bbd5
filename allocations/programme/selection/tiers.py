"""Three tiers, as in distributed review: the top first, the middle by lot until the budget is gone."""

import enum
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from allocations.programme.selection import seeds


class Tier(enum.StrEnum):
    TOP = "top"
    MIDDLE = "middle"
    LOWER = "lower"


class Fate(enum.StrEnum):
    """`PASSED_OVER`: drawn when less than its cost was left; a smaller one behind it may still fit."""

    FUNDED = "funded"
    PASSED_OVER = "passed over"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True, order=True)
class Placed:
    """A proposal in its tier; `costs` in micro-units, one for each pool that is drawn for."""

    proposal: int
    tier: Tier
    costs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TierRecord:
    """Re-runs from its inputs. `fates` stand in the order in which proposals were drawn."""

    placed: tuple[Placed, ...]
    budget: tuple[int, ...]
    commitment: str
    secret: str
    public: str
    fates: tuple[tuple[int, Fate], ...]
    left: tuple[int, ...]
    version: int = 2


def draw(
    placed: Sequence[Placed], budget: tuple[int, ...], *, commitment: str, secret: str, public: str
) -> TierRecord:
    """Within the top tier, too, the order is drawn: nobody there has a claim before another."""
    if not seeds.keeps(secret, commitment):
        raise ValueError("This is not the secret that was committed to.")
    ordered = tuple(sorted(placed))
    if len({one.proposal for one in ordered}) < len(ordered) or any(min(one.costs) < 0 for one in ordered):
        raise ValueError("A proposal is in the draw once, and its costs are not negative.")
    if any(len(one.costs) != len(budget) for one in ordered):
        raise ValueError("Every proposal has a cost for each pool.")
    seed = seeds.mixed(secret=secret, public=public, subject=digest(ordered, budget))
    order = seeds.shuffled(seed, [one.proposal for one in ordered])
    known = {one.proposal: one for one in ordered}
    rank = {tier: number for number, tier in enumerate(Tier)}
    left, fates = budget, []
    for proposal in sorted(order, key=lambda one: (rank[known[one].tier], order.index(one))):
        fate = _fate(known[proposal], left)
        if fate is Fate.FUNDED:
            left = tuple(have - cost for have, cost in zip(left, known[proposal].costs, strict=True))
        fates.append((proposal, fate))
    return TierRecord(ordered, budget, commitment, secret, public, tuple(fates), left)


def _fate(one: Placed, left: tuple[int, ...]) -> Fate:
    if one.tier is Tier.LOWER:
        return Fate.DECLINED
    fits = all(cost <= have for cost, have in zip(one.costs, left, strict=True))
    return Fate.FUNDED if fits else Fate.PASSED_OVER


def digest(placed: Sequence[Placed], budget: tuple[int, ...]) -> str:
    """Published when the tiers are frozen."""
    listed = {"placed": [asdict(one) for one in sorted(placed)], "budget": budget}
    return hashlib.sha256(json.dumps(listed, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def replay(record: TierRecord) -> TierRecord:
    return draw(
        record.placed,
        record.budget,
        commitment=record.commitment,
        secret=record.secret,
        public=record.public,
    )
