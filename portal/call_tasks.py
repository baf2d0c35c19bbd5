"""What the office and the chairs have to do next in each call, with the address where it is done."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, false, func, or_, select, true
from sqlalchemy.orm import Session

from allocations.kernel import clock
from allocations.kernel.refs import spelt
from allocations.people.roles import Actor, Role
from allocations.programme import assigning
from allocations.programme.calls import Call, CallState, Decider, Reviewers
from allocations.programme.decisions import BACK, STUCK
from allocations.programme.draws import Draw
from allocations.programme.proposals import Proposal, State
from allocations.programme.reviews import READING, Review, ReviewState
from allocations.programme.steps import StepKind
from portal.waiting import Task

# What a rule can award is awarded in seconds: whatever still waits then, waits for a person.
SECONDS = timedelta(minutes=10)
MOST = 50


def of_office(session: Session, actor: Actor) -> list[Task]:
    """Nothing, and no statement, for those who run no call."""
    if not (
        actor.has(Role.PROGRAMME_OFFICER) or actor.has(Role.PANEL_CHAIR) or actor.scopes(Role.PANEL_CHAIR)
    ):
        return []
    return [*_judging(session, actor), *_among_applicants(session, actor)]


def _chaired(actor: Actor) -> ColumnElement[bool]:
    return true() if actor.has(Role.PANEL_CHAIR) else Call.id.in_(actor.scopes(Role.PANEL_CHAIR))


def _decided(actor: Actor) -> ColumnElement[bool]:
    """`decisions.is_decider` as SQL."""
    office = Call.decided_by != Decider.CHAIR if actor.has(Role.PROGRAMME_OFFICER) else false()
    return or_(office, and_(Call.decided_by == Decider.CHAIR, _chaired(actor)))


def _judging(session: Session, actor: Actor) -> Iterator[Task]:
    """Reviewers to find once a call has closed, and decisions; of proposals that the actor may handle."""
    runs = true() if actor.has(Role.PROGRAMME_OFFICER) else _chaired(actor)
    # Whoever applies in a call has no way to its assignment.
    assign = and_(_lacks_reviewers(), ~assigning.applies_in(actor))
    decide = and_(_decided(actor), _waits_for_a_decision())
    counts = [
        func.count(case((assign, 1))),
        func.min(case((assign, Proposal.step_due))),
        func.count(case((decide, 1))),
        func.min(case((decide, Proposal.step_due))),
    ]
    query = select(Call.id, Call.created_at, Call.title, *counts).join(Proposal, Proposal.call_id == Call.id)
    query = query.where(Call.state == CallState.PUBLISHED, runs, assigning.assignable(actor))
    query = query.where(or_(assign, decide)).group_by(Call.id, Call.created_at, Call.title)
    for key, made, title, bare, first, undecided, soonest in session.execute(
        query.order_by(Call.id).limit(MOST)
    ):
        address = f"/calls/{spelt(Call, key, made)}"
        if bare:
            yield Task(f"{title}: proposals that lack reviewers", f"{address}/assignment", bare, first)
        if undecided:
            yield Task(f"{title}: proposals to decide", f"{address}/panel", undecided, soonest)


def _lacks_reviewers() -> ColumnElement[bool]:
    reading = (Review.proposal_id == Proposal.id, Review.state.in_(READING))
    number = select(func.count(Review.id)).where(*reading).correlate(Proposal).scalar_subquery()
    return and_(
        Call.closes_at <= clock.now(),
        Call.reviewed_by == Reviewers.EXPERTS,
        Proposal.step == StepKind.REVIEW,
        number < Call.reviewers,
    )


def _waits_for_a_decision() -> ColumnElement[bool]:
    """With people: past what a rule or a draw decides by itself."""
    here = Proposal.step.in_([StepKind.PANEL, StepKind.DECISION])
    by_rule = and_(Call.decided_by == Decider.RULE, Proposal.step_since > clock.now() - SECONDS)
    for_people = or_(Proposal.message.startswith(STUCK), Proposal.message.startswith(BACK))
    drawn = and_(Call.reviewed_by == Reviewers.APPLICANTS, ~for_people)
    return and_(here, ~by_rule, ~drawn)


def _among_applicants(session: Session, actor: Actor) -> Iterator[Task]:
    """The next step of each call whose applicants review each other."""
    inside = Review.proposal_id == Proposal.id
    mine = Proposal.call_id == Call.id
    checked, unchecked = (
        mine & (Proposal.state == State.IN_REVIEW),
        mine & (Proposal.state == State.SUBMITTED),
    )
    columns = [
        Call.id,
        Call.created_at,
        Call.title,
        Call.closes_at,
        _decided(actor).label("decides"),
        Draw.sealed_at,
        Draw.frozen_at,
        Draw.drawn_at,
        exists().where(mine, inside, Review.is_duty).label("asked"),
        exists().where(mine, inside, Review.state == ReviewState.SUBMITTED).label("begun"),
        exists().where(unchecked).label("unchecked"),
        exists().where(checked).label("checked"),
        exists().where(checked, Proposal.step == StepKind.REVIEW).label("reviewing"),
    ]
    runs = true() if actor.has(Role.PROGRAMME_OFFICER) else and_(_chaired(actor), _decided(actor))
    query = select(*columns).outerjoin(Draw, Draw.call_id == Call.id)
    query = query.where(Call.state == CallState.PUBLISHED, Call.reviewed_by == Reviewers.APPLICANTS, runs)
    for call in session.execute(query.order_by(Call.id).limit(MOST)):
        yield from _next(call, arranges=actor.has(Role.PROGRAMME_OFFICER))


def _next(call: Any, *, arranges: bool) -> Iterator[Task]:
    address, closes_at = f"/calls/{spelt(Call, call.id, call.created_at)}", call.closes_at
    closed = closes_at <= clock.now()
    if call.sealed_at is None and not call.begun:
        yield Task(f"{call.title}: seal a secret for the draw", f"{address}/draw", due=closes_at)
    if arranges and closed and call.checked and not (call.asked or call.unchecked):
        yield Task(f"{call.title}: ask the applicants to review", f"{address}/exchange", due=closes_at)
    if call.decides and call.asked and call.checked and not call.reviewing and call.sealed_at:
        if call.frozen_at is None:
            yield Task(f"{call.title}: freeze the tiers", f"{address}/draw")
        elif call.drawn_at is None:
            yield Task(f"{call.title}: draw the lots", f"{address}/draw")
