"""Decisions: awards take units from the pools, and never more than they hold."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from allocations.accounts import ledger
from allocations.accounts.awards import Allocation, AllocationState, AwardState
from allocations.accounts.ledger import Purpose
from allocations.kernel import clock, units
from allocations.kernel.errors import DomainError, Incomplete, Invalid, NotAllowed, Stale
from allocations.programme import decisions, proposals, writing
from allocations.programme.decisions import Decision, Outcome
from allocations.programme.proposals import Proposal, State
from tests import cast as stage
from tests.cast import Cast
from tests.threads import at_once

HUNDRED = 100 * units.MICRO


def free(session: Session, cast: Cast, slug: str = "h100") -> int:
    (pool,) = (link.pool for link in cast.call.pools if link.pool.resource.slug == slug)
    return ledger.balance(session, ledger.pool(pool.id), Purpose.FREE)


def test_an_award_offers_allocations_and_takes_them_from_the_pool(session: Session, cast: Cast) -> None:
    proposal = stage.reviewed(cast, asks={"h100": 100, "a100": 50})

    decision = decisions.award(session, cast.chen, proposal, amounts={"h100": HUNDRED}, summary="Good.")
    session.commit()

    award = decision.award
    assert (proposal.state, decision.outcome, award.state) == (
        State.AWARDED,
        Outcome.AWARD,
        AwardState.OFFERED,
    )
    (allocation,) = award.allocations
    assert (allocation.state, allocation.amount) == (AllocationState.OFFERED, HUNDRED)
    assert ledger.balance(session, ledger.allocation(allocation.id), Purpose.OFFERED) == HUNDRED
    assert free(session, cast) == stage.POOLS["h100"] - HUNDRED
    assert {r.resource.slug: r.awarded for r in proposal.requests} == {"h100": HUNDRED, "a100": 0}
    assert award.project.pi.name == "Priya"


def test_a_pool_is_never_exceeded(session: Session, cast: Cast) -> None:
    first = stage.reviewed(cast, asks={"h100": 600})
    second = stage.reviewed(cast, asks={"h100": 600})
    decisions.award(session, cast.chen, first, amounts={"h100": 600 * units.MICRO}, summary="Good.")
    session.commit()

    with pytest.raises(Invalid) as refused:
        decisions.award(session, cast.chen, second, amounts={"h100": 600 * units.MICRO}, summary="Good.")
    session.rollback()

    assert refused.value.fields == {"amount_h100": "The pool of H100 80 GB holds only 400 GPU-hours now."}
    assert free(session, cast) == 400 * units.MICRO
    assert ledger.recount(session) == {}


def test_of_eight_awards_at_once_exactly_one_gets_the_last_of_the_pool(
    session: Session, sessions: sessionmaker[Session], cast: Cast
) -> None:
    refs = [stage.reviewed(cast, asks={"h100": 900}).ref for _ in range(8)]
    session.commit()

    def award(number: int) -> str:
        with sessions() as mine, mine.begin():
            proposal = proposals.get(mine, cast.chen, refs[number])
            amounts = {"h100": 900 * units.MICRO}
            decisions.award(mine, cast.chen, proposal, amounts=amounts, summary="Good.")
        return "awarded"

    outcomes = at_once(8, award)

    assert outcomes.count("awarded") == 1, outcomes
    lost = [outcome for outcome in outcomes if outcome != "awarded"]
    assert {str(error) for error in lost} == {"The pool of H100 80 GB holds only 100 GPU-hours now."}
    assert all(isinstance(error, Invalid) for error in lost)
    session.expire_all()
    assert session.scalar(select(func.count()).select_from(Allocation)) == 1
    assert free(session, cast) == 100 * units.MICRO
    assert ledger.recount(session) == {}


def test_of_four_decisions_on_one_proposal_at_once_exactly_one_stands(
    session: Session, sessions: sessionmaker[Session], cast: Cast
) -> None:
    ref = stage.reviewed(cast).ref
    session.commit()

    def decide(number: int) -> str:
        with sessions() as mine, mine.begin():
            proposal = proposals.get(mine, cast.chen, ref)
            if number % 2:
                decisions.decline(mine, cast.chen, proposal, summary="No.")
            else:
                decisions.award(mine, cast.chen, proposal, amounts={"h100": HUNDRED}, summary="Yes.")
        return "decided"

    outcomes = at_once(4, decide)

    assert outcomes.count("decided") == 1, outcomes
    assert session.scalar(select(func.count()).select_from(Decision)) == 1
    session.expire_all()
    assert ledger.recount(session) == {}


@pytest.mark.parametrize("who", ["priya", "carlos", "ruth", "owen", "pat", "sam", "ada"])
def test_only_the_panel_chair_decides(session: Session, cast: Cast, who: str) -> None:
    proposal = stage.reviewed(cast)

    with pytest.raises(NotAllowed, match="Only the panel chair decides"):
        decisions.decline(session, getattr(cast, who), proposal, summary="No.")


@pytest.mark.parametrize(("who", "reason"), [("carlos", "their own team"), ("dean", "their own institution")])
def test_a_chair_with_a_relation_to_the_proposal_does_not_decide(
    session: Session, cast: Cast, who: str, reason: str
) -> None:
    cast.people["dean"] = stage.Person(
        name="Dean", email="d@example.edu", institution=cast.people["priya"].institution
    )
    session.add(cast.people["dean"])
    session.flush()
    stage.roles.grant(session, stage.SYSTEM, cast.people[who], role=stage.Role.PANEL_CHAIR)
    cast.refresh_roles()
    proposal = stage.reviewed(cast)

    with pytest.raises(NotAllowed, match=reason):
        decisions.decline(session, getattr(cast, who), proposal, summary="No.")


def test_the_chair_of_another_call_does_not_decide(session: Session, cast: Cast) -> None:
    other = stage.open_call(cast)
    proposal = stage.reviewed(cast, call=other)

    with pytest.raises(NotAllowed, match="Only the panel chair decides"):
        decisions.decline(session, cast.chen, proposal, summary="No.")


def test_a_decision_is_made_once(session: Session, cast: Cast) -> None:
    proposal = stage.reviewed(cast)
    decisions.decline(session, cast.chen, proposal, summary="No.")

    with pytest.raises(NotAllowed, match="declined; it cannot be decided now"):
        decisions.award(session, cast.chen, proposal, amounts={"h100": 1}, summary="Yes.")


def test_a_declined_proposal_leaves_the_pool_alone(session: Session, cast: Cast) -> None:
    proposal = stage.reviewed(cast)

    decision = decisions.decline(session, cast.chen, proposal, summary="No.")
    session.flush()

    assert (proposal.state, decision.award, free(session, cast)) == (
        State.DECLINED,
        None,
        stage.POOLS["h100"],
    )


@pytest.mark.parametrize(
    ("amounts", "summary", "field"),
    [
        ({"a100": 1}, "Yes.", "amount_a100"),
        ({"h100": HUNDRED + 1}, "Yes.", "amount_h100"),
        ({"h100": -1}, "Yes.", "amount_h100"),
        ({"h100": 0}, "Yes.", "amount_h100"),
        ({}, "Yes.", "amount_h100"),
        ({"h100": 1}, " ", "summary"),
    ],
)
def test_an_award_that_breaks_a_rule_names_the_field(
    session: Session, cast: Cast, amounts: dict[str, int], summary: str, field: str
) -> None:
    proposal = stage.reviewed(cast)

    with pytest.raises(Invalid) as refused:
        decisions.award(session, cast.chen, proposal, amounts=amounts, summary=summary)

    assert list(refused.value.fields) == [field]


def test_an_award_needs_a_submitted_review(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)
    stage.assigned(cast, proposal, cast.ruth)

    with pytest.raises(Incomplete, match="No review counts for it"):
        decisions.award(session, cast.chen, proposal, amounts={"h100": 1}, summary="Yes.")


def test_a_recommendation_is_kept_and_a_second_tab_notices_it(session: Session, cast: Cast) -> None:
    proposal = stage.reviewed(cast)
    read = proposal.version
    decisions.recommend(session, cast.chen, proposal, {"h100": HUNDRED // 2}, version=read)
    session.flush()

    assert [r.recommended for r in proposal.requests] == [HUNDRED // 2]
    assert proposal.state == State.IN_REVIEW
    with pytest.raises(Stale):
        decisions.recommend(session, cast.chen, proposal, {"h100": 1}, version=read)


def test_an_award_runs_from_midnight_for_the_months_asked_for(session: Session, cast: Cast) -> None:
    proposal = stage.draft(cast)
    start = clock.today() + timedelta(days=40)
    wanted = writing.Wanted(asks=(writing.Ask("h100", HUNDRED, "x"),), starts_on=start, months=6)
    writing.save_resources(session, cast.priya, proposal, wanted)
    writing.submit(session, cast.priya, proposal)
    stage.screening.forward(session, cast.owen, proposal)
    stage.scored(cast, proposal, cast.ruth)

    award = decisions.award(session, cast.chen, proposal, amounts={"h100": 1}, summary="Yes.").award

    assert award.starts_at == datetime(start.year, start.month, start.day, tzinfo=UTC)
    assert award.ends_at.date() == decisions.months_later(start, 6)


def test_an_award_decided_after_the_wanted_start_begins_today(session: Session, cast: Cast) -> None:
    proposal = stage.reviewed(cast)
    late = clock.now() + timedelta(days=50)

    with clock.at(late):
        award = decisions.award(session, cast.chen, proposal, amounts={"h100": 1}, summary="Yes.").award

    assert award.starts_at.date() == late.date()


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2026, 12, 1), 12, date(2027, 12, 1)),
        (date(2026, 5, 15), 60, date(2031, 5, 15)),
    ],
)
def test_months_are_counted_as_people_do(day: date, months: int, later: date) -> None:
    assert decisions.months_later(day, months) == later


@given(day=st.dates(date(2000, 1, 1), date(2100, 1, 1)), months=st.integers(1, 60))
def test_a_later_month_is_always_later_and_never_too_far(day: date, months: int) -> None:
    later = decisions.months_later(day, months)

    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert day.day - 3 <= later.day <= day.day


@pytest.mark.parametrize(
    ("who", "allowed"), [("chen", True), ("owen", True), ("ruth", False), ("sam", False)]
)
def test_the_ranking_is_for_the_chair_and_the_office(cast: Cast, who: str, allowed: bool) -> None:
    assert bool(decisions.may_chair(getattr(cast, who), cast.call)) == allowed


def test_errors_carry_a_sentence(session: Session, cast: Cast) -> None:
    proposal = stage.draft(cast)

    with pytest.raises(DomainError) as refused:
        decisions.decline(session, cast.chen, proposal, summary="No.")

    assert refused.value.reason == "This proposal is draft; it cannot be decided now."
    assert session.scalar(select(func.count()).select_from(Proposal)) == 1
