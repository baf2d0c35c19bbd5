"""Taking a log-in off: never the last one, never the one in use, and its sessions are over."""

from collections.abc import Callable

import pytest

from tests.federation.certified import MFA, SAME_SUB
from tests.federation.linked import REMOVE, confirmed, letters, other, owners, removable
from tests.federation.stage import Browser, Portal

Browsers = Callable[[], Browser]


def test_a_log_in_is_taken_off_and_its_sessions_end(
    trusted: Portal, uma: Browser, browsers: Browsers
) -> None:
    confirmed(uma, other(uma))
    elsewhere, copy = browsers(), browsers()
    elsewhere.log_in_at("south", SAME_SUB)
    copy.jar.cookies.update({cookie.name: cookie.value for cookie in elsewhere.jar.cookies})
    (second,) = removable(uma)

    answer = uma.post(REMOVE, {"identity": second})

    assert "no longer opens your account" in answer.text
    assert uma.logged_in()
    assert not elsewhere.logged_in()
    assert owners(trusted) == {"Uma Lind": "Uma Lind"}
    assert letters(trusted, "taken off") == {"uma@northern.example", "ruth@southern.example"}
    # Added again, it does not bring back what had ended.
    confirmed(uma, other(uma))
    assert not copy.logged_in()


def test_the_next_log_in_with_it_begins_a_new_account(
    trusted: Portal, uma: Browser, browsers: Browsers
) -> None:
    confirmed(uma, other(uma))
    uma.post(REMOVE, {"identity": removable(uma)[0]})

    ruth = browsers()
    ruth.log_in_at("south", SAME_SUB)

    assert owners(trusted) == {"Uma Lind": "Uma Lind", "Ruth Okafor": "Ruth Okafor"}
    assert ruth.logged_in()


def test_the_only_log_in_and_the_one_in_use_stay(trusted: Portal, uma: Browser) -> None:
    (mine,) = [row.id for row in trusted.identities()]
    assert removable(uma) == []
    only = uma.post(REMOVE, {"identity": str(mine)})
    confirmed(uma, other(uma))
    used = uma.post(REMOVE, {"identity": str(mine)})

    assert "your only log-in" in only.text
    assert "You are here with this log-in" in used.text
    assert set(owners(trusted)) == {"Uma Lind", "Ruth Okafor"}


def test_taking_off_wants_a_second_factor(trusted: Portal, uma: Browser, browsers: Browsers) -> None:
    confirmed(uma, other(uma))
    weak = browsers()
    weak.log_in_at("north", "uma")

    answer = weak.post(REMOVE, {"identity": removable(uma)[0]}, follow=False)

    assert answer.headers["Location"].startswith("/step-up?")
    assert len(owners(trusted)) == 2


@pytest.mark.parametrize("number", ["", "x", "-1", "0", "9" * 30, "²", "1 OR 1=1"], ids=ascii)
def test_a_log_in_that_there_is_not_is_not_found(number: str, uma: Browser) -> None:
    assert uma.post(REMOVE, {"identity": number}).status_code == 404


def test_nobody_takes_off_the_log_in_of_somebody_else(
    trusted: Portal, uma: Browser, browsers: Browsers
) -> None:
    confirmed(uma, other(uma))
    theirs, nils = removable(uma)[0], browsers()
    nils.log_in_at("north", "nils", acr=MFA)

    assert nils.post(REMOVE, {"identity": theirs}).status_code == 404
    assert len(owners(trusted)) == 3
