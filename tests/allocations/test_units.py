"""Service units: exact, whole in the smallest unit, and written as people do."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocations.kernel import units
from allocations.kernel.units import LARGEST, MICRO


@pytest.mark.parametrize(
    ("typed", "micro"),
    [
        ("500", 500 * MICRO),
        (" 1,234.5 ", 1234500000),
        (0, 0),
        ("0.000001", 1),
        ("12,345,678", 12_345_678 * MICRO),
        (Decimal("0.1"), 100000),
        ("1000000000", LARGEST),
    ],
)
def test_what_people_type_becomes_micro_units(typed, micro: int) -> None:
    assert units.micro(typed) == micro


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Enter a number, such as 500"),
        ("ten", "Enter a number, such as 500"),
        ("1.2.3", "Enter a number, such as 500"),
        ("0.0000001", "at most six decimals"),
        ("NaN", "Enter a number, such as 500"),
        ("Infinity", "Enter a number, such as 500"),
        ("12,5", "Enter a number, such as 500"),
        ("1,50,000", "Enter a number, such as 500"),
        ("10 000", "Enter a number, such as 500"),
        ("1e3", "Enter a number, such as 500"),
        ("-1", "between 0 and"),
        ("1000000000.000001", "between 0 and"),
        ("9" * 30, "between 0 and"),
    ],
)
def test_what_is_no_usable_amount_gets_a_sentence(typed: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        units.micro(typed)


@given(typed=st.text(max_size=12))
def test_no_text_breaks_the_reading_of_an_amount(typed: str) -> None:
    try:
        amount = units.micro(typed)
    except ValueError as refused:
        amount, sentence = 0, str(refused)
    else:
        sentence = "Enter a number"

    assert 0 <= amount <= LARGEST
    assert sentence.startswith("Enter a number")


@pytest.mark.parametrize(
    ("micro", "text"),
    [
        (0, "0"),
        (MICRO, "1"),
        (1234500000, "1,234.5"),
        (10000 * MICRO, "10,000"),
        (5, "0"),
        (-5, "0"),
        (-2 * MICRO, "-2"),
        (120 * MICRO, "120"),
    ],
)
def test_amounts_are_shown_with_separators_and_at_most_two_decimals(micro: int, text: str) -> None:
    assert units.shown(micro) == text


@given(whole=st.integers(0, 1_000_000_000))
def test_a_shown_whole_amount_can_be_typed_again(whole: int) -> None:
    assert units.micro(units.shown(whole * MICRO)) == whole * MICRO


@given(totals=st.lists(st.integers(0, 10**9), min_size=1).map(sorted))
def test_charging_differences_of_totals_never_adds_up_rounding(totals: list[int]) -> None:
    steps = [units.gpu_micro(b) - units.gpu_micro(a) for a, b in zip([0, *totals], totals, strict=False)]

    assert sum(steps) == units.gpu_micro(totals[-1])
    assert min(steps) >= 0


def test_a_gpu_hour_is_one_unit() -> None:
    assert units.gpu_micro(3600) == MICRO


@given(amount=st.integers(0, LARGEST))
def test_what_is_written_into_a_form_is_read_back_exactly(amount: int) -> None:
    assert units.micro(units.written(amount)) == amount
