"""Fixtures over the demo programme; `tests/portal` and `tests/guards` take them in."""

import fcntl
import functools
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine

from portal import migrations
from portal.provider import keys
from portal.provider.keys import KeyRing
from portal.settings import Settings
from tests.portal import kept, stage
from tests.portal.stage import SECRET, Portal

__all__ = ["demo_file", "empty_portal", "opened_once", "portal", "portal_on_engine"]

Opener = Callable[[str], Portal]


@functools.cache
def _keys() -> KeyRing:
    """Signing keys, made once a run."""
    return keys.first()


def _settings(folder: Path, **changes: object) -> Settings:
    given = {
        "database_url": f"sqlite:///{folder}/portal.db",
        "data_dir": str(folder),
        "secret_key": SECRET,
        "provider_keys": str(folder / "keys.json"),
    }
    return Settings(mode="test", **{**given, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def demo_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo programme as a SQLite file, told by the process that comes first; nobody writes to it."""
    mine = tmp_path_factory.getbasetemp()
    folder = (mine.parent if "PYTEST_XDIST_WORKER" in os.environ else mine) / "demo"
    folder.mkdir(exist_ok=True)
    file = folder / "portal.db"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            _told(tmp_path_factory.mktemp("told")).rename(file)
    return file


def _told(folder: Path) -> Path:
    keys.write(folder / "keys.json", _keys())
    portal = stage.opened(_settings(folder))
    migrations.METADATA.create_all(portal.engine)
    stage.fill(portal)
    with portal.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    portal.engine.dispose()
    return folder / "portal.db"


_opened: dict[str, Portal] = {}


@pytest.fixture(scope="session")
def opened_once(tmp_path_factory: pytest.TempPathFactory) -> Opener:
    """One application for each database: compiling its pages and statements takes longer than most tests.

    Kept outside of the fixture, which is another one in each folder that takes it in.
    """

    def open_for(url: str) -> Portal:
        if url not in _opened:
            folder = tmp_path_factory.mktemp("portal")
            _opened[url] = stage.opened(_settings(folder, **({"database_url": url} if url else {})))
        return _opened[url]

    return open_for


@contextmanager
def _untouched(portal: Portal) -> Iterator[Path]:
    """Its folder anew, and afterwards the application as it was."""
    folder, before = Path(portal.settings.data_dir), dict(portal.app.extensions)
    shutil.rmtree(folder)
    folder.mkdir()
    keys.write(folder / "keys.json", _keys())
    yield folder
    portal.app.extensions.clear()
    portal.app.extensions.update(before)
    portal.engine.dispose()


@pytest.fixture
def portal(demo_file: Path, opened_once: Opener) -> Iterator[Portal]:
    """The demo programme as if nobody had touched it, in a file."""
    opened = opened_once("")
    with _untouched(opened) as folder:
        (folder / "portal.db").write_bytes(demo_file.read_bytes())
        yield opened


@pytest.fixture
def empty_portal(engine: Engine, opened_once: Opener) -> Iterator[Portal]:
    """Without the demo programme."""
    opened = opened_once(engine.url.render_as_string(hide_password=False))
    with _untouched(opened):
        yield opened


@pytest.fixture
def portal_on_engine(empty_portal: Portal, demo_file: Path) -> Portal:
    """The demo programme on each database in turn: for what only a real one decides."""
    kept.fill(empty_portal, demo_file)
    return empty_portal
