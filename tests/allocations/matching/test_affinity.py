"""Affinity: papers one by one, fields, bids within bounds, and unknown is not zero."""

from collections.abc import Sequence

import numpy as np
import pytest

from allocations.programme.matching.affinity import LEAST, Profile, Text, affinities
from allocations.programme.matching.problem import Floats, Ints
from allocations.programme.matching.texts import Compare, tfidf_lsa

PROTEINS = "Folding of membrane proteins by molecular dynamics on many graphics processors"
CLIMATE = "Seasonal climate forecasts with coupled ocean and atmosphere models"
GALAXIES = "Formation of galaxies in cosmological simulations with dark matter"
TEXTS = (Text(1, PROTEINS, ("biology",)), Text(2, CLIMATE, ("earth",)), Text(3, GALAXIES, ("physics",)))
BIOLOGIST = Profile(10, (PROTEINS + " again", "Enzymes and molecular dynamics of proteins"), ("biology",))
METEOROLOGIST = Profile(11, ("Ocean models for climate", "Atmosphere models and forecasts"), ("earth",))
NOBODY = Profile(12)
NEWCOMER = Profile(13, (), ("physics",))


def test_the_reviewer_with_the_nearest_papers_fits_best() -> None:
    found = affinities(TEXTS, [BIOLOGIST, METEOROLOGIST])

    assert found.affinity[0, 0] > 0.5 > found.affinity[0, 1]
    assert found.affinity[1, 1] > 0.3 > found.affinity[1, 0]


def test_only_the_five_nearest_papers_count() -> None:
    few = Profile(10, (PROTEINS,) * 5)
    many = Profile(11, (PROTEINS,) * 5 + (CLIMATE, GALAXIES) * 4)

    found = affinities(TEXTS[:1], [few, many])

    assert found.affinity[0, 0] == pytest.approx(found.affinity[0, 1])


def test_papers_are_never_joined() -> None:
    """One paper on everything and five papers on one thing each are different people."""
    asked: list[Sequence[str]] = []

    def backend(texts: Sequence[str]) -> Compare:
        asked.append(texts)
        return tfidf_lsa(texts)

    affinities(TEXTS[:1], [Profile(10, (CLIMATE, GALAXIES))], backend)

    assert asked == [sorted([PROTEINS, CLIMATE, GALAXIES])]


def test_another_text_model_can_be_plugged_in() -> None:
    def backend(texts: Sequence[str]) -> Compare:
        length = np.array([len(text) for text in texts], dtype=np.float64)

        def compare(rows: Ints, columns: Ints) -> Floats:
            return 1 / (1 + np.abs(length[rows][:, None] - length[columns][None, :]))

        return compare

    found = affinities([Text(1, "abcd")], [Profile(5, ("wxyz", "vwxyz"))], backend)

    assert found.affinity[0, 0] == pytest.approx(0.75)


def test_text_weighs_three_quarters_and_fields_one() -> None:
    plain = affinities([Text(1, PROTEINS)], [Profile(5, (PROTEINS,))])
    same = affinities([Text(1, PROTEINS, ("a", "b"))], [Profile(5, (PROTEINS,), ("b", "c"))])
    other = affinities([Text(1, PROTEINS, ("a",))], [Profile(5, (PROTEINS,), ("c",))])

    assert plain.affinity[0, 0] == pytest.approx(1.0)
    assert same.affinity[0, 0] == pytest.approx(0.75 + 0.25 / 2)
    assert other.affinity[0, 0] == pytest.approx(0.75)


def test_unknown_is_flagged_falls_back_to_fields_and_is_never_zero() -> None:
    found = affinities(TEXTS, [BIOLOGIST, METEOROLOGIST, NOBODY, NEWCOMER])

    assert found.unknown.tolist() == [[False, False, True, True]] * 3
    assert (found.affinity[:, 2:] >= LEAST).all()
    assert found.affinity[2, 3] > found.affinity[0, 3]


def test_an_empty_profile_does_not_beat_a_reviewer_with_fitting_papers() -> None:
    eager = Profile(12, (), ("biology",))

    found = affinities(TEXTS, [BIOLOGIST, METEOROLOGIST, eager])

    assert found.affinity[0, 0] > found.affinity[0, 2] > found.affinity[0, 1]


@pytest.mark.parametrize("bid", [1.0, 5.0, -1.0, -9.0])
def test_a_bid_moves_an_affinity_by_at_most_015_and_never_the_expertise(bid: float) -> None:
    keen = Profile(11, METEOROLOGIST.papers, ("earth",), {1: bid})

    plain, found = (affinities(TEXTS, [BIOLOGIST, one]) for one in (METEOROLOGIST, keen))

    shift = np.clip(plain.affinity[0, 1] + 0.15 * np.sign(bid), 0, 1)
    assert found.affinity[0, 1] == pytest.approx(shift)
    assert (found.expertise == plain.expertise).all()
    assert found.affinity[1, 1] == plain.affinity[1, 1]


def test_a_bid_must_be_a_number() -> None:
    with pytest.raises(ValueError, match="a bid is a number"):
        affinities(TEXTS, [Profile(1, (CLIMATE,), (), {1: float("nan")})])


def test_evidence_names_the_nearest_papers_first() -> None:
    evidence = affinities(TEXTS, [BIOLOGIST, NOBODY]).evidence(1, 10)

    assert [one.paper for one in evidence] == [0, 1]
    assert evidence[0].begins == (PROTEINS + " again")[:80]
    assert evidence[0].similarity > evidence[1].similarity
    assert affinities(TEXTS, [BIOLOGIST, NOBODY]).evidence(1, 12) == ()


def test_blank_papers_count_as_none_and_keep_their_numbers() -> None:
    found = affinities(TEXTS, [Profile(10, ("  ", PROTEINS)), Profile(11, (" ",))])

    assert found.evidence(1, 10)[0].paper == 1
    assert found.unknown[:, 1].all()


@pytest.mark.parametrize("text", ["", "the of and", "one"])
def test_texts_with_little_in_them_do_no_harm(text: str) -> None:
    found = affinities([Text(1, text), Text(2, "")], [Profile(10, (text, "the")), NOBODY])

    assert np.isfinite(found.affinity).all()


def test_the_order_of_proposals_and_reviewers_changes_nothing() -> None:
    rng = np.random.Generator(np.random.PCG64(5))
    words = [f"word{n}" for n in range(60)]
    texts = [Text(n, " ".join(rng.choice(words, 12))) for n in range(12)]
    profiles = [Profile(n, tuple(" ".join(rng.choice(words, 12)) for _ in range(7))) for n in range(9)]

    one = affinities(texts, profiles)
    other = affinities(texts[::-1], profiles[::-1])

    assert np.array_equal(np.round(one.affinity, 9), np.round(other.affinity[::-1, ::-1], 9))
