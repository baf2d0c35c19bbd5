"""Awards: the provider consents, the PI accepts, allocations start."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from allocations.accounts import awards, ledger
from allocations.accounts.awards import AllocationState, AwardState, Consent
from allocations.accounts.ledger import Purpose
from allocations.kernel import clock, units
from allocations.kernel.errors import Invalid, NotAllowed, NotFound, Stale
from allocations.programme import decisions, writing
from tests import cast as stage
from tests.cast import Cast

HUNDRED = 100 * units.MICRO


def held(session: Session, allocation: awards.Allocation) -> dict[str, int]:
    owner = ledger.allocation(allocation.id)
    found = ledger.balances(session, [owner]).get(owner, {})
    return {str(purpose): amount for purpose, amount in found.items() if amount}


def pool_free(session: Session, allocation: awards.Allocation) -> int:
    return ledger.balance(session, ledger.pool(allocation.pool_id), Purpose.FREE)


@pytest.mark.parametrize(
    ("amount", "consent", "state", "offered"),
    [
        (HUNDRED, Consent.GIVEN, AllocationState.OFFERED, HUNDRED),
        (HUNDRED // 4, Consent.REDUCED, AllocationState.OFFERED, HUNDRED // 4),
        (0, Consent.REFUSED, AllocationState.DECLINED, 0),
    ],
)
def test_the_provider_gives_all_less_or_nothing_and_the_rest_returns(
    session: Session, cast: Cast, amount: int, consent: Consent, state: AllocationState, offered: int
) -> None:
    (allocation,) = stage.awarded(cast).allocations

    awards.consent(session, cast.pat, allocation, amount=amount, reason="We are full.")

    assert (allocation.consent, allocation.state, allocation.amount) == (consent, state, amount)
    assert held(session, allocation) == ({"offered": offered} if offered else {})
    assert pool_free(session, allocation) == stage.POOLS["h100"] - offered


@pytest.mark.parametrize(("amount", "reason", "field"), [(-1, "x", "amount"), (HUNDRED + 1, "x", "amount")])
def test_a_provider_gives_nothing_that_was_not_awarded(
    session: Session, cast: Cast, amount: int, reason: str, field: str
) -> None:
    (allocation,) = stage.awarded(cast).allocations

    with pytest.raises(Invalid) as refused:
        awards.consent(session, cast.pat, allocation, amount=amount, reason=reason)

    assert list(refused.value.fields) == [field]


@pytest.mark.parametrize("amount", [0, HUNDRED - 1])
def test_less_needs_a_reason(session: Session, cast: Cast, amount: int) -> None:
    (allocation,) = stage.awarded(cast).allocations

    with pytest.raises(Invalid) as refused:
        awards.consent(session, cast.pat, allocation, amount=amount)

    assert list(refused.value.fields) == ["reason"]


@pytest.mark.parametrize("who", ["priya", "owen", "chen", "sam", "ada"])
def test_only_the_resources_own_provider_answers(session: Session, cast: Cast, who: str) -> None:
    (allocation,) = stage.awarded(cast).allocations

    with pytest.raises(NotAllowed, match="Only Supercomputing Centre can answer"):
        awards.consent(session, getattr(cast, who), allocation, amount=HUNDRED)


def test_the_provider_answers_once(session: Session, cast: Cast) -> None:
    (allocation,) = stage.consented(cast, stage.awarded(cast)).allocations

    with pytest.raises(NotAllowed, match="already answered"):
        awards.consent(session, cast.pat, allocation, amount=0, reason="Changed our mind.")


def test_consent_on_an_older_reading_is_refused(session: Session, cast: Cast) -> None:
    (allocation,) = stage.awarded(cast).allocations

    with pytest.raises(Stale):
        awards.consent(session, cast.pat, allocation, amount=HUNDRED, version=allocation.version - 1)


@pytest.mark.parametrize("who", ["carlos", "uma", "owen", "pat", "sam"])
def test_only_the_pi_accepts_the_terms(session: Session, cast: Cast, who: str) -> None:
    award = stage.awarded(cast)

    with pytest.raises(NotAllowed, match="Only the PI"):
        awards.accept(session, getattr(cast, who), award)


@pytest.mark.parametrize("order", ["provider first", "PI first"])
def test_an_allocation_starts_when_both_sides_have_agreed(session: Session, cast: Cast, order: str) -> None:
    award = stage.awarded(cast)
    (allocation,) = award.allocations
    steps = [
        lambda: awards.consent(session, cast.pat, allocation, amount=HUNDRED // 2, reason="Half."),
        lambda: awards.accept(session, cast.priya, award),
    ]
    first, second = steps if order == "provider first" else steps[::-1]
    first()
    assert allocation.state == AllocationState.OFFERED

    second()

    assert allocation.state == AllocationState.ACTIVE
    assert held(session, allocation) == {"available": HUNDRED // 2}
    assert ledger.recount(session) == {}


def test_an_allocation_of_the_future_waits_for_its_start(session: Session, cast: Cast) -> None:
    proposal = stage.draft(cast)
    start = clock.today() + timedelta(days=10)
    wanted = writing.Wanted(asks=(writing.Ask("h100", HUNDRED, "x"),), starts_on=start, months=6)
    writing.save_resources(session, cast.priya, proposal, wanted)
    writing.submit(session, cast.priya, proposal)
    stage.screening.forward(session, cast.owen, proposal)
    stage.scored(cast, proposal, cast.ruth)
    award = decisions.award(session, cast.chen, proposal, amounts={"h100": HUNDRED}, summary="Yes.").award
    session.flush()
    awards.accept(session, cast.priya, stage.consented(cast, award))
    (allocation,) = award.allocations

    assert not awards.activate_if_due(session, allocation)
    with clock.at(award.starts_at):
        assert awards.activate_if_due(session, allocation)
        assert not awards.activate_if_due(session, allocation)


def test_turning_the_award_down_returns_everything_once(session: Session, cast: Cast) -> None:
    award = stage.awarded(cast, asks={"h100": 100, "a100": 40})
    refused, offered = award.allocations
    awards.consent(session, cast.pat, refused, amount=0, reason="Full.")
    session.flush()

    awards.decline(session, cast.priya, award, reason="Too little.")

    assert award.state == AwardState.DECLINED
    assert [a.state for a in award.allocations] == [AllocationState.DECLINED] * 2
    assert pool_free(session, refused) == stage.POOLS["h100"]
    assert pool_free(session, offered) == stage.POOLS["a100"]
    assert ledger.recount(session) == {}


def test_the_provider_no_longer_answers_for_an_award_that_was_turned_down(
    session: Session, cast: Cast
) -> None:
    award = stage.awarded(cast)
    awards.decline(session, cast.priya, award)

    with pytest.raises(NotAllowed, match="no longer on offer"):
        awards.consent(session, cast.pat, award.allocations[0], amount=1, reason="x")


def test_an_award_is_answered_once(session: Session, cast: Cast) -> None:
    award = stage.awarded(cast)
    awards.accept(session, cast.priya, award)

    for again in (awards.accept, awards.decline):
        with pytest.raises(NotAllowed, match="already accepted"):
            again(session, cast.priya, award)


def test_providers_find_what_waits_for_them(session: Session, cast: Cast) -> None:
    award = stage.awarded(cast, asks={"h100": 10, "a100": 10})
    first, second = award.allocations

    assert list(awards.awaiting_consent(session, cast.pat)) == [first, second]
    assert list(awards.awaiting_consent(session, cast.sam)) == []
    awards.consent(session, cast.pat, first, amount=first.amount)
    session.flush()
    assert list(awards.awaiting_consent(session, cast.pat)) == [second]


@pytest.mark.parametrize(
    ("who", "seen"),
    [("priya", True), ("carlos", True), ("uma", True), ("pat", True), ("owen", True)]
    + [(who, False) for who in ("ruth", "chen", "dana", "sam")],
)
def test_members_provider_and_office_see_an_allocation(
    session: Session, cast: Cast, who: str, seen: bool
) -> None:
    (allocation,) = stage.awarded(cast).allocations
    if seen:
        assert awards.get(session, getattr(cast, who), allocation.ref) is allocation
    else:
        with pytest.raises(NotFound):
            awards.get(session, getattr(cast, who), allocation.ref)


@pytest.mark.parametrize(("who", "seen"), [("priya", True), ("uma", True), ("owen", True), ("sam", False)])
def test_an_award_is_seen_by_whoever_sees_its_project(
    session: Session, cast: Cast, who: str, seen: bool
) -> None:
    award = stage.awarded(cast)
    if seen:
        assert awards.get_award(session, getattr(cast, who), award.ref) is award
    else:
        with pytest.raises(NotFound):
            awards.get_award(session, getattr(cast, who), award.ref)
