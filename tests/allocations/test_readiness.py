"""The notice about what is still to come before a proposal is judged."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from allocations.kernel import clock
from allocations.programme import readiness
from allocations.programme.calls import Decider
from allocations.programme.steps import StepKind
from tests import panel
from tests.cast import Cast


@pytest.mark.parametrize(
    ("reviews", "step", "is_open", "expected"),
    [
        (3, StepKind.PANEL, False, ""),
        (2, StepKind.REVIEW, False, "2 of 3 reviews are in."),
        (2, StepKind.PANEL, False, "2 of 3 reviews are in."),
        (2, StepKind.REVIEW, True, "2 of 3 reviews are in; the call closes on {close}."),
        (3, StepKind.PANEL, True, "The call closes on {close}."),
        (3, StepKind.REVIEW, False, "The step “Review” is not over (until {due})."),
        (
            2,
            StepKind.DISCUSSION,
            False,
            "2 of 3 reviews are in; the step “Discussion” is not over (until {due}).",
        ),
    ],
)
def test_it_says_what_is_missing_and_nothing_else(
    session: Session, cast: Cast, *, reviews: int, step: StepKind, is_open: bool, expected: str
) -> None:
    proposal = panel.crowd(session, cast.call, 1)[0]
    cast.call.reviewers, proposal.step = 3, step
    proposal.step_due = clock.now() + timedelta(days=9)
    if not is_open:
        cast.call.closes_at = clock.now() - timedelta(minutes=1)
        cast.call.opens_at = cast.call.closes_at - timedelta(days=9)
    words = {"close": f"{cast.call.closes_at:%-d %B %Y}", "due": f"{proposal.step_due:%-d %B %Y}"}

    assert readiness.notice(proposal, reviews) == expected.format(**words)


def test_what_a_rule_decides_waits_for_no_close(session: Session, cast: Cast) -> None:
    proposal = panel.crowd(session, cast.call, 1)[0]
    cast.call.reviewers, cast.call.decided_by = 3, Decider.RULE

    assert readiness.of_proposals(session, [proposal]) == {}


def test_submitted_reviews_are_counted_in_one_go(session: Session, cast: Cast) -> None:
    made = panel.crowd(session, cast.call, 3)
    cast.call.reviewers = 4

    assert {told[:12] for told in readiness.of_proposals(session, made).values()} == {"3 of 4 revie"}
