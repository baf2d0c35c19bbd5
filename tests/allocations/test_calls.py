"""Calls: writing, publishing, concluding, and who sees which."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from allocations.accounts import ledger
from allocations.accounts.ledger import Purpose
from allocations.accounts.pools import Pool
from allocations.kernel import clock, units
from allocations.kernel.errors import Incomplete, Invalid, NotAllowed, NotFound, Stale
from allocations.people.roles import VISITOR
from allocations.programme import calls, editions, opening, screening, starting
from allocations.programme.calls import CallState, Decider, Lane, LetterKind, Reviewers
from allocations.programme.opening import Correction
from allocations.programme.questions import QuestionDraft, QuestionKind
from allocations.programme.starting import Start
from tests import cast as stage
from tests.cast import CRITERIA, Cast

FILE = QuestionDraft("Case", QuestionKind.FILE, "A letter of support")
TEN = tuple(QuestionDraft("Case", QuestionKind.TEXT, f"Question {n}") for n in range(10))


def test_an_officer_writes_a_call_with_rubric_and_pools(session: Session, cast: Cast) -> None:
    call = opening.start(session, cast.owen, stage.call_draft())

    assert call.state == CallState.DRAFT
    assert [(c.name, c.weight) for c in call.criteria] == [("Merit", 60), ("Plan", 40)]
    assert {link.pool.resource.slug: link.pool.amount for link in call.pools} == stage.POOLS


def test_nobody_but_an_officer_opens_a_call(session: Session, cast: Cast) -> None:
    with pytest.raises(NotAllowed, match="Only a programme officer opens calls"):
        opening.start(session, cast.chen, stage.call_draft())


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"closes_at": clock.now() - timedelta(days=9)}, "closes_at"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "localtime"}, "timezone"),
        ({"reviewers": 10}, "reviewers"),
        ({"per_person": 0}, "per_person"),
        ({"steps": {"decision": 0}}, "days_decision"),
        ({"steps": {"decision": 7, "dance": 7}}, "steps"),
        ({"most": {"h100": 1001 * units.MICRO}}, "most_h100"),
        ({"letters": {LetterKind.AWARDED: "Dear {nmae}"}}, "letter_awarded"),
        ({"criteria": (CRITERIA[0], CRITERIA[0])}, "criterion_1_name"),
        ({"pools": {"h100": 0}}, "pools"),
        ({"pools": {"no-such": 5}}, "pools"),
    ],
)
def test_a_call_that_breaks_a_rule_names_the_field(
    session: Session, cast: Cast, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        opening.start(session, cast.owen, stage.call_draft(**changes))

    assert list(refused.value.fields) == [field]


def test_editing_a_draft_replaces_its_rubric_and_pools(session: Session, cast: Cast) -> None:
    call = opening.start(session, cast.owen, stage.call_draft())
    session.commit()

    changed = stage.call_draft(title="Better", criteria=(CRITERIA[1],), pools={"a100": 7 * units.MICRO})
    opening.edit(session, cast.owen, call, changed, version=call.version)
    session.commit()

    session.expire_all()
    assert call.title == "Better"
    assert [c.name for c in call.criteria] == ["Plan"]
    assert [(link.pool.resource.slug, link.pool.amount) for link in call.pools] == [("a100", 7 * units.MICRO)]
    assert session.query(Pool).filter(Pool.name.startswith(call.ref)).count() == 1


def test_an_edit_on_an_older_reading_is_refused(session: Session, cast: Cast) -> None:
    call = opening.start(session, cast.owen, stage.call_draft())
    read = call.version
    opening.edit(session, cast.owen, call, stage.call_draft(title="First"), version=read)
    session.flush()

    with pytest.raises(Stale):
        opening.edit(session, cast.owen, call, stage.call_draft(title="Second"), version=read)


def test_an_edit_of_the_rubric_alone_is_noticed_by_the_second_tab(session: Session, cast: Cast) -> None:
    draft = stage.call_draft()
    call = opening.start(session, cast.owen, draft)
    read = call.version
    changed = stage.call_draft(opens_at=draft.opens_at, closes_at=draft.closes_at, criteria=(CRITERIA[0],))
    opening.edit(session, cast.owen, call, changed, version=read)
    session.flush()

    with pytest.raises(Stale):
        opening.edit(session, cast.owen, call, draft, version=read)


def test_publishing_puts_the_pools_into_the_ledger(session: Session, cast: Cast) -> None:
    call = opening.start(session, cast.owen, stage.call_draft())

    opening.publish(session, cast.owen, call)

    assert call.state == CallState.PUBLISHED
    free = {
        p.pool.resource.slug: ledger.balance(session, ledger.pool(p.pool_id), Purpose.FREE)
        for p in call.pools
    }
    assert free == stage.POOLS


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"pools": {}}, "pools"),
        ({"summary": " "}, "summary"),
        ({"criteria": ()}, "criterion_0_name"),
        ({"steps": {"review": 21}}, "steps"),
        ({"steps": {"rebuttal": 7, "decision": 7}}, "steps"),
        ({"steps": {"decision": 7}, "reviewed_by": Reviewers.APPLICANTS, "per_person": 1}, "reviewed_by"),
        ({"reviewed_by": Reviewers.APPLICANTS}, "per_person"),
        ({"decided_by": Decider.RULE}, "decided_by"),
        ({"lane": Lane.STARTER, "questions": TEN}, "question_0_label"),
        ({"lane": Lane.STARTER, "questions": (FILE,)}, "question_0_kind"),
    ],
)
def test_a_call_that_contradicts_itself_is_kept_and_not_published(
    session: Session, cast: Cast, changes: dict[str, object], field: str
) -> None:
    call = opening.start(session, cast.owen, stage.call_draft(**changes))

    with pytest.raises(Incomplete) as refused:
        opening.publish(session, cast.owen, call)

    assert list(refused.value.fields) == [field]
    assert call.state == CallState.DRAFT


def test_everything_that_keeps_a_call_from_being_published_is_said_at_once(
    session: Session, cast: Cast
) -> None:
    call = opening.start(session, cast.owen, stage.call_draft(pools={}, summary="", criteria=()))

    with clock.at(call.closes_at), pytest.raises(Incomplete) as refused:
        opening.publish(session, cast.owen, call)

    assert set(refused.value.fields) == {"pools", "summary", "criterion_0_name", "closes_at"}


@pytest.mark.parametrize("start", Start)
def test_a_starting_point_lacks_only_what_nobody_else_can_know(
    session: Session, cast: Cast, start: Start
) -> None:
    draft = starting.draft_for(start, title="A call")

    assert set(opening.unready(draft)) == {"summary", "pools"}
    call = opening.start(session, cast.owen, replace(draft, summary="Words.", pools=dict(stage.POOLS)))
    opening.publish(session, cast.owen, call)
    assert call.window == "upcoming"


def test_a_correction_with_a_placeholder_that_nobody_can_fill_in_is_refused(
    session: Session, cast: Cast
) -> None:
    words = {LetterKind.AWARDED: "Dear {nobody}"}
    correction = Correction("Words.", cast.call.closes_at, {}, words, "Clearer.")

    with pytest.raises(Invalid) as refused:
        opening.correct(session, cast.owen, cast.call, correction)

    assert list(refused.value.fields) == ["letter_awarded"]
    assert [edition.number for edition in calls.editions(session, cast.call)] == [1]


def test_editions_say_what_changed_in_words(session: Session, cast: Cast) -> None:
    call, question = cast.call, cast.call.questions[0]
    later = call.closes_at + timedelta(days=7)
    words = {LetterKind.AWARDED: "Well done, {name}."}
    correction = Correction(call.summary, later, {question.id: "Be brief."}, words, "More time.")

    opening.correct(session, cast.owen, call, correction)

    new, old = calls.editions(session, call)
    found = {change.label: change for change in editions.changes(old.content, new.content)}
    hint = f"“{question.label}”, hint"
    assert list(found) == ["Close", hint, "Words of the letter to the PI, when the proposal is awarded"]
    assert found[hint].after == "Be brief."
    assert found["Close"].after == f"{later:%-d %B %Y, %H:%M} (UTC)"
    assert "Well done" not in str(found)


def test_a_published_call_no_longer_changes(session: Session, cast: Cast) -> None:
    with pytest.raises(NotAllowed, match="no longer changes"):
        opening.edit(session, cast.owen, cast.call, stage.call_draft())


@pytest.mark.parametrize(
    ("days", "window", "reason"),
    [
        (-2, "upcoming", "This call opens on"),
        (0, "open", ""),
        (29, "open", ""),
        (31, "closed", "This call closed on"),
    ],
)
def test_a_proposal_is_started_only_while_the_call_is_open(
    cast: Cast, days: int, window: str, reason: str
) -> None:
    with clock.at(clock.now() + timedelta(days=days)):
        answer = calls.may_apply(cast.priya, cast.call)

        assert cast.call.window == window
        assert answer.allowed == (window == "open")
        assert answer.reason.startswith(reason)


def test_the_call_opens_and_closes_to_the_second(cast: Cast) -> None:
    second = timedelta(seconds=1)
    moments = [
        cast.call.opens_at - second,
        cast.call.opens_at,
        cast.call.closes_at - second,
        cast.call.closes_at,
    ]
    seen = []
    for moment in moments:
        with clock.at(moment):
            seen.append(cast.call.window)

    assert seen == ["upcoming", "open", "open", "closed"]


def test_a_call_is_concluded_only_after_it_has_closed(session: Session, cast: Cast) -> None:
    with pytest.raises(NotAllowed, match="after it has closed"):
        opening.conclude(session, cast.owen, cast.call)
    with clock.at(cast.call.closes_at):
        opening.conclude(session, cast.owen, cast.call)

    assert cast.call.window == "concluded"
    assert calls.may_apply(cast.priya, cast.call).reason == "This call is concluded."


def test_a_call_with_something_undecided_is_not_concluded(session: Session, cast: Cast) -> None:
    proposal = stage.submitted(cast)
    with clock.at(cast.call.closes_at + timedelta(hours=1)):
        with pytest.raises(NotAllowed, match="Not every proposal of the call is decided"):
            opening.conclude(session, cast.owen, cast.call)
        screening.decline(session, cast.owen, proposal, reason="It is not about research.")
        session.flush()
        opening.conclude(session, cast.owen, cast.call)

    assert cast.call.window == "concluded"


def test_drafts_are_seen_by_officers_only(session: Session, cast: Cast) -> None:
    hidden = opening.start(session, cast.owen, stage.call_draft())

    assert calls.get(session, cast.owen, hidden.ref) is hidden
    assert calls.get(session, VISITOR, cast.call.ref) is cast.call
    assert list(calls.page(session, VISITOR)) == [cast.call]
    assert list(calls.page(session, cast.owen)) == [hidden, cast.call]
    with pytest.raises(NotFound):
        calls.get(session, cast.chen, hidden.ref)


def test_pages_of_calls_follow_each_other_without_gap_or_repeat(session: Session, cast: Cast) -> None:
    made = [cast.call, *(stage.open_call(cast) for _ in range(4))]

    first = calls.page(session, cast.owen, size=2)
    second = calls.page(session, cast.owen, before=first[-1].id, size=2)
    third = calls.page(session, cast.owen, before=second[-1].id, size=2)

    assert [*first, *second, *third] == made[::-1]


def test_open_calls_are_those_that_take_proposals_now(session: Session, cast: Cast) -> None:
    later = stage.open_call(cast, opens_at=clock.now() + timedelta(days=1))
    opening.start(session, cast.owen, stage.call_draft())

    assert list(calls.open_calls(session)) == [cast.call]
    with clock.at(clock.now() + timedelta(days=2)):
        assert set(calls.open_calls(session)) == {cast.call, later}
