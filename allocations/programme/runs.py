"""Runs: long computations about a call, done by the worker, kept whole with their inputs and seed."""

import enum
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from allocations.kernel import clock
from allocations.kernel.db import Base
from allocations.kernel.refs import Referenced, checked, id_of
from allocations.kernel.states import Moves
from allocations.programme.calls import Call


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
