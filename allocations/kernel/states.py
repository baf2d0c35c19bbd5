"""States that people move: tables of moves, and the one place that assigns `.state`."""

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Protocol

from sqlalchemy.orm import Session

from allocations.kernel import audit, clock
from allocations.kernel.audit import Doer
from allocations.kernel.errors import IllegalMove, Stale

Moves = Mapping[Any, frozenset[Any]]


class Movable(Protocol):
    """A row with a state. `NOUN` names it in the audit trail, `MOVES` lists what may follow what."""

    NOUN: ClassVar[str]
    MOVES: ClassVar[Moves]
    state: Any
    state_since: datetime
    version: int

    @property
    def ref(self) -> str: ...


def move(session: Session, thing: Movable, to: enum.StrEnum, actor: Doer, *, note: str = "") -> None:
    """Change the state if the table allows it, and put it on the audit trail.

    Two people at the same moment: the row's version column makes the second one fail at flush.
    """
    if to not in thing.MOVES.get(thing.state, frozenset()):
        was = str(thing.state).replace("_", " ")
        raise IllegalMove(
            f"This {thing.NOUN.replace('_', ' ')} is already {was}; that step is not possible now."
        )
    thing.state = to
    thing.state_since = clock.now()
    audit.record(session, actor, f"{thing.NOUN}.{to}", subject=thing.ref, note=note)


def expect(thing: Movable, version: int | None) -> None:
    """Refuse an edit made on an older reading of the row; None when the caller has no reading to compare."""
    if version is not None and thing.version != version:
        raise Stale
