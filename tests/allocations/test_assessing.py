"""Technical assessment: each provider once, before anybody reviews."""

import pytest
from sqlalchemy.orm import Session

from allocations.accounts.resources import Kind, Provider, Resource
from allocations.kernel.errors import Incomplete, NotAllowed, NotFound
from allocations.people import roles
from allocations.people.roles import SYSTEM, Role
from allocations.programme import assessing, opening, proposals, screening, writing
from allocations.programme.assessing import Finding, Verdict
from allocations.programme.proposals import Proposal, State
from allocations.programme.steps import StepKind
from tests import cast as stage
from tests.cast import Cast

STEPS = {"admin_check": 5, "technical": 7, "review": 21, "decision": 7, "acceptance": 30}
YES = Finding(Verdict.FEASIBLE, "")


def checked(cast: Cast, asks: dict[str, int] | None = None) -> Proposal:
    """At the technical assessment, asking for H100 alone unless said otherwise."""
    call = stage.open_call(cast, steps=dict(STEPS))
    proposal = stage.draft(cast, call=call, asks=asks)
    writing.submit(cast.session, cast.priya, proposal)
    screening.forward(cast.session, cast.owen, proposal)
    cast.session.flush()
    return proposal


def test_the_providers_yes_sends_the_proposal_on_to_review(session: Session, cast: Cast) -> None:
    proposal = checked(cast)
    assert (proposal.state, proposal.step) == (State.SUBMITTED, StepKind.TECHNICAL)
    assert [one.id for one in assessing.waiting(session, cast.pat)] == [proposal.id]

    assessing.assess(session, cast.pat, proposal, cast.provider, YES)

    assert (proposal.state, proposal.step) == (State.IN_REVIEW, StepKind.REVIEW)
    assert assessing.waiting(session, cast.pat) == []
    (found,) = assessing.of_proposal(session, proposal)
    assert (found.verdict, found.assessed_by) == (Verdict.FEASIBLE, "Pat")


def test_a_no_needs_words_and_decides_nothing(session: Session, cast: Cast) -> None:
    proposal = checked(cast)
    with pytest.raises(Incomplete, match="why the machines do not suit"):
        assessing.assess(session, cast.pat, proposal, cast.provider, Finding(Verdict.UNSUITABLE, " "))

    assessing.assess(
        session, cast.pat, proposal, cast.provider, Finding(Verdict.UNSUITABLE, "No InfiniBand.")
    )

    assert proposal.state == State.IN_REVIEW


def test_every_provider_is_heard_once(session: Session, cast: Cast) -> None:
    other = Provider(name="Cloud of the Coast")
    card = Resource(slug="l4", name="L4", kind=Kind.GPU, provider=other, quantity=8)
    session.add(card)
    session.flush()
    roles.grant(session, SYSTEM, cast.people["sam"], role=Role.PROVIDER_OPERATOR, scope_id=other.id)
    cast.refresh_roles()
    pools = {**stage.POOLS, "l4": 100 * stage.units.MICRO}
    call = stage.open_call(cast, steps=dict(STEPS), pools=pools)
    proposal = stage.draft(cast, call=call, asks={"h100": 10, "l4": 5})
    writing.submit(session, cast.priya, proposal)
    screening.forward(session, cast.owen, proposal)

    assessing.assess(session, cast.pat, proposal, cast.provider, YES)
    session.flush()
    assert proposal.step == StepKind.TECHNICAL
    assert assessing.waiting(session, cast.pat) == []
    assert [one.id for one in assessing.waiting(session, cast.sam)] == [proposal.id]
    assessing.assess(session, cast.sam, proposal, assessing.own_provider(cast.sam, proposal), YES)

    assert proposal.step == StepKind.REVIEW


@pytest.mark.parametrize("who", ["priya", "carlos", "ruth", "chen", "owen", "sam", "dana"])
def test_only_the_provider_assesses(session: Session, cast: Cast, who: str) -> None:
    proposal = checked(cast)

    with pytest.raises(NotAllowed, match="Supercomputing Centre assesses"):
        assessing.assess(session, getattr(cast, who), proposal, cast.provider, YES)


def test_an_operator_sees_a_proposal_only_while_it_waits_for_them(session: Session, cast: Cast) -> None:
    proposal = checked(cast)
    assert proposals.get(session, cast.pat, proposal.ref) is proposal

    assessing.assess(session, cast.pat, proposal, cast.provider, YES)
    session.flush()

    with pytest.raises(NotFound):
        proposals.get(session, cast.pat, proposal.ref)
    assert opening.content_of(proposal.call)["steps"] == STEPS
