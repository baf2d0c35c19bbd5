"""Fixtures over the demo programme; `tests/portal` and `tests/guards` take them in."""

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from portal import migrations
from portal.provider import keys
from portal.provider.keys import KeyRing
from portal.settings import Settings
from tests.portal import stage
from tests.portal.stage import SECRET, Portal

__all__ = ["demo_file", "portal", "portal_on_engine"]


@functools.cache
def _keys() -> KeyRing:
    """Signing keys, made once a run."""
    return keys.first()


def _settings(folder: Path, **changes: object) -> Settings:
    keys.write(folder / "keys.json", _keys())
    given = {
        "database_url": f"sqlite:///{folder}/portal.db",
        "data_dir": str(folder),
        "secret_key": SECRET,
        "provider_keys": str(folder / "keys.json"),
    }
    return Settings(mode="test", **{**given, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def demo_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo programme as a SQLite file; nobody writes to this one."""
    folder = tmp_path_factory.mktemp("demo")
    portal = stage.opened(_settings(folder))
    migrations.METADATA.create_all(portal.engine)
    stage.fill(portal)
    with portal.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    portal.engine.dispose()
    return folder / "portal.db"


@pytest.fixture
def portal(demo_file: Path, tmp_path: Path) -> Iterator[Portal]:
    """A copy of the demo programme of its own."""
    (tmp_path / "portal.db").write_bytes(demo_file.read_bytes())
    opened = stage.opened(_settings(tmp_path))
    yield opened
    opened.engine.dispose()


@pytest.fixture
def portal_on_engine(engine: Engine, tmp_path: Path) -> Iterator[Portal]:
    """The demo programme on each database in turn: for what only a real one decides."""
    url = engine.url.render_as_string(hide_password=False)
    opened = stage.opened(_settings(tmp_path, database_url=url))
    stage.fill(opened)
    yield opened
    opened.engine.dispose()
