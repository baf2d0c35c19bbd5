"""The least that still makes sense to a PI: kept beside the request, and held to by the split."""

import pytest
from sqlalchemy.orm import Session

from allocations.kernel import clock, units
from allocations.kernel.errors import Invalid
from allocations.programme import decisions, importing, proposals, writing
from allocations.programme.calls import Lane
from allocations.programme.selection import rounds
from allocations.programme.writing import Ask, Wanted
from tests import cast as stage
from tests.cast import Cast

MICRO = units.MICRO


def save(session: Session, cast: Cast, proposal: proposals.Proposal, *, least: int | None) -> None:
    asks = (Ask("h100", 100 * MICRO, "To train.", least),)
    writing.save_resources(session, cast.priya, proposal, Wanted(asks, clock.today(), 12))
    session.flush()


def test_the_least_is_kept_changed_and_taken_back(session: Session, cast: Cast) -> None:
    proposal, kept = stage.draft(cast), []
    for least in (60 * MICRO, 100 * MICRO, None):
        save(session, cast, proposal, least=least)
        kept.append(proposal.requests[0].minimum)

    assert kept == [60 * MICRO, 100 * MICRO, None]


@pytest.mark.parametrize("least", [0, -1, 100 * MICRO + 1])
def test_the_least_is_more_than_nothing_and_at_most_the_request(
    session: Session, cast: Cast, least: int
) -> None:
    with pytest.raises(Invalid) as refused:
        save(session, cast, stage.draft(cast), least=least)

    assert set(refused.value.fields) == {"least_h100"}


def test_it_is_frozen_with_the_version_and_copied_to_the_next_proposal(session: Session, cast: Cast) -> None:
    older = stage.draft(cast)
    save(session, cast, older, least=60 * MICRO)
    writing.submit(session, cast.priya, older)
    later = writing.start(session, cast.priya, cast.call)
    importing.bring(session, cast.priya, later, older)
    starter = stage.open_call(cast, lane=Lane.STARTER, questions=())
    short = writing.start(session, cast.priya, starter)
    importing.bring(session, cast.priya, short, older)

    (version,) = proposals.versions(session, older)
    assert version.content["resources"][0]["least"] == "60"
    assert later.requests[0].minimum == 60 * MICRO
    assert short.requests[0].minimum is None  # a short form does not ask for it


def test_an_award_below_it_is_told_in_words(session: Session, cast: Cast) -> None:
    proposal = stage.draft(cast)
    save(session, cast, proposal, least=60 * MICRO)

    assert decisions.under_least(proposal, {"h100": 59 * MICRO}) == [
        "H100 80 GB: 59 of at least 60 GPU-hours"
    ]
    assert decisions.under_least(proposal, {"h100": 60 * MICRO}) == []
    assert decisions.under_least(proposal, {"h100": 0}) == []  # nothing at all is no award


def two_for_one_pool(*, least: int | None) -> dict[int, int]:
    """150 hours for two equal requests of 100; the first may say what it needs at least."""
    candidates = [
        {
            "proposal": key,
            "version": 1,
            "score": score,
            "house": f"house {key}",
            "high_risk": False,
            "first_time": False,
            "if_it_works": score,
            "lines": [{"slug": "h100", "requested": 100 * MICRO, "minimum": said, "instead": {}}],
        }
        for key, score, said in ((1, 4.0, None), (2, 3.9, least))
    ]
    inputs = {
        "proposals": [1, 2],
        "pools": [{"slug": "h100", "name": "H100", "unit": "GPU-hours", "capacity": 150 * MICRO}],
        "high_risk": 0,
        "first_time": 0,
        "terms": {"promises": [100], "minimum": 50, "set_aside": 0, "cap": 100},
        "pins": [],
        "lost": [],
        "pins_before": None,
        "views": [{"hidden": [], "calibrated": False, "width": 0.05, "candidates": candidates}],
    }
    view = rounds.answered(inputs)["views"][0]
    assert view["refused"] == ""
    return {one["proposal"]: one["amounts"]["h100"] // MICRO for one in view["outcomes"]}


def test_the_split_keeps_to_what_each_needs_and_to_the_share_where_nothing_is_said() -> None:
    # The usual half fits into what the better one leaves; 51 hours do not, and so it gets nothing.
    assert two_for_one_pool(least=None) == {1: 100, 2: 50}
    assert two_for_one_pool(least=51 * MICRO) == {1: 100, 2: 0}
    assert two_for_one_pool(least=10 * MICRO) == {1: 100, 2: 50}
