"""The ledger: double entry, never overdrawn, proved by its own entries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from allocations.accounts import ledger
from allocations.accounts.ledger import Account, Entry, Insufficient, Movement, Purpose
from allocations.accounts.pools import Pool, contribute
from tests import cast as stage
from tests.cast import Cast

NEGATIVE = {Purpose.CONTRIBUTED, Purpose.OVERRUN}


def pool_of(session: Session, cast: Cast, amount: int = 1000) -> Pool:
    pool = Pool(name="test", resource=cast.h100, amount=amount)
    session.add(pool)
    contribute(session, pool)
    return pool


def test_a_contribution_is_there_to_be_awarded(session: Session, cast: Cast) -> None:
    owner = ledger.pool(pool_of(session, cast).id)

    assert ledger.balances(session, [owner]) == {owner: {Purpose.CONTRIBUTED: -1000, Purpose.FREE: 1000}}


def test_more_than_there_is_does_not_move(session: Session, cast: Cast) -> None:
    owner = ledger.pool(pool_of(session, cast).id)
    before = session.scalar(select(func.count()).select_from(Entry))

    with pytest.raises(Insufficient):
        ledger.post(
            session,
            Movement.AWARD,
            1001,
            source=(owner, Purpose.FREE),
            target=(owner, Purpose.LAPSED),
            cause="x",
        )

    assert ledger.balance(session, owner, Purpose.FREE) == 1000
    assert session.scalar(select(func.count()).select_from(Entry)) == before


def test_zero_is_no_entry_and_less_or_to_itself_is_a_mistake(session: Session, cast: Cast) -> None:
    owner = ledger.pool(pool_of(session, cast).id)
    sides = {"source": (owner, Purpose.FREE), "target": (owner, Purpose.LAPSED), "cause": "x"}
    before = session.scalar(select(func.count()).select_from(Entry))

    ledger.post(session, Movement.LAPSE, 0, **sides)
    with pytest.raises(ValueError, match="never negative"):
        ledger.post(session, Movement.LAPSE, -1, **sides)
    with pytest.raises(ValueError, match="two accounts"):
        ledger.post(session, Movement.LAPSE, 1, source=sides["source"], target=sides["source"], cause="x")

    assert session.scalar(select(func.count()).select_from(Entry)) == before


@pytest.mark.parametrize("purpose", sorted(set(Purpose) - NEGATIVE))
def test_the_database_itself_refuses_an_overdrawn_account(
    session: Session, cast: Cast, purpose: Purpose
) -> None:
    pool = pool_of(session, cast)
    ledger.account(session, ledger.pool(pool.id), purpose).balance = -1

    with pytest.raises(IntegrityError):
        session.flush()
    session.rollback()


def test_an_account_belongs_to_a_pool_or_to_an_allocation(session: Session, cast: Cast) -> None:
    session.add(Account(purpose=Purpose.FREE))

    with pytest.raises(IntegrityError):
        session.flush()
    session.rollback()


def test_a_recount_finds_a_balance_that_its_entries_do_not_bear_out(session: Session, cast: Cast) -> None:
    account = ledger.account(session, ledger.pool(pool_of(session, cast).id), Purpose.FREE)
    account.balance = 1234
    session.flush()

    assert ledger.recount(session) == {account.id: (1234, 1000)}


OWNERS = 3
movements = st.lists(
    st.tuples(
        st.integers(0, OWNERS - 1),
        st.sampled_from(Purpose),
        st.integers(0, OWNERS - 1),
        st.sampled_from(Purpose),
        st.integers(0, 400),
    ),
    max_size=25,
)


@given(moves=movements)
def test_whatever_moves_all_accounts_sum_to_zero_and_the_recount_is_empty(
    session: Session, cast: Cast, moves: list[tuple[int, Purpose, int, Purpose, int]]
) -> None:
    with session.begin_nested() as example:
        owners = [ledger.pool(pool_of(session, cast, 300).id) for _ in range(OWNERS)]
        for source, paid_from, target, paid_to, amount in moves:
            sides = {"source": (owners[source], paid_from), "target": (owners[target], paid_to)}
            if sides["source"] == sides["target"]:
                continue
            try:
                ledger.post(session, Movement.GRANT, amount, **sides, cause="x")
            except Insufficient:
                assert ledger.balance(session, *sides["source"]) < amount
        session.flush()

        assert session.scalar(select(func.sum(Account.balance))) == 0
        assert ledger.recount(session) == {}
        overdrawn = [
            (purpose, amount)
            for held in ledger.balances(session, owners).values()
            for purpose, amount in held.items()
            if amount < 0 and purpose not in NEGATIVE
        ]
        assert overdrawn == []
        example.rollback()


def test_a_whole_story_leaves_a_sound_ledger(session: Session, cast: Cast) -> None:
    stage.active(cast, asks={"h100": 100, "a100": 7, "scratch": 3})
    session.flush()

    assert session.scalar(select(func.sum(Account.balance))) == 0
    assert ledger.recount(session) == {}
