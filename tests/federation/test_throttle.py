"""A hundred wrong codes from one address: slowed down and recorded, and nobody else notices."""

from collections.abc import Callable

import requests
from sqlalchemy import func, select

from portal.auth.throttle import MOST, Failure
from tests.federation.hostile import Hostile
from tests.federation.stage import Browser, Portal


def _wrong(browser: Browser) -> requests.Response:
    return browser.get("/login/odd/callback?state=made-up&code=guess", follow=False)


def test_a_hundred_wrong_codes_are_slowed_down_and_recorded(odd: Hostile, browser: Browser) -> None:
    codes = [_wrong(browser).status_code for _ in range(100)]

    assert codes == [403] * MOST["code"] + [429] * (100 - MOST["code"])
    last = _wrong(browser)
    assert 0 < int(last.headers["Retry-After"]) <= 600
    assert "Too many" in last.text
    assert _recorded(browser.portal) == {"127.0.0.1": MOST["code"]}


def test_somebody_at_another_address_logs_in_meanwhile(
    odd: Hostile, browsers: Callable[[], Browser], portal: Portal
) -> None:
    """The attacker comes from 127.0.0.2: all of 127/8 is this machine."""
    attacker, honest = browsers(), browsers()
    attacker.come_from("127.0.0.2")
    codes = {_wrong(attacker).status_code for _ in range(MOST["code"] + 1)}

    honest.get(honest.callback())

    assert 429 in codes
    assert honest.logged_in()
    assert _recorded(portal) == {"127.0.0.2": MOST["code"]}


def _recorded(portal: Portal) -> dict[str, int]:
    query = select(Failure.address, func.count()).group_by(Failure.address)
    with portal.sessions() as session:
        return {row[0]: row[1] for row in session.execute(query)}
