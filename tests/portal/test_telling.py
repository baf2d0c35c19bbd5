"""The demo programme can be told on each database, and comes out as it does on the others."""

import pytest
from sqlalchemy import func, select

from portal.migrations import METADATA
from tests import kept
from tests.portal import stage
from tests.portal.stage import Portal


def _numbers(portal: Portal) -> dict[str, int]:
    with portal.engine.begin() as connection:
        count = select(func.count())
        return {
            table.name: connection.scalar(count.select_from(table)) or 0 for table in METADATA.sorted_tables
        }


@pytest.mark.slow
def test_the_story_is_the_same_on_each_database(empty_portal: Portal, portal: Portal) -> None:
    """The tests of this folder begin with rows that were told on SQLite."""
    stage.fill(empty_portal)

    assert _numbers(empty_portal) == _numbers(portal)


def test_rows_that_were_kept_are_the_rows_that_were_told(portal_on_engine: Portal, portal: Portal) -> None:
    with portal_on_engine.engine.begin() as here, portal.engine.begin() as told:
        ours, theirs = (kept.keep(each, METADATA) for each in (here, told))

    assert ours == theirs
    assert len(ours.rows) > 50
