"""What is still to come before a proposal can be judged beside the others: a notice, never a bar."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.orm import Session

from allocations.kernel import clock, zones
from allocations.programme import steps
from allocations.programme.calls import Call, Decider
from allocations.programme.proposals import Proposal, State
from allocations.programme.reviews import Review, ReviewState
from allocations.programme.steps import StepKind


def given() -> ScalarSelect[Any]:
    """Of proposals, as SQL: how many reviews are submitted."""
    done = select(func.count()).select_from(Review)
    return done.where(
        Review.proposal_id == Proposal.id, Review.state == ReviewState.SUBMITTED
    ).scalar_subquery()


def of_proposals(session: Session, proposals: Sequence[Proposal]) -> dict[int, str]:
    """By id, the notice of each that has one; one statement. For those who judge all of them."""
    query = select(Proposal.id, given()).where(Proposal.id.in_([one.id for one in proposals]))
    counts: dict[int, int] = dict(session.execute(query).all())
    told = {one.id: notice(one, counts[one.id]) for one in proposals}
    return {key: words for key, words in told.items() if words}


def notice(proposal: Proposal, reviews: int) -> str:
    """Empty when nothing is to come. `reviews` are those that are submitted."""
    if proposal.state != State.IN_REVIEW:
        return ""
    return sentence(proposal.call, reviews, step=proposal.step, due=proposal.step_due)


def sentence(call: Call, reviews: int, *, step: StepKind | None, due: datetime | None) -> str:
    """“2 of 3 reviews are in; the call closes on 3 March 2026.”; of a proposal in review."""
    lacks = call.has_step(StepKind.REVIEW) and reviews < call.reviewers
    parts = [f"{reviews} of {call.reviewers} review{_are(call.reviewers)} in"] if lacks else []
    # What lacks reviews is in review: that need not be said twice.
    if step in (StepKind.REBUTTAL, StepKind.DISCUSSION) or (step == StepKind.REVIEW and not lacks):
        parts.append(f"the step “{steps.NAMES[step][0]}” is not over{_until(call, due)}")
    # What a rule decides is compared with nothing that is still to come.
    if call.window == "open" and call.decided_by != Decider.RULE:
        parts.append(f"the call closes on {_day(call, call.closes_at)}")
    told = "; ".join(parts)
    return f"{told[0].upper()}{told[1:]}." if told else ""


def _are(number: int) -> str:
    return " is" if number == 1 else "s are"


def _until(call: Call, due: datetime | None) -> str:
    return f" (until {_day(call, due)})" if due is not None and due > clock.now() else ""


def _day(call: Call, at: datetime) -> str:
    return f"{zones.local(at, call.timezone):%-d %B %Y}"
