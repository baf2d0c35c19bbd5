"""Conflicts of interest as people state them: declared ones, and waivers of those that were detected."""

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from allocations.kernel import clock
from allocations.kernel.db import Base

# How long working together is remembered.
WINDOW = timedelta(days=730)


class Conflict(Base):
    __tablename__ = "conflict"
    __table_args__ = (Index("uq_conflict_person", "person_id", "proposal_id", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"), index=True)
    reason: Mapped[str] = mapped_column(Text)
    declared_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)


class Waiver(Base):
    """An officer lets a person review in spite of one kind of relation: with a reason, and for a time."""

    __tablename__ = "conflict_waiver"
    __table_args__ = (Index("ix_conflict_waiver_of_proposal", "proposal_id", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"))
    kind: Mapped[str] = mapped_column(String(24))
    # What was known of the relation then.
    evidence: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    until: Mapped[datetime]
    granted_by: Mapped[str] = mapped_column(String(200))
    granted_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
