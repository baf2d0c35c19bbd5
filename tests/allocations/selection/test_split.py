"""The split of pools: promises, limits, reserves, pins and reasons, on rounds small enough to see through."""

from dataclasses import replace
from fractions import Fraction

import pytest

from allocations.programme.selection import checking
from allocations.programme.selection.bands import Impossible
from allocations.programme.selection.requests import Candidate, Line, Pin, Pool, Portion, Rate, Round, Rules
from allocations.programme.selection.results import Change, Kind, Outcome, Split
from allocations.programme.selection.split import newly_funded, repinned, split, with_more

MICRO = 1_000_000
RULES = Rules(width=0.5)


def line(requested: int, minimum: int, *pools: str, most_pools: int = 2) -> Line:
    rates = tuple(Rate(pool) for pool in pools or ("h100",))
    return Line(requested * MICRO, minimum * MICRO, rates, most_pools)


def asked(proposal: int, score: float, *lines: Line, house: str = "") -> Candidate:
    return Candidate(proposal, score, house or f"House {proposal}", lines or (line(100, 40),))


def pool(units: int, slug: str = "h100") -> Pool:
    return Pool(slug, units * MICRO)


def done(this: Round) -> Split:
    result = split(this)
    assert checking.faults(this, result) == []
    assert result.proven
    return result


def units(result: Split) -> dict[int, float]:
    return {outcome.proposal: outcome.awarded / MICRO for outcome in result.outcomes}


def outcome(result: Split, proposal: int) -> Outcome:
    return next(found for found in result.outcomes if found.proposal == proposal)


def test_with_enough_for_all_everybody_gets_everything() -> None:
    result = done(Round((pool(300),), (asked(1, 8.0), asked(2, 6.0), asked(3, 4.0)), RULES))

    assert units(result) == {1: 100, 2: 100, 3: 100}
    assert {o.certificate.kind for o in result.outcomes} == {Kind.FULL}


def test_the_better_band_is_served_first_and_the_cut_one_is_told_which_pool_and_rank() -> None:
    result = done(Round((pool(150),), (asked(1, 8.0), asked(2, 6.0), asked(3, 4.0)), RULES))

    assert units(result) == {1: 100, 2: 50, 3: 0}
    assert outcome(result, 2).certificate.kind is Kind.CUT
    assert outcome(result, 2).certificate.reason == "Cut to 50 % because pool h100 is exhausted at rank 2."
    assert outcome(result, 3).certificate.kind is Kind.BELOW_LINE


def test_nobody_gets_less_than_the_minimum() -> None:
    result = done(Round((pool(130),), (asked(1, 8.0), asked(2, 6.0)), RULES))

    assert units(result) == {1: 100, 2: 0}


def test_a_better_proposal_that_cannot_fit_is_told_so_and_a_smaller_one_takes_the_rest() -> None:
    big, small = asked(2, 6.0, line(100, 80)), asked(3, 4.0, line(30, 20))

    result = done(Round((pool(150),), (asked(1, 8.0), big, small), RULES))

    assert units(result) == {1: 100, 2: 0, 3: 30}
    assert outcome(result, 2).certificate.kind is Kind.NO_ROOM
    assert "even if all worse ones were dropped" in outcome(result, 2).certificate.reason


def test_promises_fall_from_band_to_band_so_that_more_are_served() -> None:
    """Full awards from the top would leave 55 for the fourth, under the 60 that it needs."""
    crowd = tuple(asked(n, 9.0 - n, line(100, 60)) for n in range(1, 5))

    result = done(Round((pool(355),), crowd, RULES))

    assert [band.promise for band in result.bands] == [1, Fraction(9, 10), Fraction(8, 10), Fraction(7, 10)]
    assert units(result) == {1: 100, 2: 100, 3: 85, 4: 70}


def test_who_does_not_fit_at_the_promise_is_tried_at_the_next_one_before_worse_ones_come() -> None:
    result = done(Round((pool(95),), (asked(1, 8.0), asked(2, 6.0)), RULES))

    assert result.bands[0].held == ((1, Fraction(9, 10)),)
    assert units(result) == {1: 95, 2: 0}


def test_hours_move_to_another_pool_when_that_makes_room() -> None:
    """The best could sit in either pool; it must leave the one that the second depends on."""
    first, second = asked(1, 8.0, line(100, 100, "a", "b")), asked(2, 6.0, line(100, 100, "a"))

    result = done(Round((pool(100, "a"), pool(100, "b")), (first, second), RULES))

    assert units(result) == {1: 100, 2: 100}
    assert outcome(result, 1).lines[0].uses == (Portion("b", 100 * MICRO),)


def test_a_line_draws_on_no_more_pools_than_allowed() -> None:
    pools = (pool(40, "a"), pool(40, "b"), pool(40, "c"))
    this = Round(pools, (asked(1, 8.0, line(100, 50, "a", "b", "c", most_pools=2)),), RULES)

    result = done(this)

    assert units(result) == {1: 80}
    assert outcome(result, 1).certificate.kind is Kind.CUT


def test_the_exchange_rate_of_a_pool_counts() -> None:
    """An hour of the fast pool is worth five halves: 40 hours serve 100."""
    fast = Candidate(1, 8.0, "House", (Line(100 * MICRO, 50 * MICRO, (Rate("fast", Fraction(5, 2)),)),))

    result = done(Round((pool(60, "fast"),), (fast,), RULES))

    assert outcome(result, 1).lines[0].uses == (Portion("fast", 40 * MICRO),)


def test_rates_that_do_not_divide_still_give_whole_requests() -> None:
    rate = (Rate("odd", Fraction(7, 3)),)
    this = Round(
        (pool(50, "odd"),), (Candidate(1, 8.0, "House", (Line(100 * MICRO, 100 * MICRO, rate),)),), RULES
    )

    assert units(done(this)) == {1: 100}


def test_a_proposal_gets_its_minimum_on_every_line_or_nothing() -> None:
    both = asked(1, 8.0, line(50, 50, "gpu"), line(50, 50, "disk"))
    other = asked(2, 6.0, line(50, 50, "gpu"))

    result = done(Round((pool(60, "gpu"), pool(40, "disk")), (both, other), RULES))

    assert units(result) == {1: 0, 2: 50}


def test_an_institution_keeps_within_its_cap_and_is_told_so() -> None:
    crowd = (asked(1, 8.0, house="North"), asked(2, 7.0, house="North"), asked(3, 6.0, house="South"))

    result = done(Round((pool(400),), crowd, replace(RULES, cap=Fraction(3, 10))))

    assert units(result) == {1: 100, 2: 0, 3: 100}
    assert outcome(result, 2).certificate.kind is Kind.INSTITUTION_CAP
    assert "North" in outcome(result, 2).certificate.reason


def test_set_asides_are_taken_out_first() -> None:
    rules = replace(RULES, set_asides=(Portion("h100", 60 * MICRO, "education"),))

    assert units(done(Round((pool(150),), (asked(1, 8.0), asked(2, 6.0)), rules))) == {1: 90, 2: 0}


def test_high_risk_proposals_draw_on_their_reserve_by_what_they_promise_if_they_work() -> None:
    risky = [replace(asked(n, 3.0 + n / 10), if_it_works=9.5 - n) for n in (1, 2)]
    rules = replace(RULES, high_risk=(Portion("h100", 100 * MICRO),))

    result = done(Round((pool(200),), (*risky, asked(3, 8.0), asked(4, 7.0)), rules))

    assert units(result) == {1: 100, 2: 0, 3: 100, 4: 0}
    assert outcome(result, 1).source == "high-risk reserve"
    assert "high-risk reserve" in outcome(result, 1).certificate.reason


def test_nobody_is_worse_off_for_being_served_from_a_reserve() -> None:
    """The reserve holds 60, enough for a minimum of 50; by its score the same proposal has a claim to all."""
    new = replace(asked(1, 9.0, line(100, 50)), first_time=True)
    others = tuple(asked(n, 8.0 - n, line(100, 50)) for n in (2, 3, 4))
    rules = replace(RULES, width=0.5, first_time=(Portion("h100", 60 * MICRO),))

    assert units(done(Round((pool(250),), (new, *others), rules)))[1] == 100


def test_inside_a_band_of_the_reserve_too_it_counts_what_they_promise() -> None:
    risky = [replace(asked(n, 3.0 + n / 10), if_it_works=9.5 - n / 10) for n in (1, 2)]
    rules = replace(RULES, width=1.0, high_risk=(Portion("h100", 100 * MICRO),))

    assert units(done(Round((pool(100),), (*risky, asked(3, 8.0)), rules))) == {1: 100, 2: 0, 3: 0}


def test_what_a_reserve_leaves_over_falls_to_everybody() -> None:
    rules = replace(RULES, high_risk=(Portion("h100", 100 * MICRO),))

    assert units(done(Round((pool(200),), (asked(1, 8.0), asked(2, 7.0)), rules))) == {1: 100, 2: 100}


def test_first_time_leaders_draw_on_their_reserve_by_score() -> None:
    new = [replace(asked(n, 3.0 + n), first_time=True) for n in (1, 2)]
    rules = replace(RULES, first_time=(Portion("h100", 100 * MICRO),))

    result = done(Round((pool(200),), (*new, asked(3, 8.0), asked(4, 7.0)), rules))

    assert units(result) == {1: 0, 2: 100, 3: 100, 4: 0}
    assert outcome(result, 2).source == "first-time reserve"


THREE = Round((pool(200),), (asked(1, 8.0), asked(2, 6.0), asked(3, 4.0)), RULES)


def test_a_chairs_edit_is_kept_and_says_whom_it_displaces() -> None:
    result, changes = repinned(THREE, [Pin(3, (100 * MICRO,))])

    assert units(result) == {1: 100, 2: 0, 3: 100}
    assert changes == (Change(2, 100 * MICRO, 0), Change(3, 0, 100 * MICRO))
    assert outcome(result, 3).certificate.kind is Kind.PINNED


def test_a_chair_can_decline_and_the_rest_moves_up() -> None:
    result, _ = repinned(THREE, [Pin(1, (0,))])

    assert units(result) == {1: 0, 2: 100, 3: 100}


def test_pins_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(Impossible, match="do not fit"):
        split(replace(THREE, pins=tuple(Pin(n, (80 * MICRO,)) for n in (1, 2, 3))))


def test_a_pin_that_fits_but_for_a_solvers_tolerance_is_refused_in_words() -> None:
    """One millionth out of an empty pool; the reserve behind it is still worked out."""
    pinned = asked(1, 8.0, Line(1, 1, (Rate("a100"),)))
    risky = replace(asked(2, 6.0), if_it_works=9.0)
    rules = replace(RULES, high_risk=(Portion("h100", 40 * MICRO),))

    with pytest.raises(Impossible, match="do not fit"):
        split(Round((pool(0, "a100"), pool(100)), (pinned, risky), rules, (Pin(1, (1,)),)))


def test_more_of_a_pool_names_whom_it_would_fund_and_only_a_scarce_pool_has_a_price() -> None:
    pools = (pool(200), pool(500, "spare"))
    this = replace(THREE, pools=pools)

    assert newly_funded(with_more(this, "h100", 100 * MICRO)) == (3,)
    assert with_more(this, "spare", 100 * MICRO) == ()
    short = {p.pool: p.value for p in done(replace(this, pools=(pool(150), pools[1]))).prices}
    assert short["h100"] == pytest.approx(6.0)
    assert short["spare"] == 0


def bad_rounds() -> list[tuple[str, object]]:
    base, one = (pool(10),), asked(1, 5.0)
    return [
        ("twice", lambda: Round(base, (one, one), RULES)),
        ("unknown pool", lambda: Round((), (one,), RULES)),
        ("no score", lambda: Round(base, (asked(1, 0.0),), RULES)),
        ("aside", lambda: Round(base, (), replace(RULES, set_asides=(Portion("h100", 11 * MICRO),)))),
        ("under minimum", lambda: Round(base, (one,), RULES, (Pin(1, (MICRO,)),))),
        ("unknown pin", lambda: Round(base, (one,), RULES, (Pin(2, (MICRO,)),))),
        ("minimum", lambda: Line(10, 11, (Rate("h100"),))),
        ("no pools", lambda: Line(10, 5, ())),
        ("negative pool", lambda: pool(-1)),
        ("worthless", lambda: Rate("h100", Fraction(0))),
        ("negative portion", lambda: Portion("h100", -1)),
        ("rising promises", lambda: replace(RULES, promises=(Fraction(1, 2), Fraction(3, 4)))),
        ("more than asked", lambda: replace(RULES, promises=(Fraction(2),))),
        ("no share", lambda: replace(RULES, cap=Fraction(2))),
    ]


@pytest.mark.parametrize("name", [name for name, _ in bad_rounds()])
def test_a_round_that_makes_no_sense_is_refused(name: str) -> None:
    make = dict(bad_rounds())[name]

    with pytest.raises(ValueError, match=" "):
        make()  # type: ignore[operator]


def test_an_empty_round_has_an_empty_split() -> None:
    result = done(Round((pool(10),), (), RULES))

    assert result.outcomes == ()
    assert result.left == (Portion("h100", 10 * MICRO),)


def test_the_check_sees_what_it_is_there_for() -> None:
    """Each limit broken once by hand."""
    this = replace(THREE, rules=replace(RULES, cap=Fraction(1, 2)))
    result = done(this)
    first = result.outcomes[0]

    def with_first(awarded: int, *uses: Portion) -> Split:
        lines = (replace(first.lines[0], awarded=awarded * MICRO, uses=uses),)
        return replace(result, outcomes=(replace(first, lines=lines), *result.outcomes[1:]))

    broken = {
        "under its minimum": with_first(30, Portion("h100", 30 * MICRO)),
        "more than it asked for": with_first(101, Portion("h100", 101 * MICRO)),
        "over-committed": with_first(100, Portion("h100", 150 * MICRO)),
        "more than its share": with_first(100, Portion("h100", 101 * MICRO)),
        "are worth": with_first(100, Portion("h100", 99 * MICRO)),
        "cannot use": with_first(100, Portion("other", 100 * MICRO)),
    }
    for words, wrong in broken.items():
        assert any(words in fault for fault in checking.faults(this, wrong)), words
    pinned = replace(this, pins=(Pin(1, (60 * MICRO,)),))
    assert "does not get what the chair set" in checking.faults(pinned, result)[0]
    emptied = replace(
        result,
        outcomes=(replace(first, lines=(replace(first.lines[0], awarded=0, uses=()),)), *result.outcomes[1:]),
    )
    assert checking.leapfrogged(this, emptied) == [1, 3]


def test_who_could_only_fit_with_more_pools_than_allowed_does_not_keep_others_out() -> None:
    pools = (pool(40, "a"), pool(40, "b"), pool(40, "c"))
    too_wide = asked(1, 8.0, line(110, 100, "a", "b", "c", most_pools=2))
    other = asked(2, 7.9, line(90, 85, "a", "b", "c", most_pools=3))

    assert units(done(Round(pools, (too_wide, other), RULES))) == {1: 0, 2: 90}


def test_among_equals_the_order_of_the_input_does_not_matter() -> None:
    """Seven equal scores over four pools: several splits are equally good, and one is always taken."""
    pools = (pool(100, "a"), pool(70, "b"), pool(50, "c"), pool(70, "d"))
    wishes = [("b", 3), ("cbad", 1), ("dca", 1), ("ad", 3), ("dc", 2), ("dba", 2), ("bd", 1)]
    crowd = tuple(
        asked(number, 8.0, line(60, 30, *slugs, most_pools=most))
        for number, (slugs, most) in enumerate(wishes, 1)
    )

    result = done(Round(pools, crowd, RULES))

    assert split(Round(pools[::-1], crowd, RULES)) == result
    assert split(Round(pools, crowd[::-1], RULES)) == result
