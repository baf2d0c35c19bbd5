"""What bids can and cannot do to an assignment, also when people arrange them."""

import numpy as np
import pytest

from allocations.programme.matching.affinity import BID, tempered
from allocations.programme.matching.assignment import propose
from allocations.programme.matching.problem import Options
from allocations.programme.matching.solution import Solution
from benchmarks.bidding_data import RATHER_NOT, arranged, honest, wanted, with_bids
from benchmarks.matching_data import made_up


@pytest.mark.parametrize("seed", range(4))
def test_no_arrangement_of_bids_lifts_a_pair_over_the_floor(seed: int) -> None:
    """Everybody wants what they know least about, and refuses the rest."""
    call = made_up(40, 24, seed)
    knows = np.asarray(call.affinities)
    plain = propose(call, Options(), seed=1)
    assert isinstance(plain, Solution)
    bids = np.where(knows < (plain.floor or 0), 1.0, RATHER_NOT)

    answer = propose(with_bids(call, bids), Options(), seed=1)

    assert isinstance(answer, Solution)
    assert answer.floor == plain.floor
    assert min(knows[pair] for pair in answer.assigned) >= (plain.floor or 0) - 1e-6


def test_a_ring_gets_nothing_that_it_knows_little_about() -> None:
    gained = set()
    for number in range(4):
        call = made_up(100, 50, number)
        pairs = wanted(call, number)
        ring = with_bids(call, arranged(honest(call, number), pairs))
        answer = propose(ring, Options(), seed=1)
        assert isinstance(answer, Solution)
        gained |= {pairs[pair] for pair in pairs if pair in answer.assigned}

    assert "over 30" not in gained
    assert gained


def test_whoever_refuses_much_says_less_with_each_refusal() -> None:
    bids = np.zeros((40, 3))
    bids[:10, 0] = -1.0
    bids[:, 1] = -1.0
    bids[0, 1] = 1.0
    bids[:, 2] = 1.0

    counted = tempered(bids)

    assert (counted[:10, 0] == -1).all(), "a quarter of the call is what anybody may refuse"
    assert counted[0, 1] == 1
    assert counted[1:, 1] == pytest.approx(np.full(39, -10 / 39))
    assert (counted[:, 2] == 1).all()


def test_in_a_small_call_three_refusals_count_in_full() -> None:
    bids = np.array([[-1.0], [-1.0], [-1.0], [0.0]])

    assert (tempered(bids) == bids).all()
    assert tempered(np.full((4, 1), -1.0)) == pytest.approx(np.full((4, 1), -0.75))


@pytest.mark.parametrize("seed", range(3))
def test_no_bids_shift_a_match_by_more_than_the_limit(seed: int) -> None:
    rng = np.random.Generator(np.random.PCG64(seed))
    call = made_up(20, 12, seed)

    moved = np.asarray(with_bids(call, rng.uniform(-9, 9, (20, 12))).affinities) - call.affinities

    assert np.abs(moved).max() <= BID + 1e-12
