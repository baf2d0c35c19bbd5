"""Lots: exact chances, exactly as many winners as places, and a record that anybody can re-run."""

import itertools
import json
from collections import Counter
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocations.programme.selection import lottery, seeds
from allocations.programme.selection.lottery import Entry, Tie

SECRET = "a9" * 16
SEALED = seeds.commitment(SECRET)
SCORES = [(7, 3.9), (3, 4.0), (12, 4.02), (5, 4.1), (9, 4.25), (1, 4.4), (2, 3.6)]
DECLARED = lottery.tie("AIR26 standard lane", SCORES, places=3, width=0.4)


def drawn(public: str = "beacon 881") -> lottery.Record:
    return lottery.draw(DECLARED, commitment=SEALED, secret=SECRET, public=public)


scores = st.lists(st.integers(-5_000_000, 5_000_000), min_size=2, max_size=40)


@given(scores=scores, width=st.integers(1, 3_000_000), data=st.data())
def test_chances_add_up_exactly_and_never_favour_the_lower_score(
    scores: list[int], width: int, data: st.DataObject
) -> None:
    places = data.draw(st.integers(1, len(scores) - 1))
    entries = tuple(Entry(number, score) for number, score in enumerate(scores))

    found = lottery.chances(Tie("t", entries, places, width))

    assert sum(found.values()) == places
    assert all(0 <= chance <= 1 for chance in found.values())
    by_score = sorted(range(len(scores)), key=lambda number: scores[number])
    assert all(found[a] <= found[b] for a, b in itertools.pairwise(by_score))


@given(scores=scores, width=st.integers(1, 3_000_000), moved=st.integers(1, 100_000), data=st.data())
def test_a_small_change_of_one_score_changes_no_chance_by_much(
    scores: list[int], width: int, moved: int, data: st.DataObject
) -> None:
    places = data.draw(st.integers(1, len(scores) - 1))
    entries = tuple(Entry(number, score) for number, score in enumerate(scores))
    other = (replace(entries[0], score_micro=scores[0] + moved), *entries[1:])

    before, after = (lottery.chances(Tie("t", e, places, width)) for e in (entries, other))

    assert all(abs(after[n] - before[n]) <= Fraction(moved, width) for n in before)


def test_equal_scores_have_equal_chances() -> None:
    found = lottery.chances(lottery.tie("t", [(1, 4.0), (2, 4.0), (3, 4.0)], places=2, width=0.3))

    assert set(found.values()) == {Fraction(2, 3)}


@given(
    weights=st.lists(st.integers(1, 9), min_size=2, max_size=12), start=st.fractions(0, Fraction(999, 1000))
)
def test_the_number_of_winners_is_exact(weights: list[int], start: Fraction) -> None:
    most = max(weights)
    shares = {number: Fraction(weight, most) for number, weight in enumerate(weights)}
    whole = int(sum(shares.values()))
    shares[len(weights)] = whole + 1 - sum(shares.values(), Fraction(0))

    winners = lottery.systematic(list(shares), shares, start)

    assert len(winners) == len(set(winners)) == whole + 1


def test_over_many_draws_everybody_wins_as_often_as_the_chance_says() -> None:
    wanted = lottery.chances(DECLARED)
    order = tuple(wanted)
    won: Counter[int] = Counter()
    for number in range(20_000):
        seed = seeds.mixed(secret=SECRET, public=str(number), subject="marginals")
        start = Fraction(seeds.number(seed, "start"), 2**256)
        won.update(lottery.systematic(seeds.shuffled(seed, list(order)), wanted, start))

    assert {p: won[p] / 20_000 for p in order} == pytest.approx(
        {p: float(chance) for p, chance in wanted.items()}, abs=0.01
    )


def test_a_record_re_runs_to_the_same_bytes() -> None:
    record = drawn()

    again = lottery.replay(lottery.from_json(lottery.to_json(record)))

    assert lottery.to_json(again) == lottery.to_json(record)
    assert again == record
    assert len(record.winners) == 3


def test_the_draw_is_the_same_for_ever() -> None:
    """A change of the procedure needs a new version number: old records must re-run."""
    assert drawn().winners == (1, 3, 9)
    assert drawn().version == 1


def test_the_public_value_decides_and_so_does_the_list() -> None:
    results = {drawn(f"beacon {number}").winners for number in range(20)}

    assert len(results) > 1
    assert lottery.digest(replace(DECLARED, places=2)) != lottery.digest(DECLARED)


@pytest.mark.parametrize("changed", ["winners", "chances", "order"])
def test_a_changed_record_does_not_re_run_to_itself(changed: str) -> None:
    held = json.loads(lottery.to_json(drawn()))
    held[changed] = held[changed][::-1][:-1]
    forged = lottery.from_json(json.dumps(held))

    assert lottery.replay(forged) != forged


def test_another_secret_than_the_sealed_one_is_refused() -> None:
    with pytest.raises(ValueError, match="committed"):
        lottery.draw(DECLARED, commitment=SEALED, secret="b" * 32, public="x")


def test_a_secret_that_could_be_guessed_is_refused() -> None:
    with pytest.raises(ValueError, match="32 random"):
        lottery.draw(DECLARED, commitment=seeds.commitment("1234"), secret="1234", public="x")


@pytest.mark.parametrize(
    ("entries", "places", "reason"),
    [
        ([(1, 4.0), (1, 4.1)], 1, "once"),
        ([(1, 4.0), (2, 4.1)], 2, "more proposals than places"),
        ([(1, 4.0), (2, 4.1)], 0, "more proposals than places"),
    ],
)
def test_what_is_no_tie_is_refused(entries: list[tuple[int, float]], places: int, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        lottery.tie("t", entries, places=places, width=0.3)


def test_the_order_in_which_a_tie_is_declared_does_not_matter() -> None:
    assert lottery.tie("AIR26 standard lane", SCORES[::-1], places=3, width=0.4) == DECLARED
