"""Home: what waits, the earliest due date first, and what the office has to do next in each call."""

from datetime import timedelta

import pytest

from allocations.kernel import clock
from allocations.programme import appeals, decisions, proposals
from allocations.programme.appeals import Appeal, Ground
from allocations.programme.decisions import STUCK
from allocations.programme.proposals import State
from portal import tasks
from portal.waiting import Task, in_order
from tests.portal import competitions, stage
from tests.portal.stage import Portal


def _lines(portal: Portal, who: str) -> dict[str, Task]:
    with portal.sessions() as session:
        return {task.text: task for task in tasks.waiting_for(session, stage.actor(session, who))}


def _address(portal: Portal, key: str, end: str) -> str:
    return f"/calls/{{call_{key}}}/{end}".format_map(stage.places(portal))


@pytest.mark.parametrize(
    ("key", "what", "end"),
    [
        ("exchange", "seal a secret for the draw", "draw"),
        ("paired", "ask the applicants to review", "exchange"),
        ("tiered", "freeze the tiers", "draw"),
        ("frozen", "draw the lots", "draw"),
    ],
)
def test_an_officer_reads_the_next_step_of_a_call_whose_applicants_review(
    portal: Portal, key: str, what: str, end: str
) -> None:
    found = {
        text: task.href for text, task in _lines(portal, "owen").items() if competitions.TITLES[key] in text
    }

    assert found == {f"{competitions.TITLES[key]}: {what}": _address(portal, key, end)}


def test_nobody_outside_the_office_reads_what_calls_wait_for(portal: Portal) -> None:
    for who in ("priya", "ruth", "sam", "ada", "pat"):
        assert not [text for text in _lines(portal, who) if "tiers" in text or "lots" in text], who


def test_once_a_call_has_closed_the_office_reads_which_proposals_lack_reviewers(portal: Portal) -> None:
    with portal.sessions() as session, session.begin():
        call = stage.call(session, "open")
        call.reviewers = 5
        text, closes_at = f"{call.title}: proposals that lack reviewers", call.closes_at
    before = _lines(portal, "owen")
    with clock.at(closes_at + timedelta(minutes=1)):
        after = _lines(portal, "owen")

    assert text not in before
    assert after[text].count > 0
    assert after[text].href == _address(portal, "open", "assignment")


def test_an_officer_who_applies_in_the_call_is_not_sent_to_its_assignment(portal: Portal) -> None:
    with portal.sessions() as session, session.begin():
        call, owen = stage.call(session, "open"), stage.person(session, "owen")
        call.reviewers = 5
        text, closes_at = f"{call.title}: proposals that lack reviewers", call.closes_at
        mine = proposals.Proposal(call=call, pi=owen)
        mine.state = State.WITHDRAWN
        session.add(mine)
        session.flush()
        key = mine.id
    address = _address(portal, "open", "assignment")
    with clock.at(closes_at + timedelta(minutes=1)):
        assert text in _lines(portal, "owen")
        with portal.sessions() as session, session.begin():
            session.get_one(proposals.Proposal, key).state = State.DRAFT

        assert portal.log_in("owen").get(address).status_code == 403
        assert text not in _lines(portal, "owen")


def test_a_starter_proposal_for_which_the_pool_was_empty_waits_for_the_office(portal: Portal) -> None:
    with portal.sessions() as session, session.begin():
        call = stage.call(session, "starter")
        waiting = proposals.page(
            session, stage.actor(session, "owen"), only=proposals.Proposal.call_id == call.id
        )
        assert not waiting
        stuck = stage.proposal(session, "soil")
        stuck.call_id, stuck.state = call.id, State.IN_REVIEW
        stuck.step, stuck.step_since = proposals.StepKind.DECISION, clock.now() - timedelta(hours=1)
        stuck.step_due = clock.now() - timedelta(minutes=1)
        stuck.message = f"Waits for the programme office: the pool is empty. {STUCK}"
        text = f"{call.title}: proposals to decide"

    task = _lines(portal, "owen")[text]

    assert (task.count, task.is_late) == (1, True)
    assert task.href == _address(portal, "starter", "panel")
    assert portal.log_in("owen").get(task.href).status_code == 200


def test_home_says_when_something_is_due_and_puts_what_is_late_first(portal: Portal) -> None:
    due = _lines(portal, "petra")["Reviews asked of you"].due
    assert due is not None
    with clock.at(due + timedelta(minutes=1)):
        text = portal.log_in("petra").get("/home").text
    now = clock.now()
    mixed = [Task("none", ""), Task("soon", "", due=now + timedelta(days=1)), Task("late", "", due=now)]

    assert f"Was due on {due:%-d %B %Y}" in text
    assert [task.text for task in in_order(mixed)] == ["late", "soon", "none"]


@pytest.mark.parametrize("who", ["owen", "chen", "ruth", "sam"])
def test_home_opens_on_each_database(portal_on_engine: Portal, who: str) -> None:
    assert portal_on_engine.log_in(who).get("/home").status_code == 200


def test_a_pi_who_was_declined_reads_until_when_an_appeal_is_possible(portal: Portal) -> None:
    with portal.sessions() as session, session.begin():
        found = stage.proposal(session, "poetry")
        pi, ref = found.pi.name.split()[0].lower(), found.ref
        decision = decisions.of_proposal(session, found)
        assert decision is not None
        decision.decided_at = clock.now()
        last = appeals.last_day(decision, found.call)
    words = f'<a href="/proposals/{ref}/appeal">{{}}</a>, until {last:%-d %B %Y}'
    during = portal.log_in(pi).get("/home").text
    with clock.at(clock.now() + timedelta(days=found.call.appeal_days + 1)):
        late = portal.log_in(pi).get("/home").text

    assert words.format(found.title) in during
    assert "Declined, and you can appeal" not in late
    assert "Declined, and you can appeal" not in portal.log_in("owen").get("/home").text


def test_once_the_appeal_is_made_home_says_no_more_of_it(portal: Portal) -> None:
    with portal.sessions() as session, session.begin():
        found = stage.proposal(session, "poetry")
        pi, decision = found.pi.name.split()[0].lower(), decisions.of_proposal(session, found)
        assert decision is not None
        decision.decided_at = clock.now()
        session.add(Appeal(proposal=found, made_by=found.pi.name, ground=Ground.FACT, text="A page."))

    assert "Declined, and you can appeal" not in portal.log_in(pi).get("/home").text


def test_an_appeal_to_answer_is_named_by_its_proposal(portal: Portal) -> None:
    with portal.sessions() as session:
        found = stage.proposal(session, "weather")
        name = f"Appeal of {found.ref}, {found.title}"

    assert f">{name}</a>" in portal.log_in("owen").get("/home").text
