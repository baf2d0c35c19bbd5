"""What a project was granted, holds, has used and has left: balances and burn-down for its pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.accounts import ledger, usage
from allocations.accounts.awards import Allocation, AllocationState
from allocations.accounts.ledger import Account, Entry, Purpose
from allocations.accounts.projects import Project
from allocations.accounts.resources import Kind
from allocations.accounts.usage import UsageRecord
from allocations.kernel import clock, units
from allocations.people.persons import Person
from portal.charts import BurnPoint, burn_down

WORDS = {
    Purpose.OFFERED: "offered",
    Purpose.AVAILABLE: "available",
    Purpose.RESERVED: "reserved",
    Purpose.USED: "used",
    Purpose.LAPSED: "lapsed",
    Purpose.OVERRUN: "overrun",
    Purpose.FREE: "pool",
    Purpose.CONTRIBUTED: "contribution",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One allocation with its four figures in micro-units, and its use by day."""

    allocation: Allocation
    granted: int
    reserved: int
    used: int
    left: int
    days: dict[date, int]

    @property
    def charged(self) -> bool:
        """GPU time is used up; storage is only held."""
        return self.allocation.resource.kind == Kind.GPU

    @property
    def chart(self) -> Markup:
        """The burn-down; empty before the allocation has started."""
        allocation = self.allocation
        points = usage.remaining_by_day(allocation, self.days)
        return burn_down(
            [BurnPoint(day, float(units.units(left))) for day, left in points],
            granted=int(units.units(self.granted)),
            starts=allocation.starts_at.date(),
            ends=allocation.ends_at.date(),
            unit=allocation.resource.unit,
            today=clock.today(),
        )


def of_project(session: Session, project: Project) -> list[Line]:
    """Three statements, whatever the number of allocations."""
    query = select(Allocation).where(Allocation.project_id == project.id).order_by(Allocation.id)
    return _lines(session, session.scalars(query).all())


def of_allocation(session: Session, allocation: Allocation) -> Line:
    return _lines(session, [allocation])[0]


def _lines(session: Session, allocations: Sequence[Allocation]) -> list[Line]:
    held = ledger.balances(session, [ledger.allocation(a.id) for a in allocations])
    days = usage.by_day(session, [a.id for a in allocations])
    lines = []
    for allocation in allocations:
        balance = held.get(ledger.allocation(allocation.id), {})
        lines.append(
            Line(
                allocation=allocation,
                granted=allocation.amount,
                reserved=balance.get(Purpose.RESERVED, 0),
                used=balance.get(Purpose.USED, 0),
                left=balance.get(Purpose.AVAILABLE, 0),
                days=days.get(allocation.id, {}),
            )
        )
    return lines


def last_end(session: Session, project: Project) -> datetime:
    """When the project's longest live allocation ends; now when it has none."""
    live = Allocation.state.in_([AllocationState.ACTIVE, AllocationState.SUSPENDED])
    query = select(Allocation.ends_at).where(Allocation.project_id == project.id, live)
    return max(session.scalars(query), default=clock.now())


def readable(
    session: Session, allocation: Allocation, entries: Sequence[Entry]
) -> list[tuple[Entry, str, str]]:
    """Each entry with the words of the two accounts that it moved units between."""
    ids = {entry.source_id for entry in entries} | {entry.target_id for entry in entries}
    query = select(Account.id, Account.purpose).where(Account.id.in_(ids))
    purposes = dict(session.execute(query).all())
    return [(e, WORDS[purposes[e.source_id]], WORDS[purposes[e.target_id]]) for e in entries]


def with_names(session: Session, records: Sequence[UsageRecord]) -> list[tuple[UsageRecord, str]]:
    """Each usage record with the name of whoever ran it."""
    ids = {record.person_id for record in records if record.person_id is not None}
    query = select(Person.id, Person.name).where(Person.id.in_(ids))
    names = dict(session.execute(query).all())
    return [(record, names.get(record.person_id or 0, "")) for record in records]
