"""Facts in the past tense: frozen dataclasses of ids, with their names as the wire form."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

_known: dict[str, type["Event"]] = {}


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events. A subclass registers itself; its fields are ids and plain values only."""

    AUDIENCE: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        # No super(): with slots=True the decorator makes the class anew, and the newest one counts.
        _known[cls.__name__] = cls


def encode(event: Event) -> tuple[str, dict[str, Any]]:
    return type(event).__name__, asdict(event)


def decode(name: str, payload: dict[str, Any]) -> Event:
    return _known[name](**payload)


def known() -> dict[str, type[Event]]:
    return dict(_known)
