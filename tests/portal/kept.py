"""The rows of the demo programme, read from the file in which it was told, for databases of other kinds."""

import functools
from pathlib import Path

from allocations.kernel import db
from portal.migrations import METADATA
from tests import kept
from tests.kept import Kept
from tests.portal.stage import Portal


def fill(portal: Portal, file: Path) -> None:
    with portal.engine.begin() as connection:
        kept.put(connection, _rows(file))


@functools.cache
def _rows(file: Path) -> Kept:
    engine = db.create_engine(f"sqlite:///{file}")
    with engine.connect().execution_options(reading=True) as connection:
        found = kept.keep(connection, METADATA)
    engine.dispose()
    return found
