"""A certified client logs people in through the portal, and what it must not get away with."""

import pytest

from tests.federation.stage import Browser
from tests.provider.party import Failed
from tests.provider.stage import ALL, Site, arrive, told


def test_a_certified_client_logs_a_person_in(site: Site, browser: Browser) -> None:
    done = site.log_in(browser, ALL)

    claims = done["claims"]
    assert claims["iss"] == site.portal.address
    assert claims["aud"] == "site-a"
    assert claims["name"] == "Priya"
    assert claims["exp"] - claims["iat"] == 600
    assert done["expires_in"] == 600
    assert len(claims["sub"]) == 32
