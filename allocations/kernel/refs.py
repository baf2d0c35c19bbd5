"""Public references such as AIR26-0042: what people quote, and what stands in addresses."""

import re
from datetime import datetime
from typing import ClassVar, TypeVar

from sqlalchemy import ColumnElement, Integer, cast, func
from sqlalchemy.orm import InstrumentedAttribute, Mapped, MappedAsDataclass, mapped_column

from allocations.kernel import clock
from allocations.kernel.errors import NotFound

_SHAPE = re.compile(r"([A-Z]{2,5})(\d{2})-(\d{4,10})", re.ASCII)


class Referenced(MappedAsDataclass, kw_only=True, repr=False, eq=False):
    """Rows with a public reference: prefix, year of creation, running number."""

    PREFIX: ClassVar[str]

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    created_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)

    @property
    def ref(self) -> str:
        return spelt(type(self), self.id, self.created_at)


def spelt(model: type[Referenced], number: int, created_at: datetime) -> str:
    """The reference of a row of which only this much is known."""
    return f"{model.PREFIX}{created_at:%y}-{number:04d}"


Model = TypeVar("Model", bound=Referenced)


def id_of(model: type[Referenced], ref: str) -> int:
    """The integer key in a reference; raises NotFound for anything that is not one of this model's."""
    match = _SHAPE.fullmatch(ref)
    if match is None or match[1] != model.PREFIX or int(match[3]) >= 2**31:
        raise NotFound
    return int(match[3])


def id_in(model: type[Referenced], column: InstrumentedAttribute[str]) -> ColumnElement[int]:
    """The same as SQL, of a column that holds well-formed references of this model and nothing else."""
    return cast(func.substr(column, len(model.PREFIX) + len("26-") + 1), Integer)


def checked(thing: Model | None, ref: str) -> Model:
    """The row, unless it is missing or its reference is spelt differently (wrong year, extra zeros)."""
    if thing is None or thing.ref != ref:
        raise NotFound
    return thing
