"""Reviewers for a whole call: who has them proposed, what is fixed by hand, who is asked."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.kernel import clock
from allocations.kernel.errors import DomainError, IllegalMove, Incomplete, Invalid, NotAllowed, NotFound
from allocations.people.roles import Role
from allocations.programme import assigning, expertise, proposed, reviewing
from allocations.programme.assigning import Wish
from allocations.programme.conflicts import Conflict
from allocations.programme.expertise import ProfileDraft
from allocations.programme.proposals import Proposal
from allocations.programme.proposed import Pages
from allocations.programme.reviews import Review, ReviewState
from allocations.programme.runs import RunState
from tests import cast as stage
from tests.allocations.staffed import computed, marks, pairs_of, seen
from tests.allocations.test_visibility import arrange, situations
from tests.cast import Cast


def test_only_those_who_run_the_call_and_have_nothing_in_it_have_reviewers_proposed(
    session: Session, cast: Cast
) -> None:
    stage.in_review(cast)
    for actor in (cast.priya, cast.ruth, cast.pat, cast.sam):
        with pytest.raises(NotAllowed, match="Only programme officers"):
            assigning.ask(session, actor, cast.call, Wish(2), seed=1)
    stage.draft(cast, pi=cast.chen)
    with pytest.raises(NotAllowed, match="You have a proposal in this call"):
        assigning.ask(session, cast.chen, cast.call, Wish(2), seed=1)
    with pytest.raises(NotAllowed, match="You have a proposal in this call"):
        assigning.get(session, cast.chen, cast.call.ref)

    assert assigning.get(session, cast.owen, cast.call.ref) is cast.call
    assigning.ask(session, cast.owen, cast.call, Wish(2), seed=1)
    with pytest.raises(IllegalMove, match="being computed already"):
        assigning.ask(session, cast.owen, cast.call, Wish(2), seed=1)


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        (Wish(0), "reviewers"),
        (Wish(10), "reviewers"),
        (Wish(2, limit=5), "limit"),
        (Wish(2, limit=101), "limit"),
        (Wish(2, technical=True, limit=50), "limit"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_at_its_field(cast: Cast, wish: Wish, field: str) -> None:
    stage.in_review(cast)

    with pytest.raises(Invalid) as refused:
        assigning.ask(cast.session, cast.owen, cast.call, wish, seed=1)

    assert list(refused.value.fields) == [field]


def test_nothing_is_computed_before_a_proposal_is_in_review(session: Session, cast: Cast) -> None:
    stage.submitted(cast)

    with pytest.raises(IllegalMove, match="No proposal of this call is in review"):
        assigning.ask(session, cast.owen, cast.call, Wish(2), seed=1)


@settings(max_examples=80)
@given(situation=situations, same_house=st.booleans(), officer=st.booleans())
def test_the_list_holds_exactly_the_proposals_whose_reviewers_the_actor_assigns(
    session: Session, cast: Cast, situation: dict[str, Any], same_house: bool, officer: bool
) -> None:
    with session.begin_nested() as example:
        proposal = arrange(session, cast, situation)
        held = frozenset({(Role.PROGRAMME_OFFICER, None) if officer else (Role.PANEL_CHAIR, cast.call.id)})
        house = proposal.pi.institution_id if same_house else None
        actor = replace(cast.sam, roles=held, institution_id=house)
        expected = bool(reviewing.may_assign(actor, proposal)) and not situation["conflict"]

        listed = session.scalars(select(Proposal).where(assigning.assignable(actor))).all()

        assert (proposal in listed) == expected
        example.rollback()


def test_marks_are_kept_for_the_next_runs_until_they_are_forgotten(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)
    run = computed(cast, Wish(1))
    (first,) = pairs_of(run)

    second = computed(
        cast,
        run=assigning.again(session, cast.owen, cast.call, run, marks=marks([proposal.id], bans=[first])),
    )
    (other,) = pairs_of(second)
    third = computed(
        cast,
        run=assigning.again(
            session, cast.owen, cast.call, second, marks=marks([proposal.id], [other], [first])
        ),
    )
    fourth = computed(cast, Wish(3))

    assert other != first
    assert pairs_of(third) == {other}
    assert third.result["pairs"][0]["locked"]
    # Two are left of three.
    assert (fourth.state, "1 is missing" in fourth.message) == (RunState.FAILED, True)
    assert len(pairs_of(computed(cast, Wish(3, forget=True)))) == 3


def test_marks_reach_no_proposal_that_was_not_shown_or_is_not_ones_own(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)
    run = computed(cast)
    pair = min(pairs_of(run))
    stranger = (proposal.id, cast.people["sam"].id)
    for wrong in (
        marks([proposal.id], [stranger]),
        marks([proposal.id], bans=[stranger]),
        marks([proposal.id + 9]),
    ):
        with pytest.raises(NotFound):
            assigning.again(session, cast.owen, cast.call, run, marks=wrong)
    with pytest.raises(Invalid, match="both locked and never"):
        assigning.again(session, cast.owen, cast.call, run, marks=marks([proposal.id], [pair], [pair]))
    session.add(Conflict(person_id=cast.people["owen"].id, proposal_id=proposal.id, reason="x"))
    session.flush()
    with pytest.raises(NotFound):
        assigning.again(session, cast.owen, cast.call, run, marks=marks([proposal.id], [pair]))


def test_a_lock_that_is_no_longer_possible_is_told_and_does_not_stop_the_rest(
    session: Session, cast: Cast
) -> None:
    proposal = stage.in_review(cast)
    run = computed(cast, Wish(1))
    (pair,) = pairs_of(run)
    session.add(Conflict(person_id=pair[1], proposal_id=proposal.id, reason="x"))
    session.flush()

    later = computed(
        cast, run=assigning.again(session, cast.owen, cast.call, run, marks=marks([proposal.id], [pair]))
    )

    assert len(pairs_of(later) - {pair}) == 1
    ((_, heading, why),) = seen(cast, later).dropped
    assert (heading.ref, why) == (proposal.ref, "has a conflict of interest with this proposal")


def test_reviewers_are_asked_and_what_is_not_possible_any_more_is_said(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)
    run = computed(cast, Wish(3))
    pairs = pairs_of(run)
    session.add(Conflict(person_id=cast.ruth.person_id, proposal_id=proposal.id, reason="We talked."))
    until = clock.today() + timedelta(days=9)
    away = ProfileDraft(fields_of_science=("Biology",), away_until=until)
    expertise.save(session, cast.ravi, cast.person(cast.ravi), draft=away)
    session.flush()

    told = assigning.apply(session, cast.owen, cast.call, run, pairs=pairs)
    session.flush()

    asked = session.scalars(select(Review).where(Review.proposal_id == proposal.id)).all()
    assert [(one.reviewer_id, one.state) for one in asked] == [(cast.rosa.person_id, ReviewState.INVITED)]
    assert (told.asked, told.already, len(told.refused)) == (1, 0, 2)
    assert "has declared: We talked" in told.refused[proposal.id, cast.ruth.person_id]
    assert "is away until" in told.refused[proposal.id, cast.ravi.person_id]
    assert run.state == RunState.APPLIED
    shown = {match.name: match.not_asked for match in seen(cast, run).lines[0].matches}
    assert [name for name, why in sorted(shown.items()) if why] == ["Ravi", "Ruth"]


def test_asking_twice_asks_once(session: Session, cast: Cast) -> None:
    stage.in_review(cast)
    run = computed(cast)
    pairs = pairs_of(run)

    first = assigning.apply(session, cast.owen, cast.call, run, pairs=pairs)
    second = assigning.apply(session, cast.owen, cast.call, run, pairs=pairs)
    session.flush()

    assert (first.asked, first.already) == (2, 0)
    assert (second.asked, second.already, second.refused) == (0, 2, {})
    assert len(session.scalars(select(Review)).all()) == 2


def test_a_refusal_after_asking_is_not_overruled(session: Session, cast: Cast) -> None:
    stage.in_review(cast)
    run = computed(cast, Wish(3))
    pairs = pairs_of(run)
    assigning.apply(session, cast.owen, cast.call, run, pairs=pairs)
    session.flush()
    mine = select(Review).where(Review.reviewer_id == cast.ruth.person_id)
    reviewing.refuse(session, cast.ruth, session.scalars(mine).one(), reason="No.")

    told = assigning.apply(session, cast.owen, cast.call, run, pairs=pairs)

    assert (told.asked, told.already) == (0, 2)
    assert "the review is refused" in next(iter(told.refused.values()))


def test_only_pairs_of_a_finished_run_are_asked(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)
    waiting = assigning.ask(session, cast.owen, cast.call, Wish(2), seed=1)
    with pytest.raises(IllegalMove, match="when the computation is done"):
        assigning.apply(session, cast.owen, cast.call, waiting, pairs={(proposal.id, 1)})
    run = computed(cast, run=waiting)
    with pytest.raises(NotFound):
        assigning.apply(session, cast.owen, cast.call, run, pairs={(proposal.id, cast.people["sam"].id)})
    with pytest.raises(Incomplete):
        assigning.apply(session, cast.owen, cast.call, run, pairs=set())
    for actor in (cast.ruth, cast.priya):
        with pytest.raises(DomainError):
            assigning.apply(session, actor, cast.call, run, pairs=pairs_of(run))


def test_an_officer_learns_nothing_of_a_proposal_that_is_closed_to_them(session: Session, cast: Cast) -> None:
    open_one, closed = stage.in_review(cast), stage.in_review(cast)
    run = computed(cast)
    before = seen(cast, run)
    session.add(Conflict(person_id=cast.people["owen"].id, proposal_id=closed.id, reason="x"))
    session.flush()

    after, chair = seen(cast, run), seen(cast, run, cast.chen)

    assert [line.proposal.id for line in after.lines] == [open_one.id]
    assert (before.in_review, after.in_review, chair.in_review) == (2, 1, 2)
    assert [heading.id for heading, _ in after.weakest] == [open_one.id]
    assert sum(load * many for load, many in before.loads) == 4
    assert sum(load * many for load, many in after.loads) == 2
    told = assigning.apply(session, cast.owen, cast.call, run, pairs=pairs_of(run))
    assert (told.asked, {pair[0] for pair in told.refused}) == (2, {closed.id})


def test_why_nobody_can_be_assigned_is_said_with_names_and_advice(session: Session, cast: Cast) -> None:
    proposal = stage.in_review(cast)
    stage.in_review(cast)
    for name in ("ravi", "rosa"):
        session.add(Conflict(person_id=cast.people[name].id, proposal_id=proposal.id, reason="x"))
    session.flush()

    run = computed(cast)
    cut, hidden = seen(cast, run).cut, None
    session.add(Conflict(person_id=cast.people["owen"].id, proposal_id=proposal.id, reason="x"))
    session.flush()
    hidden = seen(cast, run).cut

    assert cut is not None
    assert [each.ref for each in cut.proposals] == [proposal.ref]
    assert any("Invite more people" in advice for advice in cut.relax)
    assert hidden is not None
    assert (hidden.is_closed, hidden.proposals, hidden.people, hidden.relax) == (True, (), (), ())


def test_the_list_goes_by_number_or_weakest_first_page_by_page(
    session: Session, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proposed, "SIZE", 2)
    for _ in range(5):
        stage.in_review(cast)
    run = computed(cast)
    for weakest_first in (False, True):
        listed, after = [], None
        while True:
            part = seen(cast, run, pages=Pages(weakest_first, after))
            listed += [line.proposal.id for line in part.lines]
            if part.older is None:
                break
            after = part.older
        assert len(listed) == len(set(listed)) == 5
        assert weakest_first or listed == sorted(listed)
