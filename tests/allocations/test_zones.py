"""Local times: one moment, or a sentence that says why there is not exactly one."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocations.kernel import zones


@pytest.mark.parametrize(
    ("wall", "zone", "expected"),
    [
        ("2026-05-01T17:00", "UTC", "2026-05-01T17:00"),
        ("2026-05-01T17:00", "Europe/Paris", "2026-05-01T15:00"),
        ("2026-01-01T17:00", "Europe/Paris", "2026-01-01T16:00"),
        ("2026-03-29T01:59", "Europe/Paris", "2026-03-29T00:59"),
        ("2026-03-29T03:00", "Europe/Paris", "2026-03-29T01:00"),
        ("2026-05-01T17:00", "Asia/Kathmandu", "2026-05-01T11:15"),
        ("2026-05-01T05:00", "Pacific/Kiritimati", "2026-04-30T15:00"),
    ],
)
def test_a_local_time_is_one_moment(wall: str, zone: str, expected: str) -> None:
    assert zones.instant(datetime.fromisoformat(wall), zone) == datetime.fromisoformat(expected + "+00:00")


@pytest.mark.parametrize(
    ("wall", "zone", "words"),
    [
        ("2026-03-29T02:30", "Europe/Paris", "put forward .* 02:30 on 29 March 2026 does not exist"),
        ("2026-03-29T02:00", "Europe/Paris", "does not exist"),
        ("2026-10-25T02:30", "Europe/Paris", "put back .* 02:30 on 25 October 2026 comes twice"),
        ("2026-03-08T02:15", "America/Chicago", "does not exist"),
        # Half an hour only.
        ("2026-10-04T02:15", "Australia/Lord_Howe", "does not exist"),
        # A whole day was left out.
        ("2011-12-30T12:00", "Pacific/Apia", "does not exist"),
    ],
)
def test_a_local_time_that_is_none_or_two_is_refused(wall: str, zone: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        zones.instant(datetime.fromisoformat(wall), zone)


@given(st.integers(946_684_800, 7_258_118_400), st.sampled_from(sorted(zones.known())))
def test_what_is_shown_is_read_back_as_the_same_moment(seconds: int, zone: str) -> None:
    at = datetime.fromtimestamp(seconds, UTC)
    wall = zones.local(at, zone).replace(tzinfo=None, fold=0)
    try:
        again = zones.instant(wall, zone)
    except ValueError as error:
        comes_twice = "comes twice" in str(error)
        assert comes_twice
    else:
        assert again == at


def test_zones_that_depend_on_the_machine_are_not_known() -> None:
    assert {"Europe/Paris", "America/Chicago", "UTC"} <= zones.known()
    assert not {"localtime", "Factory", "", "posixrules"} & zones.known()
