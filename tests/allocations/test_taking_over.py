"""Taking a split over: what people have noted stays, is named, and is replaced only where they say so."""

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session, sessionmaker

from allocations.kernel import units
from allocations.kernel.errors import IllegalMove
from allocations.programme import deciding, decisions, noting, panel_list, runs, splitting
from allocations.programme.proposals import Proposal
from allocations.programme.runs import RunKind
from allocations.programme.splitting import Reading, Terms
from portal.computing import parent
from tests import panel
from tests.cast import Cast

MICRO = units.MICRO
Again = Callable[[], Reading]


@pytest.fixture
def again(session: Session, sessions: sessionmaker[Session], cast: Cast) -> Again:
    """Split anew, as the chair reads it."""

    def work() -> Reading:
        splitting.ask(session, cast.chen, cast.call, Terms(), seed=1)
        session.commit()
        assert parent.step(sessions)
        session.expire_all()
        done = runs.newest_and_done(session, cast.call, RunKind.SPLIT)[1]
        reading = splitting.read(session, cast.call, done, panel_list.entries(session, cast.chen, cast.call))
        assert reading is not None
        return reading

    return work


def recommended(proposal: Proposal) -> int:
    return (proposal.requests[0].recommended or 0) // MICRO


def note(session: Session, cast: Cast, proposal: Proposal, hours: int) -> None:
    decisions.recommend(session, cast.chen, proposal, {"h100": hours * MICRO})
    session.flush()


def kept(session: Session, cast: Cast, reading: Reading) -> list[noting.Kept]:
    known = panel_list.loaded(session, [one["proposal"] for one in reading.outcomes])
    return noting.kept(session, cast.call, reading, known)


def keys(session: Session, cast: Cast, reading: Reading) -> list[str]:
    return [line.key for line in kept(session, cast, reading)]


def test_what_was_noted_before_the_split_stays_and_is_named(
    session: Session, cast: Cast, again: Again
) -> None:
    made = panel.crowd(session, cast.call, 4)
    note(session, cast, made[1], 40)
    taken = deciding.take_over(session, cast.chen, cast.call, again())

    assert taken.taken == 3
    assert [(one.ref, one.reason) for one in taken.noted] == [
        (made[1].ref, "40 GPU-hours of H100 80 GB (split: 100)")
    ]
    assert [recommended(one) for one in made] == [100, 40, 100, 100]


def test_what_a_split_put_there_makes_way_for_the_next_one_and_what_people_changed_does_not(
    session: Session, cast: Cast, again: Again
) -> None:
    made = panel.crowd(session, cast.call, 4)
    deciding.take_over(session, cast.chen, cast.call, again())
    note(session, cast, made[2], 30)
    for one in made:
        one.requests[0].requested = 80 * MICRO
    taken = deciding.take_over(session, cast.chen, cast.call, again())

    assert [recommended(one) for one in made] == [80, 80, 30, 80]
    assert [one.ref for one in taken.noted] == [made[2].ref]
    # What a person wrote stays theirs, whatever is put beside it afterwards.
    third = deciding.take_over(session, cast.chen, cast.call, again())
    assert [one.ref for one in third.noted] == [made[2].ref]


def test_a_line_is_replaced_where_somebody_says_so_and_no_other_is(
    session: Session, cast: Cast, again: Again
) -> None:
    made = panel.crowd(session, cast.call, 4)
    note(session, cast, made[1], 40)
    note(session, cast, made[2], 30)
    reading = again()
    first, _second = keys(session, cast, reading)
    taken = deciding.take_over(session, cast.chen, cast.call, reading, replace={first})

    assert [recommended(one) for one in made] == [100, 100, 30, 100]
    assert (taken.taken, [one.ref for one in taken.noted]) == (3, [made[2].ref])


def test_a_choice_made_on_what_has_changed_since_replaces_nothing(
    session: Session, cast: Cast, again: Again
) -> None:
    made = panel.crowd(session, cast.call, 4)
    note(session, cast, made[1], 40)
    reading = again()
    seen = set(keys(session, cast, reading))
    note(session, cast, made[1], 45)
    taken = deciding.take_over(session, cast.chen, cast.call, reading, replace=seen)

    assert recommended(made[1]) == 45
    assert [one.ref for one in taken.noted] == [made[1].ref]


def test_what_was_noted_after_the_split_is_replaced_on_request(
    session: Session, cast: Cast, again: Again
) -> None:
    made = panel.crowd(session, cast.call, 4)
    reading = again()
    note(session, cast, made[1], 40)
    deciding.take_over(session, cast.chen, cast.call, reading, replace=set(keys(session, cast, reading)))

    assert recommended(made[1]) == 100


def test_a_second_press_changes_nothing(session: Session, cast: Cast, again: Again) -> None:
    made = panel.crowd(session, cast.call, 4)
    note(session, cast, made[1], 40)
    reading = again()
    deciding.take_over(session, cast.chen, cast.call, reading)
    session.commit()
    for chosen in (set(), set(keys(session, cast, reading))):
        with pytest.raises(IllegalMove, match="taken over already"):
            deciding.take_over(session, cast.chen, cast.call, reading, replace=chosen)

    assert [recommended(one) for one in made] == [100, 40, 100, 100]


def test_where_everything_is_noted_by_hand_nothing_is_taken_and_the_choice_stays(
    session: Session, cast: Cast, again: Again
) -> None:
    for one in panel.crowd(session, cast.call, 2):
        note(session, cast, one, 40)
    reading = again()
    with pytest.raises(IllegalMove, match="Everything is noted by hand"):
        deciding.take_over(session, cast.chen, cast.call, reading)
    taken = deciding.take_over(
        session, cast.chen, cast.call, reading, replace=set(keys(session, cast, reading))
    )

    assert taken.taken == 2


def test_the_letter_does_not_explain_an_amount_that_is_not_the_splits(
    session: Session, cast: Cast, again: Again
) -> None:
    made = panel.crowd(session, cast.call, 2)
    note(session, cast, made[1], 40)
    reading = again()
    deciding.take_over(session, cast.chen, cast.call, reading)
    reasons = deciding.explanations(reading)
    words = "{title}: {explanation}"
    deciding.decide_as_recommended(session, cast.chen, cast.call, summary=words, reasons=reasons)
    said = [decisions.of_proposal(session, one) for one in made]

    assert [one.summary for one in said if one] == ["Proposal 0000: Funded in full.", "Proposal 0001: "]


def test_what_stays_and_the_split_together_may_be_more_than_a_pool_holds(
    session: Session, cast: Cast, again: Again
) -> None:
    """1,000 hours for fourteen requests of 100 each; the last one gets nothing by the split."""
    made = panel.crowd(session, cast.call, 14)
    note(session, cast, made[-1], 40)
    reading = again()
    left = 1000 * MICRO - sum(one["amounts"]["h100"] for one in reading.outcomes)
    lines = kept(session, cast, reading)

    assert left < 40 * MICRO
    assert noting.overdrawn(reading, lines) == {"h100": 40 * MICRO - left}
    assert noting.overdrawn(reading, []) == {}
