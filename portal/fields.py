"""Field types of forms: text, amounts, dates; each refuses with a sentence for people."""

from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from allocations.kernel import units

UNSTORABLE = "This contains a character that cannot be stored. Please type it again."


def storable(text: str, *, lines: bool = True) -> bool:
    """PostgreSQL keeps no NUL, nothing keeps half a character, and no page shows a control character."""
    allowed = "\r\n\t" if lines else ""
    control = any((ord(char) < 32 and char not in allowed) or ord(char) == 127 for char in text)
    return not control and not any(0xD800 <= ord(char) <= 0xDFFF for char in text)


def _clean(limit: int, *, lines: bool) -> AfterValidator:
    def check(text: str) -> str:
        kept = text.replace("\r\n", "\n").strip()
        if len(kept) > limit:
            raise ValueError(f"This is {len(kept):,} characters long; at most {limit:,} fit here.")
        if not storable(kept, lines=lines):
            raise ValueError(UNSTORABLE)
        return kept

    return AfterValidator(check)


def _required(text: str) -> str:
    if not text:
        raise ValueError("This cannot be empty.")
    return text


def _number(text: object) -> object:
    if isinstance(text, str):
        plain = text.strip().replace(",", "")
        if not plain.isascii() or not plain.isdecimal() or len(plain) > 9:
            raise ValueError("Enter a whole number, such as 12.")
        return int(plain)
    return text


def _amount(text: object) -> object:
    return units.micro(text) if isinstance(text, str) else text


def _optional_amount(text: object) -> object:
    if isinstance(text, str) and not text.strip():
        return None
    return _amount(text)


def _moment(text: object) -> object:
    """`2026-05-01T09:00`, in UTC as the form says."""
    if not isinstance(text, str):
        return text
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError("Enter a date and a time, such as 2026-05-01T09:00.") from None
    # The year first: near the ends of the calendar the other zone's date does not exist.
    _in_range(found)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _wall(text: object) -> object:
    """`2026-05-01T09:00` as a clock on the wall shows it; the zone is asked elsewhere."""
    found = _moment(text)
    if isinstance(text, str) and datetime.fromisoformat(text.strip()).tzinfo is not None:
        raise ValueError("Enter a date and a time without a zone, such as 2026-05-01T09:00.")
    return found.replace(tzinfo=None) if isinstance(found, datetime) else found


def _day(text: object) -> object:
    if not isinstance(text, str):
        return text
    if not text.strip():
        return None
    try:
        found = date.fromisoformat(text.strip())
    except ValueError:
        raise ValueError("Enter a date, such as 2026-05-01.") from None
    return _in_range(found)


def _in_range(found: date) -> date:
    if not 2000 <= found.year <= 2200:
        raise ValueError("Enter a year between 2000 and 2200.")
    return found


Line = Annotated[str, _clean(300, lines=False)]
Short = Annotated[str, _clean(120, lines=False)]
# Client ids, issuers, entity ids: as their owner writes them.
Mark = Annotated[str, _clean(255, lines=False), AfterValidator(_required)]
LongMark = Annotated[str, _clean(500, lines=False), AfterValidator(_required)]
# A checkbox sends `yes` or nothing.
Flag = Annotated[bool, BeforeValidator(lambda value: value == "yes" if isinstance(value, str) else value)]
Needed = Annotated[str, _clean(200, lines=False), AfterValidator(_required)]
Heading = Annotated[str, _clean(80, lines=False), AfterValidator(_required)]
Name = Annotated[str, _clean(120, lines=False), AfterValidator(_required)]
Prose = Annotated[str, _clean(20_000, lines=True)]
Note = Annotated[str, _clean(5_000, lines=True)]
# A reviewer's publications with their abstracts.
List = Annotated[str, _clean(500_000, lines=True)]
Number = Annotated[int, BeforeValidator(_number)]
OptionalNumber = Annotated[int | None, BeforeValidator(lambda t: None if t == "" else _number(t))]
Amount = Annotated[int, BeforeValidator(_amount)]
OptionalAmount = Annotated[int | None, BeforeValidator(_optional_amount)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Wall = Annotated[datetime, BeforeValidator(_wall)]
Day = Annotated[date | None, BeforeValidator(_day)]
