"""From floats to integers: nothing over-committed, nothing under its least."""

from fractions import Fraction

from allocations.programme.selection import rounding
from allocations.programme.selection.requests import Candidate, Line, Rate
from allocations.programme.selection.rounding import Desk
from allocations.programme.selection.solving import Item, Mode, Solution, Space

MICRO = 1_000_000


def item(proposal: int, least: int, *rates: Rate, house: str = "House") -> Item:
    line = Line(100 * MICRO, least * MICRO, rates)
    return Item(
        Candidate(proposal, 5.0, house, (line,)), (least * MICRO,), (100 * MICRO,), (rates,), Mode.KEPT
    )


def rounded(items: list[Item], served: list[dict[str, float]], space: Space) -> Desk | None:
    found = Solution(tuple(range(len(items))), tuple((one,) for one in served), {}, 0.0, proven=True)
    return rounding.exact(space, items, found)


def space(*units: int, cap: int | None = None) -> Space:
    slugs = "ab"[: len(units)]
    houses = None if cap is None else {"House": Fraction(cap * MICRO), "Other": Fraction(cap * MICRO)}
    capacity = {slug: amount * MICRO for slug, amount in zip(slugs, units, strict=True)}
    return Space(capacity, dict.fromkeys(slugs, Fraction(1)), houses)


def test_what_is_over_is_taken_from_those_above_their_least() -> None:
    items = [item(1, 40, Rate("a")), item(2, 40, Rate("a"))]

    desk = rounded(items, [{"a": 60.000004}, {"a": 40.000003}], space(100))

    assert desk is not None
    assert desk.free == {"a": 0}
    assert desk.served(1, 0) >= 40 * MICRO
    assert desk.served(0, 0) + desk.served(1, 0) == 100 * MICRO


def test_an_institutions_cap_is_kept_to_the_last_millionth() -> None:
    items = [item(1, 40, Rate("a")), item(2, 10, Rate("b"))]

    desk = rounded(items, [{"a": 40.0}, {"b": 20.000005}], space(100, 100, cap=60))

    assert desk is not None
    assert desk.room is not None
    assert desk.room["House"] == 0


def test_who_is_short_of_a_millionth_takes_it_from_another_who_can_move() -> None:
    """Pool a is full to the brim; the second can take its part from pool b."""
    items = [item(1, 60, Rate("a"), house="Other"), item(2, 40, Rate("a"), Rate("b"))]

    desk = rounded(items, [{"a": 59.999999}, {"a": 40.000001, "b": 0.0}], space(100, 5))

    assert desk is not None
    assert desk.served(0, 0) >= 60 * MICRO
    assert desk.served(1, 0) >= 40 * MICRO
    assert min(desk.free.values()) >= 0


def test_what_cannot_be_put_right_is_not_hidden() -> None:
    items = [item(1, 60, Rate("a")), item(2, 50, Rate("a"))]

    assert rounded(items, [{"a": 55.0}, {"a": 45.0}], space(100)) is None


def test_nobody_holds_hours_that_serve_nothing() -> None:
    """An odd rate: 100 units need 150 / 7 hours, rounded up once and not in each pool."""
    items = [item(1, 100, Rate("a", Fraction(14, 3)))]

    desk = rounded(items, [{"a": 100.0}], space(100))

    assert desk is not None
    hours = desk.hours[0, 0, "a"]
    assert hours * 14 // 3 >= 100 * MICRO > (hours - 1) * 14 // 3


def test_what_a_solver_gives_above_the_request_goes_back_to_the_pool() -> None:
    items = [item(1, 40, Rate("a"), Rate("b"))]

    desk = rounded(items, [{"a": 60.000003, "b": 40.000003}], space(100, 100))

    assert desk is not None
    assert desk.served(0, 0) == 100 * MICRO
    assert sum(desk.free.values()) == 100 * MICRO
