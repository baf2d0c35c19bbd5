"""Which proposals an actor sees: the SQL condition against the rule in words."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.kernel.errors import NotFound
from allocations.people.roles import SYSTEM, VISITOR, Actor, Role
from allocations.programme import proposals
from allocations.programme.conflicts import Conflict
from allocations.programme.proposals import Proposal, ResourceRequest, State
from allocations.programme.reviews import Review, ReviewState
from allocations.programme.steps import StepKind
from allocations.programme.teams import InvitationState, TeamMember
from tests import cast as stage
from tests.cast import Cast

HIDDEN_FROM_CHAIR = {State.DRAFT, State.RETURNED, State.WITHDRAWN}
READS = {ReviewState.INVITED, ReviewState.ACCEPTED, ReviewState.SUBMITTED}


def may_see(actor: Actor, proposal: Proposal, *, review: ReviewState | None, conflict: bool) -> bool:
    """The PI and accepted members always; a reviewer while reading, not while it is being written; an
    officer from submission on; the chair of the call what reached the panel; nobody with a conflict.
    Whoever was asked onto the team judges it neither as a reviewer nor as the chair."""
    if actor.is_system:
        return True
    if actor.person_id is None or conflict:
        return False
    state = proposal.state
    joined = {m.person_id for m in proposal.team if m.state == InvitationState.ACCEPTED}
    asked = actor.is_person(proposal.pi_id) or actor.person_id in {m.person_id for m in proposal.team}
    judges = (review in READS and state not in proposals.EDITABLE) or (
        actor.has(Role.PANEL_CHAIR, proposal.call_id) and state not in HIDDEN_FROM_CHAIR
    )
    return (
        actor.is_person(proposal.pi_id)
        or actor.person_id in joined
        or (actor.has(Role.PROGRAMME_OFFICER) and state != State.DRAFT)
        or (state == State.SUBMITTED and proposal.step == StepKind.TECHNICAL and _operates(actor, proposal))
        or (judges and not asked)
    )


def _operates(actor: Actor, proposal: Proposal) -> bool:
    return any(actor.has(Role.PROVIDER_OPERATOR, one.resource.provider_id) for one in proposal.requests)


situations = st.fixed_dictionaries(
    {
        "state": st.sampled_from(State),
        "step": st.sampled_from([None, StepKind.ADMIN_CHECK, StepKind.TECHNICAL, StepKind.REVIEW]),
        "pi": st.booleans(),
        "team": st.sampled_from([None, *InvitationState]),
        "review": st.sampled_from([None, *ReviewState]),
        "conflict": st.booleans(),
    }
)
held_roles = st.sets(
    st.sampled_from([(Role.PROGRAMME_OFFICER, False), (Role.PANEL_CHAIR, False), (Role.PANEL_CHAIR, True)])
    | st.tuples(st.sampled_from(Role), st.just(True))
)


def arrange(session: Session, cast: Cast, situation: dict) -> Proposal:
    """Rows straight into the database: here every combination counts, also those no verb leads to."""
    sam = cast.people["sam"]
    proposal = Proposal(call=cast.call, pi=sam if situation["pi"] else cast.people["priya"])
    proposal.state, proposal.step = situation["state"], situation.get("step")
    proposal.requests.append(ResourceRequest(resource=cast.h100, requested=1))
    session.add(proposal)
    if situation["team"]:
        member = TeamMember(email="s@example.edu", role=stage.ProjectRole.USER, state=situation["team"])
        member.person = sam
        proposal.team.append(member)
    session.flush()
    if situation["review"]:
        session.add(Review(proposal=proposal, reviewer=sam, state=situation["review"], confidence=3))
    if situation["conflict"]:
        session.add(Conflict(person_id=sam.id, proposal_id=proposal.id, reason="x"))
    session.flush()
    return proposal


@settings(max_examples=120)
@given(situation=situations, held=held_roles)
def test_the_list_shows_exactly_what_the_rule_allows(
    session: Session, cast: Cast, situation: dict, held: set[tuple[Role, bool]]
) -> None:
    with session.begin_nested() as example:
        scoped = frozenset((role, cast.call.id if on_call else cast.call.id + 1) for role, on_call in held)
        everywhere = frozenset((role, None) for role, on_call in held if on_call and role != Role.PANEL_CHAIR)
        actor = Actor(person_id=cast.sam.person_id, name="Sam", roles=scoped | everywhere)
        proposal = arrange(session, cast, situation)
        facts = {"review": situation["review"], "conflict": situation["conflict"]}
        expected = may_see(actor, proposal, **facts)

        listed = session.scalars(select(Proposal).where(proposals.visible(actor))).all()

        assert (proposal in listed) == expected
        try:
            assert (proposals.get(session, actor, proposal.ref) is proposal) == expected
        except NotFound:
            assert not expected
        example.rollback()


@pytest.mark.parametrize(("state", "actor"), list(product(State, [VISITOR, SYSTEM])))
def test_visitors_see_nothing_and_the_system_all(
    session: Session, cast: Cast, state: State, actor: Actor
) -> None:
    facts = {"state": state, "pi": False, "team": None, "review": None, "conflict": False}
    arrange(session, cast, facts)

    assert len(proposals.page(session, actor)) == (actor is SYSTEM)


def test_a_page_of_ones_own_leaves_out_what_is_seen_by_office(session: Session, cast: Cast) -> None:
    mine, theirs = (
        stage.submitted(
            cast,
        ),
        stage.submitted(cast),
    )
    session.flush()

    assert list(proposals.page(session, cast.owen)) == [theirs, mine]
    assert list(proposals.page(session, cast.owen, mine=True)) == []
    assert list(proposals.page(session, cast.carlos, mine=True)) == [theirs, mine]
    assert list(proposals.page(session, cast.owen, only=Proposal.state == State.DRAFT)) == []
    assert list(proposals.page(session, cast.owen, before=theirs.id)) == [mine]
