"""States that people move: every pair of every noun, allowed or refused."""

import enum

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.accounts.awards import Allocation, AllocationState, Award, AwardState
from allocations.kernel.audit import AuditEntry
from allocations.kernel.errors import IllegalMove
from allocations.kernel.states import move
from allocations.people.roles import SYSTEM
from allocations.programme.calls import Call, CallState
from allocations.programme.proposals import Proposal, State
from allocations.programme.reviews import Review, ReviewState
from datasets.requests import AccessRequest, RequestState
from tests import cast as stage
from tests.cast import Cast

# Written out once more on purpose: a move that is added or lost must be meant.
ALLOWED = {
    Call: "draft>published published>concluded",
    Proposal: (
        "draft>submitted draft>withdrawn submitted>in_review submitted>returned submitted>declined "
        "submitted>withdrawn returned>submitted returned>withdrawn in_review>awarded in_review>declined "
        "in_review>withdrawn declined>in_review"
    ),
    Review: (
        "invited>accepted invited>refused invited>conflicted invited>cancelled accepted>submitted "
        "accepted>refused accepted>conflicted accepted>cancelled submitted>conflicted submitted>accepted "
        "refused>invited "
        "cancelled>invited"
    ),
    Award: "offered>accepted offered>declined",
    Allocation: (
        "offered>active offered>declined active>suspended active>ended suspended>active suspended>ended "
        "ended>closed"
    ),
    AccessRequest: (
        "draft>pending draft>approved pending>approved pending>refused pending>draft approved>draft"
    ),
}
STATES: dict[type, type[enum.StrEnum]] = {
    Call: CallState,
    Proposal: State,
    Review: ReviewState,
    Award: AwardState,
    Allocation: AllocationState,
    AccessRequest: RequestState,
}
PAIRS = [(noun, was, to) for noun, words in STATES.items() for was in words for to in words]


@pytest.mark.parametrize(("noun", "was", "to"), PAIRS, ids=lambda part: getattr(part, "__name__", str(part)))
def test_a_move_is_made_only_when_the_table_has_it(noun: type, was: enum.StrEnum, to: enum.StrEnum) -> None:
    expected = f"{was}>{to}" in ALLOWED[noun].split()

    assert (to in noun.MOVES.get(was, frozenset())) == expected


def test_every_state_can_be_reached_from_the_first() -> None:
    for noun, words in STATES.items():
        seen, fresh = set(), {next(iter(words))}
        while fresh:
            seen |= fresh
            fresh = {to for was in fresh for to in noun.MOVES.get(was, ())} - seen
        assert seen == set(words), noun


@pytest.mark.parametrize(("was", "to"), [(w, t) for n, w, t in PAIRS if n is Proposal])
def test_moving_writes_state_time_and_audit_or_nothing(
    session: Session, cast: Cast, was: State, to: State
) -> None:
    proposal = stage.draft(cast)
    proposal.state = was
    session.flush()
    since, version = proposal.state_since, proposal.version

    if to in Proposal.MOVES.get(was, ()):
        move(session, proposal, to, SYSTEM, note="why")
        session.flush()
        last = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert (last.verb, last.subject, last.note) == (f"proposal.{to}", proposal.ref, "why")
        assert (proposal.state, proposal.state_since > since, proposal.version > version) == (to, True, True)
    else:
        with pytest.raises(IllegalMove, match=f"already {was.replace('_', ' ')}"):
            move(session, proposal, to, SYSTEM)
        session.flush()
        assert (proposal.state, proposal.state_since, proposal.version) == (was, since, version)
