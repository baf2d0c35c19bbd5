"""What a split says: awards in exact integers, a reason for each, and the price of a pool."""

import enum
from dataclasses import dataclass

from allocations.programme.selection.bands import Band
from allocations.programme.selection.requests import Portion


class Kind(enum.StrEnum):
    """`AVOIDABLE` says that a better proposal lost its place to worse ones; it does not happen unless
    the solver ran into its limit, and is shown rather than hidden."""

    FULL = "funded in full"
    CUT = "cut"
    PINNED = "set by the chair"
    NO_ROOM = "would not fit"
    INSTITUTION_CAP = "institution cap"
    BELOW_LINE = "below the line"
    AVOIDABLE = "avoidable"


@dataclass(frozen=True, slots=True)
class Certificate:
    """Why an outcome is what it is, in words for the letter; `pools` are those that the reason names."""

    kind: Kind
    reason: str
    pools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Served:
    """One line: micro-units awarded, and what they take from each pool (micro-units of the pool)."""

    awarded: int
    uses: tuple[Portion, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`source`: chair, high-risk reserve, first-time reserve or score; empty without an award."""

    proposal: int
    rank: int
    lines: tuple[Served, ...]
    source: str
    certificate: Certificate

    @property
    def awarded(self) -> int:
        return sum(line.awarded for line in self.lines)


@dataclass(frozen=True, slots=True)
class Price:
    """Score points times units that one more unit of the pool would serve; 0 while some is left."""

    pool: str
    value: float


@dataclass(frozen=True, slots=True)
class Split:
    """Outcomes by rank. `proven` is False when a solver stopped at its limit before the optimum was sure."""

    outcomes: tuple[Outcome, ...]
    bands: tuple[Band, ...]
    left: tuple[Portion, ...]
    prices: tuple[Price, ...]
    value: float
    proven: bool


@dataclass(frozen=True, slots=True)
class Change:
    """What an edit or more capacity does to one proposal, in micro-units awarded in all."""

    proposal: int
    before: int
    after: int
