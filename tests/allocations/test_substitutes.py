"""Resources that may stand in for others: named at the PI's rate, used by the split, awarded and told."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from allocations.accounts import ledger
from allocations.accounts.ledger import Purpose
from allocations.kernel import clock, units
from allocations.kernel.errors import Invalid
from allocations.programme import contents, deciding, decisions, importing, proposals, substitutes, writing
from allocations.programme.proposals import Proposal, State
from allocations.programme.selection import rounds
from allocations.programme.writing import Ask, Wanted
from tests import cast as stage
from tests.cast import Cast

MICRO = units.MICRO
RATE = 2_500_000


def asking(cast: Cast, proposal: Proposal, **instead: int) -> Proposal:
    """100 H100 hours, or so many micro-units of others in place of one."""
    asks = (Ask("h100", 100 * MICRO, "To train.", None, instead),)
    writing.save_resources(cast.session, cast.priya, proposal, Wanted(asks, clock.today(), 12))
    cast.session.flush()
    return proposal


def before_the_panel(cast: Cast) -> Proposal:
    proposal = stage.reviewed(cast)
    substitutes.ask(proposal.requests[0], {"a100": RATE})
    cast.session.flush()
    return proposal


def test_the_rates_are_kept_frozen_and_shown_in_words(session: Session, cast: Cast) -> None:
    proposal = asking(cast, stage.draft(cast), a100=RATE)
    writing.submit(session, cast.priya, proposal)
    session.commit()
    session.expire_all()

    (version,) = proposals.versions(session, proposal)
    told = contents.parts(version.content, names=False)
    (lines,) = [part for part in told if isinstance(part, contents.Lines) and part.section == "Resources"]
    assert substitutes.rates(proposal.requests[0]) == {"a100": RATE}
    assert lines.rows[0][1] == "100 GPU-hours, or 2.5 of A100 40 GB for 1"


@pytest.mark.parametrize(
    ("other", "rate", "why"),
    [
        ("scratch", MICRO, "cannot stand in"),  # storage for hours
        ("h100", MICRO, "cannot stand in"),
        ("nothing", MICRO, "cannot stand in"),
        ("a100", 99_999, "from 0.1"),
        ("a100", 10_000_000_001, "from 0.1"),
        ("a100", 51 * MICRO, "too few to stand in"),  # 5,100 of the pool's 5,000
    ],
)
def test_what_cannot_stand_in_is_said_at_its_field(cast: Cast, other: str, rate: int, why: str) -> None:
    with pytest.raises(Invalid) as refused:
        asking(cast, stage.draft(cast), **{other: rate})

    ((field, message),) = refused.value.fields.items()
    assert field == f"instead_h100_{other}"
    assert why in message


def test_a_resource_is_asked_for_itself_or_stands_in_for_one_other() -> None:
    assert substitutes.clashes({"h100": {"a100": 1}, "a100": {}}) == {
        "instead_h100_a100": "You ask for this resource itself."
    }
    assert list(substitutes.clashes({"h100": {"l4": 1}, "a100": {"l4": 1}})) == ["instead_a100_l4"]


def test_another_proposal_is_told_that_they_are_not_copied(session: Session, cast: Cast) -> None:
    older = asking(cast, stage.draft(cast), a100=RATE)
    later = writing.start(session, cast.priya, cast.call)
    brought = importing.bring(session, cast.priya, later, older)

    assert later.requests[0].substitutes == {}
    assert "what could stand in for H100 80 GB" in brought.told


def test_an_award_takes_both_pools_and_offers_both(session: Session, cast: Cast) -> None:
    proposal = before_the_panel(cast)
    given_amounts = {"h100": 60 * MICRO, "a100": 100 * MICRO}
    decided = decisions.award(session, cast.chen, proposal, amounts=given_amounts, summary="Both.")
    session.flush()

    assert decided.award is not None
    offered = {one.resource.slug: one.amount for one in decided.award.allocations}
    assert offered == given_amounts
    request = proposal.requests[0]
    assert (request.awarded, request.recommended) == (100 * MICRO, 100 * MICRO)
    assert substitutes.parts(request, "awarded") == [substitutes.Part("a100", 100 * MICRO, 40 * MICRO)]
    free = {
        link.pool.resource.slug: ledger.balance(session, ledger.pool(link.pool_id), Purpose.FREE)
        for link in cast.call.pools
    }
    assert (free["h100"], free["a100"]) == (940 * MICRO, 4900 * MICRO)
    assert ledger.recount(session) == {}


@pytest.mark.parametrize(
    ("amounts", "field"),
    [
        ({"h100": 100 * MICRO, "a100": 1 * MICRO}, "amount_h100"),
        ({"a100": 251 * MICRO}, "amount_h100"),
        ({"a100": -1}, "amount_a100"),
        ({"scratch": 1}, "amount_scratch"),
    ],
)
def test_all_together_are_worth_no_more_than_was_asked(
    session: Session, cast: Cast, amounts: dict[str, int], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        decisions.award(session, cast.chen, before_the_panel(cast), amounts=amounts, summary="More.")

    assert set(refused.value.fields) == {field}


def test_what_only_a_substitute_serves_is_an_award_when_all_are_decided(session: Session, cast: Cast) -> None:
    proposal = before_the_panel(cast)
    decisions.recommend(session, cast.chen, proposal, {"h100": 0, "a100": 250 * MICRO})
    session.flush()
    waiting = deciding.ready(session, cast.chen, cast.call)
    deciding.decide_as_recommended(session, cast.chen, cast.call, summary="So be it.", reasons={})

    assert (waiting.award, waiting.decline) == ((proposal.id,), ())
    assert proposal.state == State.AWARDED
    assert substitutes.recommended(proposal) == {"h100": 0, "a100": 250 * MICRO}


def test_declining_takes_back_what_was_noted(session: Session, cast: Cast) -> None:
    proposal = before_the_panel(cast)
    decisions.recommend(session, cast.chen, proposal, {"a100": 250 * MICRO})
    decisions.decline(session, cast.chen, proposal, summary="No.")

    assert substitutes.parts(proposal.requests[0], "recommended") == []
    assert proposal.requests[0].awarded == 0


@given(
    amount=st.integers(0, 10**12),
    own=st.integers(0, 10**12),
    rate=st.integers(substitutes.LEAST, substitutes.MOST),
)
def test_noted_amounts_are_read_back_as_they_were(amount: int, own: int, rate: int) -> None:
    request = proposals.ResourceRequest(resource=stage.Resource(**_h100()), requested=1)
    substitutes.ask(request, {"a100": rate})
    substitutes.note(request, {"h100": own, "a100": amount}, "recommended")
    held = Proposal.__new__(Proposal)
    Proposal.__init__(held, call=None, pi=None)  # type: ignore[arg-type]
    held.requests = [request]

    assert substitutes.recommended(held) == {"h100": own, "a100": amount}


def _h100() -> dict[str, Any]:
    provider = stage.Provider(name="P")
    return {"slug": "h100", "name": "H100", "kind": stage.Kind.GPU, "provider": provider, "quantity": 1}


def solved(
    held: Mapping[str, int],
    instead: Mapping[str, int],
    *,
    pins: list[dict[str, Any]] | None = None,
    minimum: int | None = None,
) -> dict[str, Any]:
    """One request of 100 H100 hours against pools of so many whole hours; its outcome."""
    line = {"slug": "h100", "requested": 100 * MICRO, "minimum": minimum, "instead": instead}
    candidate = {
        "proposal": 1,
        "version": 1,
        "score": 4.0,
        "house": "institution 1",
        "high_risk": False,
        "first_time": False,
        "if_it_works": 4.0,
        "lines": [line],
    }
    pools = [
        {"slug": slug, "name": slug.upper(), "unit": "GPU-hours", "capacity": hours * MICRO}
        for slug, hours in held.items()
    ]
    inputs = {
        "proposals": [1],
        "pools": pools,
        "high_risk": 0,
        "first_time": 0,
        "terms": {"promises": [100], "minimum": 50, "set_aside": 0, "cap": 100},
        "pins": pins or [],
        "lost": [],
        "pins_before": None,
        "views": [{"hidden": [], "calibrated": False, "width": 0.05, "candidates": [candidate]}],
    }
    view = rounds.answered(inputs)["views"][0]
    assert view["refused"] == ""
    outcome: dict[str, Any] = view["outcomes"][0]
    return outcome


def test_the_split_fills_up_with_what_may_stand_in_and_says_so() -> None:
    outcome = solved({"h100": 60, "a100": 1000}, {"a100": RATE}, minimum=100 * MICRO)

    # Both pools together give exactly what was asked for, to the few millionths that rounding keeps apart.
    assert outcome["amounts"] == pytest.approx({"h100": 60 * MICRO, "a100": 100 * MICRO}, abs=200)
    assert outcome["reason"] == ("Funded in full. 100 GPU-hours of A100 stand in for 40 GPU-hours of H100.")


def test_without_it_the_same_proposal_gets_nothing() -> None:
    outcome = solved({"h100": 60, "a100": 1000}, {}, minimum=100 * MICRO)

    assert outcome["amounts"] == {"h100": 0}


def test_a_cut_names_both_pools() -> None:
    outcome = solved({"h100": 60, "a100": 50}, {"a100": RATE})

    assert outcome["amounts"]["h100"] + outcome["amounts"]["a100"] * 10 // 25 <= 80 * MICRO
    assert "Cut to" in outcome["reason"]
    assert "A100 at rank 1, H100 at rank 1" in outcome["reason"]


def test_what_the_chair_sets_comes_from_exactly_those_pools() -> None:
    pins = [{"proposal": 1, "amounts": {"h100": 10 * MICRO, "a100": 25 * MICRO}}]
    outcome = solved({"h100": 1000, "a100": 1000}, {"a100": RATE}, pins=pins)

    assert outcome["amounts"] == {"h100": 10 * MICRO, "a100": 25 * MICRO}
    assert outcome["kind"] == "set by the chair"


@given(
    h100=st.integers(0, 150),
    a100=st.integers(0, 400),
    rate=st.integers(substitutes.LEAST, 20 * MICRO),
)
def test_amounts_are_worth_no_more_than_the_request_and_take_no_more_than_there_is(
    h100: int, a100: int, rate: int
) -> None:
    amounts = solved({"h100": h100, "a100": a100}, {"a100": rate})["amounts"]

    assert amounts["h100"] <= h100 * MICRO
    assert amounts.get("a100", 0) <= a100 * MICRO
    assert amounts["h100"] + substitutes.worth(amounts.get("a100", 0), rate) <= 100 * MICRO


def test_an_upheld_appeal_adds_to_either_resource_and_counts_both(session: Session, cast: Cast) -> None:
    proposal = before_the_panel(cast)
    first = {"h100": 20 * MICRO, "a100": 50 * MICRO}
    decided = decisions.award(session, cast.chen, proposal, amounts=first, summary="Some.")
    session.flush()
    assert decided.award is not None

    decisions.award_more(session, proposal, decided.award, {"h100": 10 * MICRO, "a100": 25 * MICRO})

    request = proposal.requests[0]
    assert request.awarded == 60 * MICRO
    assert substitutes.parts(request, "awarded") == [substitutes.Part("a100", 75 * MICRO, 30 * MICRO)]
    offered = [(one.resource.slug, one.amount // MICRO) for one in decided.award.allocations]
    assert sorted(offered) == [("a100", 25), ("a100", 50), ("h100", 10), ("h100", 20)]
    with pytest.raises(Invalid, match="At most 100"):
        decisions.award_more(session, proposal, decided.award, {"a100": 101 * MICRO})
