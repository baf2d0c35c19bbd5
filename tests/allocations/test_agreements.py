"""Standing agreements: who gives them, what they do to awards, and what taking back leaves alone."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.accounts.awards import Consent
from allocations.kernel import clock
from allocations.kernel.audit import AuditEntry
from allocations.kernel.errors import IllegalMove, NotAllowed, NotFound
from allocations.programme import agreements, decisions, opening, screening, writing
from allocations.programme.calls import CallPool, Decider
from tests import cast as stage
from tests.cast import Cast


def _link(session: Session, cast: Cast) -> CallPool:
    return agreements.get(session, cast.pat, cast.call.ref, slug="h100")


def test_an_agreement_does_not_cover_the_operators_own_project(session: Session, cast: Cast) -> None:
    call = stage.open_call(
        cast, steps={"admin_check": 5, "decision": 7, "acceptance": 9}, decided_by=Decider.OFFICER
    )
    agreements.agree_ahead(session, cast.pat, call.link_for(cast.h100.id))
    given = {}
    for name in ("pat", "priya"):
        proposal = stage.draft(cast, call=call, pi=getattr(cast, name))
        writing.submit(session, getattr(cast, name), proposal)
        screening.forward(session, cast.owen, proposal)
        amounts = {request.resource.slug: request.requested for request in proposal.requests}
        decided = decisions.award(session, cast.owen, proposal, amounts=amounts, summary="Yes.")
        given[name] = decided.award.allocations[0].consent

    assert given == {"pat": Consent.PENDING, "priya": Consent.GIVEN}


def test_an_award_of_a_pool_agreed_ahead_waits_for_nobody(session: Session, cast: Cast) -> None:
    agreements.agree_ahead(session, cast.pat, _link(session, cast))

    award = stage.awarded(cast)

    assert [a.consent for a in award.allocations] == [Consent.GIVEN]
    assert award.allocations[0].consent_note == "agreed ahead by Pat"


def test_taking_it_back_affects_later_awards_only(session: Session, cast: Cast) -> None:
    link = _link(session, cast)
    agreements.agree_ahead(session, cast.pat, link)
    before = stage.awarded(cast)
    agreements.take_back(session, cast.pat, link)
    after = stage.awarded(cast)

    assert [a.consent for a in (*before.allocations, *after.allocations)] == [Consent.GIVEN, Consent.PENDING]
    verbs = session.scalars(select(AuditEntry.verb).where(AuditEntry.verb.startswith("call_pool")))
    assert list(verbs) == ["call_pool.agree_ahead", "call_pool.take_back"]


@pytest.mark.parametrize("who", ["owen", "chen", "priya", "sam"])
def test_only_the_provider_agrees_ahead(session: Session, cast: Cast, who: str) -> None:
    actor, link = getattr(cast, who), _link(session, cast)

    for verb in (agreements.agree_ahead, agreements.take_back):
        with pytest.raises(NotAllowed, match="Only Supercomputing Centre can answer"):
            verb(session, actor, link)
    with pytest.raises(NotFound):
        agreements.get(session, actor, cast.call.ref, slug="h100")
    with pytest.raises(NotAllowed, match="Only the operators of a provider"):
        agreements.offered(session, actor)


def test_the_second_time_is_refused(session: Session, cast: Cast) -> None:
    link = _link(session, cast)
    with pytest.raises(IllegalMove, match="no agreement to take back"):
        agreements.take_back(session, cast.pat, link)
    agreements.agree_ahead(session, cast.pat, link)
    with pytest.raises(IllegalMove, match="Pat has agreed"):
        agreements.agree_ahead(session, cast.pat, link)


def test_only_pools_of_published_calls_are_offered(session: Session, cast: Cast) -> None:
    hidden = opening.start(session, cast.owen, stage.call_draft())
    offered = agreements.offered(session, cast.pat)

    assert {call.ref for call, _ in offered} == {cast.call.ref}
    assert {link.pool.resource.slug for _, link in offered} == {"h100", "a100", "scratch"}
    with pytest.raises(NotFound):
        agreements.get(session, cast.pat, hidden.ref, slug="h100")
    with pytest.raises(NotFound):
        agreements.get(session, cast.pat, cast.call.ref, slug="no-such")


def test_calls_that_have_closed_stand_behind_those_that_have_not(session: Session, cast: Cast) -> None:
    soon = stage.open_call(cast, closes_at=cast.call.closes_at - timedelta(days=2))
    newest_first = [call.ref for call, _ in agreements.offered(session, cast.pat)]
    with clock.at(soon.closes_at + timedelta(hours=1)):
        later = [call.ref for call, _ in agreements.offered(session, cast.pat)]

    assert (newest_first[0], newest_first[-1]) == (soon.ref, cast.call.ref)
    assert (later[0], later[-1]) == (cast.call.ref, soon.ref)
