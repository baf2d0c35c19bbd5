"""Run by Alembic: online only, on the engine that the portal hands over."""

from alembic import context
from sqlalchemy import Connection

from portal.migrations import METADATA


def run(connection: Connection) -> None:
    # SQLite changes a table by copying it (batch mode).
    context.configure(
        connection=connection, target_metadata=METADATA, render_as_batch=True, compare_type=True
    )
    with context.begin_transaction():
        context.run_migrations()


def keep_references(connection: Connection, word: str) -> None:
    """SQLite drops the old copy of a table that others refer to; it heeds this only between transactions."""
    if connection.dialect.name == "sqlite":
        connection.connection.execute(f"PRAGMA foreign_keys={word}")


def dangling(connection: Connection) -> list[object]:
    """References that lead nowhere; none on databases that have checked all along."""
    if connection.dialect.name != "sqlite":
        return []
    return list(connection.exec_driver_sql("PRAGMA foreign_key_check"))


with context.config.attributes["engine"].connect() as connection:
    keep_references(connection, "OFF")
    try:
        run(connection)
        if dangling(connection):
            raise RuntimeError("the migration would leave references that lead nowhere; nothing is changed")
        connection.commit()
    finally:
        connection.rollback()
        keep_references(connection, "ON")
