"""The cast as rows: told by verbs for the first test on a database, and put there at once for the next."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.accounts.resources import Provider, Resource
from allocations.kernel import db
from allocations.people.persons import Person
from allocations.people.roles import Actor
from allocations.programme.calls import Call
from datasets.catalogue import Dataset
from tests import cast, kept
from tests.cast import Cast
from tests.kept import Kept


@dataclass(frozen=True)
class _Told:
    kept: Kept
    actors: dict[str, Actor]


_told: dict[str, _Told] = {}


def gather(session: Session) -> Cast:
    """As `cast.gather`, committed; on each kind of database its verbs run once."""
    kind = session.get_bind().dialect.name
    gathered = _put(session, _told[kind]) if kind in _told else cast.gather(session)
    session.commit()
    if kind not in _told:
        actors = {name: getattr(gathered, name) for name in gathered.people}
        _told[kind] = _Told(kept.keep(session.connection(), db.Base.metadata), actors)
        session.commit()
    return gathered


def _put(session: Session, told: _Told) -> Cast:
    kept.put(session.connection(), told.kept)
    gathered = Cast(session)
    people = {person.id: person for person in session.scalars(select(Person))}
    for name, actor in told.actors.items():
        assert actor.person_id is not None
        gathered.people[name] = people[actor.person_id]
        setattr(gathered, name, actor)
    for thing in (*session.scalars(select(Resource)), *session.scalars(select(Dataset))):
        setattr(gathered, thing.slug, thing)
    gathered.provider = session.scalars(select(Provider)).one()
    gathered.call = session.scalars(select(Call)).one()
    return gathered
