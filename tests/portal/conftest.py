"""The demo programme for the tests of this folder."""

from tests.portal.fixtures import demo_file, empty_portal, opened_once, portal, portal_on_engine

__all__ = ["demo_file", "empty_portal", "opened_once", "portal", "portal_on_engine"]
