"""The rows of the demo programme, kept from its first telling on each kind of database."""

from typing import Any

from sqlalchemy import Connection, Select, Table, func, insert, select, text

from portal.migrations import METADATA
from tests.portal import stage
from tests.portal.stage import Portal

Rows = dict[str, list[dict[str, Any]]]
_told: dict[str, Rows] = {}


def fill(portal: Portal) -> None:
    """Tells the story on the first database of its kind; the next ones get the same rows at once."""
    kind = portal.engine.dialect.name
    if kind in _told:
        with portal.engine.begin() as connection:
            _put(connection, _told[kind])
        return
    stage.fill(portal)
    with portal.engine.begin() as connection:
        _told[kind] = {
            table.name: [dict(row) for row in connection.execute(_in_order(table)).mappings()]
            for table in METADATA.sorted_tables
        }


def _in_order(table: Table) -> Select[Any]:
    """Rows of one table may refer to older ones of the same."""
    return select(table).order_by(*table.primary_key)


def _put(connection: Connection, rows: Rows) -> None:
    for table in METADATA.sorted_tables:
        if rows[table.name]:
            connection.execute(insert(table), rows[table.name])
            _count_on(connection, table)


def _count_on(connection: Connection, table: Table) -> None:
    """PostgreSQL's next number comes after the rows that brought their own."""
    key = table.autoincrement_column
    if key is None or connection.dialect.name != "postgresql":
        return
    sequence = connection.scalar(select(func.pg_get_serial_sequence(table.name, key.name)))
    if sequence:
        largest = select(func.max(key)).scalar_subquery()
        connection.execute(select(func.setval(text(f"'{sequence}'"), largest)))
