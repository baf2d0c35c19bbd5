"""Calibrated scores: refused when there is too little, computed, and read without what is hidden."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from allocations.kernel import clock
from allocations.kernel.errors import IllegalMove, Invalid, NotAllowed
from allocations.people.institutions import Institution
from allocations.people.persons import Person
from allocations.people.roles import Actor
from allocations.programme import calibrated, panel_list, runs
from allocations.programme.calibrated import Reading
from allocations.programme.proposals import State
from allocations.programme.reviews import Review, ReviewState
from allocations.programme.runs import RunKind, RunState
from tests import cast as stage
from tests import computing, panel
from tests.cast import Cast

Read = Callable[[Actor], Reading | None]


@pytest.fixture
def read(session: Session, sessions: sessionmaker[Session], cast: Cast) -> Read:
    """What an actor reads in the last result."""

    def look(actor: Actor) -> Reading | None:
        session.commit()
        session.expire_all()
        done = runs.newest_and_done(session, cast.call, RunKind.CALIBRATION)[1]
        return calibrated.read(done, panel_list.entries(session, actor, cast.call))

    return look


def compute(session: Session, sessions: sessionmaker[Session], cast: Cast, *, places: int = 4) -> None:
    calibrated.ask(session, cast.chen, cast.call, places=places, seed=7)
    session.commit()
    assert computing.step(sessions)


def test_the_list_of_the_panel_has_weighted_means_and_counts_awaited_reviews(
    session: Session, cast: Cast
) -> None:
    proposal = stage.in_review(cast)
    stage.scored(cast, proposal, cast.ruth, values=(5, 2))
    stage.assigned(cast, proposal, cast.ravi)
    other = stage.in_review(cast)

    first, second = panel_list.entries(session, cast.chen, cast.call)

    assert (first.proposal, first.mean, first.scores, first.asked) == (proposal.id, 3.8, (3.8,), 2)
    assert (second.proposal, second.mean, second.asked) == (other.id, None, 0)


def test_the_panel_talks_about_proposals_in_review_and_decided(session: Session, cast: Cast) -> None:
    stage.draft(cast)
    stage.submitted(cast)
    listed = [stage.in_review(cast), stage.reviewed(cast)]
    listed[1].state = State.DECLINED
    session.flush()

    def seen(actor: Actor) -> list[int]:
        return [entry.proposal for entry in panel_list.entries(session, actor, cast.call)]

    assert seen(cast.chen) == [proposal.id for proposal in listed]
    assert seen(cast.sam) == []
    assert seen(cast.priya) == []


def test_only_the_chair_and_the_office_ask(session: Session, cast: Cast) -> None:
    panel.crowd(session, cast.call, 12)

    for actor in (cast.ruth, cast.priya, cast.sam):
        with pytest.raises(NotAllowed):
            calibrated.ask(session, actor, cast.call, places=4, seed=7)
    assert calibrated.ask(session, cast.owen, cast.call, places=4, seed=7).state == RunState.WAITING


def test_too_few_reviews_are_refused_with_the_reason(session: Session, cast: Cast) -> None:
    panel.crowd(session, cast.call, 9)

    with pytest.raises(IllegalMove, match="There are 27 reviews; under 30 the plain means are the list"):
        calibrated.ask(session, cast.chen, cast.call, places=4, seed=7)


@pytest.mark.parametrize("places", [0, 13])
def test_places_are_no_more_than_there_are_proposals(session: Session, cast: Cast, places: int) -> None:
    panel.crowd(session, cast.call, 12)

    with pytest.raises(Invalid, match="from 1 to 12"):
        calibrated.ask(session, cast.chen, cast.call, places=places, seed=7)


def test_the_worker_computes_levels_zones_and_leniency(
    session: Session, sessions: sessionmaker[Session], cast: Cast, read: Read
) -> None:
    made = panel.crowd(session, cast.call, 24)
    compute(session, sessions, cast)

    reading = read(cast.chen)

    assert reading is not None
    assert (reading.refused, reading.comparable, reading.changed) == ("", "", 0)
    assert set(reading.levels) == {proposal.id for proposal in made}
    best, worst = reading.levels[made[0].id], reading.levels[made[-1].id]
    assert best.mean > worst.mean
    assert best.rank < worst.rank
    assert best.low < best.mean < best.high
    assert list(best.ranks) == sorted(best.ranks)
    assert (best.chance > worst.chance, worst.zone) == (True, "decline")
    kindest = max(reading.leniency, key=lambda one: one.offset)
    assert panel_list.names(session, [kindest.reviewer]) == {kindest.reviewer: "Reader 0"}


def test_the_same_inputs_and_seed_give_the_same_result(
    session: Session, sessions: sessionmaker[Session], cast: Cast
) -> None:
    panel.crowd(session, cast.call, 12)
    for _ in range(2):
        compute(session, sessions, cast)
    session.expire_all()

    first, second = runs.page(session, cast.call, RunKind.CALIBRATION)

    assert first.digest == second.digest
    assert first.result == second.result


def test_a_result_is_out_of_date_when_reviews_come_or_go(
    session: Session, sessions: sessionmaker[Session], cast: Cast, read: Read
) -> None:
    made = panel.crowd(session, cast.call, 12)
    compute(session, sessions, cast)
    (reader,) = panel.people(session, "Late", 1)
    with clock.at(clock.now() + timedelta(hours=1)):
        session.add(panel.review(made[3], reader, 2, criteria=cast.call.criteria))
        session.flush()
    first = read(cast.chen)
    entry = next(e for e in panel_list.entries(session, cast.chen, cast.call) if e.proposal == made[5].id)
    gone = session.scalars(
        select(Review).where(Review.proposal_id == made[5].id, Review.reviewer_id == entry.given[0].reviewer)
    ).one()
    gone.state = ReviewState.CONFLICTED
    second = read(cast.chen)

    assert first is not None
    assert second is not None
    assert (first.changed, second.changed) == (1, 2)


def test_who_has_a_conflict_reads_what_they_would_read_if_the_proposal_did_not_exist(
    session: Session, sessions: sessionmaker[Session], cast: Cast, read: Read
) -> None:
    made = panel.crowd(session, cast.call, 14)
    compute(session, sessions, cast)
    panel.bar(session, cast.people["chen"].id, made[2])
    before = read(cast.chen)
    compute(session, sessions, cast)
    barred, whole = read(cast.chen), read(cast.owen)
    made[2].state = State.SUBMITTED  # out of everybody's list
    session.flush()
    compute(session, sessions, cast)
    without = read(cast.chen)

    assert before is None  # what was computed with it is not shown
    assert barred is not None
    assert whole is not None
    assert without is not None
    assert made[2].id in whole.levels
    assert made[2].id not in barred.levels
    assert (barred.levels, barred.leniency, barred.islands) == (
        without.levels,
        without.leniency,
        without.islands,
    )
    assert max(level.rank for level in barred.levels.values()) <= 13
    assert max(level.ranks[3] for level in barred.levels.values()) <= 13


def test_a_chair_reads_nothing_about_a_proposal_of_their_own_team(
    session: Session, sessions: sessionmaker[Session], cast: Cast, read: Read
) -> None:
    made = panel.crowd(session, cast.call, 14)
    made[4].pi = cast.people["chen"]
    session.flush()
    compute(session, sessions, cast)

    reading = read(cast.chen)

    assert reading is not None
    assert set(reading.levels) == {proposal.id for proposal in made} - {made[4].id}
    assert sum(one.reviews for one in reading.leniency) == 3 * 13


def test_islands_are_named(session: Session, sessions: sessionmaker[Session], cast: Cast, read: Read) -> None:
    first = panel.crowd(session, cast.call, 8)
    for person in session.scalars(select(Person).where(Person.email.contains("crowd"))):
        person.email = f"first-{person.email}"
    for house in session.scalars(select(Institution)):
        house.name = f"First {house.name}"
    second = panel.crowd(session, cast.call, 6)
    compute(session, sessions, cast)

    reading = read(cast.chen)

    assert reading is not None
    assert "share no reviewer (8, 6 proposals)" in reading.comparable
    assert [len(group) for group in reading.islands] == [8, 6]
    assert {reading.levels[one.id].island for one in first} == {1}
    assert {reading.levels[one.id].island for one in second} == {2}


def test_lists_are_ordered_by_either_mean_and_what_has_none_stands_last(
    session: Session, sessions: sessionmaker[Session], cast: Cast, read: Read
) -> None:
    panel.crowd(session, cast.call, 12)
    empty = stage.in_review(cast)
    compute(session, sessions, cast)
    reading, listed = read(cast.chen), panel_list.entries(session, cast.chen, cast.call)

    raw = calibrated.ordered(listed, reading, by="raw")
    level = calibrated.ordered(listed, reading, by="calibrated")

    assert [line.plain_rank or 99 for line in raw] == sorted(line.plain_rank or 99 for line in raw)
    assert [line.level.rank for line in level if line.level] == sorted(
        line.level.rank for line in level if line.level
    )
    assert raw[-1].entry.proposal == level[-1].entry.proposal == empty.id
