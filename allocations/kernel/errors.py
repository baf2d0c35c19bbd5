"""What a verb can answer instead of doing its work. The portal turns each into a page and a status."""

from collections.abc import Mapping


class DomainError(Exception):
    """A refusal with a sentence that may be shown to the person who asked."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotFound(DomainError):
    """The thing does not exist, or must not be seen to exist by this actor."""

    def __init__(self, reason: str = "There is nothing here that you can open.") -> None:
        super().__init__(reason)


class NotAllowed(DomainError):
    """The actor sees the thing but may not do this to it (now)."""


class IllegalMove(DomainError):
    """The state table has no such move: mostly somebody else was quicker."""


class Stale(DomainError):
    """The thing changed since the actor read it."""

    def __init__(self, reason: str = "Somebody changed this while you had it open.") -> None:
        super().__init__(reason)


class Invalid(DomainError):
    """Field messages for input that breaks a rule."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("; ".join(fields.values()))
        self.fields = dict(fields)


class Incomplete(Invalid):
    """Something that must be filled in before this step is missing."""
