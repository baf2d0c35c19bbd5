"""Subjects: the opaque name under which clients know a person, the same for all of them and for ever."""

import uuid

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from allocations.kernel.db import Base


class Subject(Base):
    __tablename__ = "subject"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), unique=True)
    sub: Mapped[str] = mapped_column(String(36), unique=True)


def known(session: Session, person_id: int) -> str | None:
    return session.scalar(select(Subject.sub).where(Subject.person_id == person_id))


def give(session: Session, person_id: int) -> str:
    """Drawn when a person first agrees to anything; it says nothing and is never given to another."""
    sub = known(session, person_id)
    if sub is None:
        sub = uuid.uuid4().hex
        session.add(Subject(person_id=person_id, sub=sub))
    return sub
