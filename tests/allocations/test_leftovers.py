"""What a concluded call has left over: returned once, whoever presses, and in the next call's pools first."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from allocations.accounts import awards, ledger, pools
from allocations.accounts.ledger import Account, Purpose
from allocations.accounts.pools import GENERAL, Pool
from allocations.accounts.resources import Resource
from allocations.kernel import clock, units
from allocations.kernel.audit import AuditEntry
from allocations.kernel.errors import IllegalMove, NotAllowed
from allocations.programme import calls, decisions, leftovers, opening
from allocations.programme.calls import Call
from allocations.programme.proposals import State
from tests import cast as stage
from tests.cast import Cast
from tests.threads import at_once

MICRO = units.MICRO


def conclude(cast: Cast) -> Call:
    """Everything decided: 100 hours awarded, and the call over."""
    stage.awarded(cast)
    cast.call.closes_at = clock.now() - timedelta(minutes=1)
    opening.conclude(cast.session, cast.owen, cast.call)
    cast.session.flush()
    return cast.call


def free(session: Session, pool: Pool | None) -> int:
    return ledger.balance(session, ledger.pool(pool.id), Purpose.FREE) if pool else -1


def whole(session: Session) -> int:
    """Every balance of everybody: double entry keeps it at nothing."""
    return int(session.scalar(select(func.sum(Account.balance))) or 0)


def test_what_is_left_goes_to_the_general_pools_and_is_on_record(session: Session, cast: Cast) -> None:
    call = conclude(cast)
    back = leftovers.give_back(session, cast.owen, call)
    session.commit()

    assert back == {"h100": 900 * MICRO, "a100": 5000 * MICRO, "scratch": 20_000 * MICRO}
    assert free(session, pools.general(session, cast.h100)) == 900 * MICRO
    assert [one.free for one in leftovers.of_call(session, call)] == [0, 0, 0]
    assert [one.general for one in leftovers.of_call(session, call)] == list(back.values())
    note = session.scalars(select(AuditEntry).where(AuditEntry.verb == "call.return_leftovers")).one().note
    assert note.startswith("900 GPU-hours of H100 80 GB, 5,000 GPU-hours of A100 40 GB, 20,000 GiB")
    assert (whole(session), ledger.recount(session)) == (0, {})


def test_a_second_press_finds_nothing_and_what_comes_back_later_follows(session: Session, cast: Cast) -> None:
    call = conclude(cast)
    leftovers.give_back(session, cast.owen, call)
    with pytest.raises(IllegalMove, match="Nothing is left"):
        leftovers.give_back(session, cast.owen, call)
    (award,) = session.scalars(select(awards.Award)).all()
    awards.decline(session, cast.priya, award, reason="We have enough.")
    session.flush()

    assert leftovers.give_back(session, cast.owen, call)["h100"] == 100 * MICRO
    kept = pools.general(session, cast.h100)
    assert kept is not None
    assert (free(session, kept), kept.amount) == (1000 * MICRO, 1000 * MICRO)


def test_the_next_call_is_filled_from_them_first(session: Session, cast: Cast) -> None:
    leftovers.give_back(session, cast.owen, conclude(cast))
    given = {"h100": 1500 * MICRO, "a100": 1000 * MICRO}
    later = stage.open_call(cast, pools=given)
    session.commit()

    assert {link.pool.resource.slug: free(session, link.pool) for link in later.pools} == given
    assert free(session, pools.general(session, cast.h100)) == 0
    assert free(session, pools.general(session, cast.a100)) == 4000 * MICRO
    # Only 600 of the 1,500 hours are new: nothing is counted twice.
    new = -sum(
        ledger.balance(session, ledger.pool(link.pool_id), Purpose.CONTRIBUTED) for link in later.pools
    )
    assert new == 600 * MICRO
    assert (whole(session), ledger.recount(session)) == (0, {})


@pytest.mark.parametrize("state", [State.SUBMITTED, State.IN_REVIEW])
def test_nothing_is_returned_while_a_proposal_waits(session: Session, cast: Cast, state: State) -> None:
    call, waiting = conclude(cast), stage.draft(cast, call=stage.open_call(cast))
    waiting.call, waiting.state = call, state
    session.flush()

    with pytest.raises(NotAllowed, match="Not every proposal of the call is decided"):
        leftovers.give_back(session, cast.owen, call)


def test_nor_while_a_late_draft_may_still_come_in(session: Session, cast: Cast) -> None:
    call, late = conclude(cast), stage.draft(cast, call=stage.open_call(cast))
    late.call, late.grace_until = call, clock.now() + timedelta(minutes=5)
    session.flush()
    before = leftovers.is_settled(session, call)
    late.grace_until = clock.now() - timedelta(minutes=5)
    session.flush()

    assert (before.allowed, leftovers.is_settled(session, call).allowed) == (False, True)


def test_only_an_officer_returns_and_only_of_a_concluded_call(session: Session, cast: Cast) -> None:
    with pytest.raises(NotAllowed, match="Conclude the call first"):
        leftovers.give_back(session, cast.owen, cast.call)
    call = conclude(cast)
    for actor in (cast.chen, cast.pat, cast.priya, cast.ada):
        with pytest.raises(NotAllowed, match="Only a programme officer"):
            leftovers.give_back(session, actor, call)


def test_of_six_presses_at_once_one_returns_and_nothing_is_counted_twice(
    session: Session, sessions: sessionmaker[Session], cast: Cast
) -> None:
    """Of two concluded calls with the same resources: the general pools are opened at the same moment."""
    call = conclude(cast)
    other = stage.open_call(cast)
    other.closes_at = clock.now() - timedelta(minutes=1)
    opening.conclude(session, cast.owen, other)
    session.commit()
    refs = [call.ref, other.ref]

    def press(number: int) -> str:
        with sessions() as mine, mine.begin():
            leftovers.give_back(mine, cast.owen, calls.get(mine, cast.owen, refs[number % 2]))
        return "returned"

    outcomes = at_once(6, press)

    assert outcomes.count("returned") == 2, outcomes
    assert {str(one) for one in outcomes if one != "returned"} == {
        "Nothing is left in the pools of this call."
    }
    session.expire_all()
    assert session.scalar(select(func.count()).where(Pool.name == GENERAL)) == 3
    kept = pools.general(session, session.get_one(Resource, cast.h100.id))
    assert kept is not None
    assert (free(session, kept), kept.amount) == (1900 * MICRO, 1900 * MICRO)
    assert (whole(session), ledger.recount(session)) == (0, {})


def test_an_award_and_a_return_at_once_share_no_hour(
    session: Session, sessions: sessionmaker[Session], cast: Cast
) -> None:
    """The proposal is decided while somebody returns: either it gets its hours, or they are gone."""
    proposal = stage.reviewed(cast, asks={"h100": 600})
    pool = next(link.pool for link in cast.call.pools if link.pool.resource.slug == "h100")
    session.commit()

    def work(number: int) -> str:
        with sessions() as mine, mine.begin():
            if number:
                pools.give_back(mine, mine.get_one(Pool, pool.id), cause="test")
                return "returned"
            mine_too = mine.get_one(type(proposal), proposal.id)
            given = {"h100": 600 * MICRO}
            decisions.award(mine, cast.chen, mine_too, amounts=given, summary="Yes.")
        return "awarded"

    outcomes = at_once(2, work)

    session.expire_all()
    left = free(session, pools.general(session, cast.h100))
    assert left == (400 * MICRO if outcomes[0] == "awarded" else 1000 * MICRO), outcomes
    assert free(session, pool) == 0
    assert (whole(session), ledger.recount(session)) == (0, {})
