"""Review among applicants: equal work, no own proposal or institution, and no way to move one's own rank."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocations.programme.matching.distributed import Applicant, Scheme, TooFew, arranged, ranks

SCORES = st.integers(1, 10)


def pool(size: int, institutions: int) -> tuple[Applicant, ...]:
    return tuple(Applicant(100 + n, n, f"home {n % institutions}") for n in range(size))


def scheme_of(applicants: tuple[Applicant, ...], seed: int = 1) -> Scheme:
    made = arranged(applicants, seed=seed)
    assert isinstance(made, Scheme)
    return made


@pytest.mark.parametrize("size", [6, 7, 8, 9, 11, 13, 20, 31, 60])
def test_everybody_reviews_and_is_reviewed_the_same_number_of_times(size: int) -> None:
    scheme = scheme_of(pool(size, size))

    given_, received = Counter(r for _, r in scheme.pairs), Counter(p for p, _ in scheme.pairs)
    assert set(given_.values()) == set(received.values()) == {scheme.reviews}
    assert (len(given_), len(received)) == (size, size)


@pytest.mark.parametrize(("size", "reviews"), [(60, 5), (31, 5), (18, 5), (15, 5), (12, 4), (9, 3)])
def test_there_are_as_many_reviews_as_a_third_of_the_pool_can_take(size: int, reviews: int) -> None:
    scheme = scheme_of(pool(size, size))

    assert (scheme.reviews, scheme.mutual) == (reviews, 0)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("size", [11, 13, 16])
def test_nobody_reviews_each_other_in_groups_of_unequal_size(size: int, seed: int) -> None:
    scheme = arranged(pool(size, size), seed=seed, most=3)

    assert isinstance(scheme, Scheme)
    assert (scheme.reviews, scheme.mutual) == (3, 0)
    assert sum((r - 100, p + 100) in set(scheme.pairs) for p, r in scheme.pairs) == 0


@pytest.mark.parametrize("size", [5, 6, 7])
def test_a_small_pool_counts_those_who_review_each_other(size: int) -> None:
    scheme = scheme_of(pool(size, size))

    pairs = set(scheme.pairs)
    assert scheme.mutual == sum((r - 100, p + 100) in pairs for p, r in pairs) // 2


@pytest.mark.parametrize("seed", range(10))
def test_nobody_reviews_their_own_proposal_institution_or_what_is_barred(seed: int) -> None:
    applicants = tuple(
        Applicant(one.person, one.proposal, one.institution, frozenset({(one.proposal + 5) % 24}))
        for one in pool(24, 8)
    )
    scheme = scheme_of(applicants, seed)

    by_person = {one.person: one for one in applicants}
    home = {one.proposal: one.institution for one in applicants}
    for proposal, person in scheme.pairs:
        who = by_person[person]
        assert proposal != who.proposal
        assert home[proposal] != who.institution
        assert proposal not in who.barred


@settings(max_examples=60)
@given(st.data())
def test_no_score_of_a_reviewer_moves_the_rank_of_their_own_proposal(data: st.DataObject) -> None:
    size, seed = data.draw(st.integers(4, 16)), data.draw(st.integers(0, 50))
    applicants = pool(size, max(4, size // 2))
    scheme = arranged(applicants, seed=seed)
    if isinstance(scheme, TooFew):
        return
    scores = {pair: float(data.draw(SCORES)) for pair in scheme.pairs}
    who = data.draw(st.sampled_from(applicants))
    mine = [pair for pair in scheme.pairs if pair[1] == who.person]
    changed = scores | {pair: float(data.draw(SCORES)) for pair in mine}
    withheld = {pair: score for pair, score in scores.items() if pair not in mine}

    before = ranks(scheme, scores)[who.proposal]

    assert ranks(scheme, changed)[who.proposal] == before
    assert ranks(scheme, withheld)[who.proposal] == before


def test_a_reviewer_moves_the_ranks_of_others() -> None:
    """Otherwise the property above would say nothing."""
    scheme = scheme_of(pool(9, 9))
    pair = scheme.pairs[0]
    low, high = (dict.fromkeys(scheme.pairs, 5.0) | {pair: score} for score in (1.0, 9.0))

    assert ranks(scheme, low)[pair[0]].rank > ranks(scheme, high)[pair[0]].rank


def test_one_institution_alone_cannot_review_itself() -> None:
    answer = arranged(pool(6, 1), seed=1)

    assert isinstance(answer, TooFew)
    assert answer.sentence.startswith("6 applicants cannot review each other")


def test_the_order_of_applicants_changes_nothing() -> None:
    applicants = pool(17, 17)

    assert arranged(applicants, seed=3) == arranged(tuple(reversed(applicants)), seed=3)
