"""Lots among ties of a panel: sealed, declared, drawn, open to replay, and followed by the split."""

import json
from copy import deepcopy
from fractions import Fraction

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.kernel import units
from allocations.kernel.audit import AuditEntry
from allocations.kernel.errors import IllegalMove, Incomplete, Invalid, NotAllowed
from allocations.programme import calibrated, decisions, drawing, draws, panel_list, runs, splitting, ties
from allocations.programme.calls import Reviewers
from allocations.programme.proposals import Proposal, State
from allocations.programme.reviews import Review, ReviewState
from allocations.programme.runs import Run, RunKind, RunState
from allocations.programme.selection import lottery, rounds, seeds
from allocations.programme.splitting import Terms
from allocations.programme.ties import Declared
from tests import computing, panel
from tests.cast import Cast

MICRO = units.MICRO
SECRET, SOURCE, PUBLIC = "5c" * 32, "The lottery of Saturday", "3 14 15 92"


@pytest.fixture
def crowd(session: Session, cast: Cast) -> list[Proposal]:
    """Fourteen at the panel of a closed call, the first the best; pairs of them are equally good."""
    made = panel.crowd(session, cast.call, 14)
    cast.call.opens_at, cast.call.closes_at = (at.replace(year=at.year - 1) for at in _window(cast))
    session.flush()
    return made


def _window(cast: Cast) -> tuple[object, object]:
    return cast.call.opens_at, cast.call.closes_at


def tied(session: Session, cast: Cast) -> list[int]:
    """Those in the middle of the list that cannot be told apart."""
    here = ties.standing(session, cast.chen, cast.call)
    score = sorted(here.scores.values())[7]
    return [key for key, value in here.scores.items() if value == score][:4]


def declared(session: Session, cast: Cast) -> list[int]:
    ties.seal(session, cast.chen, cast.call, secret=SECRET)
    chosen = tied(session, cast)
    assert len(chosen) >= 2
    ties.declare(session, cast.chen, cast.call, Declared(chosen, 1, SOURCE))
    return chosen


def test_a_tie_is_sealed_declared_drawn_and_replays(
    session: Session, cast: Cast, crowd: list[Proposal]
) -> None:
    chosen = declared(session, cast)
    draw = ties.of_call(session, cast.call)
    assert draw is not None
    shown = drawing.published(cast.call, draw)
    record = ties.draw_lots(session, cast.chen, cast.call, public=PUBLIC)
    session.commit()

    assert draw.commitment == seeds.commitment(SECRET)
    assert shown["record"] is None
    assert SECRET not in json.dumps(shown)
    assert len(record.winners) == 1
    assert set(record.winners) < set(chosen)
    assert draws.losers(session, cast.call) == set(chosen) - set(record.winners)
    assert lottery.replay(record) == record
    assert ties.is_sound(draw.record)
    verbs = set(session.scalars(select(AuditEntry.verb).where(AuditEntry.verb.startswith("draw."))))
    assert verbs == {"draw.seal", "draw.freeze", "draw.draw"}
    # The worker, which decides by tiers, leaves it alone.
    assert not drawing.step(session)
    assert {proposal.state for proposal in crowd} == {State.IN_REVIEW}


@pytest.mark.parametrize("part", ["secret", "winners", "order"])
def test_a_record_that_was_touched_is_found_out(
    session: Session, cast: Cast, crowd: list[Proposal], part: str
) -> None:
    declared(session, cast)
    ties.draw_lots(session, cast.chen, cast.call, public=PUBLIC)
    draw = ties.of_call(session, cast.call)
    assert draw is not None
    touched = deepcopy(draw.record)
    losers = sorted(draws.losers(session, cast.call))
    changes = {"secret": "d" * 64, "winners": losers[:1], "order": touched["order"][::-1]}
    touched[part] = changes[part]

    assert not ties.is_sound(touched)
    assert not ties.is_sound({"tie": 1})


def test_the_chances_follow_the_scores_and_add_up_to_the_places(
    session: Session, cast: Cast, crowd: list[Proposal]
) -> None:
    declared(session, cast)
    draw = ties.of_call(session, cast.call)
    assert draw is not None
    tie = ties.tie_of(cast.call, draw)
    assert tie is not None
    chances = lottery.chances(tie)

    assert sum(chances.values()) == Fraction(1)
    assert set(chances.values()) == {Fraction(1, len(chances))}  # equal scores, equal chances


def test_the_split_leaves_the_losers_out_unless_the_chair_sets_an_amount(
    session: Session, cast: Cast, crowd: list[Proposal]
) -> None:
    declared(session, cast)
    ties.draw_lots(session, cast.chen, cast.call, public=PUBLIC)
    losers = sorted(draws.losers(session, cast.call))
    run = splitting.ask(session, cast.chen, cast.call, Terms(), seed=1)
    inputs = splitting.gather(session, run)
    without = _outcomes(inputs)
    inputs["pins"] = [{"proposal": losers[0], "amounts": {"h100": 30 * MICRO}}]
    pinned = _outcomes(inputs)

    session.get_one(Proposal, losers[0]).message = decisions.BACK
    assert splitting.gather(session, run)["lost"] == losers[1:]
    assert inputs["lost"] == losers
    assert {without[key]["amounts"]["h100"] for key in losers} == {0}
    assert {without[key]["reason"] for key in losers} == {"Tied with others, and the lots fell on them."}
    assert pinned[losers[0]]["amounts"] == {"h100": 30 * MICRO}
    assert "The chair set this amount" in pinned[losers[0]]["reason"]


def _outcomes(inputs: dict[str, object]) -> dict[int, dict[str, object]]:
    view = rounds.answered(inputs)["views"][0]
    assert view["refused"] == ""
    return {one["proposal"]: one for one in view["outcomes"]}


def test_the_calibration_suggests_what_is_near_the_line(
    session: Session, cast: Cast, crowd: list[Proposal], sessions: object
) -> None:
    calibrated.ask(session, cast.chen, cast.call, places=6, seed=3)
    session.commit()
    assert computing.step(sessions)  # type: ignore[arg-type]
    session.expire_all()
    here = ties.standing(session, cast.chen, cast.call)
    done = runs.newest_and_done(session, cast.call, RunKind.CALIBRATION)[1]
    reading = calibrated.read(done, panel_list.entries(session, cast.chen, cast.call))
    assert reading is not None
    assert here.is_calibrated
    # Four are better, and of three that are equally good two can be paid for.
    assert here.suggested == tuple(one.id for one in crowd[4:7])
    assert here.places == 2
    assert set(here.suggested) <= set(here.offered)
    assert {reading.levels[key].zone for key in here.suggested} == {"discuss"}


def test_a_chair_who_sees_fewer_than_the_call_can_pay_for_has_a_line_as_well(
    session: Session, cast: Cast, crowd: list[Proposal], sessions: object
) -> None:
    for barred in crowd[:2]:
        panel.bar(session, cast.people["chen"].id, barred)
    calibrated.ask(session, cast.owen, cast.call, places=len(crowd), seed=3)
    session.commit()
    assert computing.step(sessions)  # type: ignore[arg-type]
    session.expire_all()

    here = ties.standing(session, cast.chen, cast.call)

    assert here.is_calibrated
    assert here.offered[-1] == crowd[-1].id
    assert not {one.id for one in crowd[:2]} & set(here.offered)


def test_what_is_no_tie_is_refused_at_its_field(session: Session, cast: Cast, crowd: list[Proposal]) -> None:
    ties.seal(session, cast.chen, cast.call, secret=SECRET)
    both = [crowd[0].id, crowd[-1].id]
    wrong = {
        "tied": [
            Declared(both, 1, SOURCE),  # the best always wins
            Declared(both[:1], 1, SOURCE),
            Declared([*both, 999_999], 1, SOURCE),
        ],
        "places": [Declared(both, 0, SOURCE), Declared(both, 2, SOURCE)],
        "source": [Declared(tied(session, cast), 1, "Later")],
    }

    for field, attempts in wrong.items():
        for attempt in attempts:
            with pytest.raises(Invalid) as refused:
                ties.declare(session, cast.chen, cast.call, attempt)
            assert set(refused.value.fields) == {field}


def test_nothing_is_sealed_before_it_is_known_that_there_is_something_to_draw(
    session: Session, cast: Cast, crowd: list[Proposal]
) -> None:
    """While a review is awaited nobody knows what is tied; where scores are far apart nothing is."""
    first = session.scalars(select(Review).where(Review.proposal_id == crowd[0].id)).first()
    assert first is not None
    first.state = ReviewState.ACCEPTED
    with pytest.raises(NotAllowed, match="1 review is still to come"):
        ties.seal(session, cast.chen, cast.call, secret=SECRET)
    first.state = ReviewState.SUBMITTED
    for one in crowd[1:-1]:
        one.state = State.DECLINED
    with pytest.raises(NotAllowed, match="No two proposals are so close"):
        ties.seal(session, cast.chen, cast.call, secret=SECRET)
    crowd[-1].state = State.DECLINED
    with pytest.raises(NotAllowed, match="Fewer than two proposals"):
        ties.seal(session, cast.chen, cast.call, secret=SECRET)

    assert ties.of_call(session, cast.call) is None


def test_the_steps_come_in_order_and_each_once(session: Session, cast: Cast, crowd: list[Proposal]) -> None:
    chosen = tied(session, cast)
    with pytest.raises(IllegalMove, match="Seal a secret first"):
        ties.declare(session, cast.chen, cast.call, Declared(chosen, 1, SOURCE))
    ties.seal(session, cast.chen, cast.call, secret=SECRET)
    with pytest.raises(IllegalMove, match="sealed for this call already"):
        ties.seal(session, cast.chen, cast.call, secret=SECRET)
    with pytest.raises(IllegalMove, match="Declare the tie first"):
        ties.draw_lots(session, cast.chen, cast.call, public=PUBLIC)
    ties.declare(session, cast.chen, cast.call, Declared(chosen, 1, SOURCE))
    with pytest.raises(IllegalMove, match="declared already"):
        ties.declare(session, cast.chen, cast.call, Declared(chosen, 1, SOURCE))
    with pytest.raises(Incomplete):
        ties.draw_lots(session, cast.chen, cast.call, public=" 1 ")
    ties.draw_lots(session, cast.chen, cast.call, public=PUBLIC)
    with pytest.raises(IllegalMove, match="drawn already"):
        ties.draw_lots(session, cast.chen, cast.call, public=PUBLIC)


def test_only_whoever_decides_and_only_where_experts_review(
    session: Session, cast: Cast, crowd: list[Proposal]
) -> None:
    for actor in (cast.owen, cast.ruth, cast.priya, cast.ada):
        with pytest.raises(NotAllowed):
            ties.seal(session, actor, cast.call, secret=SECRET)
    cast.call.reviewed_by = Reviewers.APPLICANTS
    with pytest.raises(NotAllowed, match="there are tiers"):
        ties.seal(session, cast.chen, cast.call, secret=SECRET)


def test_a_chair_with_a_conflict_neither_finds_nor_declares_the_proposal(
    session: Session, cast: Cast, crowd: list[Proposal]
) -> None:
    ties.seal(session, cast.chen, cast.call, secret=SECRET)
    chosen = tied(session, cast)
    barred = next(one for one in crowd if one.id == chosen[0])
    panel.bar(session, cast.people["chen"].id, barred)

    assert barred.id not in ties.standing(session, cast.chen, cast.call).scores
    with pytest.raises(Invalid, match="Choose proposals of the list"):
        ties.declare(session, cast.chen, cast.call, Declared(chosen, 1, SOURCE))
    assert session.scalar(select(Run.id).where(Run.state == RunState.WAITING)) is None
