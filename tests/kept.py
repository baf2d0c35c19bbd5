"""The rows of a database, kept from their first telling and put into the next empty one at once."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, MetaData, Select, Table, func, insert, select


@dataclass(frozen=True)
class Kept:
    rows: dict[Table, list[dict[str, Any]]]
    # The next number of each column that counts, for PostgreSQL, which does not look at the rows.
    numbers: dict[Column[Any], int]


def keep(connection: Connection, metadata: MetaData) -> Kept:
    found = {table: _rows(connection, table) for table in metadata.sorted_tables}
    rows = {table: listed for table, listed in found.items() if listed}
    counting = {table: table.autoincrement_column for table in rows}
    numbers = {
        key: max(row[key.name] for row in rows[table]) for table, key in counting.items() if key is not None
    }
    return Kept(rows, numbers)


def put(connection: Connection, kept: Kept) -> None:
    """Into empty tables."""
    for table, rows in kept.rows.items():
        connection.execute(insert(table), rows)
    if connection.dialect.name == "postgresql":
        count(connection, kept.numbers)


def count(connection: Connection, numbers: dict[Column[Any], int]) -> None:
    """From these numbers on, in one message; keys that are no sequence have none to set."""
    told = [
        func.setval(func.pg_get_serial_sequence(key.table.name, key.name), last)
        for key, last in numbers.items()
    ]
    if told:
        connection.execute(select(*told))


def _rows(connection: Connection, table: Table) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(_in_order(table)).mappings()]


def _in_order(table: Table) -> Select[Any]:
    """Rows of one table may refer to older ones of the same."""
    return select(table).order_by(*table.primary_key)
