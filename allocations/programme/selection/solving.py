"""The split as linear rows: one builder for the band problems, the spread and the bounds.

Inside, amounts are floats in whole units; exact integers are made afterwards (rounding).
"""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import coo_array, csr_array, vstack

from allocations.programme.selection.requests import Candidate, Rate

Floats = NDArray[np.float64]

MICRO = 1_000_000
# The limit that binds is the number of nodes: it gives the same answer on every machine.
GAP, NODES, SECONDS = 1e-4, 3000, 120.0
USED = 1e-7


class Mode(enum.Enum):
    """`KEPT` is funded already; `MUST` is funded, its pools still open; `OPEN` is to be decided."""

    KEPT = enum.auto()
    MUST = enum.auto()
    OPEN = enum.auto()


@dataclass(frozen=True, slots=True)
class Item:
    """A candidate at amounts between `least` and `most` on each line (micro-units), from these pools.

    `rates` may name fewer pools than the line does: those that were chosen when it was funded.
    """

    candidate: Candidate
    least: tuple[int, ...]
    most: tuple[int, ...]
    rates: tuple[tuple[Rate, ...], ...]
    mode: Mode


@dataclass(frozen=True, slots=True)
class Space:
    """Micro-units by pool, what one weighs in credits, and the micro-credits left by institution (or all)."""

    capacity: Mapping[str, int]
    credit: Mapping[str, Fraction]
    houses: Mapping[str, Fraction] | None


@dataclass(frozen=True, slots=True)
class Solution:
    """`funded` numbers of items; `served[item][line]` units by pool; `prices` value of one pool unit more."""

    funded: tuple[int, ...]
    served: tuple[tuple[Mapping[str, float], ...], ...]
    prices: Mapping[str, float]
    value: float
    proven: bool


@dataclass(slots=True)
class _Sheet:
    """Columns and rows as they are written down; `rows` holds (row, column, coefficient)."""

    gain: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    lower: list[float] = field(default_factory=list)
    whole: list[int] = field(default_factory=list)
    rows: list[tuple[int, int, float]] = field(default_factory=list)
    least: list[float] = field(default_factory=list)
    most: list[float] = field(default_factory=list)
    shares: dict[tuple[int, int, str], int] = field(default_factory=dict)
    chosen: dict[int, int] = field(default_factory=dict)

    def column(self, gain: float = 0.0, *, lower: float = 0.0, whole: int = 0) -> int:
        self.gain.append(gain)
        self.lower.append(lower)
        self.upper.append(1.0)
        self.whole.append(whole)
        return len(self.gain) - 1

    def row(
        self, terms: Sequence[tuple[int, float]], *, least: float = -np.inf, most: float = np.inf
    ) -> None:
        self.rows += [(len(self.least), column, factor) for column, factor in terms]
        self.least.append(least)
        self.most.append(most)

    def matrix(self) -> csr_array:
        row, column, factor = zip(*self.rows, strict=True)
        return coo_array((factor, (row, column)), shape=(len(self.least), len(self.gain))).tocsr()


def solve(space: Space, items: Sequence[Item], *, gap: float = GAP) -> Solution | None:
    """Maximises score times served amount; None when what must be funded does not fit.

    The value of an hour depends on the score alone: any bonus per award would prefer small requests.
    """
    if not items:
        return Solution((), (), dict.fromkeys(space.capacity, 0.0), 0.0, proven=True)
    sheet = _sheet(space, items)
    found = milp(
        -_scaled(sheet),
        integrality=np.array(sheet.whole),
        bounds=Bounds(np.array(sheet.lower), np.array(sheet.upper)),
        constraints=LinearConstraint(sheet.matrix(), np.array(sheet.least), np.array(sheet.most)),
        options={"mip_rel_gap": gap, "node_limit": NODES, "time_limit": SECONDS},
    )
    if found.x is None:
        return None
    return _read(sheet, items, np.asarray(found.x), dict.fromkeys(space.capacity, 0.0), found.status == 0)


def relax(space: Space, items: Sequence[Item]) -> Solution | None:
    """The linear problem alone: exact for kept items, a bound for open ones; with prices of the pools."""
    if not items:
        return Solution((), (), dict.fromkeys(space.capacity, 0.0), 0.0, proven=True)
    sheet = _sheet(space, items)
    matrix, least, most = sheet.matrix(), np.array(sheet.least), np.array(sheet.most)
    same = least == most
    over, under = np.flatnonzero(~same & np.isfinite(most)), np.flatnonzero(~same & np.isfinite(least))
    # The published types know dense matrices only; the function takes sparse ones.
    above: Any = vstack([matrix[over], -matrix[under]], format="csr")
    equal: Any = matrix[np.flatnonzero(same)] if same.any() else None
    found = linprog(
        -np.array(sheet.gain),
        A_ub=above,
        b_ub=np.concatenate([most[over], -least[under]]),
        A_eq=equal,
        b_eq=most[same] if same.any() else None,
        bounds=list(zip(sheet.lower, sheet.upper, strict=True)),
        method="highs",
    )
    if found.x is None or found.status != 0:
        return None
    duals = dict(zip(over.tolist(), (-found.ineqlin.marginals[: len(over)]).tolist(), strict=True))
    prices = {slug: float(duals.get(row, 0.0)) for row, slug in enumerate(space.capacity)}
    return _read(sheet, items, np.asarray(found.x), prices, proven=True)


def _scaled(sheet: _Sheet) -> Floats:
    """Solvers stop at an absolute gap, too: the smallest gain must stand well above it."""
    gains = np.array(sheet.gain)
    smallest = gains[gains > 0].min(initial=np.inf)
    return np.asarray(gains / smallest) if np.isfinite(smallest) else gains


def _sheet(space: Space, items: Sequence[Item]) -> _Sheet:
    """Columns are shares of `most`; the first rows are the pools, in the order of `space.capacity`."""
    sheet = _Sheet()
    pools: dict[str, list[tuple[int, float]]] = {slug: [] for slug in space.capacity}
    houses: dict[str, list[tuple[int, float]]] = {}
    for number, item in enumerate(items):
        if item.mode is not Mode.KEPT:
            forced = 1.0 if item.mode is Mode.MUST else 0.0
            sheet.chosen[number] = sheet.column(lower=forced, whole=1)
        for place, rates in enumerate(item.rates):
            for rate in rates:
                units = item.most[place] / MICRO
                column = sheet.column(item.candidate.score * units)
                sheet.shares[number, place, rate.pool] = column
                hours = units / float(rate.worth)
                pools[rate.pool].append((column, hours))
                weighed = (column, hours * float(space.credit[rate.pool]))
                houses.setdefault(item.candidate.institution, []).append(weighed)
    for slug, terms in pools.items():
        sheet.row(terms, most=space.capacity[slug] / MICRO)
    limits = space.houses or {}
    for house in sorted(houses.keys() & limits.keys()):
        sheet.row(houses[house], most=float(limits[house] / MICRO))
    for number, item in enumerate(items):
        for place in range(len(item.rates)):
            _line(sheet, item, number, place)
    return sheet


def _line(sheet: _Sheet, item: Item, number: int, place: int) -> None:
    """What ties one line's shares to the decision, and to at most so many pools."""
    columns = [sheet.shares[number, place, rate.pool] for rate in item.rates[place]]
    floor = item.least[place] / item.most[place]
    shares = [(column, 1.0) for column in columns]
    if item.mode is Mode.KEPT:
        sheet.row(shares, least=floor, most=1.0)
        return
    decision = sheet.chosen[number]
    if floor == 1.0:
        sheet.row([*shares, (decision, -1.0)], least=0.0, most=0.0)
    else:
        sheet.row([*shares, (decision, -1.0)], most=0.0)
        sheet.row([*shares, (decision, -floor)], least=0.0)
    allowed = item.candidate.lines[place].most_pools
    if len(columns) > allowed:
        used = [sheet.column(whole=1) for _ in columns]
        for column, use in zip(columns, used, strict=True):
            sheet.row([(column, 1.0), (use, -1.0)], most=0.0)
        sheet.row([*((use, 1.0) for use in used), (decision, -float(allowed))], most=0.0)


def _read(
    sheet: _Sheet, items: Sequence[Item], x: Floats, prices: Mapping[str, float], proven: bool
) -> Solution:
    served = tuple(
        tuple(
            {
                rate.pool: max(0.0, float(x[sheet.shares[number, place, rate.pool]]))
                * item.most[place]
                / MICRO
                for rate in rates
            }
            for place, rates in enumerate(item.rates)
        )
        for number, item in enumerate(items)
    )
    funded = tuple(
        number for number in range(len(items)) if number not in sheet.chosen or x[sheet.chosen[number]] > 0.5
    )
    return Solution(funded, served, prices, float(np.array(sheet.gain) @ x), proven)
