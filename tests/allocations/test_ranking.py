"""The ranked table: arithmetic on scores."""

import itertools

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from allocations.programme import ranking, reviewing
from allocations.programme.calls import Criterion
from allocations.programme.proposals import Proposal
from allocations.programme.reviews import Review, ReviewState, Score
from tests import cast as stage
from tests.cast import Cast


def rubric(*weights: int) -> list[Criterion]:
    made = [Criterion(position=n, name=f"c{n}", weight=w, anchors=[]) for n, w in enumerate(weights)]
    for number, criterion in enumerate(made):
        criterion.id = number
    return made


def review_of(values: list[int]) -> Review:
    review = Review.__new__(Review)
    Review.__init__(review, proposal=None, reviewer=None, state=ReviewState.SUBMITTED)
    review.scores.extend(Score(criterion_id=number, value=value) for number, value in enumerate(values))
    return review


def proposal_of(number: int) -> Proposal:
    proposal = Proposal(call=None, pi=None)
    proposal.id = number
    return proposal


def test_a_review_counts_as_the_weighted_mean_of_its_scores() -> None:
    assert ranking.overall(review_of([5, 1]), rubric(75, 25)) == 4.0


def test_equal_means_share_a_rank_and_the_unreviewed_come_last() -> None:
    criteria, lines = rubric(1), [proposal_of(n) for n in (1, 2, 3, 4)]
    given_reviews = {1: [review_of([3])], 2: [review_of([5])], 3: [review_of([2]), review_of([4])]}

    table = ranking.rank(lines, given_reviews, criteria)

    assert [(s.proposal.id, s.rank, s.mean, s.spread) for s in table] == [
        (2, 1, 5.0, 0.0),
        (1, 2, 3.0, 0.0),
        (3, 2, 3.0, 2.0),
        (4, 4, None, None),
    ]


scores = st.lists(st.integers(1, 5), min_size=2, max_size=2)


@given(
    weights=st.lists(st.integers(1, 100), min_size=2, max_size=2),
    panel=st.lists(st.lists(scores, max_size=4), min_size=1, max_size=6),
    shuffled=st.randoms(use_true_random=False),
)
def test_the_order_in_which_proposals_and_reviews_come_changes_nothing(weights, panel, shuffled) -> None:
    lines = [proposal_of(number) for number in range(len(panel))]
    all_reviews = {n: [review_of(values) for values in rows] for n, rows in enumerate(panel)}
    mixed = shuffled.sample(lines, len(lines))
    turned = {n: shuffled.sample(rows, len(rows)) for n, rows in all_reviews.items()}

    table = ranking.rank(lines, all_reviews, rubric(*weights))

    assert ranking.rank(mixed, turned, rubric(*weights)) == table
    assert all(1 <= line.mean <= 5 for line in table if line.mean is not None)
    assert [line.rank for line in table] == sorted(line.rank for line in table)
    assert table[0].rank == 1
    for better, worse in itertools.pairwise(table):
        assert (better.rank == worse.rank) == (better.mean == worse.mean)


def test_open_reviews_count_as_asked_and_not_as_scores(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)
    stage.scored(cast, proposal, cast.ruth, values=(5, 5))
    stage.assigned(cast, proposal, cast.ravi)

    (line,) = ranking.rank([proposal], reviewing.of_call(session, [proposal]), cast.call.criteria)

    assert (line.rank, line.mean, line.scores, line.asked) == (1, 5.0, (5.0,), 2)
