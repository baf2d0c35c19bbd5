"""Names and numbers around one proposal, by the call's disclosure and by who asks."""

import pytest
from sqlalchemy.orm import Session

from allocations.people.roles import SYSTEM
from allocations.programme import contents, disclosure, proposals, reviewing
from allocations.programme.calls import Disclosure
from allocations.programme.proposals import Proposal, State
from tests import cast as stage
from tests.cast import Cast

OPEN, SINGLE, DOUBLE = Disclosure.OPEN, Disclosure.SINGLE_BLIND, Disclosure.DOUBLE_BLIND
FILE = {"name": "priya_cv.pdf", "size": 7, "digest": "x"}


def reviewed(cast: Cast, mode: Disclosure) -> Proposal:
    proposal = stage.reviewed(cast)
    proposal.call.disclosure = mode
    cast.session.flush()
    return proposal


@pytest.mark.parametrize(
    ("mode", "unknown"),
    [(OPEN, set()), (SINGLE, set()), (DOUBLE, {"ruth", "ravi", "rosa", "dana", "pat", "sam", "ada"})],
)
def test_who_is_not_told_of_the_team(cast: Cast, mode: Disclosure, unknown: set[str]) -> None:
    proposal = reviewed(cast, mode)
    lines = {name: disclosure.pi_line(getattr(cast, name), proposal) for name in cast.people}

    assert {name for name, line in lines.items() if line == disclosure.NOT_SHOWN} == unknown
    assert lines["owen"] == "Priya, Northern University"
    assert disclosure.shows_team(SYSTEM, proposal)


@pytest.mark.parametrize(("state", "told"), [(State.IN_REVIEW, False), (State.AWARDED, True)])
def test_a_custodian_learns_who_asks_with_the_award(cast: Cast, state: State, told: bool) -> None:
    proposal = reviewed(cast, DOUBLE)
    proposal.state = state

    assert ("Priya" in disclosure.asker_line(cast.dana, proposal)) == told
    assert not disclosure.shows_team(cast.ruth, proposal)


@pytest.mark.parametrize(("mode", "shown"), [(SINGLE, True), (DOUBLE, False)])
def test_a_submitted_version_names_nobody_in_a_double_blind_call(
    session: Session, cast: Cast, mode: Disclosure, shown: bool
) -> None:
    proposal = reviewed(cast, mode)
    (version,) = proposals.versions(session, proposal)
    content = version.content | {"answers": [{"section": "Case", "question": "CV", "text": "", "file": FILE}]}

    told = str(contents.parts(content, names=disclosure.shows_team(cast.ruth, proposal)))

    assert "a file of" in told
    named = ("Priya", "Northern", "carlos@example.edu", "priya_cv")
    assert [mark in told for mark in named] == [shown] * 4


def test_numbers_are_the_same_for_everybody_and_tell_no_order(session: Session, cast: Cast) -> None:
    """Over many proposals the one who was asked first is not always the first."""
    firsts = set()
    for _ in range(8):
        proposal = reviewed(cast, SINGLE)
        office = disclosure.circle(session, cast.owen, proposal)
        ruth = disclosure.circle(session, cast.ruth, proposal)
        named = {person: office.name(cast.people[person]) for person in ("ruth", "ravi")}
        number = int(named["ruth"][-2])
        assert named["ruth"] == f"Ruth (Reviewer {number})"
        assert ruth.name(cast.people["ruth"]) == f"You (Reviewer {number})"
        assert ruth.name(cast.people["ravi"]) == f"Reviewer {3 - number}"
        assert ruth.name(cast.people["chen"]) == "Chair or programme office"
        firsts.add(number)

    assert firsts == {1, 2}


def test_whoever_steps_back_after_writing_keeps_the_number(session: Session, cast: Cast) -> None:
    proposal = reviewed(cast, SINGLE)
    before = disclosure.circle(session, cast.owen, proposal)
    names = {person: before.name(cast.people[person]) for person in ("ruth", "ravi")}

    mine = disclosure.circle(session, cast.ruth, proposal).own
    assert mine is not None
    reviewing.declare_conflict(session, cast.ruth, mine, reason="Kin.")
    session.flush()
    after = disclosure.circle(session, cast.owen, proposal)

    assert {person: after.name(cast.people[person]) for person in names} == names


def test_a_reviewer_who_joined_the_team_reads_nothing_of_the_reviews(session: Session, cast: Cast) -> None:
    proposal = reviewed(cast, OPEN)
    member = proposal.team[1]
    member.person = cast.people["ruth"]
    session.flush()
    around = disclosure.circle(session, cast.ruth, proposal)

    assert around.own is not None
    assert (around.readable, around.comments, around.reply) == ([], [], None)
    assert around.messages(session) == []
