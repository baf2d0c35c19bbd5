"""What is known of a person's place at their institution, through the identity they are here with."""

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta

from allocations.kernel import clock
from allocations.people.persons import Identity, Person, Place

# How long a released affiliation counts after the log-in that carried it.
FRESH = timedelta(days=30)
STAFF = frozenset({"faculty", "staff", "employee"})
_RAF = "https://refeds.org/assurance/"


class Level(enum.StrEnum):
    """How well a person's identity was proofed (REFEDS Assurance Framework 2.0, 4.2)."""

    ANY = "any"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        return list(Level).index(self)


SAID = {
    _RAF + "IAP/low": Level.LOW,
    _RAF + "IAP/medium": Level.MEDIUM,
    _RAF + "profile/cappuccino": Level.MEDIUM,
    _RAF + "IAP/high": Level.HIGH,
    _RAF + "profile/espresso": Level.HIGH,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """Only what the identity in use says counts; a linked one never adds to it (AARC-G031)."""

    institution: str = ""
    is_suspended: bool = False
    affiliations: tuple[str, ...] = ()
    affiliated_at: datetime | None = None
    level: Level = Level.ANY
    confirmed_as: Place | None = None
    confirmed_until: datetime | None = None

    @property
    def is_confirmed(self) -> bool:
        """By a representative of the institution, and still."""
        return self.confirmed_until is not None and clock.now() < self.confirmed_until

    @property
    def is_fresh(self) -> bool:
        return self.affiliated_at is not None and clock.now() - self.affiliated_at < FRESH

    @property
    def place(self) -> Place | None:
        """A student who is staff as well is a researcher; `member` alone may be anybody but a student."""
        kinds = set(self.kinds) if self.is_fresh else set()
        found = {self.confirmed_as} if self.is_confirmed else set()
        if kinds & STAFF or ("member" in kinds and "student" not in kinds) or Place.RESEARCHER in found:
            return Place.RESEARCHER
        return Place.STUDENT if "student" in kinds or Place.STUDENT in found else None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The affiliations without their scopes."""
        return tuple(text.partition("@")[0].lower() for text in self.affiliations)


NOWHERE = Standing()


def standing_of(person: Person, identity: Identity | None) -> Standing:
    home = person.institution
    return Standing(
        institution=home.name if home else "",
        is_suspended=home is not None and home.suspended_at is not None,
        affiliations=tuple(identity.affiliations) if identity else (),
        affiliated_at=identity.affiliated_at if identity else None,
        level=_level(identity.assurance if identity else []),
        confirmed_as=person.confirmed_as,
        confirmed_until=person.confirmed_until,
    )


def _level(assurance: list[str]) -> Level:
    said = (SAID[value] for value in assurance if value in SAID)
    return max(said, key=lambda level: level.rank, default=Level.ANY)
