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
    """A proposal in its tier; `cost` in micro-units."""

    proposal: int
    tier: Tier
    cost: int


@dataclass(frozen=True, slots=True)
class TierRecord:
    """Re-runs from its inputs. `fates` stand in the order in which proposals were drawn."""

    placed: tuple[Placed, ...]
    budget: int
    commitment: str
    secret: str
    public: str
    fates: tuple[tuple[int, Fate], ...]
    left: int
    version: int = 1


def draw(placed: Sequence[Placed], budget: int, *, commitment: str, secret: str, public: str) -> TierRecord:
    """Within the top tier, too, the order is drawn: nobody there has a claim before another."""
    if not seeds.keeps(secret, commitment):
        raise ValueError("This is not the secret that was committed to.")
    ordered = tuple(sorted(placed))
    if len({one.proposal for one in ordered}) < len(ordered) or any(one.cost < 0 for one in ordered):
        raise ValueError("A proposal is in the draw once, and its cost is not negative.")
    seed = seeds.mixed(secret=secret, public=public, subject=digest(ordered, budget))
    order = seeds.shuffled(seed, [one.proposal for one in ordered])
    known = {one.proposal: one for one in ordered}
    rank = {tier: number for number, tier in enumerate(Tier)}
    left, fates = budget, []
    for proposal in sorted(order, key=lambda one: (rank[known[one].tier], order.index(one))):
        fate = _fate(known[proposal], left)
        left -= known[proposal].cost if fate is Fate.FUNDED else 0
        fates.append((proposal, fate))
    return TierRecord(ordered, budget, commitment, secret, public, tuple(fates), left)


def _fate(one: Placed, left: int) -> Fate:
    if one.tier is Tier.LOWER:
        return Fate.DECLINED
    return Fate.FUNDED if one.cost <= left else Fate.PASSED_OVER


def digest(placed: Sequence[Placed], budget: int) -> str:
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
