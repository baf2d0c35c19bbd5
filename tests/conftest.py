"""Databases for the tests: SQLite always, and a real PostgreSQL wherever one can be had."""

import importlib
import os
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

import allocations
import datasets
import k8s
from allocations.kernel import db
from tests import kept, postgres, regathered
from tests.cast import Cast

# Examples run one after the other on one database; each cleans up behind itself.
settings.register_profile(
    "house",
    deadline=None,
    max_examples=25,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("house")


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get("REQUIRE_POSTGRES") == "1" and not postgres.offered():
        raise pytest.UsageError("REQUIRE_POSTGRES is set, but there is no PostgreSQL to test on")


def pytest_report_header(config: pytest.Config) -> str:
    words = {"": "NOT TESTED, no binaries found and no TEST_POSTGRES_URL", "url": "TEST_POSTGRES_URL"}
    where = postgres.offered()
    return f"databases: sqlite; postgresql: {words.get(where, 'started from installed binaries')}"


class ByPortal(LoadFileScheduling):
    """A file at a time; those that share one portal with its browser stay in one process."""

    def _split_scope(self, nodeid: str) -> str:
        alone = "tests/browser/"
        return alone if nodeid.startswith(alone) else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByPortal | None:
    return ByPortal(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "engine" in metafunc.fixturenames:
        kinds = ["sqlite", "postgresql"] if postgres.offered() else ["sqlite"]
        metafunc.parametrize("engine", kinds, indirect=True)


def _load_models() -> None:
    for package in (allocations, datasets, k8s):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.startswith("k8s.embedded"):
                importlib.import_module(module.name)


def _number_apart(engine: Engine) -> None:
    """Each table counts from a thousand of its own, so that a key of the wrong kind finds nothing."""
    keys = [table.autoincrement_column for table in db.Base.metadata.sorted_tables]
    numbers = {key: 1000 * place for place, key in enumerate(keys, 1) if key is not None}
    with engine.begin() as connection:
        kept.count(connection, numbers)


@pytest.fixture(scope="session")
def engines(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str], Engine]]:
    """Opens each engine once, at its first use, with all tables in it."""
    _load_models()
    opened: dict[str, Engine] = {}
    with ExitStack() as stack:

        def engine_of(kind: str) -> Engine:
            if kind not in opened:
                url = f"sqlite:///{tmp_path_factory.mktemp('db')}/test.sqlite"
                if kind == "postgresql":
                    url = stack.enter_context(postgres.database(f"commons_test_{os.getpid()}"))
                opened[kind] = db.create_engine(url)
                stack.callback(opened[kind].dispose)
                db.Base.metadata.create_all(opened[kind])
                if kind == "postgresql":
                    _number_apart(opened[kind])
            return opened[kind]

        yield engine_of


@pytest.fixture
def engine(request: pytest.FixtureRequest, engines: Callable[[str], Engine]) -> Iterator[Engine]:
    """An empty database. Code under test commits, so rows are deleted instead of rolled back."""
    opened = engines(request.param)
    yield opened
    deletes = [f'DELETE FROM "{table.name}"' for table in reversed(db.Base.metadata.sorted_tables)]
    with opened.begin() as connection:
        # A server takes them all in one message; SQLite takes one at a time.
        for message in ["; ".join(deletes)] if request.param == "postgresql" else deletes:
            connection.exec_driver_sql(message)


@pytest.fixture
def sessions(engine: Engine) -> sessionmaker[Session]:
    return sessionmaker(engine, expire_on_commit=False)


@pytest.fixture
def session(sessions: sessionmaker[Session]) -> Iterator[Session]:
    with sessions() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    """Everybody of the design page, two resources, an open call and two datasets; committed."""
    return regathered.gather(session)
