"""Differences of two texts, and words: nothing is lost, and nothing takes long."""

import random
import time
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from allocations.programme.differences import Ellipsis, Kind, Piece, abbreviated, differences, word_count

TEXTS = st.one_of(st.text(max_size=60), st.text(alphabet="ab. !\n", max_size=60))
COUNTS = [
    ("", 0),
    (" \n\t ", 0),
    ("one", 1),
    ("one two\nthree\u00a0four\u2003five", 5),
    ("state-of-the-art", 1),
    ("see https://example.org/a_b?c=d&e=f now", 3),
    ("this – that - and … so", 4),
    ("don't _ __ x_y", 2),
    ("größer naïve Ελλάδα привет שלום", 5),
    ("4 500 ½ Ⅷ ²", 5),
    ("a\u200bb c\ufeffd e\x85f g\x1fh", 7),
    ("研究 提案", 2),
    ("😀 😀 🧬", 0),
]


def read(pieces: tuple[Piece, ...], *kinds: Kind) -> str:
    return "".join(piece.text for piece in pieces if piece.kind in kinds)


@given(TEXTS, TEXTS)
@example("Good. Bad.", "Bad. Good.")
def test_nothing_is_lost_of_either_text(old: str, new: str) -> None:
    found = differences(old, new)

    assert read(found, Kind.SAME, Kind.REMOVED) == old
    assert read(found, Kind.SAME, Kind.ADDED) == new
    assert all(piece.text for piece in found)
    assert all(a.kind != b.kind for a, b in pairwise(found))


@given(TEXTS)
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    assert differences(text, text) == ((Piece(Kind.SAME, text),) if text else ())


def test_only_the_words_that_changed_are_told() -> None:
    assert differences("We train a small model. It works.", "We train a large model. It works well.") == (
        Piece(Kind.SAME, "We train a "),
        Piece(Kind.REMOVED, "small"),
        Piece(Kind.ADDED, "large"),
        Piece(Kind.SAME, " model. It "),
        Piece(Kind.REMOVED, "works."),
        Piece(Kind.ADDED, "works well."),
    )


def test_a_space_that_both_happen_to_have_does_not_split_a_rewritten_part() -> None:
    assert [piece.kind for piece in differences("keep alpha beta end", "keep gamma delta end")] == [
        Kind.SAME,
        Kind.REMOVED,
        Kind.ADDED,
        Kind.SAME,
    ]


def _mixed(words: str, count: int, seed: int) -> str:
    return " ".join(random.Random(seed).choices(words.split(), k=count))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (_mixed("a b", 10_000, 1), _mixed("a b", 10_000, 2)),
        (_mixed("a. b! c\n", 7_000, 1), _mixed("a. b! c\n", 7_000, 2)),
        ("x" * 20_000, "y" * 20_000),
        (" ".join(map(str, range(4_000))), " ".join(map(str, range(4_000, 0, -1)))),
    ],
    ids=["two words only", "short sentences", "no space at all", "the other way round"],
)
def test_long_texts_take_well_under_a_second(old: str, new: str) -> None:
    began = time.process_time()
    found = differences(old, new)

    assert time.process_time() - began < 1.0
    assert read(found, Kind.SAME, Kind.REMOVED) == old


def test_a_few_changes_in_a_long_text_stay_a_few() -> None:
    words = _mixed("alpha beta gamma delta epsilon zeta eta", 4_000, 3).split(" ")
    changed = [*words[:1_000], "HERE", *words[1_000:3_000], *words[3_001:]]

    assert len(differences(" ".join(words), " ".join(changed))) <= 6


def test_long_equal_parts_can_be_shortened() -> None:
    before, after = " ".join(map(str, range(100))) + " ", " " + " ".join(map(str, range(200, 300)))
    shown = abbreviated(differences(f"{before}old{after}", f"{before}new{after}"), edge=2)

    assert shown == (
        Ellipsis(98),
        Piece(Kind.SAME, "98 99 "),
        Piece(Kind.REMOVED, "old"),
        Piece(Kind.ADDED, "new"),
        Piece(Kind.SAME, " 200 201 "),
        Ellipsis(98),
    )


def test_a_short_equal_part_is_shown_whole() -> None:
    pieces = differences("one two three", "one two four")

    assert abbreviated(pieces) == pieces


@pytest.mark.parametrize(("text", "count"), COUNTS)
def test_words_are_counted(text: str, count: int) -> None:
    assert word_count(text) == count
