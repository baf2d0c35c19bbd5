"""Run by Alembic: online only, on the engine that the portal hands over."""

from alembic import context
from sqlalchemy import Connection

from portal.migrations import METADATA


def run(connection: Connection) -> None:
    # SQLite changes tables by copying them (batch mode).
    context.configure(
        connection=connection, target_metadata=METADATA, render_as_batch=True, compare_type=True
    )
    with context.begin_transaction():
        context.run_migrations()


with context.config.attributes["engine"].connect() as connection:
    run(connection)
    connection.commit()
