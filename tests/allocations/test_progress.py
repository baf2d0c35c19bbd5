"""The steps of a call: in which order, ended by whom, and what decides at once."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from allocations.accounts.awards import AllocationState, AwardState, Consent
from allocations.kernel import clock, units
from allocations.kernel.errors import Invalid, NotAllowed
from allocations.programme import decisions, progress, ruling, screening, talking, writing
from allocations.programme.calls import Call, Decider, Lane
from allocations.programme.proposals import Proposal, State
from allocations.programme.steps import StepKind
from tests import cast as stage
from tests.cast import Cast

WITH_REPLY = {"admin_check": 5, "review": 21, "rebuttal": 7, "discussion": 5, "panel": 10, "decision": 3}
STARTER = {"decision": 1}


def starter(cast: Cast, **changes: object) -> Call:
    """Decided by rule; the provider has agreed ahead to everything."""
    given: dict[str, object] = {
        "lane": Lane.STARTER,
        "decided_by": Decider.RULE,
        "criteria": (),
        "questions": (),
        "steps": dict(STARTER),
        "per_person": 1,
        "pools": {"h100": 100 * units.MICRO},
        "most": {"h100": 40 * units.MICRO},
    }
    call = stage.open_call(cast, **(given | changes))
    for link in call.pools:
        link.agreed_at, link.agreed_by = clock.now(), "Pat"
    return call


def asked_for(cast: Cast, call: Call, *, hours: int = 40, pi: str = "priya") -> Proposal:
    author = getattr(cast, pi)
    proposal = writing.start(cast.session, author, call)
    summary = writing.Summary("Try it", "A first look.", ("Biology",), "")
    writing.save_text(cast.session, author, proposal, summary)
    wanted = writing.Wanted((writing.Ask("h100", hours * units.MICRO, ""),), None, 3)
    writing.save_resources(cast.session, author, proposal, wanted)
    writing.submit(cast.session, author, proposal)
    cast.session.flush()
    return proposal


def test_a_proposal_goes_through_the_steps_of_its_call(session: Session, cast: Cast) -> None:
    call = stage.open_call(cast, steps=dict(WITH_REPLY), decided_by=Decider.OFFICER)
    seen = [(proposal := stage.submitted(cast, call=call)).step]
    screening.forward(session, cast.owen, proposal)
    seen.append(proposal.step)
    for reviewer in (cast.ruth, cast.ravi):
        stage.scored(cast, proposal, reviewer)
    seen.append(proposal.step)
    talking.reply(session, cast.priya, proposal, text="Thank you. We add a control.")
    seen.append(proposal.step)
    with clock.at(clock.now() + timedelta(days=5.1)):
        assert progress.step(session)
        session.flush()
        assert not progress.step(session)
        seen.append(proposal.step)
        seen.append(progress.advance(session, cast.owen, proposal))

    kinds = ["admin_check", "review", "rebuttal", "discussion", "panel", "decision"]
    assert [str(kind) for kind in seen] == kinds


def test_the_due_date_follows_the_calls_target(session: Session, cast: Cast) -> None:
    call = stage.open_call(cast, steps={"admin_check": 2, "review": 30, "decision": 7, "acceptance": 3})
    proposal = stage.submitted(cast, call=call)

    assert proposal.step_due == proposal.step_since + timedelta(days=2)
    assert not progress.is_late(proposal)
    with clock.at(clock.now() + timedelta(days=3)):
        assert progress.is_late(proposal)


def test_a_reply_that_does_not_come_holds_nobody_up(session: Session, cast: Cast) -> None:
    call = stage.open_call(cast, steps=dict(WITH_REPLY))
    proposal = stage.reviewed(cast, call=call)
    with clock.at(clock.now() + timedelta(days=7.1)):
        progress.step(session)

        assert proposal.step == StepKind.DISCUSSION
        with pytest.raises(NotAllowed, match="You can reply while"):
            talking.reply(session, cast.priya, proposal, text="Too late.")


def test_nothing_is_decided_while_the_pi_may_reply(session: Session, cast: Cast) -> None:
    call = stage.open_call(cast, steps=dict(WITH_REPLY), decided_by=Decider.OFFICER)
    proposal = stage.reviewed(cast, call=call)

    assert proposal.step == StepKind.REBUTTAL
    with pytest.raises(NotAllowed, match="can reply to the reviews first"):
        decisions.decline(session, cast.owen, proposal, summary="No.")
    progress.advance(session, cast.owen, proposal)
    decisions.decline(session, cast.owen, proposal, summary="No.")
    assert proposal.state == State.DECLINED


@pytest.mark.parametrize("who", ["priya", "carlos", "uma", "ruth", "chen", "pat", "sam", "ada"])
def test_only_officers_end_a_step_by_hand(session: Session, cast: Cast, who: str) -> None:
    proposal = stage.in_review(cast)

    with pytest.raises(NotAllowed, match="Only a programme officer"):
        progress.advance(session, getattr(cast, who), proposal)


def test_the_check_and_the_decision_end_with_an_answer_not_by_hand(session: Session, cast: Cast) -> None:
    proposal = stage.submitted(cast)

    with pytest.raises(NotAllowed, match="ends with an answer"):
        progress.advance(session, cast.owen, proposal)


@pytest.mark.parametrize(
    ("decider", "who"), [(Decider.CHAIR, "owen"), (Decider.OFFICER, "chen"), (Decider.RULE, "chen")]
)
def test_only_the_calls_decider_decides(session: Session, cast: Cast, decider: Decider, who: str) -> None:
    steps = {"admin_check": 2, "decision": 7, "acceptance": 3}
    call = stage.open_call(cast, steps=steps, decided_by=decider)
    proposal = stage.in_review(cast, call=call)

    with pytest.raises(NotAllowed, match="Only the"):
        decisions.decline(session, getattr(cast, who), proposal, summary="No.")


def test_a_starter_proposal_is_an_active_allocation_as_soon_as_it_is_submitted(
    session: Session, cast: Cast
) -> None:
    proposal = asked_for(cast, starter(cast))

    assert proposal.step == StepKind.DECISION
    assert ruling.decide(session, proposal.id)
    decision = decisions.of_proposal(session, proposal)
    assert decision is not None
    assert decision.award is not None
    (allocation,) = decision.award.allocations
    assert (proposal.state, decision.award.state) == (State.AWARDED, AwardState.ACCEPTED)
    assert (allocation.state, allocation.consent) == (AllocationState.ACTIVE, Consent.GIVEN)
    assert allocation.amount == 40 * units.MICRO
    assert not ruling.decide(session, proposal.id)


def test_a_second_starter_request_is_refused_with_the_reason(session: Session, cast: Cast) -> None:
    call = starter(cast)
    ruling.decide(session, asked_for(cast, call).id)

    with pytest.raises(NotAllowed, match="takes 1 proposal of each PI"):
        writing.start(session, cast.priya, call)


def test_an_empty_pool_leaves_the_proposal_to_the_office(session: Session, cast: Cast) -> None:
    call = starter(cast)
    for name in ("priya", "carlos", "ruth"):
        proposal = asked_for(cast, call, pi=name)
        granted = ruling.decide(session, proposal.id)

    assert not granted
    assert (proposal.state, proposal.step) == (State.IN_REVIEW, StepKind.DECISION)
    assert "holds only 20" in proposal.message
    decisions.decline(session, cast.owen, proposal, summary="Nothing is left this month.")


def test_one_proposal_gets_at_most_the_ceiling(session: Session, cast: Cast) -> None:
    with pytest.raises(Invalid, match="at most 40"):
        asked_for(cast, starter(cast), hours=41)


def test_without_the_providers_word_a_starter_award_waits_for_it(session: Session, cast: Cast) -> None:
    call = starter(cast)
    call.pools[0].agreed_at = None
    proposal = asked_for(cast, call)
    ruling.decide(session, proposal.id)

    decision = decisions.of_proposal(session, proposal)
    assert decision is not None
    assert decision.award is not None
    assert decision.award.allocations[0].state == AllocationState.OFFERED


def test_starting_twice_gives_the_same_empty_draft(session: Session, cast: Cast) -> None:
    first = writing.start(session, cast.priya, cast.call)
    session.flush()

    assert writing.start(session, cast.priya, cast.call) is first
    writing.save_text(session, cast.priya, first, writing.Summary("A title", "", (), ""))
    session.flush()
    assert writing.start(session, cast.priya, cast.call) is not first


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"steps": {"review": 3}}, "steps"),
        ({"steps": {"rebuttal": 3, "decision": 1}}, "steps"),
        ({"steps": {"decision": 0}}, "days_decision"),
        ({"decided_by": Decider.RULE}, "decided_by"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"most": {"h100": 10_000 * units.MICRO}}, "most_h100"),
    ],
)
def test_a_call_that_contradicts_itself_is_refused(
    session: Session, cast: Cast, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        stage.open_call(cast, **changes)

    assert field in refused.value.fields
