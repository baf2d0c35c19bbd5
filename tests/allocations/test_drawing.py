"""Tiers and lots: sealed before the ranking, frozen, drawn, decided one by one, and open to replay."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from allocations.accounts import ledger
from allocations.accounts.ledger import Purpose
from allocations.kernel.errors import IllegalMove, Incomplete, Invalid, NotAllowed
from allocations.people import roles
from allocations.people.roles import SYSTEM, Role
from allocations.programme import decisions, drawing, draws, opening, reviewing
from allocations.programme.calls import Call
from allocations.programme.decisions import Decision
from allocations.programme.drawing import Terms
from allocations.programme.draws import Draw
from allocations.programme.proposals import Proposal, State
from allocations.programme.selection.tiers import Tier
from tests.allocations import exchange
from tests.allocations.exchange import SECRET
from tests.cast import Cast

H100 = 350
TERMS = Terms("Lottery of Saturday, 28 November")


@contextmanager
def reviewed(cast: Cast) -> Iterator[tuple[Call, dict[str, Proposal]]]:
    """After the deadline: everything reviewed, 350 H100 hours for seven who ask for 100 each."""
    micro = exchange.stage.units.MICRO
    call = exchange.call(cast, pools={"h100": H100 * micro})
    proposals = exchange.applied(cast, call)
    with exchange.after_close(cast, call) as now:
        exchange.asked(cast, call, due_at=now + timedelta(days=14))
        exchange.written(cast, call)
    with exchange.after_close(cast, call, days=16):
        exchange.time_passes(cast.session)
        yield call, proposals


def decided(session: Session) -> None:
    while drawing.step(session):
        session.flush()


def drawn(cast: Cast, call: Call) -> Draw:
    session = cast.session
    draw = exchange.sealed(cast, call)
    drawing.freeze(session, cast.owen, call, draw, TERMS)
    drawing.draw_lots(session, cast.owen, call, draw, public="lottery of 21 November: 3 14 15 92")
    session.flush()
    return draw


def test_the_lots_decide_within_the_pools_and_the_record_replays(session: Session, cast: Cast) -> None:
    with reviewed(cast) as (call, proposals):
        draw = drawn(cast, call)
        decided(session)

    states = [proposal.state for proposal in proposals.values()]
    pool = call.pools[0].pool
    assert states.count(State.AWARDED) == 3
    assert states.count(State.DECLINED) == 4
    left = 50 * exchange.stage.units.MICRO
    assert ledger.balance(session, ledger.pool(pool.id), Purpose.FREE) == left
    assert draw.record["left"] == [left]
    assert draw.applied_at is not None
    assert drawing.is_sound(draw.record)


def test_a_proposal_that_was_once_returned_for_changes_is_decided_as_well(
    session: Session, cast: Cast
) -> None:
    with reviewed(cast) as (call, proposals):
        proposals["sam"].message = "Please say more."
        drawn(cast, call)
        decided(session)

    assert proposals["sam"].state in (State.AWARDED, State.DECLINED)


def test_deciding_twice_decides_nothing_more(session: Session, cast: Cast) -> None:
    with reviewed(cast) as (call, _):
        drawn(cast, call)
        decided(session)
        before = session.scalar(select(func.count()).select_from(Decision))
        decided(session)

        assert session.scalar(select(func.count()).select_from(Decision)) == before == 7


@pytest.mark.parametrize("part", ["secret", "public", "fates", "placed", "budget"])
def test_a_record_that_was_touched_is_not_sound(session: Session, cast: Cast, part: str) -> None:
    with reviewed(cast) as (call, _):
        touched = copy.deepcopy(drawn(cast, call).record)
    changes = {
        "secret": "d" * 64,
        "public": "another value",
        "fates": touched["fates"][::-1],
        "placed": [one | {"tier": "top"} for one in touched["placed"]],
        "budget": [0],
    }
    touched[part] = changes[part]

    assert not drawing.is_sound(touched)
    assert not drawing.is_sound({"nothing": "at all"})


def test_nothing_is_frozen_before_the_reviews_are_in_or_drawn_before_it_is_frozen(
    session: Session, cast: Cast
) -> None:
    call = exchange.call(cast)
    exchange.applied(cast, call)
    with exchange.after_close(cast, call):
        draw = exchange.sealed(cast, call)
        with pytest.raises(IllegalMove, match="7 proposals are still in review"):
            drawing.freeze(session, cast.owen, call, draw, TERMS)
        with pytest.raises(IllegalMove, match="Freeze the ranking first"):
            drawing.draw_lots(session, cast.owen, call, draw, public="1 2 3 4")


def test_each_step_happens_once(session: Session, cast: Cast) -> None:
    with reviewed(cast) as (call, _):
        draw = exchange.sealed(cast, call)
        with pytest.raises(IllegalMove, match="sealed for this call already"):
            drawing.seal(session, cast.owen, call, secret="e" * 64)
        with pytest.raises(Invalid, match="at most 100"):
            drawing.freeze(session, cast.owen, call, draw, Terms("Lottery of Saturday", 60, 50))
        with pytest.raises(Incomplete, match="when it becomes known"):
            drawing.freeze(session, cast.owen, call, draw, Terms(" "))
        drawing.freeze(session, cast.owen, call, draw, TERMS)
        with pytest.raises(IllegalMove, match="frozen already"):
            drawing.freeze(session, cast.owen, call, draw, TERMS)
        with pytest.raises(Incomplete, match="public value"):
            drawing.draw_lots(session, cast.owen, call, draw, public=" ")
        drawing.draw_lots(session, cast.owen, call, draw, public="1 2 3 4")
        with pytest.raises(IllegalMove, match="drawn already"):
            drawing.draw_lots(session, cast.owen, call, draw, public="5 6 7 8")


@pytest.mark.parametrize("who", ["priya", "ruth", "chen", "sam", "ada"])
def test_only_whoever_decides_in_the_call_draws(session: Session, cast: Cast, who: str) -> None:
    with reviewed(cast) as (call, _), pytest.raises(NotAllowed):
        drawing.freeze(session, getattr(cast, who), call, exchange.sealed(cast, call), TERMS)


@pytest.mark.parametrize("who", ["priya", "ruth", "sam", "ada"])
def test_only_the_office_and_whoever_decides_seal(session: Session, cast: Cast, who: str) -> None:
    call = exchange.call(cast)

    with pytest.raises(NotAllowed, match="Only the programme office"):
        drawing.seal(session, getattr(cast, who), call, secret=SECRET)


def test_the_secret_is_sealed_from_the_publication_on(session: Session, cast: Cast) -> None:
    call = exchange.call(cast)

    assert call.window == "open"
    assert drawing.seal(session, cast.owen, call, secret=SECRET).commitment


def test_the_secret_of_a_draft_is_not_sealed(session: Session, cast: Cast) -> None:
    draft = opening.copy(session, cast.owen, exchange.call(cast))

    with pytest.raises(NotAllowed, match="between the publication"):
        drawing.seal(session, cast.owen, draft, secret=SECRET)


def test_where_experts_review_nothing_is_sealed(session: Session, cast: Cast) -> None:
    with pytest.raises(NotAllowed, match="where applicants review"):
        drawing.seal(session, cast.owen, exchange.stage.open_call(cast), secret=SECRET)


def test_the_secret_can_be_sealed_until_the_first_review_is_submitted(session: Session, cast: Cast) -> None:
    call = exchange.call(cast)
    exchange.applied(cast, call)
    with exchange.after_close(cast, call) as now:
        exchange.asked(cast, call, due_at=now + timedelta(days=14))
        session.delete(exchange.sealed(cast, call))
        session.flush()
        assert drawing.is_in_time(session, call)
        exchange.write(cast, exchange.owed(cast, call, "sam")[0], "sam", score=3)
        session.flush()

        with pytest.raises(NotAllowed, match="too late to seal"):
            drawing.seal(session, cast.owen, call, secret=SECRET)


def test_whoever_applies_does_not_set_the_tiers(session: Session, cast: Cast) -> None:
    with reviewed(cast) as (call, _):
        roles.grant(session, SYSTEM, cast.people["sam"], role=Role.PROGRAMME_OFFICER)
        cast.refresh_roles()
        draw = exchange.sealed(cast, call)

        with pytest.raises(NotAllowed, match="own team applies"):
            drawing.freeze(session, cast.sam, call, draw, TERMS)


def test_the_secret_is_not_published_before_the_draw(session: Session, cast: Cast) -> None:
    with reviewed(cast) as (call, proposals):
        draw = exchange.sealed(cast, call)
        drawing.freeze(session, cast.owen, call, draw, TERMS)
        before = drawing.published(call, draw)
        drawing.draw_lots(session, cast.owen, call, draw, public="1 2 3 4")
        after = drawing.published(call, draws.of_call(session, call) or draw)

    assert SECRET not in str(before)
    assert after["record"]["secret"] == SECRET
    assert set(after["references"].values()) == {proposal.ref for proposal in proposals.values()}
    assert "Folding" not in str(after)


def test_a_pool_that_was_emptied_meanwhile_leaves_the_proposal_to_people(
    session: Session, cast: Cast
) -> None:
    with reviewed(cast) as (call, proposals):
        drawn(cast, call)
        pool = call.pools[0].pool
        ledger.post(
            session,
            ledger.Movement.RETURN,
            300 * exchange.stage.units.MICRO,
            source=(ledger.pool(pool.id), Purpose.FREE),
            target=(ledger.pool(pool.id), Purpose.CONTRIBUTED),
            cause="taken back",
        )
        decided(session)

    stuck = [proposal for proposal in proposals.values() if proposal.state == State.IN_REVIEW]
    assert len(stuck) == 3
    assert all("Could not be awarded as drawn" in proposal.message for proposal in stuck)
    with exchange.after_close(cast, call, days=16):
        decisions.decline(session, cast.owen, stuck[0], summary="The pool is gone.")


def test_nobody_decides_by_hand_or_asks_experts_while_applicants_judge(session: Session, cast: Cast) -> None:
    with reviewed(cast) as (_, proposals):
        for proposal in proposals.values():
            with pytest.raises(NotAllowed, match="draw decide"):
                decisions.decline(session, cast.owen, proposal, summary="No.")
        with pytest.raises(NotAllowed, match="applicants review each other"):
            reviewing.assign(session, cast.owen, proposals["sam"], person=cast.person(cast.rosa))


@given(st.lists(st.integers(1, 5), min_size=1, max_size=30), st.integers(0, 100), st.integers(0, 100))
def test_equal_ranks_share_a_tier_and_no_tier_is_larger_than_its_share(
    scores: list[int], top: int, lower: int
) -> None:
    lower = min(lower, 100 - top)
    ranks = [(place, 1 + sum(other > score for other in scores)) for place, score in enumerate(scores)]

    found = dict(drawing.tiers_of(ranks, top, lower))

    by_rank: dict[int, set[Tier]] = {}
    for proposal, rank in ranks:
        by_rank.setdefault(rank, set()).add(found[proposal])
    assert all(len(tiers) == 1 for tiers in by_rank.values())
    counted = list(found.values())
    assert 100 * counted.count(Tier.TOP) <= top * len(scores)
    assert 100 * counted.count(Tier.LOWER) <= lower * len(scores)


def test_a_call_with_exchange_takes_one_proposal_of_each(session: Session, cast: Cast) -> None:
    with pytest.raises(Invalid, match="each has one proposal"):
        exchange.call(cast, per_person=2)
    call = exchange.call(cast)
    exchange.stage.draft(cast, call=call)
    with pytest.raises(NotAllowed, match="takes 1 proposal of each PI"):
        exchange.stage.draft(cast, call=call)
    assert opening.content_of(call)["reviewed_by"] == "applicants"
