"""The split of a call's pools: asked for, computed apart, changed by hand, taken over, decided."""

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from allocations.accounts import ledger
from allocations.accounts.ledger import Purpose
from allocations.kernel import units
from allocations.kernel.audit import AuditEntry
from allocations.kernel.errors import IllegalMove, Incomplete, Invalid, NotAllowed
from allocations.people.roles import Actor
from allocations.programme import calibrated, deciding, decisions, panel_list, runs, splitting
from allocations.programme.proposals import Proposal, State
from allocations.programme.runs import RunKind, RunState
from allocations.programme.splitting import Reading, Terms
from tests import cast as stage
from tests import computing, panel
from tests.cast import Cast

MICRO = units.MICRO
Read = Callable[[Actor], Reading | None]


@pytest.fixture
def read(session: Session, cast: Cast) -> Read:
    def look(actor: Actor) -> Reading | None:
        session.commit()
        session.expire_all()
        done = runs.newest_and_done(session, cast.call, RunKind.SPLIT)[1]
        listed = panel_list.entries(session, actor, cast.call)
        return splitting.read(session, cast.call, done, listed)

    return look


@pytest.fixture
def compute(session: Session, sessions: sessionmaker[Session]) -> Callable[[], None]:
    def work() -> None:
        session.commit()
        assert computing.step(sessions)
        session.expire_all()

    return work


Compute = Callable[[], None]


def amounts(reading: Reading | None) -> dict[int, int]:
    """Whole H100 units by proposal."""
    assert reading is not None
    assert reading.view["refused"] == ""
    return {one["proposal"]: one["amounts"].get("h100", 0) // MICRO for one in reading.outcomes}


def split(session: Session, cast: Cast, compute: Compute, **changes: object) -> None:
    splitting.ask(session, cast.chen, cast.call, Terms(**changes), seed=1)  # type: ignore[arg-type]
    compute()


def test_the_better_ones_are_served_and_each_is_told_why(
    session: Session, cast: Cast, compute: Compute, read: Read
) -> None:
    """1,000 hours for fourteen requests of 100 each."""
    made = panel.crowd(session, cast.call, 14)
    split(session, cast, compute)

    reading = read(cast.chen)
    given = amounts(reading)

    assert sum(given.values()) <= 1000
    assert given[made[0].id] == 100
    assert given[made[-1].id] == 0
    assert all(amount == 0 or amount >= 50 for amount in given.values())
    assert reading is not None
    reasons = [one["reason"] for one in reading.outcomes]
    assert reasons[0] == "Funded in full."
    assert "nobody behind it is funded" in reasons[-1]
    assert (reading.is_stale, reading.view["calibrated"]) == (False, False)
    assert 0 < reading.view["share_of_bound"] <= 1
    pool = next(pool for pool in reading.view["pools"] if pool["slug"] == "h100")
    assert pool["used"] + pool["left"] + pool["aside"] == pool["capacity"] == 1000 * MICRO


def test_calibrated_scores_are_used_where_there_are_such(
    session: Session, cast: Cast, compute: Compute, read: Read
) -> None:
    panel.crowd(session, cast.call, 14)
    calibrated.ask(session, cast.chen, cast.call, places=5, seed=7)
    compute()
    split(session, cast, compute)

    reading = read(cast.chen)

    assert reading is not None
    assert reading.view["calibrated"]
    assert reading.view["width"] > 0


def test_what_is_set_aside_is_given_to_nobody(
    session: Session, cast: Cast, compute: Compute, read: Read
) -> None:
    panel.crowd(session, cast.call, 14)
    split(session, cast, compute, set_aside=50)

    assert 400 <= sum(amounts(read(cast.chen)).values()) <= 500


def test_an_institution_gets_no_more_than_its_cap(
    session: Session, cast: Cast, compute: Compute, read: Read
) -> None:
    made = panel.crowd(session, cast.call, 8)
    for proposal in made[:4]:
        proposal.pi.institution = made[0].pi.institution
    session.flush()
    # A tenth of three pools is 300 of the 1,000 H100 hours.
    split(session, cast, compute, cap=10)

    reading = read(cast.chen)

    given = amounts(reading)
    assert sum(given[proposal.id] for proposal in made[:4]) <= 300
    assert reading is not None
    assert any("Its institution would pass its cap" in one["reason"] for one in reading.outcomes) or any(
        "the institution is at its cap" in one["reason"] for one in reading.outcomes
    )
    assert not any("institution 1" in one["reason"] for one in reading.outcomes)


def test_high_risk_proposals_have_the_share_that_the_call_keeps(
    session: Session, cast: Cast, compute: Compute, read: Read
) -> None:
    made = panel.crowd(session, cast.call, 14)
    made[-1].high_risk = True
    session.flush()
    split(session, cast, compute)
    without = amounts(read(cast.chen))
    cast.call.high_risk_percent = 20
    session.flush()
    split(session, cast, compute)

    assert (without[made[-1].id], amounts(read(cast.chen))[made[-1].id]) == (0, 100)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"promises": (80, 90)}, "promises"),
        ({"promises": ()}, "promises"),
        ({"promises": (120, 100)}, "promises"),
        ({"promises": (100, 0)}, "promises"),
        ({"minimum": 0}, "minimum"),
        ({"set_aside": 95}, "set_aside"),
        ({"cap": 0}, "cap"),
    ],
)
def test_terms_that_cannot_be_are_refused(
    session: Session, cast: Cast, changes: dict[str, object], field: str
) -> None:
    panel.crowd(session, cast.call, 3)

    with pytest.raises(Invalid) as refused:
        splitting.ask(session, cast.chen, cast.call, Terms(**changes), seed=1)  # type: ignore[arg-type]
    assert set(refused.value.fields) == {field}


def test_nothing_is_split_without_pools_or_without_reviews(session: Session, cast: Cast) -> None:
    stage.in_review(cast)
    with pytest.raises(IllegalMove, match="No proposal with a submitted review"):
        splitting.ask(session, cast.chen, cast.call, Terms(), seed=1)

    panel.crowd(session, cast.call, 3)
    cast.call.pools.clear()
    session.flush()
    with pytest.raises(IllegalMove, match="no pools"):
        splitting.ask(session, cast.chen, cast.call, Terms(), seed=1)


def test_only_who_decides_and_the_office_split(session: Session, cast: Cast) -> None:
    panel.crowd(session, cast.call, 3)
    for actor in (cast.ruth, cast.priya, cast.sam):
        with pytest.raises(NotAllowed):
            splitting.ask(session, actor, cast.call, Terms(), seed=1)

    assert splitting.ask(session, cast.owen, cast.call, Terms(), seed=1).state == RunState.WAITING


def test_amounts_set_by_hand_are_kept_and_what_they_displace_is_shown(
    session: Session, cast: Cast, compute: Compute, read: Read
) -> None:
    made = panel.crowd(session, cast.call, 14)
    split(session, cast, compute)
    before = amounts(read(cast.chen))
    splitting.pin(session, cast.chen, made[-1], {"h100": 30 * MICRO}, reason="A pilot.", seed=2)
    compute()
    reading = read(cast.chen)
    after = amounts(reading)

    assert (before[made[-1].id], after[made[-1].id]) == (0, 30)  # under the usual minimum, on purpose
    assert reading is not None
    changes = {one["proposal"]: one for one in reading.view["changes"]}
    assert changes[made[-1].id]["after"] == {"h100": 30 * MICRO}
    losers = [one for one in changes.values() if one["before"].get("h100", 0) > one["after"].get("h100", 0)]
    assert losers
    assert (reading.pins[made[-1].id].reason, reading.pins[made[-1].id].by) == ("A pilot.", "Chen")
    kept = session.scalars(select(AuditEntry).where(AuditEntry.verb == "proposal.pin")).one()
    assert "A pilot." in kept.note


def test_a_pin_is_kept_over_the_next_split_until_it_is_taken_off(
    session: Session, cast: Cast, compute: Compute, read: Read
) -> None:
    made = panel.crowd(session, cast.call, 6)
    split(session, cast, compute)
    splitting.pin(session, cast.chen, made[0], {"h100": 0}, reason="Funded elsewhere.", seed=2)
    compute()
    split(session, cast, compute, minimum=40)
    pinned = amounts(read(cast.chen))
    splitting.unpin(session, cast.chen, made[0], seed=3)
    compute()

    assert (pinned[made[0].id], amounts(read(cast.chen))[made[0].id]) == (0, 100)
    with pytest.raises(IllegalMove, match="not set by hand"):
        splitting.unpin(session, cast.chen, made[0], seed=4)


def test_a_pin_wants_a_reason_a_split_and_somebody_who_may_decide(
    session: Session, cast: Cast, compute: Compute
) -> None:
    made = panel.crowd(session, cast.call, 6)
    with pytest.raises(IllegalMove, match="Split the pools first"):
        splitting.pin(session, cast.chen, made[0], {"h100": 0}, reason="No.", seed=2)
    split(session, cast, compute)

    with pytest.raises(Incomplete):
        splitting.pin(session, cast.chen, made[0], {"h100": 0}, reason="  ", seed=2)
    with pytest.raises(Invalid, match="At most 100"):
        splitting.pin(session, cast.chen, made[0], {"h100": 101 * MICRO}, reason="More.", seed=2)
    with pytest.raises(NotAllowed):
        splitting.pin(session, cast.owen, made[0], {"h100": 0}, reason="No.", seed=2)


def test_pins_that_do_not_fit_are_refused_in_words(
    session: Session, cast: Cast, compute: Compute, read: Read
) -> None:
    made = panel.crowd(session, cast.call, 4)
    made[0].requests[0].requested = made[1].requests[0].requested = 900 * MICRO
    split(session, cast, compute)
    for proposal in made[:2]:
        splitting.pin(session, cast.chen, proposal, {"h100": 900 * MICRO}, reason="Both.", seed=2)
        compute()

    reading = read(cast.chen)

    assert reading is not None
    assert "do not fit" in reading.view["refused"]
    assert reading.outcomes == []
    assert set(reading.pins) == {made[0].id, made[1].id}


def test_a_chair_with_a_conflict_reads_a_split_as_if_the_proposal_did_not_exist(
    session: Session, cast: Cast, compute: Compute, read: Read
) -> None:
    made = panel.crowd(session, cast.call, 13)
    panel.bar(session, cast.people["chen"].id, made[1])
    splitting.ask(session, cast.owen, cast.call, Terms(), seed=1)
    compute()
    barred, whole = read(cast.chen), read(cast.owen)
    made[1].state = State.SUBMITTED
    session.flush()
    split(session, cast, compute)
    without = read(cast.chen)

    assert made[1].id in amounts(whole)
    assert barred is not None
    assert without is not None
    assert barred.view["outcomes"] == without.view["outcomes"]
    assert barred.view["pools"] == without.view["pools"]


def test_the_split_is_stale_when_reviews_or_pools_have_changed(
    session: Session, cast: Cast, compute: Compute, read: Read
) -> None:
    made = panel.crowd(session, cast.call, 6)
    split(session, cast, compute)
    fresh = read(cast.chen)
    decisions.award(session, cast.chen, made[0], amounts={"h100": MICRO}, summary="Yes.")
    decided = read(cast.chen)

    assert fresh is not None
    assert decided is not None
    assert (fresh.is_stale, decided.is_stale) == (False, True)


def recommended(proposal: Proposal) -> int | None:
    return proposal.requests[0].recommended


def test_taking_over_notes_the_amounts_and_leaves_what_has_changed(
    session: Session, cast: Cast, compute: Compute, read: Read
) -> None:
    made = panel.crowd(session, cast.call, 6)
    made[2].pi.institution = cast.people["chen"].institution
    split(session, cast, compute)
    decisions.recommend(session, cast.chen, made[1], {"h100": 7 * MICRO})
    reading = read(cast.chen)
    assert reading is not None

    with pytest.raises(NotAllowed):
        deciding.take_over(session, cast.owen, cast.call, reading)
    taken = deciding.take_over(session, cast.chen, cast.call, reading)
    session.commit()

    assert taken.taken == 4
    # The chair does not see the proposal of her own institution, and so does not decide about it.
    assert {one.ref for one in taken.noted} == {made[1].ref}
    assert (recommended(made[0]), recommended(made[1]), recommended(made[2])) == (
        100 * MICRO,
        7 * MICRO,
        None,
    )
    with pytest.raises(IllegalMove):
        deciding.take_over(session, cast.chen, cast.call, reading)


def test_all_are_decided_as_recommended_some_at_a_time(
    session: Session, cast: Cast, compute: Compute, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deciding, "AT_ONCE", 8)
    made = panel.crowd(session, cast.call, 14)
    split(session, cast, compute)
    reading = read(cast.chen)
    assert reading is not None
    deciding.take_over(session, cast.chen, cast.call, reading)
    session.flush()
    # The first one asks for more than its pool will hold; it stays, and the others go on.
    made[0].requests[0].requested = made[0].requests[0].recommended = 5000 * MICRO
    reasons = deciding.explanations(reading)
    words = "{title} is {outcome}. {explanation} {other}"

    first = deciding.decide_as_recommended(session, cast.chen, cast.call, summary=words, reasons=reasons)
    second = deciding.decide_as_recommended(session, cast.chen, cast.call, summary=words, reasons=reasons)
    session.commit()

    assert (first.awarded + first.declined, second.awarded + second.declined) == (8, 5)
    assert [one.ref for one in first.left] == [made[0].ref]
    assert "holds only" in first.left[0].reason
    assert made[0].state == State.IN_REVIEW
    decided = decisions.of_proposal(session, made[-1])
    assert decided is not None
    assert decided.summary.startswith("Proposal 0013 is declined. Below the line")
    assert decided.summary.endswith("{other}")
    assert ledger.recount(session) == {}
    pool = next(link.pool for link in cast.call.pools if link.pool.resource.slug == "h100")
    given = sum(one.requests[0].awarded or 0 for one in made)
    assert ledger.balance(session, ledger.pool(pool.id), Purpose.FREE) == 1000 * MICRO - given


def test_deciding_all_wants_a_summary_and_whoever_decides(session: Session, cast: Cast) -> None:
    with pytest.raises(Incomplete):
        deciding.decide_as_recommended(session, cast.chen, cast.call, summary=" ", reasons={})
    with pytest.raises(NotAllowed):
        deciding.decide_as_recommended(session, cast.owen, cast.call, summary="Yes.", reasons={})
