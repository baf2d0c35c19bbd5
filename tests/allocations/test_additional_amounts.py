"""An appeal against an award that is upheld: an additional amount, within the request and the pool."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.accounts import awards, ledger
from allocations.accounts.awards import AllocationState, Consent
from allocations.kernel import units
from allocations.kernel.errors import IllegalMove, Invalid
from allocations.programme import appeals, decisions
from allocations.programme.appeals import Appeal, AppealState
from allocations.programme.proposals import State
from tests import cast as stage
from tests.allocations.appealed import HUNDRED, appealed, awarded, seen
from tests.cast import Cast


def test_an_award_gets_an_additional_amount(session: Session, cast: Cast) -> None:
    proposal = awarded(cast)
    award = seen(cast, cast.priya, proposal).decision.award  # type: ignore[union-attr]
    assert award is not None
    appealed(cast, proposal)

    more = {"h100": 60 * units.MICRO}
    appeals.uphold(session, cast.owen, seen(cast, cast.owen, proposal), reason="It fits.", more=more)
    session.commit()

    session.refresh(award)
    assert proposal.state == State.AWARDED
    assert [request.awarded for request in proposal.requests] == [HUNDRED]
    assert [one.amount for one in award.allocations] == [40 * units.MICRO, 60 * units.MICRO]
    assert [one.consent for one in award.allocations] == [Consent.PENDING, Consent.PENDING]
    assert ledger.recount(session) == {}


def test_an_additional_amount_of_an_accepted_award_starts_with_the_consent(
    session: Session, cast: Cast
) -> None:
    proposal = awarded(cast)
    award = seen(cast, cast.priya, proposal).decision.award  # type: ignore[union-attr]
    assert award is not None
    awards.accept(session, cast.priya, award)
    appealed(cast, proposal)
    more = {"h100": 10 * units.MICRO}
    appeals.uphold(session, cast.owen, seen(cast, cast.owen, proposal), reason="It fits.", more=more)
    session.refresh(award)
    added = award.allocations[-1]
    assert added.state == AllocationState.OFFERED

    awards.consent(session, cast.pat, added, amount=added.amount)
    session.commit()

    assert added.state == AllocationState.ACTIVE
    assert ledger.recount(session) == {}


@pytest.mark.parametrize("more", [0, 61, -1])
def test_an_additional_amount_stays_within_the_request(session: Session, cast: Cast, more: int) -> None:
    proposal = awarded(cast)
    appealed(cast, proposal)
    session.commit()

    with pytest.raises(Invalid) as refused:
        appeals.uphold(
            session,
            cast.owen,
            seen(cast, cast.owen, proposal),
            reason="More.",
            more={"h100": more * units.MICRO},
        )
    session.rollback()

    assert set(refused.value.fields) == {"amount_h100"}
    assert session.scalars(select(Appeal.state)).one() == AppealState.WAITING


def test_an_additional_amount_stays_within_the_pool(session: Session, cast: Cast) -> None:
    proposal = awarded(cast)
    appealed(cast, proposal)
    other = stage.reviewed(cast, asks={"h100": 950})
    decisions.award(session, cast.chen, other, amounts={"h100": 950 * units.MICRO}, summary="Good.")
    session.commit()

    given = seen(cast, cast.owen, proposal)
    with pytest.raises(Invalid, match="holds only 10 GPU-hours"):
        appeals.uphold(session, cast.owen, given, reason="More.", more={"h100": 20 * units.MICRO})


def test_nothing_is_added_to_an_award_that_was_turned_down(session: Session, cast: Cast) -> None:
    proposal = awarded(cast)
    appealed(cast, proposal)
    given = seen(cast, cast.owen, proposal)
    assert given.decision is not None
    assert given.decision.award is not None
    awards.decline(session, cast.priya, given.decision.award)

    with pytest.raises(IllegalMove, match="turned down or over"):
        appeals.uphold(session, cast.owen, given, reason="More.", more={"h100": units.MICRO})
