"""The answer of a rule: yes, or no with the reason that people are shown."""

from dataclasses import dataclass

from allocations.kernel.errors import NotAllowed


@dataclass(frozen=True, slots=True)
class Answer:
    allowed: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.allowed


YES = Answer(True)


def no(reason: str) -> Answer:
    return Answer(False, reason)


def when(condition: object, reason: str) -> Answer:
    """Yes when the condition holds, otherwise no with the reason."""
    return YES if condition else no(reason)


def first_no(*answers: Answer) -> Answer:
    """Yes when all are yes, otherwise the first refusal."""
    return next((answer for answer in answers if not answer), YES)


def require(answer: Answer) -> None:
    if not answer:
        raise NotAllowed(answer.reason)
