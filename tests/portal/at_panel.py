"""A call whose proposals are reviewed, calibrated and split; some amounts are set by hand."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.kernel import clock, units
from allocations.people.persons import Person
from allocations.people.roles import Actor
from allocations.programme import bidding, calibrated, decisions, opening, splitting
from allocations.programme.calls import Call, Lane
from allocations.programme.opening import CallDraft, CriterionDraft
from allocations.programme.proposals import Proposal
from allocations.programme.runs import Run, RunKind
from allocations.programme.splitting import Terms
from portal.worker import Worker
from tests import computing, panel
from tests.portal import at_meeting

MANY = 11
POOLS = {"h100": 600 * units.MICRO}


def tell(worker: Worker, owen: Actor, chen: Actor, ruth: Actor) -> None:
    with worker.sessions() as session, session.begin():
        call = _closed(session, owen)
        made = panel.crowd(session, call, MANY, word="Panel ", readers=3, writers=2)
        decisions.recommend(session, chen, made[2], {"h100": 40 * units.MICRO})
        calibrated.ask(session, chen, call, places=5, seed=1)
        splitting.ask(session, chen, call, Terms(), seed=1)
        bidding.open_bidding(session, owen, call, until=clock.now() + timedelta(days=7))
        call_id, pinned = call.id, made[1].id
    while computing.step(worker.sessions):
        pass
    with worker.sessions() as session, session.begin():
        proposal = session.get_one(Proposal, pinned)
        at_meeting.hold(session, proposal.call, owen, chen, session.get_one(Person, ruth.person_id))
        session.flush()
        splitting.pin(session, chen, proposal, {"h100": 20 * units.MICRO}, reason="A pilot.", seed=1)
        assert proposal.call_id == call_id
    while computing.step(worker.sessions):
        pass


def _closed(session: Session, owen: Actor) -> Call:
    now = clock.now()
    draft = CallDraft(
        title="AI for science, at the panel",
        lane=Lane.STANDARD,
        summary="GPU time for research.",
        opens_at=now - timedelta(days=60),
        closes_at=now - timedelta(days=30),
        reviewers=2,
        max_months=12,
        criteria=tuple(
            CriterionDraft(name, 50, ("poor", "weak", "fair", "good", "excellent"))
            for name in ("Merit", "Plan")
        ),
        pools=dict(POOLS),
    )
    with clock.at(now - timedelta(days=70)):
        call = opening.start(session, owen, draft)
        opening.publish(session, owen, call)
    session.flush()
    return call


def places(session: Session) -> dict[str, str]:
    listed = select(Proposal).where(Proposal.title.startswith("Panel ")).order_by(Proposal.id)
    first, pinned, *_ = session.scalars(listed).all()
    run = select(Run).where(Run.kind == RunKind.SPLIT).order_by(Run.id.desc()).limit(1)
    return {
        "proposal_first": first.ref,
        "proposal_pinned": pinned.ref,
        "run_split": session.scalars(run).one().ref,
    }
