"""Appeals: once, in time, on a ground, answered by somebody who took no part."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from allocations.accounts import awards
from allocations.accounts.projects import ProjectRole
from allocations.kernel import clock
from allocations.kernel.audit import AuditEntry
from allocations.kernel.errors import Incomplete, Invalid, NotAllowed, NotFound
from allocations.kernel.outbox import EventRow
from allocations.people import roles
from allocations.people.persons import Person
from allocations.people.roles import SYSTEM, Actor, Role, actor_of
from allocations.programme import appeals, decisions, proposals, reviewing, ruling
from allocations.programme.appeals import Appeal, AppealState, Ground
from allocations.programme.calls import Decider, Reviewers
from allocations.programme.conflicts import Conflict
from allocations.programme.decisions import Decision, Outcome
from allocations.programme.proposals import Proposal, State
from allocations.programme.steps import StepKind
from allocations.programme.teams import InvitationState, TeamMember
from tests import cast as stage
from tests.allocations.appealed import DAY, HUNDRED, appealed, awarded, declined, seen
from tests.cast import Cast
from tests.threads import at_once


def events(session: Session) -> list[str]:
    return [row.type for row in session.scalars(select(EventRow).order_by(EventRow.id))]


def test_the_pi_appeals_once(session: Session, cast: Cast) -> None:
    proposal = declined(cast)

    made = appealed(cast, proposal)

    assert (made.state, made.made_by, made.ground) == (AppealState.WAITING, "Priya", Ground.FACT)
    assert events(session)[-1] == "AppealMade"
    entry = session.scalars(select(AuditEntry).where(AuditEntry.verb == "appeal.make")).one()
    assert (entry.subject, entry.note) == (proposal.ref, "A fact was overlooked")
    assert "Page 3" not in entry.note
    with pytest.raises(NotAllowed, match="one appeal for each proposal"):
        appealed(cast, proposal)


@pytest.mark.parametrize("text", ["", " \n", "x" * 10_001])
def test_an_appeal_says_what_happened(cast: Cast, text: str) -> None:
    given = seen(cast, cast.priya, declined(cast))

    with pytest.raises(Invalid) as refused:
        appeals.make(cast.session, cast.priya, given, ground=Ground.PROCESS, text=text)

    assert set(refused.value.fields) == {"text"}


def test_an_appeal_is_possible_until_the_end_of_the_last_day(cast: Cast) -> None:
    given = seen(cast, cast.priya, declined(cast))
    assert given.decision is not None
    last = appeals.last_day(given.decision, given.proposal.call)
    assert last == (given.decision.decided_at + 14 * DAY).date()
    with clock.at(given.decision.decided_at.replace(hour=23, minute=59) + 14 * DAY):
        assert appeals.may_appeal(cast.priya, given)
    with clock.at(given.decision.decided_at.replace(hour=0, minute=1) + 15 * DAY):
        answer = appeals.may_appeal(cast.priya, given)
        assert answer.reason == f"The time for an appeal ended on {last:%-d %B %Y}."


def test_a_call_without_appeals_takes_none(cast: Cast) -> None:
    proposal = declined(cast)
    proposal.call.appeal_days = 0

    assert appeals.may_appeal(cast.priya, seen(cast, cast.priya, proposal)).reason == (
        "This call takes no appeals."
    )


def test_what_has_no_decision_or_was_awarded_in_full_is_not_appealed(cast: Cast) -> None:
    waiting, full = stage.reviewed(cast, asks={"h100": 100}), awarded(cast, part=100)

    reasons = [appeals.may_appeal(cast.priya, seen(cast, cast.priya, one)).reason for one in (waiting, full)]

    assert "none that stands" in reasons[0]
    assert reasons[1] == "Everything that you asked for was awarded."


def test_an_award_that_was_turned_down_is_not_appealed(cast: Cast) -> None:
    proposal = awarded(cast)
    given = seen(cast, cast.priya, proposal)
    assert given.decision is not None
    assert given.decision.award is not None
    assert appeals.may_appeal(cast.priya, given)

    awards.decline(cast.session, cast.priya, given.decision.award)

    assert appeals.may_appeal(cast.priya, given).reason == "You have turned the award down."


def joins(cast: Cast, actor: Actor, proposal: Proposal) -> None:
    member = TeamMember(email="m@example.edu", role=ProjectRole.CO_PI, state=InvitationState.ACCEPTED)
    member.person = cast.person(actor)
    proposal.team.append(member)
    cast.session.flush()


@pytest.mark.parametrize("who", ["carlos", "owen", "chen"])
def test_nobody_but_the_pi_appeals(cast: Cast, who: str) -> None:
    proposal = declined(cast)
    actor: Actor = getattr(cast, who)

    assert appeals.may_appeal(actor, seen(cast, actor, proposal)).reason == "Only the PI can do this."


@pytest.mark.parametrize("who", ["ruth", "pat", "sam", "ada", "dana"])
def test_whoever_only_judges_or_has_no_part_learns_of_no_appeal(cast: Cast, who: str) -> None:
    proposal = declined(cast)
    appealed(cast, proposal)

    with pytest.raises(NotFound):
        seen(cast, getattr(cast, who), proposal)


def test_a_declined_proposal_goes_back_to_the_panel(session: Session, cast: Cast) -> None:
    proposal = declined(cast)
    appeal = appealed(cast, proposal)

    appeals.uphold(session, cast.owen, seen(cast, cast.owen, proposal), reason="Page 3 answers it.")
    session.commit()

    assert (proposal.state, proposal.step) == (State.IN_REVIEW, StepKind.PANEL)
    assert (appeal.state, appeal.answered_by, appeal.reason) == ("upheld", "Owen", "Page 3 answers it.")
    assert appeal.answered_at is not None
    assert [request.awarded for request in proposal.requests] == [None]
    assert decisions.is_back(proposal)
    assert "AppealAnswered" in events(session)
    verbs = session.scalars(select(AuditEntry.verb).where(AuditEntry.subject == proposal.ref)).all()
    assert verbs[-2:] == ["appeal.upheld", "proposal.in_review"]

    decisions.award(session, cast.chen, proposal, amounts={"h100": HUNDRED}, summary="Now we see.")
    session.commit()

    row = session.scalars(select(Decision)).one()
    assert (row.outcome, row.summary) == (Outcome.AWARD, "Now we see.")
    assert row.award is not None
    notes = session.scalars(select(AuditEntry.note).where(AuditEntry.verb == "proposal.declined")).all()
    assert notes == ["Not this time."]
    again = appeals.may_appeal(cast.priya, seen(cast, cast.priya, proposal))
    assert "one appeal for each proposal" in again.reason


def test_the_same_panel_may_decline_again(session: Session, cast: Cast) -> None:
    proposal = declined(cast)
    appealed(cast, proposal)
    appeals.uphold(session, cast.owen, seen(cast, cast.owen, proposal), reason="Look again.")

    decisions.decline(session, cast.chen, proposal, summary="We looked.")
    session.commit()

    assert session.scalar(select(func.count()).select_from(Decision)) == 1
    assert not decisions.is_back(proposal)


def test_what_a_rule_would_decide_waits_for_people_after_an_appeal(session: Session, cast: Cast) -> None:
    proposal = declined(cast)
    proposal.call.decided_by = Decider.RULE
    proposal.call.steps = {str(StepKind.DECISION): 7, str(StepKind.ACCEPTANCE): 7}
    appealed(cast, proposal)
    appeals.uphold(session, cast.owen, seen(cast, cast.owen, proposal), reason="Look again.")

    assert proposal.step == StepKind.DECISION
    assert ruling.decide(session, proposal.id) is False
    assert decisions.may_decide(cast.owen, proposal)


def test_what_was_drawn_is_decided_by_people_after_an_appeal(session: Session, cast: Cast) -> None:
    proposal = declined(cast)
    appealed(cast, proposal)
    proposal.call.reviewed_by = Reviewers.APPLICANTS
    appeals.uphold(session, cast.owen, seen(cast, cast.owen, proposal), reason="Look again.")

    assert decisions.may_decide(cast.chen, proposal)
    proposal.message = ""
    assert not decisions.may_decide(cast.chen, proposal)


def test_a_rejected_appeal_changes_nothing_and_has_a_reason(session: Session, cast: Cast) -> None:
    proposal = declined(cast)
    appeal = appealed(cast, proposal)
    with pytest.raises(Incomplete, match="the PI reads it"):
        appeals.reject(session, cast.owen, seen(cast, cast.owen, proposal), reason=" ")

    appeals.reject(session, cast.owen, seen(cast, cast.owen, proposal), reason="It was read.")

    assert (appeal.state, proposal.state) == (AppealState.REJECTED, State.DECLINED)
    with pytest.raises(NotAllowed, match="has been answered"):
        appeals.uphold(session, cast.owen, seen(cast, cast.owen, proposal), reason="No.")


def answers(cast: Cast, proposal: Proposal) -> str:
    return appeals.may_answer(cast.owen, seen(cast, cast.owen, proposal)).reason


def test_who_took_part_does_not_answer_and_does_not_read(session: Session, cast: Cast) -> None:
    proposal = declined(cast)
    appealed(cast, proposal)
    given = seen(cast, cast.chen, proposal)
    assert "You decided about this proposal" in appeals.may_answer(cast.chen, given).reason
    assert not appeals.may_read(cast.chen, given)
    assert answers(cast, proposal) == ""
    assert appeals.may_read(cast.owen, seen(cast, cast.owen, proposal))
    assert [one.proposal_id for one in appeals.open_for(session, cast.owen).to_answer] == [proposal.id]
    assert appeals.open_for(session, cast.chen).to_answer == []


def test_a_decider_who_has_another_name_now_still_does_not_answer(session: Session, cast: Cast) -> None:
    proposal = declined(cast)
    appealed(cast, proposal)
    cast.person(cast.chen).name = "Chen Renamed"
    session.flush()
    cast.refresh_roles()

    given = seen(cast, cast.chen, proposal)

    assert "You decided about this proposal" in appeals.may_answer(cast.chen, given).reason
    assert appeals.open_for(session, cast.chen).to_answer == []


@pytest.mark.parametrize("way", ["house", "reviewer", "declared", "name", "team"])
def test_each_way_of_being_involved_keeps_an_officer_away(session: Session, cast: Cast, way: str) -> None:
    proposal = declined(cast)
    appealed(cast, proposal)
    owen = cast.person(cast.owen)
    if way == "house":
        owen.institution = proposal.pi.institution
    elif way == "reviewer":
        review = reviewing.of_call(session, [proposal])[proposal.id][0]
        review.reviewer = owen
    elif way == "declared":
        session.add(Conflict(person_id=owen.id, proposal_id=proposal.id, reason="A friend."))
    elif way == "name":
        session.scalars(select(Decision)).one().decided_by = "Owen"
    else:
        joins(cast, cast.owen, proposal)
    session.flush()
    cast.refresh_roles()

    assert appeals.open_for(session, cast.owen).to_answer == []
    if way == "declared":
        with pytest.raises(NotFound):
            proposals.get(session, cast.owen, proposal.ref)
        return
    assert answers(cast, proposal)


def second_officer(cast: Cast) -> Actor:
    home = cast.person(cast.owen).institution
    person = Person(name="Olga", email="olga@example.edu", institution=home)
    cast.session.add(person)
    cast.session.flush()
    roles.grant(cast.session, SYSTEM, person, role=Role.PROGRAMME_OFFICER)
    cast.session.flush()
    return actor_of(cast.session, person)


def test_two_officers_at_once_give_one_answer(
    session: Session, sessions: sessionmaker[Session], cast: Cast
) -> None:
    proposal = declined(cast)
    appealed(cast, proposal)
    officers, ref = [cast.owen, second_officer(cast)], proposal.ref
    session.commit()

    def answer(number: int) -> str:
        actor = officers[number % 2]
        with sessions() as mine, mine.begin():
            given = appeals.case(mine, actor, proposals.get(mine, actor, ref))
            if number % 2:
                appeals.uphold(mine, actor, given, reason="Yes.")
            else:
                appeals.reject(mine, actor, given, reason="No.")
        return "answered"

    outcomes = at_once(4, answer)

    assert outcomes.count("answered") == 1, outcomes
    lost = {str(error) for error in outcomes if error != "answered"}
    assert lost <= {"Somebody else has just answered this appeal.", "This appeal has been answered."}, lost
    session.expire_all()
    row = session.scalars(select(Appeal)).one()
    assert (row.state == AppealState.UPHELD) == (
        session.get_one(Proposal, row.proposal_id).state == "in_review"
    )


def test_the_list_of_a_call_leaves_out_what_its_viewer_does_not_see(session: Session, cast: Cast) -> None:
    first, second = declined(cast), declined(cast)
    appealed(cast, first)
    appealed(cast, second)
    session.add(Conflict(person_id=cast.owen.person_id or 0, proposal_id=first.id, reason="A friend."))
    session.flush()

    listed = appeals.page(session, cast.owen, cast.call)

    assert [one.proposal_id for one in listed] == [second.id]
    assert len(appeals.page(session, cast.chen, cast.call)) == 2
