"""Lots within a call: tiers frozen under a sealed secret, drawn with a public value, open to replay."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from allocations.kernel import clock
from allocations.kernel.db import Base
from allocations.programme.calls import Call


class Draw(Base):
    """`placed` and `budget` (micro-units by resource slug) are fixed when the ranking is frozen.

    Of a tie (where experts review) they hold the scores, and how many win within which width: see `ties`.

    `record` is what anybody can recompute; the secret is published with it. Until then only its SHA-256,
    the commitment, is shown.
    """

    __tablename__ = "draw"

    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"), primary_key=True)
    secret: Mapped[str] = mapped_column(String(128))
    commitment: Mapped[str] = mapped_column(String(64))
    sealed_by: Mapped[str] = mapped_column(String(200))
    sealed_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
    placed: Mapped[list[dict[str, Any]]] = mapped_column(default_factory=list)
    budget: Mapped[dict[str, int]] = mapped_column(default_factory=dict)
    digest: Mapped[str] = mapped_column(String(64), default="")
    # Where the public value will come from, said before anybody can know it.
    source: Mapped[str] = mapped_column(String(300), default="")
    frozen_at: Mapped[datetime | None] = mapped_column(default=None)
    record: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    drawn_at: Mapped[datetime | None] = mapped_column(default=None)
    # Every proposal of the record has its decision.
    applied_at: Mapped[datetime | None] = mapped_column(default=None)
    version: Mapped[int] = mapped_column(init=False)
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


def losers(session: Session, call: Call) -> set[int]:
    """Of a tie, whom the lots passed over."""
    draw = of_call(session, call)
    if draw is None or "winners" not in draw.record:
        return set()
    return {one["proposal"] for one in draw.placed} - set(draw.record["winners"])


def of_call(session: Session, call: Call) -> Draw | None:
    return session.get(Draw, call.id)
