"""Writing a review, stepping back from it, and who reads whose."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.kernel import clock
from allocations.kernel.errors import Incomplete, Invalid, NotAllowed, NotFound, Stale
from allocations.people.roles import VISITOR
from allocations.programme import (
    decisions,
    disclosure,
    lapsing,
    proposals,
    reviewing,
    reviews,
    teams,
    writing,
)
from allocations.programme.proposals import Proposal
from allocations.programme.reviewing import ReviewDraft
from allocations.programme.reviews import ReviewState
from allocations.programme.teams import TeamMember
from tests import cast as stage
from tests.cast import Cast

EMPTY = ReviewDraft(scores={}, confidence=None, to_pi="", to_panel="")


def test_a_conflicted_reviewer_cannot_open_the_proposal(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)
    review = stage.assigned(cast, proposal, cast.ruth)
    assert proposals.get(session, cast.ruth, proposal.ref) is proposal

    reviewing.declare_conflict(session, cast.ruth, review, reason="We share a grant.")
    session.flush()

    with pytest.raises(NotFound):
        proposals.get(session, cast.ruth, proposal.ref)
    with pytest.raises(NotFound):
        reviews.get(session, cast.ruth, review.ref)


def test_a_conflict_bars_an_officer_from_the_proposal_too(session: Session, cast: Cast) -> None:
    stage.roles.grant(session, stage.SYSTEM, cast.people["ruth"], role=stage.Role.PROGRAMME_OFFICER)
    cast.refresh_roles()
    proposal = stage.in_review(cast)
    review = stage.assigned(cast, proposal, cast.ruth)
    reviewing.declare_conflict(session, cast.ruth, review, reason="We share a grant.")
    session.flush()

    with pytest.raises(NotFound):
        proposals.get(session, cast.ruth, proposal.ref)


def test_others_reviews_are_hidden_until_ones_own_is_submitted(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)
    other = stage.scored(cast, proposal, cast.ravi)
    mine = stage.assigned(cast, proposal, cast.ruth)
    assert disclosure.circle(session, cast.ruth, proposal).readable == [mine]

    numbers = {c.id: 3 for c in proposal.call.criteria}
    text = ReviewDraft(scores=numbers, confidence=2, to_pi="Fine.", to_panel="")
    reviewing.save(session, cast.ruth, mine, text)
    reviewing.submit(session, cast.ruth, mine)
    session.flush()

    readable = disclosure.circle(session, cast.ruth, proposal).readable
    assert {review.id for review in readable} == {other.id, mine.id}


def test_unfinished_reviews_of_others_stay_hidden_after_submitting(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)
    stage.assigned(cast, proposal, cast.ravi)
    mine = stage.scored(cast, proposal, cast.ruth)

    assert disclosure.circle(session, cast.ruth, proposal).readable == [mine]


@pytest.mark.parametrize(
    ("who", "count"), [("owen", 2), ("chen", 2), ("priya", 0), ("carlos", 0), ("sam", 0), ("rosa", 0)]
)
def test_the_office_reads_all_reviews_and_the_team_none(
    session: Session, cast: Cast, who: str, count: int
) -> None:
    proposal = stage.reviewed(cast)

    assert len(disclosure.circle(session, getattr(cast, who), proposal).readable) == count


def test_comments_for_the_pi_name_nobody_and_leave_out_what_is_for_the_panel(
    session: Session, cast: Cast
) -> None:
    proposal = stage.reviewed(cast)
    assert disclosure.circle(session, cast.priya, proposal).comments == []

    decisions.decline(session, cast.chen, proposal, summary="No.")
    comments = disclosure.circle(session, cast.priya, proposal).comments

    assert {comment.text for comment in comments} == {"Words of Ravi.", "Words of Ruth."}
    assert [comment.who for comment in comments] == ["Reviewer 1", "Reviewer 2"]


def test_the_getter_opens_ones_own_review_only(session: Session, cast: Cast) -> None:
    review = stage.assigned(cast, stage.in_review(cast), cast.ruth)

    assert reviews.get(session, cast.ruth, review.ref) is review
    for other in (cast.ravi, cast.owen, cast.chen, cast.priya, VISITOR):
        with pytest.raises(NotFound):
            reviews.get(session, other, review.ref)
    assert list(reviews.page(session, cast.ruth)) == [review]
    assert list(reviews.page(session, cast.ravi)) == []


def test_a_reviewer_accepts_before_writing(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)
    review = reviewing.assign(session, cast.owen, proposal, person=cast.person(cast.ruth))

    with pytest.raises(NotAllowed, match="Accept the invitation first"):
        reviewing.save(session, cast.ruth, review, EMPTY)
    reviewing.accept(session, cast.ruth, review)
    reviewing.save(session, cast.ruth, review, EMPTY)

    assert review.state == ReviewState.ACCEPTED


def test_an_incomplete_review_is_kept_but_not_submitted(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)
    review = stage.assigned(cast, proposal, cast.ruth)
    merit, plan = proposal.call.criteria
    reviewing.save(session, cast.ruth, review, ReviewDraft({merit.id: 5}, None, "", ""))

    with pytest.raises(Incomplete) as refused:
        reviewing.submit(session, cast.ruth, review)

    assert set(refused.value.fields) == {f"score_{plan.id}", "confidence", "to_pi"}


def test_saving_again_changes_a_score_in_place(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)
    review = stage.assigned(cast, proposal, cast.ruth)
    merit, plan = (c.id for c in proposal.call.criteria)
    reviewing.save(session, cast.ruth, review, ReviewDraft({merit: 1}, 1, "a", "b"))
    session.commit()

    reviewing.save(session, cast.ruth, review, ReviewDraft({merit: 5, plan: 2}, 1, "a", "b"))
    session.commit()
    session.expire_all()

    assert {score.criterion_id: score.value for score in review.scores} == {merit: 5, plan: 2}


def test_a_change_of_scores_alone_makes_an_older_reading_stale(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)
    review = stage.assigned(cast, proposal, cast.ruth)
    (merit, _), read = (c.id for c in proposal.call.criteria), review.version
    reviewing.save(session, cast.ruth, review, ReviewDraft({merit: 1}, None, "", ""), version=read)
    session.flush()

    with pytest.raises(Stale):
        reviewing.save(session, cast.ruth, review, ReviewDraft({merit: 2}, None, "", ""), version=read)


def test_a_score_outside_the_rubric_is_refused(session: Session, cast: Cast) -> None:
    review = stage.assigned(cast, stage.in_review(cast), cast.ruth)

    with pytest.raises(Invalid):
        reviewing.save(session, cast.ruth, review, ReviewDraft({-1: 5}, 3, "a", "b"))


def test_a_submitted_review_does_not_change(session: Session, cast: Cast) -> None:
    review = stage.scored(cast, stage.in_review(cast), cast.ruth)

    with pytest.raises(NotAllowed, match="does not change"):
        reviewing.save(session, cast.ruth, review, EMPTY)


def test_nobody_writes_anothers_review(session: Session, cast: Cast) -> None:
    review = stage.assigned(cast, stage.in_review(cast), cast.ruth)

    for verb in (reviewing.accept, reviewing.submit):
        with pytest.raises(NotAllowed, match="Only the"):
            verb(session, cast.ravi, review)


def test_a_withdrawn_proposal_is_not_reviewed_any_more(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)
    review = stage.assigned(cast, proposal, cast.ruth)
    writing.withdraw(session, cast.priya, proposal)

    with pytest.raises(NotAllowed, match="no longer under review"):
        reviewing.save(session, cast.ruth, review, EMPTY)


def test_a_conflict_takes_a_submitted_review_out_of_the_panels_sight(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)
    review = stage.scored(cast, proposal, cast.ruth)

    reviewing.declare_conflict(session, cast.ruth, review, reason="We share a grant.")
    session.flush()

    assert [r.state for r in disclosure.circle(session, cast.owen, proposal).asked] == ["conflicted"]
    with pytest.raises(Incomplete, match="needs one"):
        decisions.award(session, cast.chen, proposal, amounts={"h100": 1}, summary="Yes.")


def test_a_conflict_needs_a_reason(session: Session, cast: Cast) -> None:
    review = stage.assigned(cast, stage.in_review(cast), cast.ruth)

    with pytest.raises(Incomplete):
        reviewing.declare_conflict(session, cast.ruth, review, reason=" ")


def test_a_conflict_cannot_be_declared_after_the_decision(session: Session, cast: Cast) -> None:
    stage.awarded(cast)
    proposal = session.scalars(select(Proposal)).one()
    review = disclosure.circle(session, cast.ruth, proposal).own
    assert review is not None

    with pytest.raises(NotAllowed, match="decided"):
        reviewing.declare_conflict(session, cast.ruth, review, reason="Late.")


def test_a_reviewer_who_joins_the_team_no_longer_reviews_it(session: Session, cast: Cast) -> None:
    proposal = stage.draft(cast)
    invitee = stage.Invitee("r.private@example.com", stage.ProjectRole.USER)
    writing.save_team(session, cast.priya, proposal, [invitee])
    writing.submit(session, cast.priya, proposal)
    stage.screening.forward(session, cast.owen, proposal)
    review = stage.assigned(cast, proposal, cast.ruth)

    teams.accept(session, cast.ruth, session.scalars(select(TeamMember)).one())
    session.flush()

    with pytest.raises(NotAllowed, match="own team"):
        reviewing.save(session, cast.ruth, review, EMPTY)


def test_an_invitation_that_nobody_answers_lapses_and_the_office_hears_of_it(
    session: Session, cast: Cast
) -> None:
    proposal = stage.in_review(cast)
    review = reviewing.assign(session, cast.owen, proposal, person=cast.person(cast.ruth))
    accepted = stage.assigned(cast, proposal, cast.ravi)
    with clock.at(review.state_since + lapsing.PATIENCE - timedelta(hours=1)):
        assert not lapsing.step(session)
    with clock.at(review.state_since + lapsing.PATIENCE):
        assert lapsing.step(session)
        session.flush()
        assert not lapsing.step(session)

    assert (review.state, accepted.state) == (ReviewState.CANCELLED, ReviewState.ACCEPTED)
    reviewing.assign(session, cast.owen, proposal, person=cast.person(cast.ruth))
    assert review.state == ReviewState.INVITED
