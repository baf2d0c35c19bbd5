"""Proposing an assignment: reasons, pins, changes after sending, declines, roles, lots and refusals."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from allocations.programme.matching.assignment import propose, refill
from allocations.programme.matching.flows import network
from allocations.programme.matching.problem import Demand, Evidence, Options, Problem, Reviewer
from allocations.programme.matching.solution import Infeasible, Shortage, Solution
from benchmarks.matching_checks import faults
from benchmarks.matching_data import made_up

BARE = Options(floor_share=0.0, lift_rounds=0, load_price=0.0)


def call(rows: list[list[float]], *, reviews: int = 1, cap: int = 1, least: int = 0) -> Problem:
    """Proposals 1, 2, ...; reviewers 101, 102, ..."""
    return Problem(
        demands=tuple(Demand(1 + n, reviews) for n in range(len(rows))),
        reviewers=tuple(Reviewer(101 + n, cap, least) for n in range(len(rows[0]))),
        affinities=np.array(rows),
    )


def solved(problem: Problem, options: Options = BARE, *, seed: int = 1) -> Solution:
    answer = propose(problem, options, seed=seed)
    assert isinstance(answer, Solution), answer
    assert faults(problem, options, answer) == []
    return answer


def refused(problem: Problem, options: Options = BARE) -> Infeasible:
    answer = propose(problem, options, seed=1)
    assert isinstance(answer, Infeasible)
    return answer


def test_the_greatest_total_is_found_where_taking_turns_fails() -> None:
    answer = solved(call([[0.9, 0.8], [0.8, 0.1]]))

    assert answer.assigned == {(1, 102), (2, 101)}
    assert answer.total == pytest.approx(1.6)


def test_the_floor_gives_up_total_for_the_worst_pair() -> None:
    problem = call([[1.0, 0.5], [0.8, 0.1]])

    answer = solved(replace(problem, affinities=np.array([[1.0, 0.3], [0.6, 0.1]])), Options())

    assert (answer.best_floor, answer.floor) == (0.3, pytest.approx(0.27))
    assert answer.assigned == {(1, 102), (2, 101)}
    assert answer.optimum == pytest.approx(1.1)


def test_the_chair_can_lower_the_floor_but_not_raise_it() -> None:
    problem = call([[1.0, 0.3], [0.6, 0.1]])

    low, high = (solved(problem, replace(BARE, floor_share=0.9, floor=floor)) for floor in (0.05, 0.9))

    assert (low.floor, low.assigned) == (0.05, {(1, 101), (2, 102)})
    assert high.floor == pytest.approx(0.27)


def test_no_bid_lifts_a_pair_over_the_floor() -> None:
    expertise = np.array([[0.5, 0.1], [0.5, 0.5]])
    problem = replace(call(expertise.tolist(), cap=2), affinities=np.array([[0.2, 0.25], [0.5, 0.5]]))

    answer = solved(replace(problem, expertise=expertise), Options())

    assert (1, 101) in answer.assigned


def test_the_lift_helps_the_worst_proposal_within_its_budget() -> None:
    problem = made_up(60, 40, 4)
    plain, thrifty, free = (
        solved(problem, Options(lift_rounds=rounds, lift_loss=loss))
        for rounds, loss in ((0, 0.0), (40, 0.001), (40, 1.0))
    )

    assert plain.worst_total < thrifty.worst_total < free.worst_total
    assert thrifty.total >= plain.total * (1 - 0.001) > free.total


def test_no_assignment_passes_the_bound() -> None:
    answer = solved(made_up(60, 40, 3), Options(bound=True))

    assert answer.bound is not None
    assert answer.worst_total / 3 <= answer.bound + 1e-6


def test_the_price_of_loads_spreads_the_work() -> None:
    problem = call([[0.5, 0.49]] * 4, cap=4)

    alone, spread = (solved(problem, replace(BARE, load_price=price)) for price in (0.0, 0.2))

    assert dict(alone.loads) == {101: 4, 102: 0}
    assert alone.idle == (102,)
    assert dict(spread.loads) == {101: 2, 102: 2}


def test_promised_minima_are_kept_at_any_price() -> None:
    answer = solved(call([[0.9, 0.0]] * 3, cap=3, least=1))

    assert dict(answer.loads) == {101: 2, 102: 1}


def test_what_was_sent_changes_only_for_a_real_gain() -> None:
    problem = replace(call([[0.5, 0.55]], cap=1), sent=frozenset({(1, 101)}))

    assert solved(problem).assigned == {(1, 101)}
    assert solved(problem, replace(BARE, stability=0.01)).assigned == {(1, 102)}


def test_pins_stay_and_take_their_place() -> None:
    problem = replace(call([[0.9, 0.8], [0.8, 0.1]]), pinned=frozenset({(1, 101)}))

    answer = solved(problem)

    assert answer.assigned == {(1, 101), (2, 102)}
    assert answer.pairs[0].pinned
    assert answer.pairs[0].why.startswith("Kept because it was fixed by hand or accepted; match 0.90")


def test_two_of_one_institution_do_not_meet_on_a_proposal() -> None:
    problem = made_up(30, 20, 5)
    homes = {one.id: one.institution for one in problem.reviewers}

    for spread in (True, False):
        answer = solved(problem, replace(BARE, spread=spread))
        crowd = Counter((pair.proposal, homes[pair.reviewer]) for pair in answer.pairs)
        assert (max(crowd.values()) == 1) == spread


def test_declines_are_refilled_and_nothing_else_moves() -> None:
    problem = made_up(30, 20, 6)
    first = solved(problem, Options())
    declined = {(pair.proposal, pair.reviewer) for pair in first.pairs[::10]}
    kept = first.assigned - declined

    answer = refill(problem, kept=kept, declined=declined, seed=2)

    assert isinstance(answer, Solution)
    assert kept <= answer.assigned
    assert not declined & answer.assigned
    assert len(answer.pairs) == len(first.pairs)


def test_what_was_declined_cannot_be_kept() -> None:
    with pytest.raises(ValueError, match="a declined pair is also kept"):
        refill(call([[0.5]]), kept={(1, 101)}, declined={(1, 101)}, seed=1)


def test_each_proposal_gets_the_roles_it_asks_for() -> None:
    people = tuple(Reviewer(101 + n, 2, roles=frozenset({"technical"} if n > 1 else ())) for n in range(4))
    problem = replace(
        call([[0.9, 0.8, 0.1, 0.1]] * 2, reviews=2),
        demands=(Demand(1, 2, (("technical", 1),)), Demand(2, 2, (("technical", 1),))),
        reviewers=people,
    )

    without, mixed = (solved(problem, replace(BARE, mix=mix)) for mix in (False, True))

    assert {r for _, r in without.assigned} == {101, 102}
    assert Counter(r > 102 for _, r in mixed.assigned) == {True: 2, False: 2}
    assert mixed.shortages == ()


def test_a_role_that_nobody_has_is_a_shortage_and_not_an_obstacle() -> None:
    problem = replace(call([[0.9, 0.8]]), demands=(Demand(1, 1, (("senior", 1),)),))

    answer = solved(problem, replace(BARE, mix=True))

    assert answer.shortages == (Shortage(proposal=1, role="senior", missing=1),)


@pytest.mark.parametrize("limit", [0.5, 0.7])
def test_no_pair_is_likelier_than_the_limit_and_draws_keep_the_chances(limit: float) -> None:
    problem = made_up(8, 12, 2)
    draws = [solved(problem, replace(BARE, limit=limit, spread=False), seed=seed) for seed in range(150)]
    chances = {(pair.proposal, pair.reviewer): pair.chance for one in draws for pair in one.pairs}
    often = Counter(pair for one in draws for pair in one.assigned)

    assert all(chance is not None and 0 < chance <= limit for chance in chances.values())
    assert all(abs(often[pair] / 150 - (chance or 0)) < 0.15 for pair, chance in chances.items())


def test_a_sparse_matrix_is_read_like_a_dense_one() -> None:
    problem = call([[0.9, 0.0], [0.8, 0.1]])
    sparse = replace(problem, affinities=csr_array(np.asarray(problem.affinities)))

    assert solved(problem) == solved(sparse)


@pytest.mark.parametrize("seed", range(4))
def test_the_floor_looks_at_all_pairs_even_where_few_are_kept(seed: int) -> None:
    """The pairs kept are the best with bids; the floor is about expertise, and may need others."""
    rng = np.random.Generator(np.random.PCG64(seed))
    problem = replace(made_up(40, 60, seed), expertise=np.round(rng.random((40, 60)), 3))

    few, all_ = (solved(problem, replace(BARE, floor_share=0.9, best=(n, n))) for n in (1, 60))

    assert few.best_floor == all_.best_floor


def test_a_narrow_choice_of_candidates_widens_until_everybody_is_staffed() -> None:
    rows = [[0.9, 0.8, 0.1, 0.1, 0.1, 0.1]] * 6
    answer = solved(call(rows), replace(BARE, best=(1, 1)))

    assert len(answer.pairs) == 6


def test_a_pair_carries_rank_next_candidate_evidence_and_reason() -> None:
    papers = (Evidence(0, "On everything", 0.7),)
    problem = replace(
        call([[0.9, 0.7, 0.4], [0.8, 0.2, 0.1]]), evidence=lambda p, r: papers, banned=frozenset({(2, 103)})
    )

    first, second = solved(problem).pairs

    assert (first.proposal, first.reviewer, first.rank, first.candidates, first.instead) == (
        1,
        102,
        2,
        3,
        0.4,
    )
    assert first.evidence == papers
    assert first.why == (
        "Match 0.70, number 2 of 3 possible reviewers; 1 better one has no free place. "
        "Without this pair the next free candidate matches 0.40."
    )
    assert (second.rank, second.candidates, second.instead) == (1, 2, None)
    assert second.why.endswith("Without this pair nobody with a free place could take the proposal.")


def test_a_shortage_names_the_proposals_the_people_and_what_is_missing() -> None:
    """14 proposals that only 3 people may review, among 20 that many may."""
    rows = [[0.5] * 3 + [0.0] * 10] * 14 + [[0.5] * 13] * 20
    banned = frozenset((p, r) for p in range(1, 15) for r in range(104, 114))
    problem = replace(call(rows, reviews=3), banned=banned)
    people = tuple(replace(one, cap=3 if one.id < 104 else 20) for one in problem.reviewers)

    answer = refused(replace(problem, reviewers=people))

    assert answer.proposals == tuple(range(1, 15))
    assert answer.reviewers == (101, 102, 103)
    assert (answer.wanted, answer.places, answer.single, answer.missing) == (42, 9, 0, 33)
    assert answer.sentence == (
        "These 14 proposals can only be reviewed by these 3 people, who have 9 free places; "
        "42 reviews are wanted, 33 are missing."
    )
    assert "Raise the limits of these reviewers by at least 33 in all." in answer.relax
    assert "Check the conflicts and refusals that keep people with free places away: 140." in answer.relax


def test_a_proposal_with_too_few_candidates_is_named() -> None:
    answer = refused(call([[0.5, 0.5]], reviews=3, cap=9))

    assert answer.sentence == (
        "This proposal wants 3 reviews, but those who may review can take 2 reviews; 1 is missing."
    )


def test_spread_institutions_are_named_as_what_to_relax() -> None:
    problem = call([[0.5, 0.5]], reviews=2)
    people = tuple(replace(one, institution="north") for one in problem.reviewers)

    answer = refused(replace(problem, reviewers=people))

    assert answer.relax[0].startswith("Allow two reviewers of one institution")


def test_minima_that_cannot_be_kept_are_named() -> None:
    answer = refused(call([[0.5, 0.5]], cap=2, least=1))

    assert answer.promised
    assert answer.sentence == (
        "These 2 people are promised at least 2 reviews in all, but the proposals they may review have room "
        "for 1; 1 is missing."
    )
    assert answer.relax == ("Lower the promised minimum of these reviewers by 1 in all.",)


@pytest.mark.parametrize(
    ("limit", "reviewers", "reviews"), [(0.6, 5, 3), (0.3, 10, 3), (1 / 3, 3, 1), (0.35, 20, 7), (0.5, 2, 1)]
)
def test_a_limit_means_what_is_written(limit: float, reviewers: int, reviews: int) -> None:
    """Three fifths of five people are three reviews, though 0.6 as a float is less than that."""
    answer = solved(call([[0.5] * reviewers], reviews=reviews), replace(BARE, limit=limit))

    assert [pair.chance for pair in answer.pairs] == pytest.approx([limit] * reviews)


def test_a_limit_that_is_too_tight_is_named() -> None:
    answer = refused(call([[0.5]]), replace(BARE, limit=0.5))

    assert answer.relax[0].startswith("Raise or drop the limit on a pair's chance")


def test_a_run_tells_how_to_repeat_it() -> None:
    run = solved(made_up(20, 20, 1), Options(), seed=42).run
    other = solved(made_up(20, 20, 2), Options(), seed=42).run

    assert (run.seed, run.solver) == (42, network.chosen("auto")[0])
    assert len(run.input_hash) == 64
    assert run.input_hash != other.input_hash


def test_nothing_to_do_is_an_answer() -> None:
    problem = Problem(demands=(), reviewers=(), affinities=np.zeros((0, 0)))

    answer = propose(problem, seed=1)

    assert isinstance(answer, Solution)
    assert (answer.pairs, answer.total, answer.worst) == ((), 0.0, None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"affinities": np.array([[1.5, 0.1]])}, "between 0 and 1"),
        ({"affinities": np.array([[np.nan, 0.1]])}, "between 0 and 1"),
        ({"affinities": np.array([[0.5]])}, "have the shape"),
        ({"demands": (Demand(1, -1),)}, "fewer than no reviews"),
        ({"reviewers": (Reviewer(1, 1), Reviewer(1, 1))}, "listed twice"),
        ({"reviewers": (Reviewer(1, 1, least=2), Reviewer(2, 1))}, "between 0 and the cap"),
        ({"pinned": frozenset({(9, 101)})}, "not part of the problem"),
        ({"pinned": frozenset({(1, 101)}), "banned": frozenset({(1, 101)})}, "banned or forbidden"),
    ],
)
def test_a_problem_that_makes_no_sense_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(call([[0.5, 0.4]]), **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [{"floor_share": 1.1}, {"limit": 0.0}, {"limit": 1.1}, {"best": (0, 1)}, {"limit": 0.5, "mix": True}],
    ids=str,
)
def test_options_that_make_no_sense_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Options(**change)  # type: ignore[arg-type]
