"""What a panel is shown: estimates with limits, the plain mean beside, and honest refusals."""

from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest

from allocations.programme.calibration import calibrating
from allocations.programme.calibration.calibrating import calibrate
from allocations.programme.calibration.values import Calibrated, Calibration, Estimate, Priors, Score, Zone
from benchmarks import reviews
from benchmarks.calibration import CALLS, VIGNETTE, found_shares, mock_ranks

CALL = reviews.simulate(reviews.Call(40, 20, 3, 1.5), seed=4)


def means(calibration: Calibration) -> dict[int, float]:
    return {line.proposal: line.estimate.mean for line in calibration.lines if line.estimate}


def test_every_review_is_shown_and_the_plain_mean_stands_beside() -> None:
    calibration, _ = calibrate(CALL.scores, places=8, seed=1)

    shown = [score for line in calibration.lines for score in line.reviews]
    assert sorted(shown, key=lambda s: (s.proposal, s.reviewer)) == sorted(
        CALL.scores, key=lambda s: (s.proposal, s.reviewer)
    )
    for line in calibration.lines:
        assert line.raw_mean == pytest.approx(np.mean([score.value for score in line.reviews]))
    assert [line.rank for line in calibration.lines] == sorted(line.rank for line in calibration.lines)


def test_the_lenient_do_not_decide_the_list() -> None:
    """Where habits are strong, estimates stand closer to the truth than plain means do."""
    calibration, _ = calibrate(CALL.scores, places=8, seed=1)
    raw = {line.proposal: line.raw_mean for line in calibration.lines}
    truth = CALL.quality

    def agreement(values: dict[int, float]) -> float:
        return float(np.corrcoef([values[number] for number in range(40)], truth)[0, 1])

    assert agreement(means(calibration)) > agreement(raw) + 0.05


def test_limits_are_in_order_and_zones_follow_the_chance() -> None:
    calibration, _ = calibrate(CALL.scores, places=8, seed=1)

    estimates = [line.estimate for line in calibration.lines if line.estimate]
    assert len(estimates) == 40
    assert sum(e.chance for e in estimates) == pytest.approx(8)
    assert sum(e.expected_rank for e in estimates) == pytest.approx(40 * 41 / 2)
    for e in estimates:
        assert 1 <= e.limits.at_5 <= e.limits.at_25 <= e.limits.at_75 <= e.limits.at_95 <= 40
        assert e.zone == calibrating.zone(e.chance)
    assert {e.zone for e in estimates} >= {Zone.DISCUSS, Zone.DECLINE}


@pytest.mark.parametrize(
    ("chance", "zone"),
    [(0.951, Zone.FUND), (0.95, Zone.DISCUSS), (0.05, Zone.DISCUSS), (0.049, Zone.DECLINE)],
)
def test_only_clear_cases_need_no_discussion(chance: float, zone: Zone) -> None:
    assert calibrating.zone(chance) == zone


def test_the_same_seed_gives_the_same_result_in_any_order() -> None:
    once = calibrate(CALL.scores, places=8, seed=1)

    assert calibrate(tuple(reversed(CALL.scores)), places=8, seed=1) == once
    assert calibrate(CALL.scores, places=8, seed=2) != once


def test_a_confident_review_counts_more() -> None:
    shy = [replace(score, confidence=1 if score.proposal == 0 else 3) for score in CALL.scores]
    first = max((s for s in shy if s.proposal == 0), key=lambda s: s.value)
    sure = [replace(score, confidence=5) if score == first else score for score in shy]

    before, after = (means(calibrate(given, places=8, seed=1)[0])[0] for given in (shy, sure))

    assert after > before


@pytest.mark.parametrize("confidence", [0, 6])
def test_confidence_is_a_number_from_one_to_five(confidence: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 5"):
        Score(1, 1, 3.0, confidence)


def test_a_reviewer_scores_a_proposal_once() -> None:
    with pytest.raises(ValueError, match="once"):
        calibrate([Score(1, 1, 3.0), Score(1, 1, 4.0)], places=1, seed=1)


Spoil = Callable[[tuple[Score, ...]], tuple[Score, ...]]


def few(scores: tuple[Score, ...]) -> tuple[Score, ...]:
    return scores[:29]


def single(scores: tuple[Score, ...]) -> tuple[Score, ...]:
    return tuple(
        score for score, before in zip(scores[1:], scores, strict=False) if score.proposal != before.proposal
    )


def agreed(scores: tuple[Score, ...]) -> tuple[Score, ...]:
    return tuple(replace(score, value=float(score.proposal % 5)) for score in scores)


@pytest.mark.parametrize(
    ("spoil", "reason"), [(few, "29 reviews"), (single, "two reviews"), (agreed, "nothing to calibrate")]
)
def test_without_enough_to_go_by_the_plain_means_are_the_ranking(spoil: Spoil, reason: str) -> None:
    calibration, chair = calibrate(spoil(CALL.scores), places=8, seed=1)

    assert not calibration.answer
    assert reason in calibration.answer.reason
    assert all(line.estimate is None and line.rank == line.raw_rank for line in calibration.lines)
    raw = [line.raw_mean for line in calibration.lines]
    assert raw == sorted(raw, reverse=True)
    assert (calibration.spread, chair.offsets) == (None, ())


def test_an_empty_call_is_refused_and_not_an_error() -> None:
    calibration, _ = calibrate([], places=3, seed=1)

    assert not calibration.answer
    assert calibration.lines == ()


def test_scores_that_two_effects_explain_exactly_do_not_break_the_fit() -> None:
    exact = [Score(p, r, float(p % 4 + r % 3)) for p in range(10) for r in range(6)]

    calibration, _ = calibrate(exact, places=3, seed=1)

    assert calibration.answer
    assert all(np.isfinite(value) for value in means(calibration).values())


# Ten more proposals in a ring of five reviewers whom nobody else shares.
OTHER = tuple(Score(100 + n, 100 + (n + k) % 5, float(3 + (n * k) % 4)) for n in range(10) for k in range(3))


def test_islands_that_share_no_reviewer_are_named_and_not_comparable() -> None:
    one, _ = calibrate(CALL.scores, places=8, seed=1)
    two, _ = calibrate(CALL.scores + OTHER, places=8, seed=1)

    assert one.comparable
    assert [len(island) for island in one.islands] == [40]
    assert not two.comparable
    assert "2 groups" in two.comparable.reason
    assert [len(island) for island in two.islands] == [40, 10]
    assert {line.proposal for line in two.lines if line.island == 2} == set(range(100, 110))


def test_one_reviewer_who_reads_in_both_joins_two_islands() -> None:
    link = Score(100, CALL.scores[0].reviewer, 5.0)

    assert calibrate((*CALL.scores, *OTHER, link), places=8, seed=1)[0].comparable


def test_what_is_known_about_reviewers_is_in_the_chairs_value_alone() -> None:
    _, chair = calibrate(CALL.scores, places=8, seed=1)

    offsets = [offset.offset for offset in chair.offsets]
    assert np.corrcoef(offsets, CALL.offsets)[0, 1] > 0.8
    assert sum(offset.reviews for offset in chair.offsets) == len(CALL.scores)
    shown = {field.name for kind in (Calibration, Calibrated, Estimate) for field in fields(kind)}
    assert not {name for name in shown if "offset" in name or "reviewer" in name}


@pytest.mark.parametrize("seed", range(3))
def test_with_its_authors_priors_the_mock_panel_has_the_expected_ranks_that_they_printed(seed: int) -> None:
    assert mock_ranks(VIGNETTE, seed) == pytest.approx(np.array(reviews.MOCK_RANKS), abs=0.15)


def test_the_default_says_nearly_the_same_of_the_mock_panel() -> None:
    """It estimates the reviewers' variance, which the authors fix, and is not held to their figures."""
    calibration, _ = calibrate(reviews.mock_panel(), places=5, seed=1)

    found = {line.proposal: line.estimate.expected_rank for line in calibration.lines if line.estimate}
    assert [found[number] for number in range(1, 16)] == pytest.approx(list(reviews.MOCK_RANKS), abs=0.2)


def test_priors_that_know_of_no_habits_leave_the_order_of_plain_means() -> None:
    even = [replace(score, confidence=3) for score in reviews.mock_panel()]

    calibration, chair = calibrate(even, places=5, seed=1, priors=Priors(reviewers=0.0, most=3.0))

    assert [line.rank for line in calibration.lines] == [line.raw_rank for line in calibration.lines]
    assert {offset.offset for offset in chair.offsets} == {0.0}


@pytest.mark.parametrize("wrong", [{"reviewers": -1.0}, {"most": 0.0}, {"parts": 0}], ids=str)
def test_priors_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="positive"):
        replace(VIGNETTE, **wrong)  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_calibrating_never_finds_fewer_of_the_best_than_plain_means(call: reviews.Call) -> None:
    shares = found_shares(call, trials=20)

    assert shares["calibrated"] >= shares["raw mean"] - 0.01
