"""Review among applicants: pairs, duties, the strict deadline, and what nobody can gain."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.kernel import clock
from allocations.kernel.errors import IllegalMove, Invalid, NotAllowed
from allocations.programme import decisions, exchanging, reviewing
from allocations.programme.conflicts import Conflict
from allocations.programme.proposals import Proposal, State
from allocations.programme.reviews import Review, ReviewState
from allocations.programme.runs import RunState
from allocations.programme.steps import StepKind
from tests.allocations import exchange
from tests.cast import Cast


def test_each_applicant_reviews_others_and_nobody_of_the_own_group(session: Session, cast: Cast) -> None:
    call = exchange.call(cast)
    proposals = exchange.applied(cast, call)
    with exchange.after_close(cast, call) as now:
        exchange.asked(cast, call, due_at=now + timedelta(days=14))

    duties = session.scalars(select(Review).where(Review.is_duty)).all()
    own = {proposal.pi_id: proposal for proposal in proposals.values()}
    given = {person: [r for r in duties if r.reviewer_id == person] for person in own}
    assert {len(reviews) for reviews in given.values()} == {len(duties) // len(own)}
    for review in duties:
        assert review.state == ReviewState.ACCEPTED
        assert review.proposal.review_group != own[review.reviewer_id].review_group


def test_the_pairs_come_out_the_same_from_the_stored_inputs(session: Session, cast: Cast) -> None:
    call = exchange.call(cast)
    exchange.applied(cast, call)
    with exchange.after_close(cast, call):
        run = exchange.computed(session, exchanging.ask(session, cast.owen, call, seed=11))

        assert run.state == RunState.DONE
        assert exchange.jobs.exchange(run.inputs, run.seed) == run.result


def test_a_declared_conflict_keeps_two_applicants_apart(session: Session, cast: Cast) -> None:
    call = exchange.call(cast)
    proposals = exchange.applied(cast, call)
    session.add(Conflict(person_id=cast.people["ruth"].id, proposal_id=proposals["sam"].id, reason="friends"))
    for seed in range(5):
        with exchange.after_close(cast, call):
            run = exchange.computed(session, exchanging.ask(session, cast.owen, call, seed=seed))

        assert [proposals["sam"].id, cast.people["ruth"].id] not in run.result["pairs"]


@pytest.mark.parametrize("who", ["priya", "ruth", "chen", "sam", "ada"])
def test_only_officers_arrange_and_only_after_the_close(session: Session, cast: Cast, who: str) -> None:
    call = exchange.call(cast)
    exchange.applied(cast, call)
    with pytest.raises(NotAllowed, match="when the call has closed"):
        exchanging.ask(session, cast.owen, call, seed=1)
    with exchange.after_close(cast, call), pytest.raises(NotAllowed, match="Only a programme officer"):
        exchanging.ask(session, getattr(cast, who), call, seed=1)


def test_nothing_is_computed_twice_at_once_or_while_proposals_wait_for_the_check(
    session: Session, cast: Cast
) -> None:
    call = exchange.call(cast)
    exchange.applied(cast, call)
    waiting = exchange.stage.draft(cast, call=call, pi=cast.chen)
    exchange.writing.submit(session, cast.chen, waiting)
    with exchange.after_close(cast, call):
        with pytest.raises(IllegalMove, match="1 proposal still waits"):
            exchanging.ask(session, cast.owen, call, seed=1)
        exchange.screening.decline(session, cast.owen, waiting, reason="Out of scope.")
        exchanging.ask(session, cast.owen, call, seed=1)
        with pytest.raises(IllegalMove, match="being computed already"):
            exchanging.ask(session, cast.owen, call, seed=2)


def test_pairs_that_no_longer_fit_are_not_used(session: Session, cast: Cast) -> None:
    call = exchange.call(cast)
    proposals = exchange.applied(cast, call)
    with exchange.after_close(cast, call) as now:
        exchange.sealed(cast, call)
        run = exchange.computed(session, exchanging.ask(session, cast.owen, call, seed=1))
        exchange.writing.withdraw(session, cast.sam, proposals["sam"])
        with pytest.raises(IllegalMove, match="Compute them again"):
            exchanging.apply(session, cast.owen, call, run, due_at=now + timedelta(days=1))
        with pytest.raises(Invalid, match="in the future"):
            exchanging.apply(session, cast.owen, call, run, due_at=now)


def test_nobody_is_asked_before_the_secret_of_the_draw_is_sealed(session: Session, cast: Cast) -> None:
    call = exchange.call(cast)
    exchange.applied(cast, call)
    with exchange.after_close(cast, call) as now:
        run = exchange.computed(session, exchanging.ask(session, cast.owen, call, seed=1))
        with pytest.raises(IllegalMove, match="Seal the secret of the draw first"):
            exchanging.apply(session, cast.owen, call, run, due_at=now + timedelta(days=1))
        exchange.sealed(cast, call)

        assert exchanging.apply(session, cast.owen, call, run, due_at=now + timedelta(days=1)) > 0


def test_two_applicants_are_too_few_and_the_run_says_so(session: Session, cast: Cast) -> None:
    call = exchange.call(cast)
    exchange.applied(cast, call, ("priya", "carlos"))
    with exchange.after_close(cast, call):
        run = exchange.computed(session, exchanging.ask(session, cast.owen, call, seed=1))

    assert run.state == RunState.FAILED
    assert "2 applicants cannot review each other" in run.message


def test_a_duty_cannot_be_refused_and_ends_with_the_deadline(session: Session, cast: Cast) -> None:
    call = exchange.call(cast)
    exchange.applied(cast, call)
    with exchange.after_close(cast, call) as now:
        exchange.asked(cast, call, due_at=now + timedelta(days=14))
        review = exchange.owed(cast, call, "ruth")[0]
        with pytest.raises(NotAllowed, match="You agreed to review"):
            reviewing.refuse(session, cast.ruth, review, reason="No time.")
    with exchange.after_close(cast, call, days=15), pytest.raises(NotAllowed, match="deadline"):
        exchange.write(cast, review, "ruth", score=3)


def test_whoever_misses_the_deadline_loses_the_own_proposal_and_nobody_else_does(
    session: Session, cast: Cast
) -> None:
    call = exchange.call(cast)
    proposals = exchange.applied(cast, call)
    with exchange.after_close(cast, call) as now:
        exchange.asked(cast, call, due_at=now + timedelta(days=14))
        exchange.written(cast, call, but=("ravi",))
        exchange.time_passes(session)
        assert {proposal.state for proposal in proposals.values()} == {State.IN_REVIEW}
    with exchange.after_close(cast, call, days=15.1):
        exchange.time_passes(session)

    late = proposals.pop("ravi")
    decision = decisions.of_proposal(session, late)
    assert late.state == State.DECLINED
    assert decision is not None
    assert "rejects your own proposal" in decision.summary
    assert {proposal.state for proposal in proposals.values()} == {State.IN_REVIEW}
    assert {proposal.step for proposal in proposals.values()} == {StepKind.DECISION}


def test_a_review_of_what_was_withdrawn_is_owed_by_nobody(session: Session, cast: Cast) -> None:
    call = exchange.call(cast)
    proposals = exchange.applied(cast, call)
    with exchange.after_close(cast, call) as now:
        exchange.asked(cast, call, due_at=now + timedelta(days=14))
        exchange.writing.withdraw(session, cast.sam, proposals.pop("sam"))
        exchange.write_each(cast, call, lambda _, review: review.proposal.state == State.IN_REVIEW)
    with exchange.after_close(cast, call, days=15.1):
        exchange.time_passes(session)

    assert {proposal.state for proposal in proposals.values()} == {State.IN_REVIEW}


def test_who_is_late_does_not_depend_on_whose_lateness_is_found_first(session: Session, cast: Cast) -> None:
    """Each reviews only the other's proposal late: both lose theirs."""
    call = exchange.call(cast)
    proposals = exchange.applied(cast, call)
    with exchange.after_close(cast, call) as now:
        exchange.asked(cast, call, due_at=now + timedelta(days=14))
        late = {"ravi", "rosa"}
        theirs = {proposals[name].id for name in late}
        exchange.write_each(
            cast, call, lambda name, review: name not in late or review.proposal_id not in theirs
        )
        slow = {name for name in late if exchange.owed(cast, call, name)}
    with exchange.after_close(cast, call, days=15.1):
        exchange.time_passes(session)

    declined = {name for name, proposal in proposals.items() if proposal.state == State.DECLINED}
    assert slow
    assert declined == slow


def test_a_conflict_that_turns_up_while_reading_costs_nobody_anything(session: Session, cast: Cast) -> None:
    call = exchange.call(cast)
    proposals = exchange.applied(cast, call)
    with exchange.after_close(cast, call) as now:
        exchange.asked(cast, call, due_at=now + timedelta(days=14))
        reviewing.declare_conflict(
            session, cast.ruth, exchange.owed(cast, call, "ruth")[0], reason="My cousin."
        )
        exchange.written(cast, call)
    with exchange.after_close(cast, call, days=15.1):
        exchange.time_passes(session)

    assert {proposal.state for proposal in proposals.values()} == {State.IN_REVIEW}


def test_the_officers_table_counts_what_is_given_and_submitted(session: Session, cast: Cast) -> None:
    call = exchange.call(cast)
    exchange.applied(cast, call)
    with exchange.after_close(cast, call) as now:
        exchange.asked(cast, call, due_at=now + timedelta(days=14))
        exchange.written(cast, call, but=("ravi", "sam"))

        lines = exchanging.owing(session, call)

    assert {line.person.name for line in lines[:2]} == {"Ravi", "Sam"}
    assert all(line.submitted == 0 for line in lines[:2])
    assert all(line.submitted == line.given > 0 for line in lines[2:])


def test_a_worker_that_died_is_replaced_and_its_late_answer_changes_nothing(
    session: Session, cast: Cast
) -> None:
    call = exchange.call(cast)
    exchange.applied(cast, call)
    gather = {exchange.RunKind.EXCHANGE: exchanging.gather}
    with exchange.after_close(cast, call):
        run = exchanging.ask(session, cast.owen, call, seed=1)
        lost = exchange.runs.claim(session, gather)
        session.flush()
        assert lost is not None
        assert exchange.runs.claim(session, gather) is None
        with clock.at(clock.now() + exchange.runs.LEASE * 2):
            exchange.computed(session, run)
        result = run.result
        exchange.runs.record(session, lost, result={"pairs": []})

    assert run.result == result
    assert session.scalars(select(Proposal).where(Proposal.call_id == call.id)).all()
