"""The database base: how rows are declared, typed and stored, and how an engine is opened."""

import enum
from datetime import UTC, datetime
from typing import Annotated, Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Enum,
    MetaData,
    TypeDecorator,
    event,
)
from sqlalchemy import create_engine as sqlalchemy_engine
from sqlalchemy.orm import DeclarativeBase, MappedAsDataclass, mapped_column

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UTCDateTime(TypeDecorator[datetime]):
    """Aware UTC in, aware UTC out, also on SQLite, which keeps no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _values(words: type[enum.Enum]) -> list[str]:
    return [word.value for word in words]


# Micro service units, seconds or bytes: whole numbers of 64 bits, never float.
Amount = Annotated[int, mapped_column(BigInteger)]


class Base(MappedAsDataclass, DeclarativeBase, kw_only=True, repr=False, eq=False):
    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads this class attribute
        datetime: UTCDateTime(),
        enum.StrEnum: Enum(
            enum.StrEnum, native_enum=False, create_constraint=True, length=24, values_callable=_values
        ),
        list[str]: JSON(),
        list[list[str]]: JSON(),
        dict[str, int]: JSON(),
        list[dict[str, Any]]: JSON(),
        dict[str, Any]: JSON(),
    }


def create_engine(url: str) -> Engine:
    """An engine with the house's settings for SQLite or PostgreSQL.

    PostgreSQL: the session's zone is UTC, so that the day of a time is the same on every server.
    SQLite: WAL, foreign keys on, and BEGIN IMMEDIATE, so that two writers wait for each other
    instead of failing at their first write after a read.
    """
    if not url.startswith("sqlite"):
        utc = {"options": "-c timezone=UTC"}
        return sqlalchemy_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=10, connect_args=utc)
    engine = sqlalchemy_engine(url, connect_args={"timeout": 30, "isolation_level": None})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "busy_timeout=30000", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    """Readers (execution option `reading`) must not queue behind writers."""
    options = connection.get_execution_options()
    connection.exec_driver_sql("BEGIN" if options.get("reading") else "BEGIN IMMEDIATE")
