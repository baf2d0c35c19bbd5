"""One line of what waits for a person, and the order in which the lines stand."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from allocations.kernel import clock

NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Task:
    """`count` is 0 where there is nothing to count; `due` is the first of its due dates."""

    text: str
    href: str
    count: int = 0
    due: datetime | None = None

    @property
    def is_late(self) -> bool:
        return self.due is not None and self.due < clock.now()

    @property
    def line(self) -> str:
        """For letters."""
        counted = f"{self.text}: {self.count}" if self.count else self.text
        if self.due is None:
            return counted
        return f"{counted} ({'was due' if self.is_late else 'due'} on {self.due:%-d %B %Y})"


def in_order(tasks: Iterable[Task]) -> list[Task]:
    """The earliest due date first, so what is late stands on top; what has none comes last."""
    return sorted(tasks, key=lambda task: task.due or NEVER)
