"""Rows in general: what every mapped class keeps to."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.kernel import clock
from allocations.kernel.db import Base
from allocations.people.persons import Person
from tests.cast import Cast


def test_rows_are_the_same_only_when_they_are_the_same_object(cast: Cast) -> None:
    by_value = [m.class_.__name__ for m in Base.registry.mappers if m.class_.__eq__ is not object.__eq__]

    assert by_value == []
    assert {cast.call, cast.call} == {cast.call}


def test_a_time_comes_back_as_aware_utc(session: Session, cast: Cast) -> None:
    person, now = cast.person(cast.sam), clock.now()
    person.disabled_at = now
    session.commit()
    session.expire_all()

    assert session.scalars(select(Person.disabled_at).where(Person.id == person.id)).one() == now


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"), clock.at(clock.now().replace(tzinfo=None)):
        pass
