"""Conflicts of interest: relations that bar a person from a proposal, whatever roles they hold."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from allocations.kernel import clock
from allocations.kernel.db import Base


class Conflict(Base):
    __tablename__ = "conflict"
    __table_args__ = (Index("uq_conflict_person", "person_id", "proposal_id", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"), index=True)
    reason: Mapped[str] = mapped_column(Text)
    declared_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
