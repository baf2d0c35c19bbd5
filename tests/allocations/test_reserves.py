"""Shares of a pool for high-risk proposals and first-time PIs: who competes, by what, and what comes back."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.kernel import units
from allocations.programme import splitting
from allocations.programme.calls import Call, Criterion
from allocations.programme.proposals import Proposal, State
from allocations.programme.selection import rounds
from allocations.programme.splitting import Terms
from tests import cast as stage
from tests import panel
from tests.cast import Cast

MICRO = units.MICRO
Scored = Callable[[str, Sequence[int]], Proposal]
# 1,000 hours for requests of 100 each: the tenth is the last, and there are twelve as good.
GOOD = 12


@pytest.fixture
def scored(session: Session, cast: Cast) -> Scored:
    """A proposal of a new author with these reviews."""
    readers = panel.people(session, "Reader", 3)
    criteria = session.scalars(select(Criterion).where(Criterion.call_id == cast.call.id)).all()

    def make(title: str, values: Sequence[int]) -> Proposal:
        (author,) = panel.people(session, f"Author of {title}", 1)
        made = panel.waiting(cast.call, author, cast.h100, title=title)
        session.add(made)
        for reader, value in zip(readers, values, strict=True):
            session.add(panel.review(made, reader, value, criteria=criteria))
        session.flush()
        return made

    for n in range(GOOD):
        make(f"Good {n}", (4, 4, 4))
    return make


def solved(session: Session, cast: Cast, call: Call) -> dict[str, Any]:
    """The chair's view of a split computed on the spot."""
    session.flush()
    run = splitting.ask(session, cast.chen, call, Terms(), seed=1)
    view: dict[str, Any] = rounds.answered(splitting.gather(session, run))["views"][0]
    session.delete(run)
    session.flush()
    assert view["refused"] == ""
    return view


def given(view: dict[str, Any], proposal: Proposal) -> int:
    """Whole hours."""
    found = next(one for one in view["outcomes"] if one["proposal"] == proposal.id)
    return int(found["amounts"]["h100"]) // MICRO


def reason(view: dict[str, Any], proposal: Proposal) -> str:
    return str(next(one["reason"] for one in view["outcomes"] if one["proposal"] == proposal.id))


def test_what_would_matter_if_it_works_is_funded_from_the_reserve_and_rejected_without(
    session: Session, cast: Cast, scored: Scored
) -> None:
    """Two reviewers see a breakthrough, one does not believe in it; a safe one is marked as risky, too."""
    # The bold one is last by its mean of 3.33, and first by the better half of its reviews, 4.5.
    safe, bold = scored("Safe", (4, 4, 3)), scored("Bold", (5, 4, 1))
    bold.high_risk = safe.high_risk = True
    without = solved(session, cast, cast.call)
    cast.call.high_risk_percent = 10  # one request
    kept = solved(session, cast, cast.call)

    assert (given(without, bold), given(kept, bold)) == (0, 100)
    assert given(kept, safe) == 0
    assert reason(kept, bold) == "Funded in full (from the high-risk reserve)."


def test_unmarked_it_has_no_claim_to_the_reserve(session: Session, cast: Cast, scored: Scored) -> None:
    bold = scored("Bold", (5, 5, 1))
    cast.call.high_risk_percent = 10

    assert given(solved(session, cast, cast.call), bold) == 0


@pytest.mark.parametrize(
    ("scores", "above"),
    [((5.0, 5.0, 1.0), 4 / 3), ((4.0, 4.0), 0.0), ((3.0,), 0.0), ((5.0, 4.0, 2.0, 1.0), 1.5)],
)
def test_the_best_case_is_the_better_half_of_the_reviews(scores: tuple[float, ...], above: float) -> None:
    assert splitting.lift(scores) == pytest.approx(above)


def veteran(session: Session, proposal: Proposal, other: Call) -> None:
    """Its PI had an award in another call."""
    won = Proposal(call=other, pi=proposal.pi, title="Before", state=State.AWARDED)
    session.add(won)
    session.flush()


def test_a_first_time_pi_is_served_from_the_reserve_and_somebody_with_an_award_is_not(
    session: Session, cast: Cast, scored: Scored
) -> None:
    new, known = scored("New", (4, 3, 3)), scored("Known", (4, 4, 3))
    other = stage.open_call(cast)
    for proposal in session.scalars(select(Proposal).where(Proposal.id != new.id)).all():
        veteran(session, proposal, other)
    without = solved(session, cast, cast.call)
    cast.call.first_time_percent = 10
    kept = solved(session, cast, cast.call)

    assert (given(without, new), given(kept, new)) == (0, 100)
    assert given(kept, known) == 0
    assert "from the first-time reserve" in reason(kept, new)


def test_what_a_reserve_does_not_use_goes_to_everybody_and_is_told(
    session: Session, cast: Cast, scored: Scored
) -> None:
    for proposal in session.scalars(select(Proposal)).all():
        veteran(session, proposal, stage.open_call(cast))
    new = scored("New", (4, 4, 4))
    cast.call.first_time_percent = 40
    view = solved(session, cast, cast.call)
    pool = next(one for one in view["pools"] if one["slug"] == "h100")

    assert pool["reserves"] == [{"name": "first-time reserve", "kept": 400 * MICRO, "used": 100 * MICRO}]
    assert given(view, new) == 100
    assert pool["left"] < 50 * MICRO  # three hundred hours came back and were handed out


def test_an_award_that_is_kept_from_the_chair_does_not_show_through(
    session: Session, cast: Cast, scored: Scored
) -> None:
    """Whose PI is new is found as if the barred proposal did not exist."""
    new, barred = scored("New", (4, 3, 3)), scored("Barred", (5, 5, 5))
    barred.pi, barred.state = new.pi, State.AWARDED
    panel.bar(session, cast.people["chen"].id, barred)
    cast.call.first_time_percent = 10
    session.flush()
    run = splitting.ask(session, cast.owen, cast.call, Terms(), seed=1)
    views = splitting.gather(session, run)["views"]
    first = {
        tuple(view["hidden"]): {one["proposal"]: one["first_time"] for one in view["candidates"]}[new.id]
        for view in views
    }

    assert first == {(): False, (barred.id,): True}
