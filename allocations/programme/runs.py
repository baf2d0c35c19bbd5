"""Runs: long computations about a call, done by the worker, kept whole with their inputs and seed."""

import enum
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, and_, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from allocations.kernel import audit, clock
from allocations.kernel.db import Base
from allocations.kernel.errors import IllegalMove
from allocations.kernel.refs import Referenced, checked, id_of
from allocations.kernel.states import Moves, move
from allocations.people.roles import SYSTEM, Actor
from allocations.programme.calls import Call

# A worker that has not answered for so long is gone.
LEASE = timedelta(minutes=30)


class RunKind(enum.StrEnum):
    ASSIGNMENT = "assignment"
    CALIBRATION = "calibration"
    SPLIT = "split"
    EXCHANGE = "exchange"


class RunState(enum.StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    APPLIED = "applied"


BUSY = (RunState.WAITING, RunState.RUNNING)


class Run(Referenced, Base):
    """`inputs` and `seed` give the same `result` again; `digest` is the SHA-256 of the inputs."""

    __tablename__ = "run"
    __table_args__ = (Index("ix_run_of_call", "call_id", "kind", "id"), Index("ix_run_due", "state", "id"))
    PREFIX: ClassVar[str] = "RUN"
    NOUN: ClassVar[str] = "run"
    MOVES: ClassVar[Moves] = {
        RunState.WAITING: frozenset({RunState.RUNNING}),
        RunState.RUNNING: frozenset({RunState.DONE, RunState.FAILED, RunState.WAITING}),
        RunState.DONE: frozenset({RunState.APPLIED}),
    }

    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"))
    kind: Mapped[RunKind]
    seed: Mapped[int] = mapped_column(BigInteger)
    parameters: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    inputs: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    digest: Mapped[str] = mapped_column(String(64), default="")
    result: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    # Why it failed, or what to relax; in words for people.
    message: Mapped[str] = mapped_column(Text, default="")
    asked_by: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[RunState] = mapped_column(default=RunState.WAITING)
    state_since: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
    asked_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
    leased_until: Mapped[datetime | None] = mapped_column(default=None, init=False)
    version: Mapped[int] = mapped_column(init=False)
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    @property
    def is_busy(self) -> bool:
        """Asked for, and not computed yet."""
        return self.state in BUSY


def get(session: Session, call: Call, ref: str) -> Run:
    """A run of a call that the actor was found to run."""
    found = session.scalar(select(Run).where(Run.id == id_of(Run, ref), Run.call_id == call.id))
    return checked(found, ref)


def latest(session: Session, call: Call, kind: RunKind) -> Run | None:
    query = select(Run).where(Run.call_id == call.id, Run.kind == kind)
    return session.scalar(query.order_by(Run.id.desc()).limit(1))


def page(session: Session, call: Call, kind: RunKind, *, size: int = 10) -> Sequence[Run]:
    """Newest first."""
    query = select(Run).where(Run.call_id == call.id, Run.kind == kind)
    return session.scalars(query.order_by(Run.id.desc()).limit(size)).all()


def newest_and_done(session: Session, call: Call, kind: RunKind) -> tuple[Run | None, Run | None]:
    """The newest run of a kind, and the newest one that has a result; one statement."""
    of_kind = (Run.call_id == call.id, Run.kind == kind)
    ended = Run.state.in_([RunState.DONE, RunState.APPLIED])
    newest = select(func.max(Run.id)).where(*of_kind).scalar_subquery()
    done = select(func.max(Run.id)).where(*of_kind, ended).scalar_subquery()
    found = session.scalars(select(Run).where(or_(Run.id == newest, Run.id == done)).order_by(Run.id)).all()
    with_result = next((run for run in found if run.state in (RunState.DONE, RunState.APPLIED)), None)
    return (found[-1] if found else None), with_result


@dataclass(frozen=True, slots=True)
class Job:
    """What a process needs that knows no database: the inputs are plain values."""

    run_id: int
    kind: RunKind
    seed: int
    inputs: dict[str, Any]


class Unsolvable(Exception):
    """There is no result; the sentence says why, and `parts` what it is about, as plain values with ids."""

    def __init__(self, sentence: str, **parts: Any) -> None:
        super().__init__(sentence)
        self.parts = parts


def ask(session: Session, actor: Actor, call: Call, kind: RunKind, *, seed: int, **parameters: Any) -> Run:
    """Have the worker compute this soon. The caller has asked its rule; one of a kind waits at a time."""
    waiting = (Run.call_id == call.id, Run.kind == kind, Run.state.in_(BUSY))
    if session.scalar(select(Run.id).where(*waiting).limit(1)) is not None:
        raise IllegalMove("This is being computed already. Wait for its result.")
    run = Run(call_id=call.id, kind=kind, seed=seed, parameters=parameters, asked_by=actor.name)
    session.add(run)
    session.flush()
    audit.record(session, actor, "run.ask", subject=run.ref, note=f"{kind} of {call.ref}")
    return run


def claim(session: Session, gather: Mapping[RunKind, Callable[[Session, Run], dict[str, Any]]]) -> Job | None:
    """The oldest run that waits, or whose worker is gone, with its inputs gathered now."""
    now = clock.now()
    lost = and_(Run.state == RunState.RUNNING, Run.leased_until < now)
    due = or_(Run.state == RunState.WAITING, lost)
    query = select(Run).where(due, Run.kind.in_(list(gather))).order_by(Run.id).limit(1)
    run = session.scalar(query.with_for_update(skip_locked=True))
    if run is None:
        return None
    if run.state == RunState.RUNNING:
        move(session, run, RunState.WAITING, SYSTEM, note="its worker is gone")
    move(session, run, RunState.RUNNING, SYSTEM)
    run.leased_until = now + LEASE
    run.inputs = gather[run.kind](session, run)
    canonical = json.dumps([run.seed, run.inputs], sort_keys=True)
    run.digest = hashlib.sha256(canonical.encode()).hexdigest()
    return Job(run.id, run.kind, run.seed, run.inputs)


def record(
    session: Session,
    job: Job,
    *,
    result: dict[str, Any] | None,
    message: str = "",
    parts: dict[str, Any] | None = None,
) -> None:
    """Keep what came out, or the `parts` of why nothing did; nothing when another worker has taken over."""
    run = session.get_one(Run, job.run_id)
    if run.state != RunState.RUNNING:
        return
    run.result, run.message = result or parts or {}, message
    move(session, run, RunState.DONE if result is not None else RunState.FAILED, SYSTEM, note=message)
    run.leased_until = None


def apply(session: Session, actor: Actor, run: Run) -> None:
    """Its result has been put into effect."""
    move(session, run, RunState.APPLIED, actor)
