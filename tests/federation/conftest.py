"""A portal for each test, a hostile provider, and two certified ones that serve the whole folder."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.federation import certified, hostile, stage
from tests.federation.certified import MFA, NORTH, SOUTH, Certified
from tests.federation.hostile import Hostile
from tests.federation.stage import Browser, Portal

if not certified.node():
    if os.environ.get("REQUIRE_NODE") == "1":
        raise pytest.UsageError("REQUIRE_NODE is set, but there is no Node with npm to test with")
    collect_ignore_glob = ["test_honest.py", "test_linking.py", "test_orcid.py", "test_unlinking.py"]


def pytest_report_header() -> str:
    return f"certified provider: {certified.node() or 'NOT TESTED, no Node with npm found'}"


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    with stage.running(tmp_path) as started:
        yield started


@pytest.fixture
def odd(portal: Portal) -> Iterator[Hostile]:
    """The hostile provider, registered as `odd`, and honest until a test gives it a script."""
    with hostile.running() as provider:
        portal.register_hostile(provider)
        yield provider


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
    return browsers()


@pytest.fixture(scope="package")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Certified]]:
    """Two identity providers; that of the south gives claims of scopes from userinfo alone."""
    folder = tmp_path_factory.mktemp("idp")
    with (
        certified.running("north", NORTH, folder) as north,
        certified.running("south", SOUTH, folder, conform=True, alg="ES256") as south,
    ):
        yield {"north": north, "south": south}


@pytest.fixture
def federated(portal: Portal, federation: dict[str, Certified]) -> Portal:
    """The portal with both providers in its registry."""
    return _registered(portal, federation)


@pytest.fixture
def trusted(portal: Portal, federation: dict[str, Certified]) -> Portal:
    """The same, believed when they speak of second factors."""
    return _registered(portal, federation, trusts_mfa=True)


def _registered(portal: Portal, federation: dict[str, Certified], **more: object) -> Portal:
    homes = {
        "north": {certified.NORTHERN: "northern.example"},
        "south": {certified.SOUTHERN: "southern.example"},
    }
    for name, provider in federation.items():
        portal.register(name, provider.issuer, homes=homes[name], kind="cilogon", **more)
    return portal


@pytest.fixture
def uma(trusted: Portal, browser: Browser) -> Browser:
    """At her desk, here with a second factor."""
    browser.log_in_at("north", "uma", acr=MFA)
    assert browser.logged_in()
    return browser
