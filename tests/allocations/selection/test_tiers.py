"""Tiers of a distributed review: top first, the middle by lot, the lower never."""

import pytest

from allocations.programme.selection import seeds, tiers
from allocations.programme.selection.tiers import Fate, Placed, Tier

SECRET = "5c" * 16
SEALED = seeds.commitment(SECRET)
PLACED = [
    *(Placed(number, Tier.TOP, (10,)) for number in range(1, 4)),
    *(Placed(number, Tier.MIDDLE, (10,)) for number in range(4, 10)),
    *(Placed(number, Tier.LOWER, (1,)) for number in range(10, 13)),
]


def drawn(budget: int, public: str = "x") -> tiers.TierRecord:
    return tiers.draw(PLACED, (budget,), commitment=SEALED, secret=SECRET, public=public)


def funded(record: tiers.TierRecord) -> set[int]:
    return {proposal for proposal, fate in record.fates if fate is Fate.FUNDED}


def test_the_top_tier_comes_first_and_lots_fill_up_from_the_middle() -> None:
    record = drawn(55)

    assert funded(record) >= {1, 2, 3}
    assert len(funded(record) & set(range(4, 10))) == 2
    assert record.left == (5,)
    assert all(fate is Fate.DECLINED for proposal, fate in record.fates if proposal >= 10)


def test_who_comes_up_when_too_little_is_left_is_passed_over() -> None:
    placed = [Placed(1, Tier.TOP, (8,)), Placed(2, Tier.MIDDLE, (5,)), Placed(3, Tier.MIDDLE, (2,))]

    record = tiers.draw(placed, (10,), commitment=SEALED, secret=SECRET, public="x")

    assert dict(record.fates) == {1: Fate.FUNDED, 2: Fate.PASSED_OVER, 3: Fate.FUNDED}
    assert record.left == (0,)


def test_when_the_top_tier_is_too_large_lots_decide_there() -> None:
    results = {frozenset(funded(drawn(20, str(number)))) for number in range(20)}

    assert all(result < {1, 2, 3} and len(result) == 2 for result in results)
    assert len(results) == 3


def test_everybody_in_the_middle_is_drawn_equally_often() -> None:
    wins = [0] * 13
    for number in range(1200):
        for proposal in funded(drawn(60, str(number))):
            wins[proposal] += 1

    assert wins[1:4] == [1200] * 3
    assert all(abs(won / 1200 - 0.5) < 0.05 for won in wins[4:10])


def test_the_draw_re_runs_from_its_record_and_needs_the_sealed_secret() -> None:
    record = drawn(55)

    assert tiers.replay(record) == record
    with pytest.raises(ValueError, match="committed"):
        tiers.draw(PLACED, (55,), commitment=SEALED, secret="d" * 32, public="x")


def test_a_proposal_stands_in_one_tier() -> None:
    with pytest.raises(ValueError, match="once"):
        tiers.draw([PLACED[0], PLACED[0]], (5,), commitment=SEALED, secret=SECRET, public="x")


def test_every_pool_has_to_hold_enough() -> None:
    placed = [Placed(1, Tier.TOP, (5, 5)), Placed(2, Tier.MIDDLE, (1, 6)), Placed(3, Tier.MIDDLE, (5, 0))]

    record = tiers.draw(placed, (10, 10), commitment=SEALED, secret=SECRET, public="x")

    assert dict(record.fates) == {1: Fate.FUNDED, 2: Fate.PASSED_OVER, 3: Fate.FUNDED}
    assert record.left == (0, 5)
    with pytest.raises(ValueError, match="each pool"):
        tiers.draw(placed, (10,), commitment=SEALED, secret=SECRET, public="x")
