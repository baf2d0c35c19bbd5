"""The steps of a call: what happens to a proposal after submission, in which order, and how fast."""

import enum


class StepKind(enum.StrEnum):
    """In the order in which they come; a call leaves out what it does not need."""

    ADMIN_CHECK = "admin_check"
    TECHNICAL = "technical"
    REVIEW = "review"
    REBUTTAL = "rebuttal"
    DISCUSSION = "discussion"
    PANEL = "panel"
    DECISION = "decision"
    ACCEPTANCE = "acceptance"

    @property
    def place(self) -> int:
        return list(StepKind).index(self)


# What each step is called, and who is expected to act.
NAMES = {
    StepKind.ADMIN_CHECK: ("Administrative check", "programme office"),
    StepKind.TECHNICAL: ("Technical assessment", "resource provider"),
    StepKind.REVIEW: ("Review", "reviewers"),
    StepKind.REBUTTAL: ("Reply of the PI", "PI"),
    StepKind.DISCUSSION: ("Discussion", "reviewers"),
    StepKind.PANEL: ("Panel", "panel chair"),
    StepKind.DECISION: ("Decision", "whoever decides in this call"),
    StepKind.ACCEPTANCE: ("Acceptance of the award", "PI"),
}
# Days until an answer is expected, unless the call says otherwise.
USUAL_DAYS = {
    StepKind.ADMIN_CHECK: 5,
    StepKind.TECHNICAL: 7,
    StepKind.REVIEW: 21,
    StepKind.REBUTTAL: 7,
    StepKind.DISCUSSION: 7,
    StepKind.PANEL: 14,
    StepKind.DECISION: 7,
    StepKind.ACCEPTANCE: 30,
}
# Nobody has to act for these to be over: their time passes.
TIMED = frozenset({StepKind.REBUTTAL, StepKind.DISCUSSION})
# What a call has unless its officer chooses otherwise: kind -> days, as a call keeps it.
STANDARD = {
    str(kind): USUAL_DAYS[kind]
    for kind in (
        StepKind.ADMIN_CHECK,
        StepKind.REVIEW,
        StepKind.PANEL,
        StepKind.DECISION,
        StepKind.ACCEPTANCE,
    )
}
LONGEST = 365
