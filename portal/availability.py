"""What is free of each resource, for the public pages: two statements, whatever the number of pools."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from allocations.accounts.ledger import Account, Purpose
from allocations.accounts.pools import Pool
from allocations.accounts.resources import Resource, all_resources
from allocations.kernel import units
from allocations.programme import calls
from allocations.programme.calls import Call, CallPool


@dataclass(frozen=True, slots=True)
class Line:
    """One resource with what its open pools were given and what is not awarded yet, in micro-units."""

    resource: Resource
    given: int
    free: int

    @property
    def awarded_units(self) -> float:
        return float(units.units(self.given - self.free))

    @property
    def given_units(self) -> float:
        return float(units.units(self.given))


def lines(session: Session) -> list[Line]:
    """All resources; only pools of calls that are open now count."""
    query = (
        select(Pool.resource_id, func.sum(Pool.amount), func.sum(Account.balance))
        .join(Account, Account.pool_id == Pool.id)
        .join(CallPool, CallPool.pool_id == Pool.id)
        .join(Call, Call.id == CallPool.call_id)
        .where(Account.purpose == Purpose.FREE, calls.are_open())
        .group_by(Pool.resource_id)
    )
    sums = {key: (int(given), int(free)) for key, given, free in session.execute(query)}
    return [Line(r, *sums.get(r.id, (0, 0))) for r in all_resources(session)]
