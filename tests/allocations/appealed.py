"""Decisions that can be appealed, and appeals against them."""

from datetime import timedelta

from allocations.kernel import units
from allocations.people.roles import Actor
from allocations.programme import appeals, decisions
from allocations.programme.appeals import Appeal, Case, Ground
from allocations.programme.proposals import Proposal
from tests import cast as stage
from tests.cast import Cast

HUNDRED = 100 * units.MICRO
DAY = timedelta(days=1)


def declined(cast: Cast) -> Proposal:
    proposal = stage.reviewed(cast, asks={"h100": 100})
    decisions.decline(cast.session, cast.chen, proposal, summary="Not this time.")
    cast.session.flush()
    return proposal


def awarded(cast: Cast, *, part: int = 40) -> Proposal:
    proposal = stage.reviewed(cast, asks={"h100": 100})
    amounts = {"h100": part * units.MICRO}
    decisions.award(cast.session, cast.chen, proposal, amounts=amounts, summary="Good.")
    cast.session.flush()
    return proposal


def seen(cast: Cast, actor: Actor, proposal: Proposal) -> Case:
    return appeals.case(cast.session, actor, proposal)


def appealed(cast: Cast, proposal: Proposal) -> Appeal:
    given = seen(cast, cast.priya, proposal)
    made = appeals.make(cast.session, cast.priya, given, ground=Ground.FACT, text="Page 3 was not read.")
    cast.session.flush()
    return made
