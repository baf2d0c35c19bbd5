"""From the solver's floats to exact integers that keep every limit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from allocations.programme.selection.requests import Rate
from allocations.programme.selection.solving import MICRO, Item, Solution, Space

# Within a millionth of the request the solver means the whole request.
CLOSE = Fraction(1, 1_000_000)

Key = tuple[int, int, str]


@dataclass(slots=True)
class Desk:
    """Integer hours by (item, line, pool) while they are put right; `free` by pool, `room` by institution."""

    items: Sequence[Item]
    hours: dict[Key, int]
    free: dict[str, int]
    room: dict[str, Fraction] | None
    credit: Mapping[str, Fraction]

    def served(self, number: int, place: int) -> int:
        """Whole micro-units that the hours are worth, rounded down pool by pool."""
        return sum(
            floor(self.hours[number, place, rate.pool] * rate.worth)
            for rate in self.items[number].rates[place]
        )

    def add(self, key: Key, amount: int) -> None:
        """Books `amount` (which may be negative) on the line, its pool and its institution."""
        self.hours[key] += amount
        self.free[key[2]] -= amount
        if self.room is not None:
            self.room[self.house(key[0])] -= amount * self.credit[key[2]]

    def house(self, number: int) -> str:
        return self.items[number].candidate.institution

    def fits(self, key: Key) -> int:
        """How many more micro-units of the pool this line could take."""
        most = self.free[key[2]]
        if self.room is not None:
            most = min(most, floor(self.room[self.house(key[0])] / self.credit[key[2]]))
        return max(0, most)


def exact(space: Space, items: Sequence[Item], found: Solution) -> Desk | None:
    """Hours that over-commit nothing and give every line its least; None when rounding cannot do that.

    Each step repairs at most a few micro-units a line: the solver's answer is right to about 1e-7.
    """
    desk = Desk(items, {}, dict(space.capacity), dict(space.houses) if space.houses else None, space.credit)
    targets = {}
    for number, item in enumerate(items):
        for place, rates in enumerate(item.rates):
            targets[number, place] = _target(item, place, found.served[number][place])
            for rate in rates:
                key = number, place, rate.pool
                desk.hours[key] = 0
                desk.add(key, round(Fraction(found.served[number][place][rate.pool]) * MICRO / rate.worth))
    _shave(desk)
    short = [line for line in targets if not _topped(desk, line, targets[line])]
    for line in short:
        if not _moved(desk, line, items[line[0]].least[line[1]]):
            return None
    for number, place in targets:
        # Crumbs left in a pool complete somebody's request: nobody is cut by a millionth.
        _topped(desk, (number, place), items[number].most[place])
        _trim(desk, (number, place), items[number].most[place])
    return desk


def _target(item: Item, place: int, served: Mapping[str, float]) -> int:
    got = round(sum(served.values()) * MICRO)
    most, least = item.most[place], item.least[place]
    return most if got >= most * (1 - CLOSE) else max(got, least)


def _shave(desk: Desk) -> None:
    """Take what is too much off the lines that stand highest above their least."""
    for key in sorted(desk.hours, key=lambda key: (-_above(desk, key), key)):
        over = max(0, -desk.free[key[2]])
        if desk.room is not None:
            over = max(over, ceil(-desk.room[desk.house(key[0])] / desk.credit[key[2]]))
        desk.add(key, -min(over, desk.hours[key]))


def _above(desk: Desk, key: Key) -> int:
    return desk.served(key[0], key[1]) - desk.items[key[0]].least[key[1]]


def _topped(desk: Desk, line: tuple[int, int], target: int) -> bool:
    """Fill a line up to its target from what is free; whether it then has its least."""
    for rate in desk.items[line[0]].rates[line[1]]:
        missing = target - desk.served(*line)
        if missing > 0:
            key = (*line, rate.pool)
            desk.add(key, min(desk.fits(key), ceil(missing / rate.worth)))
    return desk.served(*line) >= desk.items[line[0]].least[line[1]]


def _moved(desk: Desk, line: tuple[int, int], least: int) -> bool:
    """Make room for the last micro-units: another line gives them up, or takes them from another pool."""
    for rate in desk.items[line[0]].rates[line[1]]:
        for other in sorted(desk.hours, key=lambda key: (-_above(desk, key), key)):
            missing = ceil((least - desk.served(*line)) / rate.worth)
            if missing <= 0:
                return True
            if other[2] == rate.pool and other[:2] != line and desk.hours[other] >= missing:
                _swap(desk, other, (*line, rate.pool), missing)
    return desk.served(*line) >= least


def _swap(desk: Desk, giver: Key, taker: Key, amount: int) -> None:
    """Undone when the giver would fall under its least, or the taker's institution over its cap."""
    before = dict(desk.hours)
    desk.add(giver, -amount)
    if desk.fits(taker) >= amount:
        desk.add(taker, amount)
    line = giver[0], giver[1]
    if not _topped(desk, line, desk.items[line[0]].least[line[1]]):
        for key, hours in before.items():
            desk.add(key, hours - desk.hours[key])


def _trim(desk: Desk, line: tuple[int, int], target: int) -> None:
    """Give back hours that serve nothing, such as the last part of a rounded-up one."""
    rates = sorted(desk.items[line[0]].rates[line[1]], key=lambda rate: desk.hours[(*line, rate.pool)])
    for rate in rates:
        key = (*line, rate.pool)
        spare = max(0, desk.served(*line) - target)
        desk.add(key, -min(desk.hours[key], _worthless(desk.hours[key], rate, spare)))


def _worthless(hours: int, rate: Rate, spare: int) -> int:
    """The most hours that can go while no more than `spare` micro-units are lost."""
    return hours - ceil(max(0, floor(hours * rate.worth) - spare) / rate.worth)
