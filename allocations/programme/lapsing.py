"""Invitations to review that nobody answers: they lapse, so that the office can ask somebody else."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.kernel import clock, outbox
from allocations.kernel.states import move
from allocations.people.roles import SYSTEM
from allocations.programme.reviewing import ReviewerSteppedBack
from allocations.programme.reviews import Review, ReviewState

# The letter asks for an answer within a week, and the daily reminder comes three times more.
PATIENCE = timedelta(days=10)


def step(session: Session) -> bool:
    """One invitation that has waited too long; true if there was one."""
    old = (Review.state == ReviewState.INVITED, Review.state_since <= clock.now() - PATIENCE)
    query = select(Review).where(*old).order_by(Review.id).limit(1)
    review = session.scalar(query.with_for_update(skip_locked=True, of=Review))
    if review is None:
        return False
    review.reason = f"No answer within {PATIENCE.days} days."
    move(session, review, ReviewState.CANCELLED, SYSTEM, note=review.reason)
    outbox.put(session, ReviewerSteppedBack(review.id))
    return True
