"""A portal for each test that is a provider, and one certified client program for the whole folder."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.federation import certified
from tests.federation.stage import Browser, Portal
from tests.provider import party as parties
from tests.provider import stage
from tests.provider.party import Party
from tests.provider.stage import Site

if not certified.node():
    if os.environ.get("REQUIRE_NODE") == "1":
        raise pytest.UsageError("REQUIRE_NODE is set, but there is no Node with npm to test with")
    collect_ignore_glob = ["test_*_client.py"]


@pytest.fixture(scope="package")
def party() -> Iterator[Party]:
    with parties.running() as started:
        yield started


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    with stage.running(tmp_path) as started:
        yield started


@pytest.fixture
def browsers(portal: Portal) -> Iterator[Callable[[], Browser]]:
    """Each call is another browser with a jar of cookies of its own."""
    with ExitStack() as stack:

        def opened() -> Browser:
            made = Browser(portal)
            stack.callback(made.close)
            return made

        yield opened


@pytest.fixture
def browser(browsers: Callable[[], Browser]) -> Browser:
    """Priya's, logged in."""
    return stage.log_in(browsers(), "priya")


@pytest.fixture
def site(portal: Portal, party: Party) -> Site:
    return stage.site(portal, party, "site-a", house="North Computing")
