"""Calls: an invitation with a window, a rubric and pools."""

import enum
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    String,
    Text,
    UniqueConstraint,
    and_,
    select,
    true,
)
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship, selectinload

from allocations.accounts.pools import Pool
from allocations.accounts.resources import Resource
from allocations.kernel import clock
from allocations.kernel.answers import Answer, first_no, when
from allocations.kernel.db import Amount, Base
from allocations.kernel.refs import Referenced, checked, id_of
from allocations.kernel.states import Moves
from allocations.people import eligibility
from allocations.people.roles import Actor, Role
from allocations.people.standing import Level
from allocations.programme import steps
from allocations.programme.questions import Question
from allocations.programme.steps import StepKind


class Lane(enum.StrEnum):
    STARTER = "starter"
    STANDARD = "standard"
    LARGE = "large"
    CLASSROOM = "classroom"
    RAPID = "rapid"


class Disclosure(enum.StrEnum):
    """Who learns whose name while a proposal is judged."""

    OPEN = "open"
    SINGLE_BLIND = "single_blind"
    DOUBLE_BLIND = "double_blind"


class Reviewers(enum.StrEnum):
    """Who reviews: experts of the programme's pool, or the applicants of the call each other."""

    EXPERTS = "experts"
    APPLICANTS = "applicants"


class Decider(enum.StrEnum):
    """Who decides: the rule of the call alone, one checker of the office, or the panel's chair."""

    RULE = "rule"
    OFFICER = "officer"
    CHAIR = "chair"


class CallState(enum.StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    CONCLUDED = "concluded"


class Criterion(Base):
    """One question of the rubric, scored 1 to 5; `anchors` says in words what each score means."""

    __tablename__ = "criterion"
    __table_args__ = (
        CheckConstraint("weight BETWEEN 1 AND 100", "weight_range"),
        UniqueConstraint("call_id", "position"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"), init=False)
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(120))
    weight: Mapped[int]
    anchors: Mapped[list[str]]


class CallPool(Base):
    __tablename__ = "call_pool"

    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"), primary_key=True, init=False)
    pool_id: Mapped[int] = mapped_column(ForeignKey("pool.id"), primary_key=True, init=False)
    pool: Mapped[Pool] = relationship(lazy="joined", innerjoin=True)
    # The most that one proposal gets of it, in micro-units.
    most: Mapped[Amount | None] = mapped_column(default=None)
    # The provider has agreed ahead to every award of this call, up to `most`.
    agreed_at: Mapped[datetime | None] = mapped_column(default=None)
    agreed_by: Mapped[str] = mapped_column(String(200), default="")
    agreed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), default=None)

    @property
    def ceiling(self) -> int:
        """The most that one proposal can ask for, in micro-units."""
        return min(self.pool.amount, self.most) if self.most else self.pool.amount


class LetterKind(enum.StrEnum):
    """Letters to which a call adds words of its own."""

    SUBMITTED = "submitted"
    RETURNED = "returned"
    REVIEW_ASKED = "review_asked"
    AWARDED = "awarded"
    DECLINED = "declined"


class CallLetter(Base):
    """The office's own words in one kind of letter; `{proposal}` and the like are filled in."""

    __tablename__ = "call_letter"

    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"), primary_key=True, init=False)
    kind: Mapped[LetterKind] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(Text)


class CallEdition(Base):
    """A call as it was published or corrected, whole; never changed. Proposals name the one they met."""

    __tablename__ = "call_edition"
    __table_args__ = (UniqueConstraint("call_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"))
    number: Mapped[int]
    content: Mapped[dict[str, Any]]
    # SHA-256 of the content as canonical JSON.
    digest: Mapped[str] = mapped_column(String(64))
    made_by: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(Text, default="")
    made_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)


class Call(Referenced, Base):
    __tablename__ = "call"
    __table_args__ = (
        CheckConstraint("closes_at > opens_at", "closes_after_opening"),
        CheckConstraint("reviewers BETWEEN 1 AND 9", "reviewers_range"),
        CheckConstraint("max_months BETWEEN 1 AND 60", "max_months_range"),
        CheckConstraint("per_person BETWEEN 1 AND 20", "per_person_range"),
        CheckConstraint("high_risk_percent BETWEEN 0 AND 50", "high_risk_percent_range"),
        CheckConstraint("first_time_percent BETWEEN 0 AND 50", "first_time_percent_range"),
        CheckConstraint("grace_minutes BETWEEN 0 AND 1440", "grace_minutes_range"),
        CheckConstraint("appeal_days BETWEEN 0 AND 365", "appeal_days_range"),
    )
    PREFIX: ClassVar[str] = "CALL"
    NOUN: ClassVar[str] = "call"
    MOVES: ClassVar[Moves] = {
        CallState.DRAFT: frozenset({CallState.PUBLISHED}),
        CallState.PUBLISHED: frozenset({CallState.CONCLUDED}),
    }

    title: Mapped[str] = mapped_column(String(200))
    lane: Mapped[Lane]
    summary: Mapped[str] = mapped_column(Text)
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    reviewers: Mapped[int]
    max_months: Mapped[int]
    # How well a PI's identity has to be proofed.
    assurance: Mapped[Level] = mapped_column(default=Level.ANY)
    # Windows are kept in UTC, and shown and typed in this zone (IANA).
    timezone: Mapped[str] = mapped_column(String(64), default="UTC")
    disclosure: Mapped[Disclosure] = mapped_column(default=Disclosure.SINGLE_BLIND)
    reviewed_by: Mapped[Reviewers] = mapped_column(default=Reviewers.EXPERTS)
    decided_by: Mapped[Decider] = mapped_column(default=Decider.CHAIR)
    # How many proposals one PI may have in the call that are neither withdrawn nor declined.
    per_person: Mapped[int | None] = mapped_column(default=None)
    # Step -> days in which an answer is expected; see `allocations.programme.steps`.
    steps: Mapped[dict[str, int]] = mapped_column(default_factory=lambda: dict(steps.STANDARD))
    # The share of each pool that is kept for proposals marked as high-risk.
    high_risk_percent: Mapped[int] = mapped_column(default=0)
    # The share of each pool that is kept for PIs who have never had an award here.
    first_time_percent: Mapped[int] = mapped_column(default=0)
    # How long after the close an officer may let somebody in.
    grace_minutes: Mapped[int] = mapped_column(default=15)
    # How long after a decision the PI may appeal; 0 for no appeals.
    appeal_days: Mapped[int] = mapped_column(default=14)
    # Until then reviewers say what they would like to review; empty: they are not asked.
    bids_until: Mapped[datetime | None] = mapped_column(default=None, init=False)
    state: Mapped[CallState] = mapped_column(default=CallState.DRAFT)
    state_since: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
    version: Mapped[int] = mapped_column(init=False)
    criteria: Mapped[list[Criterion]] = relationship(
        init=False, cascade="all, delete-orphan", order_by=Criterion.position
    )
    pools: Mapped[list[CallPool]] = relationship(
        init=False, cascade="all, delete-orphan", order_by=CallPool.pool_id
    )
    questions: Mapped[list[Question]] = relationship(
        init=False, cascade="all, delete-orphan", order_by=Question.position
    )
    letters: Mapped[list[CallLetter]] = relationship(init=False, cascade="all, delete-orphan")
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    @property
    def window(self) -> str:
        """One word for people: draft, upcoming, open, closed or concluded."""
        if self.state != CallState.PUBLISHED:
            return str(self.state)
        if clock.now() < self.opens_at:
            return "upcoming"
        return "open" if clock.now() < self.closes_at else "closed"

    def pool_for(self, resource_id: int) -> Pool | None:
        return next((link.pool for link in self.pools if link.pool.resource_id == resource_id), None)

    @property
    def is_short(self) -> bool:
        """One page with at most ten fields."""
        return self.lane == Lane.STARTER

    def has_step(self, kind: StepKind) -> bool:
        return str(kind) in self.steps

    def link_for(self, resource_id: int) -> CallPool | None:
        return next((link for link in self.pools if link.pool.resource_id == resource_id), None)

    @property
    def resources(self) -> list[Resource]:
        return [link.pool.resource for link in self.pools]


def visible(actor: Actor) -> ColumnElement[bool]:
    return true() if actor.has(Role.PROGRAMME_OFFICER) else Call.state != CallState.DRAFT


def get(session: Session, actor: Actor, ref: str) -> Call:
    query = select(Call).where(Call.id == id_of(Call, ref), visible(actor))
    loaded = (selectinload(Call.criteria), selectinload(Call.pools), selectinload(Call.questions))
    return checked(session.scalar(query.options(*loaded)), ref)


def page(session: Session, actor: Actor, *, before: int | None = None, size: int = 50) -> Sequence[Call]:
    """Newest first, by keyset."""
    older = Call.id < before if before is not None else true()
    query = select(Call).where(visible(actor), older).options(selectinload(Call.pools))
    return session.scalars(query.order_by(Call.id.desc()).limit(size)).all()


def are_open() -> ColumnElement[bool]:
    """`window` as SQL: those that take proposals now."""
    now = clock.now()
    return and_(Call.state == CallState.PUBLISHED, Call.opens_at <= now, Call.closes_at > now)


def open_calls(session: Session) -> Sequence[Call]:
    query = select(Call).where(are_open()).options(selectinload(Call.pools))
    return session.scalars(query.order_by(Call.closes_at, Call.id).limit(50)).all()


def may_start(actor: Actor) -> Answer:
    return when(actor.has(Role.PROGRAMME_OFFICER), "Only a programme officer opens calls.")


def may_edit(actor: Actor, call: Call) -> Answer:
    return first_no(
        may_start(actor),
        when(call.state == CallState.DRAFT, "A published call no longer changes: proposals rely on it."),
    )


def may_publish(actor: Actor, call: Call) -> Answer:
    return may_edit(actor, call)


def may_conclude(actor: Actor, call: Call) -> Answer:
    return first_no(
        may_start(actor),
        when(call.window == "closed", "A call can be concluded after it has closed."),
    )


def may_apply(actor: Actor, call: Call) -> Answer:
    """To start a proposal under this call."""
    words = {
        "draft": "This call is not published yet.",
        "upcoming": f"This call opens on {call.opens_at:%-d %B %Y at %H:%M} UTC.",
        "closed": f"This call closed on {call.closes_at:%-d %B %Y at %H:%M} UTC.",
        "concluded": "This call is concluded.",
    }
    return first_no(
        when(call.window == "open", words.get(call.window, "")),
        when(actor.person_id is not None, "Log in to write a proposal."),
        eligibility.may_be_pi(actor, call.assurance),
    )


def may_correct(actor: Actor, call: Call) -> Answer:
    """To change words or give more time once the call is public."""
    return first_no(
        may_start(actor),
        when(call.state == CallState.PUBLISHED, "Only a published call is corrected; a draft is edited."),
    )


def editions(session: Session, call: Call) -> Sequence[CallEdition]:
    """Newest first."""
    query = select(CallEdition).where(CallEdition.call_id == call.id)
    return session.scalars(query.order_by(CallEdition.number.desc())).all()


def latest_edition(session: Session, call: Call) -> CallEdition | None:
    query = select(CallEdition).where(CallEdition.call_id == call.id)
    return session.scalar(query.order_by(CallEdition.number.desc()).limit(1))
