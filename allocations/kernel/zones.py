"""Time zones: what a clock on the wall somewhere shows, and the moment that it means."""

import functools
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones


@functools.cache
def known() -> frozenset[str]:
    """UTC and the places of the IANA list; not `localtime` and the like, which depend on the machine."""
    return frozenset(name for name in available_timezones() if "/" in name and name[:4] != "Etc/") | {"UTC"}


def local(at: datetime, zone: str) -> datetime:
    return at.astimezone(ZoneInfo(zone))


def instant(wall: datetime, zone: str) -> datetime:
    """The moment at which clocks in this zone show `wall`; raises ValueError unless there is exactly one.

    When clocks are put forward an hour is left out, and when they are put back one comes twice.
    """
    place = ZoneInfo(zone)
    earlier, later = (wall.replace(tzinfo=place, fold=fold).astimezone(UTC) for fold in (0, 1))
    if earlier == later:
        return earlier
    exists = earlier.astimezone(place).replace(tzinfo=None) == wall
    clocks, what = ("back", "comes twice") if exists else ("forward", "does not exist")
    raise ValueError(
        f"Clocks in {zone} are put {clocks} that night, so {wall:%H:%M} on {wall:%-d %B %Y} {what}. "
        "Choose a time that is an hour earlier or later."
    )
