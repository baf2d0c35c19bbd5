"""Appeals: the PI asks once, on stated grounds, that somebody else looks at a decision."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, ForeignKey, String, Text, and_, or_, select, true, update
from sqlalchemy.orm import Mapped, Session, contains_eager, mapped_column, relationship

from allocations.accounts.awards import AwardState
from allocations.kernel import audit, clock, outbox
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.audit import AuditEntry
from allocations.kernel.db import Base
from allocations.kernel.errors import IllegalMove, Incomplete, Invalid, NotFound
from allocations.kernel.events import Event
from allocations.kernel.refs import id_in
from allocations.people import roles
from allocations.people.persons import Person
from allocations.people.roles import Actor, Role
from allocations.programme import bars, decisions, panel_list, progress, proposals
from allocations.programme.calls import Call, Decider
from allocations.programme.decisions import Decision, Outcome, is_decider
from allocations.programme.proposals import Proposal, State, is_pi, on_team, same_house
from allocations.programme.reviews import Review

LONGEST = 10_000
DECIDING = ("proposal.awarded", "proposal.declined")


class Ground(enum.StrEnum):
    """What an appeal can be about. Another opinion on the proposal is none of them."""

    FACT = "fact"
    PROCESS = "process"
    CONFLICT = "conflict"


GROUNDS = {
    Ground.FACT: "A fact was overlooked",
    Ground.PROCESS: "The process was not followed",
    Ground.CONFLICT: "There was a conflict of interest",
}


class AppealState(enum.StrEnum):
    WAITING = "waiting"
    UPHELD = "upheld"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class AppealMade(Event):
    appeal_id: int


@dataclass(frozen=True, slots=True)
class AppealAnswered(Event):
    appeal_id: int


class Appeal(Base):
    """One for each proposal; written by its PI, answered once, never changed otherwise."""

    __tablename__ = "appeal"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"), unique=True, init=False)
    proposal: Mapped[Proposal] = relationship()
    made_by: Mapped[str] = mapped_column(String(200))
    ground: Mapped[Ground]
    text: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
    state: Mapped[AppealState] = mapped_column(default=AppealState.WAITING, index=True)
    answered_by: Mapped[str] = mapped_column(String(200), default="")
    answered_at: Mapped[datetime | None] = mapped_column(default=None)
    reason: Mapped[str] = mapped_column(Text, default="")

    @property
    def days(self) -> int:
        """How long it waits, or has waited."""
        return ((self.answered_at or clock.now()) - self.made_at).days


@dataclass(frozen=True, slots=True)
class Case:
    """A proposal with its decision and appeal, and what stands between them and one actor."""

    proposal: Proposal
    decision: Decision | None
    appeal: Appeal | None
    # Person ids: who decided, also in the name of a rule or a draw, and who was ever asked to review.
    deciders: frozenset[int]
    reviewers: frozenset[int]
    is_related: bool


def case(session: Session, actor: Actor, proposal: Proposal) -> Case:
    """Of a visible proposal; NotFound for those who only judge it, or only run its machines."""
    if not on_team(actor, proposal) and not _runs(actor, proposal.call):
        raise NotFound
    found = (
        select(Decision, Appeal)
        .select_from(Proposal)
        .outerjoin(Decision, Decision.proposal_id == Proposal.id)
        .outerjoin(Appeal, Appeal.proposal_id == Proposal.id)
        .where(Proposal.id == proposal.id)
    )
    decision, appeal = session.execute(found).one()
    decided = select(AuditEntry.actor_id).where(
        AuditEntry.subject == proposal.ref, AuditEntry.verb.in_(DECIDING)
    )
    asked = select(Review.reviewer_id).where(Review.proposal_id == proposal.id)
    related = select(Proposal.id).where(Proposal.id == proposal.id, Proposal.id.in_(bars.related(actor)))
    return Case(
        proposal,
        decision,
        appeal,
        frozenset(one for one in session.scalars(decided) if one is not None),
        frozenset(session.scalars(asked)),
        session.scalar(related) is not None,
    )


@dataclass(frozen=True, slots=True)
class Open:
    """What one person reads on Home; own declines with the last day of an appeal."""

    to_answer: Sequence[Appeal]
    to_make: Sequence[tuple[Proposal, date]]


def _runs(actor: Actor, call: Call) -> bool:
    return actor.has(Role.PROGRAMME_OFFICER) or bool(is_decider(actor, call))


def last_day(decision: Decision, call: Call) -> date:
    """Up to the end of this day, in UTC."""
    return (decision.decided_at + timedelta(days=call.appeal_days)).date()


def is_less(decision: Decision, proposal: Proposal) -> bool:
    """Something that was asked for was not awarded."""
    if decision.outcome == Outcome.DECLINE:
        return True
    return any((request.awarded or 0) < request.requested for request in proposal.requests)


def is_open(decision: Decision, proposal: Proposal) -> bool:
    """The call takes an appeal against this decision today."""
    in_time = proposal.call.appeal_days > 0 and clock.today() <= last_day(decision, proposal.call)
    return in_time and proposal.state in (State.AWARDED, State.DECLINED) and is_less(decision, proposal)


def until(decision: Decision, proposal: Proposal) -> date | None:
    """The last day, while there is time; whether an appeal has been made is not asked."""
    return last_day(decision, proposal.call) if is_open(decision, proposal) else None


def may_appeal(actor: Actor, given: Case) -> Answer:
    proposal, decision = given.proposal, given.decision
    decided = decision is not None and proposal.state in (State.AWARDED, State.DECLINED)
    call, award = proposal.call, decision.award if decision else None
    over = f"The time for an appeal ended on {last_day(decision, call):%-d %B %Y}." if decision else ""
    return first_no(
        is_pi(actor, proposal),
        when(given.appeal is None, "There is one appeal for each proposal, and it has been made."),
        when(decided, "Only a decision of the call can be appealed; there is none that stands."),
        when(call.appeal_days, "This call takes no appeals."),
        when(decision and is_less(decision, proposal), "Everything that you asked for was awarded."),
        when(award is None or award.state != AwardState.DECLINED, "You have turned the award down."),
        when(decision and is_open(decision, proposal), over),
    )


def stands_apart(actor: Actor, given: Case) -> Answer:
    """Whether this actor took no part in the proposal and its decision, and so may read the appeal."""
    proposal, decision = given.proposal, given.decision
    named = decision is not None and decision.decided_by == actor.name
    return first_no(
        when(_runs(actor, proposal.call), "Only the programme office and those who decide answer appeals."),
        when(not on_team(actor, proposal), "Nobody answers an appeal of their own team."),
        when(not same_house(actor, proposal), "Nobody answers an appeal of their own institution."),
        when(
            not named and actor.person_id not in given.deciders,
            "You decided about this proposal. Somebody else answers the appeal.",
        ),
        when(
            actor.person_id not in given.reviewers,
            "You were asked to review this proposal. Somebody else answers the appeal.",
        ),
        when(not given.is_related, "You work with somebody on its team. Somebody else answers the appeal."),
    )


def may_answer(actor: Actor, given: Case) -> Answer:
    waiting = given.appeal is not None and given.appeal.state == AppealState.WAITING
    return first_no(
        stands_apart(actor, given),
        when(given.appeal is not None, "There is no appeal against this decision."),
        when(waiting, "This appeal has been answered."),
    )


def may_read(actor: Actor, given: Case) -> bool:
    """The ground and the text: for the team, and for those who took no part."""
    return on_team(actor, given.proposal) or bool(stands_apart(actor, given))


def make(session: Session, actor: Actor, given: Case, *, ground: Ground, text: str) -> Appeal:
    require(may_appeal(actor, given))
    if not text.strip():
        raise Incomplete({"text": "Say what was overlooked or went wrong, and where it can be seen."})
    if len(text) > LONGEST:
        raise Invalid({"text": f"This is {len(text):,} characters long; at most {LONGEST:,} fit here."})
    appeal = Appeal(proposal=given.proposal, made_by=actor.name, ground=ground, text=text)
    session.add(appeal)
    session.flush()
    audit.record(session, actor, "appeal.make", subject=given.proposal.ref, note=GROUNDS[ground])
    outbox.put(session, AppealMade(appeal.id))
    return appeal


def reject(session: Session, actor: Actor, given: Case, *, reason: str) -> None:
    """The decision stands."""
    _settle(session, actor, given, to=AppealState.REJECTED, reason=reason)
    audit.record(session, actor, "appeal.rejected", subject=given.proposal.ref, note=reason)


def uphold(
    session: Session, actor: Actor, given: Case, *, reason: str, more: Mapping[str, int] | None = None
) -> None:
    """A declined proposal is decided once more; an awarded one gets `more`, micro-units by resource slug."""
    _settle(session, actor, given, to=AppealState.UPHELD, reason=reason)
    audit.record(session, actor, "appeal.upheld", subject=given.proposal.ref, note=reason)
    proposal, award = given.proposal, given.decision.award if given.decision else None
    if proposal.state == State.DECLINED:
        proposal.message = decisions.BACK
        for request in proposal.requests:
            request.recommended = request.awarded = None
        progress.go_back(session, actor, proposal)
    elif award is None or award.state == AwardState.DECLINED or award.ends_at <= clock.now():
        raise IllegalMove("The award is turned down or over: nothing can be added to it.")
    else:
        decisions.award_more(session, proposal, award, more or {})


def _settle(session: Session, actor: Actor, given: Case, *, to: AppealState, reason: str) -> None:
    """Of two who answer at once, the one whose update finds it waiting."""
    require(may_answer(actor, given))
    if not reason.strip():
        raise Incomplete({"reason": "Give the reason; the PI reads it."})
    appeal = given.appeal
    assert appeal is not None  # noqa: S101 - the rule says so
    values = {"state": to, "answered_by": actor.name, "answered_at": clock.now(), "reason": reason}
    waiting = update(Appeal).where(Appeal.id == appeal.id, Appeal.state == AppealState.WAITING)
    kept = waiting.values(**values).returning(Appeal.id).execution_options(synchronize_session=False)
    if session.scalar(kept) is None:
        raise IllegalMove("Somebody else has just answered this appeal.")
    session.refresh(appeal)
    outbox.put(session, AppealAnswered(appeal.id))


def is_asked(actor: Actor) -> bool:
    """Holds an office that answers appeals, of whatever call."""
    chairs = actor.has(Role.PANEL_CHAIR) or bool(actor.scopes(Role.PANEL_CHAIR))
    return actor.has(Role.PROGRAMME_OFFICER) or chairs


def answerable(actor: Actor) -> ColumnElement[bool]:
    """As SQL, beside proposals and decisions: those that `may_answer` lets this actor answer."""
    if actor.person_id is None:
        return Appeal.id.is_(None)
    everywhere = actor.has(Role.PROGRAMME_OFFICER) or actor.has(Role.PANEL_CHAIR)
    chaired = select(Call.id).where(
        Call.decided_by == Decider.CHAIR, Call.id.in_(actor.scopes(Role.PANEL_CHAIR))
    )
    housed = select(Person.id).where(Person.institution_id == (actor.institution_id or 0))
    reviewed = select(Review.proposal_id).where(Review.reviewer_id == actor.person_id)
    # By the trail as well: names change.
    decided = select(id_in(Proposal, AuditEntry.subject)).where(
        AuditEntry.actor_id == actor.person_id, AuditEntry.verb.in_(DECIDING)
    )
    return and_(
        Appeal.state == AppealState.WAITING,
        Proposal.id == Appeal.proposal_id,
        Decision.proposal_id == Appeal.proposal_id,
        proposals.visible(actor),
        true() if everywhere else Proposal.call_id.in_(chaired),
        Proposal.pi_id != actor.person_id,
        Proposal.pi_id.not_in(housed),
        Proposal.id.not_in(reviewed),
        Proposal.id.not_in(decided),
        Proposal.id.not_in(bars.related(actor)),
        Decision.decided_by != actor.name,
    )


def open_for(session: Session, actor: Actor, *, size: int = 10) -> Open:
    """Appeals that this actor can answer, oldest first, and own declined proposals with time for one."""
    declined = and_(Proposal.pi_id == actor.person_id, Proposal.state == State.DECLINED, Appeal.id.is_(None))
    query = (
        select(Proposal, Decision, Appeal)
        .join(Decision, Decision.proposal_id == Proposal.id)
        .outerjoin(Appeal, Appeal.proposal_id == Proposal.id)
        .where(or_(declined, answerable(actor)) if is_asked(actor) else declined)
        .options(contains_eager(Appeal.proposal))
        .order_by(Appeal.id.is_not(None), Appeal.made_at, Proposal.id)
    )
    found = session.execute(query.limit(5 * size)).all()
    ends = [(proposal, until(decision, proposal)) for proposal, decision, appeal in found if appeal is None]
    return Open(
        [appeal for *_, appeal in found if appeal is not None][:size],
        [(proposal, end) for proposal, end in ends if end is not None],
    )


def answerers(session: Session, appeal: Appeal) -> list[Person]:
    """Whom `may_answer` lets answer, of all who could hold the office: they are told of the appeal."""
    proposal, offices = appeal.proposal, (Role.PROGRAMME_OFFICER, Role.PANEL_CHAIR)
    held = (person for role in offices for person in roles.holders(session, role, proposal.call_id))
    return [
        person for person in {one.id: one for one in held}.values() if _answers(session, person, proposal)
    ]


def _answers(session: Session, person: Person, proposal: Proposal) -> bool:
    actor = roles.actor_of(session, person)
    seen = _runs(actor, proposal.call) and proposals.is_seen_by(session, actor, proposal)
    return seen and bool(may_answer(actor, case(session, actor, proposal)))


def page(
    session: Session, actor: Actor, call: Call, *, before: int | None = None, size: int = 50
) -> Sequence[Appeal]:
    """Of one call, newest first, by keyset; only of proposals on the viewer's list."""
    older = Appeal.id < before if before is not None else true()
    query = select(Appeal).join(Appeal.proposal).where(panel_list.shown(actor, call), older)
    query = query.options(contains_eager(Appeal.proposal))
    return session.scalars(query.order_by(Appeal.id.desc()).limit(size)).all()
