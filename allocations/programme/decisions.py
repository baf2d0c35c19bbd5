"""Decisions: the chair awards or declines; an award takes its units from the call's pools at once."""

import calendar
import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from sqlalchemy import ForeignKey, Text, exists, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship
from sqlalchemy.orm.attributes import flag_modified

from allocations.accounts import awards, ledger, projects
from allocations.accounts.awards import Allocation, Award
from allocations.accounts.ledger import Insufficient, Movement, Purpose
from allocations.accounts.pools import Pool
from allocations.accounts.projects import Project
from allocations.kernel import clock, outbox, units
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.db import Base
from allocations.kernel.errors import Incomplete, Invalid
from allocations.kernel.events import Event
from allocations.kernel.states import expect, move
from allocations.people.roles import SYSTEM, Actor, Role
from allocations.programme import proposals, substitutes, teams
from allocations.programme.calls import Call, CallPool, Decider, Reviewers
from allocations.programme.proposals import Proposal, State, on_team, same_house
from allocations.programme.reviews import Review, ReviewState
from allocations.programme.steps import StepKind
from allocations.programme.teams import InvitationState, TeamMember

TERMS = """\
Use the resources for the work described in the proposal and for nothing else.
Keep to the data use conditions of every dataset that the project is granted.
Do not share log-ins; everybody who works in the project is a member of it.
Acknowledge the programme, with the award number, in every publication.
Send the report that is due when the award ends."""

# Micro-units that go lost when substitutes are counted at their rates.
CRUMB = 100

# How the message of a proposal begins that lots have chosen and the pools did not hold.
STUCK = "Could not be awarded as drawn:"
# The message of a proposal that is decided once more because an appeal was upheld.
BACK = "Back for another decision after an appeal."


class Outcome(enum.StrEnum):
    AWARD = "award"
    DECLINE = "decline"


@dataclass(frozen=True, slots=True)
class ProposalAwarded(Event):
    proposal_id: int
    award_id: int
    project_id: int


@dataclass(frozen=True, slots=True)
class ProposalDeclined(Event):
    proposal_id: int


class Decision(Base):
    __tablename__ = "decision"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"), unique=True)
    outcome: Mapped[Outcome]
    summary: Mapped[str] = mapped_column(Text)
    decided_by: Mapped[str] = mapped_column(default="")
    award_id: Mapped[int | None] = mapped_column(ForeignKey("award.id"), init=False, unique=True)
    award: Mapped[Award | None] = relationship(default=None)
    decided_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)


def of_proposal(session: Session, proposal: Proposal) -> Decision | None:
    return session.scalar(select(Decision).where(Decision.proposal_id == proposal.id))


def of_award(session: Session, award: Award) -> Decision | None:
    return session.scalar(select(Decision).where(Decision.award_id == award.id))


def may_chair(actor: Actor, call: Call) -> Answer:
    """To see the ranked table of the call."""
    allowed = actor.has(Role.PANEL_CHAIR, call.id) or actor.has(Role.PROGRAMME_OFFICER)
    return when(allowed, "Only the panel chair and the programme office see the ranking.")


def is_back(proposal: Proposal) -> bool:
    """Waits for another decision, because an appeal was upheld."""
    return proposal.state == State.IN_REVIEW and proposal.message.startswith(BACK)


def is_decider(actor: Actor, call: Call) -> Answer:
    """Calls that decide by rule leave to an officer what the rule cannot decide."""
    if call.decided_by == Decider.CHAIR:
        return when(actor.has(Role.PANEL_CHAIR, call.id), "Only the panel chair decides.")
    return when(actor.has(Role.PROGRAMME_OFFICER), "Only the programme office decides in this call.")


def may_decide(actor: Actor, proposal: Proposal) -> Answer:
    return first_no(
        is_decider(actor, proposal.call),
        when(not on_team(actor, proposal), "Nobody decides about a proposal of their own team."),
        when(not same_house(actor, proposal), "Nobody decides about a proposal of their own institution."),
        when(
            proposal.state == State.IN_REVIEW,
            f"This proposal is {proposals.words(proposal.state)}; it cannot be decided now.",
        ),
        _has_been_heard(proposal),
        _is_left_to_people(actor, proposal),
    )


def _is_left_to_people(actor: Actor, proposal: Proposal) -> Answer:
    """Where applicants review each other the draw decides; people only what it could not award."""
    drawn = proposal.call.reviewed_by == Reviewers.APPLICANTS and not actor.is_system
    theirs = proposal.message.startswith((STUCK, BACK))
    return when(theirs or not drawn, "In this call the applicants’ reviews and a draw decide.")


def _has_been_heard(proposal: Proposal) -> Answer:
    """Where the PI may reply to the reviews, nothing is decided before the reply or its time."""
    replying = proposal.call.has_step(StepKind.REBUTTAL) and proposal.step in (
        StepKind.REVIEW,
        StepKind.REBUTTAL,
    )
    return when(
        not replying,
        "The PI can reply to the reviews first. It is decided when the step “Reply of the PI” is over.",
    )


def recommend(
    session: Session,
    actor: Actor,
    proposal: Proposal,
    amounts: Mapping[str, int],
    *,
    version: int | None = None,
) -> None:
    """Write the panel's recommended amounts (micro-units by resource slug) without deciding."""
    require(may_decide(actor, proposal))
    expect(proposal, version)
    check_amounts(proposal, amounts)
    for request in proposal.requests:
        substitutes.note(request, amounts, "recommended")
    # The requests are rows of their own: touch the proposal, so that a second tab's edit is noticed.
    flag_modified(proposal, "state_since")


def check_amounts(proposal: Proposal, amounts: Mapping[str, int]) -> None:
    """Invalid unless each is of a resource that was asked for or may stand in, and no more than was asked."""
    wrong = substitutes.award_faults(proposal, amounts)
    if wrong:
        raise Invalid(wrong)


def under_least(proposal: Proposal, amounts: Mapping[str, int]) -> list[str]:
    """In words, each amount of an award that is less than its PI calls the least that makes sense."""
    if not any(amounts.values()):
        return []
    short = [r for r in proposal.requests if substitutes.whole(r, amounts) + CRUMB < (r.minimum or 0)]
    return [
        f"{r.resource.name}: {units.shown(substitutes.whole(r, amounts))} of at least "
        f"{units.shown(r.minimum or 0)} {r.resource.unit}"
        for r in short
    ]


def award(
    session: Session,
    actor: Actor,
    proposal: Proposal,
    *,
    amounts: Mapping[str, int],
    summary: str,
    version: int | None = None,
) -> Decision:
    """Award these amounts; Invalid when a pool does not hold them, and then nothing has happened."""
    require(may_decide(actor, proposal))
    expect(proposal, version)
    check_amounts(proposal, amounts)
    if not any(amounts.values()):
        raise Incomplete({_first_field(proposal): "Award at least one resource, or decline the proposal."})
    _check_summary(summary)
    if proposal.call.has_step(StepKind.REVIEW):
        _check_reviewed(session, proposal)
    project = _found_project(session, proposal)
    granted = Award(project=project, starts_at=_start(proposal), ends_at=_end(proposal), terms=TERMS)
    session.add(granted)
    session.flush()
    for request in proposal.requests:
        substitutes.note(request, amounts, "recommended", "awarded")
    _offer_each(session, proposal, granted, amounts)
    decision = _record(session, actor, proposal, outcome=Outcome.AWARD, summary=summary)
    decision.award = granted
    move(session, proposal, State.AWARDED, actor, note=summary)
    if not proposal.call.has_step(StepKind.ACCEPTANCE):
        awards.accept_as_agreed(session, granted)
    outbox.put(session, ProposalAwarded(proposal.id, granted.id, project.id))
    return decision


def decline(
    session: Session, actor: Actor, proposal: Proposal, *, summary: str, version: int | None = None
) -> Decision:
    require(may_decide(actor, proposal))
    expect(proposal, version)
    _check_summary(summary)
    for request in proposal.requests:
        substitutes.note(request, {}, "recommended", "awarded")
    decision = _record(session, actor, proposal, outcome=Outcome.DECLINE, summary=summary)
    move(session, proposal, State.DECLINED, actor, note=summary)
    outbox.put(session, ProposalDeclined(proposal.id))
    return decision


def _record(
    session: Session, actor: Actor, proposal: Proposal, *, outcome: Outcome, summary: str
) -> Decision:
    """One row a proposal: after an appeal it says what is decided now; the audit trail keeps the first."""
    decision = of_proposal(session, proposal)
    if decision is None:
        decision = Decision(proposal_id=proposal.id, outcome=outcome, summary=summary, decided_by=actor.name)
        session.add(decision)
        return decision
    decision.outcome, decision.summary = outcome, summary
    decision.decided_by, decision.decided_at = actor.name, clock.now()
    return decision


def award_more(session: Session, proposal: Proposal, granted: Award, more: Mapping[str, int]) -> None:
    """Additional amounts of a standing award (micro-units by resource slug), each an allocation of its own.

    Invalid when they exceed what was requested or what a pool holds. Providers are asked as for any other;
    once they agree, what belongs to an accepted award starts without another acceptance.
    """
    had = substitutes.awarded(proposal)
    total = {slug: had.get(slug, 0) + more.get(slug, 0) for slug in had.keys() | more.keys()}
    check_amounts(proposal, total)
    if any(amount < 0 for amount in more.values()) or not any(more.values()):
        raise Incomplete({_first_field(proposal): "Enter an additional amount for at least one resource."})
    for request in proposal.requests:
        substitutes.note(request, total, "awarded")
    _offer_each(session, proposal, granted, more)
    session.flush()
    for allocation in granted.allocations:
        awards.activate_if_due(session, allocation)


def _first_field(proposal: Proposal) -> str:
    return f"amount_{proposal.requests[0].resource.slug}"


def _check_summary(summary: str) -> None:
    if not summary.strip():
        raise Incomplete({"summary": "Write a summary of the decision; it goes into the letter."})


def _check_reviewed(session: Session, proposal: Proposal) -> None:
    done = exists().where(Review.proposal_id == proposal.id, Review.state == ReviewState.SUBMITTED)
    if not session.scalar(select(done)):
        raise Incomplete(
            {"_reviews": "No review counts for it, and an award needs one. Ask a reviewer first."}
        )


def _found_project(session: Session, proposal: Proposal) -> Project:
    project = projects.found(session, title=proposal.title, summary=proposal.abstract, pi=proposal.pi)
    for member in proposal.team:
        if member.state == InvitationState.ACCEPTED:
            _join(session, project, member)
    return project


def _join(session: Session, project: Project, member: TeamMember) -> None:
    if member.person is not None:
        person, role, sponsor = member.person, member.role, teams.sponsor_of(session, member)
        projects.add_member(session, SYSTEM, project, person=person, role=role, sponsor=sponsor)


def _offer_each(session: Session, proposal: Proposal, granted: Award, amounts: Mapping[str, int]) -> None:
    """In the order of the pools, so that two awards never wait for each other."""
    for link in proposal.call.pools:
        amount = amounts.get(link.pool.resource.slug, 0)
        if amount:
            _offer(session, granted, link, amount)


def _offer(session: Session, granted: Award, link: CallPool, amount: int) -> None:
    pool = link.pool
    allocation = Allocation(
        award=granted,
        project_id=granted.project_id,
        resource=pool.resource,
        pool=pool,
        amount=amount,
        starts_at=granted.starts_at,
        ends_at=granted.ends_at,
    )
    session.add(allocation)
    session.flush()
    _take(session, pool, allocation)
    # Nobody answers for a resource that their own project gets, ahead of time neither.
    own = any(member.person_id == link.agreed_by_id for member in granted.project.members)
    if link.agreed_at is not None and not own and amount <= link.ceiling:
        awards.consent_ahead(session, allocation, note=f"agreed ahead by {link.agreed_by}")


def _take(session: Session, pool: Pool, allocation: Allocation) -> None:
    try:
        ledger.post(
            session,
            Movement.AWARD,
            allocation.amount,
            source=(ledger.pool(pool.id), Purpose.FREE),
            target=(ledger.allocation(allocation.id), Purpose.OFFERED),
            cause=allocation.award.ref,
        )
    except Insufficient:
        left = units.shown(ledger.balance(session, ledger.pool(pool.id), Purpose.FREE))
        message = f"The pool of {pool.resource.name} holds only {left} {pool.resource.unit} now."
        raise Invalid({f"amount_{pool.resource.slug}": message}) from None


def _start(proposal: Proposal) -> datetime:
    wanted = proposal.starts_on or clock.today()
    return max(datetime.combine(wanted, time.min, tzinfo=UTC), _midnight(clock.today()))


def _end(proposal: Proposal) -> datetime:
    return _midnight(months_later(_start(proposal).date(), proposal.months))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)


def months_later(day: date, months: int) -> date:
    """The same day of a later month, or its last day when that month is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def admit(session: Session, member: TeamMember) -> None:
    """Somebody accepted a team invitation: let them into the project, if there is one already."""
    query = select(Award).join(Decision).where(Decision.proposal_id == member.proposal_id)
    granted = session.scalar(query)
    if granted is not None:
        _join(session, granted.project, member)
