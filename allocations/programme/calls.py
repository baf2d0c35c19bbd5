"""Calls: an invitation with a window, a rubric and pools."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    String,
    Text,
    UniqueConstraint,
    select,
    true,
)
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship, selectinload
from sqlalchemy.orm.attributes import flag_modified

from allocations.accounts.pools import Pool, contribute
from allocations.accounts.resources import Resource
from allocations.kernel import audit, clock, outbox
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.db import Base
from allocations.kernel.errors import Incomplete, Invalid
from allocations.kernel.events import Event
from allocations.kernel.refs import Referenced, checked, id_of
from allocations.kernel.states import Moves, expect, move
from allocations.people import eligibility
from allocations.people.roles import Actor, Role
from allocations.people.standing import Level


@dataclass(frozen=True, slots=True)
class CallPublished(Event):
    call_id: int


class Lane(enum.StrEnum):
    STARTER = "starter"
    STANDARD = "standard"
    LARGE = "large"
    CLASSROOM = "classroom"


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


class Call(Referenced, Base):
    __tablename__ = "call"
    __table_args__ = (
        CheckConstraint("closes_at > opens_at", "closes_after_opening"),
        CheckConstraint("reviewers BETWEEN 1 AND 9", "reviewers_range"),
        CheckConstraint("max_months BETWEEN 1 AND 60", "max_months_range"),
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
    state: Mapped[CallState] = mapped_column(default=CallState.DRAFT)
    state_since: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
    version: Mapped[int] = mapped_column(init=False)
    criteria: Mapped[list[Criterion]] = relationship(
        init=False, cascade="all, delete-orphan", order_by=Criterion.position
    )
    pools: Mapped[list[CallPool]] = relationship(
        init=False, cascade="all, delete-orphan", order_by=CallPool.pool_id
    )
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
    def resources(self) -> list[Resource]:
        return [link.pool.resource for link in self.pools]


@dataclass(frozen=True, slots=True)
class CriterionDraft:
    name: str
    weight: int
    anchors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallDraft:
    """Everything an officer writes about a call; `pools` are micro-units by resource slug."""

    title: str
    lane: Lane
    summary: str
    opens_at: datetime
    closes_at: datetime
    reviewers: int
    max_months: int
    criteria: tuple[CriterionDraft, ...]
    pools: dict[str, int]
    assurance: Level = Level.ANY


WRITTEN = (
    "title",
    "lane",
    "summary",
    "opens_at",
    "closes_at",
    "reviewers",
    "max_months",
    "assurance",
)


def visible(actor: Actor) -> ColumnElement[bool]:
    return true() if actor.has(Role.PROGRAMME_OFFICER) else Call.state != CallState.DRAFT


def get(session: Session, actor: Actor, ref: str) -> Call:
    query = select(Call).where(Call.id == id_of(Call, ref), visible(actor))
    loaded = (selectinload(Call.criteria), selectinload(Call.pools))
    return checked(session.scalar(query.options(*loaded)), ref)


def page(session: Session, actor: Actor, *, before: int | None = None, size: int = 50) -> Sequence[Call]:
    """Newest first, by keyset."""
    older = Call.id < before if before is not None else true()
    query = select(Call).where(visible(actor), older).options(selectinload(Call.pools))
    return session.scalars(query.order_by(Call.id.desc()).limit(size)).all()


def open_calls(session: Session) -> Sequence[Call]:
    now = clock.now()
    taking = (Call.state == CallState.PUBLISHED, Call.opens_at <= now, Call.closes_at > now)
    query = select(Call).where(*taking).options(selectinload(Call.pools))
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
        when(actor.person_id is not None, "Log in to write a proposal."),
        when(call.window == "open", words.get(call.window, "")),
        eligibility.may_be_pi(actor, call.assurance),
    )


def start(session: Session, actor: Actor, draft: CallDraft) -> Call:
    require(may_start(actor))
    _check(draft)
    call = Call(**{name: getattr(draft, name) for name in WRITTEN})
    session.add(call)
    session.flush()
    _write_parts(session, call, draft)
    audit.record(session, actor, "call.start", subject=call.ref)
    return call


def edit(session: Session, actor: Actor, call: Call, draft: CallDraft, *, version: int | None = None) -> None:
    require(may_edit(actor, call))
    expect(call, version)
    _check(draft)
    for name in WRITTEN:
        setattr(call, name, getattr(draft, name))
    # Rubric and pools are rows of their own: touch the call, so that a second tab's edit is noticed.
    flag_modified(call, "title")
    old = [link.pool for link in call.pools]
    call.criteria.clear()
    call.pools.clear()
    session.flush()
    for pool in old:
        session.delete(pool)
    _write_parts(session, call, draft)
    audit.record(session, actor, "call.edit", subject=call.ref)


def _check(draft: CallDraft) -> None:
    wrong: dict[str, str] = {}
    if draft.closes_at <= draft.opens_at:
        wrong["closes_at"] = "The call must close after it opens."
    if not draft.criteria:
        wrong["criterion_0_name"] = "Add at least one criterion."
    if len({criterion.name.casefold() for criterion in draft.criteria}) < len(draft.criteria):
        wrong["criterion_0_name"] = "Two criteria have the same name."
    if any(amount <= 0 for amount in draft.pools.values()):
        wrong["pools"] = "A pool must be larger than zero; leave the box empty for none."
    if wrong:
        raise Invalid(wrong)


def _write_parts(session: Session, call: Call, draft: CallDraft) -> None:
    call.criteria.extend(
        Criterion(position=place, name=part.name, weight=part.weight, anchors=list(part.anchors))
        for place, part in enumerate(draft.criteria)
    )
    chosen = session.scalars(
        select(Resource).where(Resource.slug.in_(draft.pools)).order_by(Resource.id)
    ).all()
    if len(chosen) < len(draft.pools):
        raise Invalid({"pools": "One of these resources does not exist."})
    for resource in chosen:
        pool = Pool(name=f"{call.ref} {resource.name}", resource=resource, amount=draft.pools[resource.slug])
        call.pools.append(CallPool(pool=pool))


def publish(session: Session, actor: Actor, call: Call) -> None:
    """From now on the call is public, does not change, and its pools can be awarded."""
    require(may_publish(actor, call))
    if not call.pools:
        raise Incomplete({"pools": "Put at least one resource into the call before publishing it."})
    if call.closes_at <= clock.now():
        raise Incomplete({"closes_at": "The closing date has passed already."})
    move(session, call, CallState.PUBLISHED, actor)
    for link in call.pools:
        contribute(session, link.pool)
    outbox.put(session, CallPublished(call.id))


def conclude(session: Session, actor: Actor, call: Call) -> None:
    require(may_conclude(actor, call))
    move(session, call, CallState.CONCLUDED, actor)
