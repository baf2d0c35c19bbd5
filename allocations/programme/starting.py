"""Ready starting points for a call: what an officer changes instead of writing it from nothing."""

import enum
from datetime import timedelta

from allocations.kernel import clock
from allocations.programme.calls import Decider, Disclosure, Lane, Reviewers
from allocations.programme.opening import CallDraft, CriterionDraft
from allocations.programme.questions import QuestionDraft, QuestionKind
from allocations.programme.steps import USUAL_DAYS, StepKind


class Start(enum.StrEnum):
    RULE = "rule"
    PANEL = "panel"
    APPLICANTS = "applicants"


NAMES = {
    Start.RULE: ("Starter, decided by rule", "One short page; what fits the limits is awarded at once."),
    Start.PANEL: (
        "Panel with experts",
        "Experts review, the PI replies, a panel meets and its chair decides.",
    ),
    Start.APPLICANTS: (
        "Applicants review each other",
        "Who applies reviews a few others, without names on either side; the office decides.",
    ),
}
ANCHORS = ("Poor", "Fair", "Good", "Very good", "Excellent")
MERIT = CriterionDraft("Scientific merit", 40, ANCHORS)
NEED = CriterionDraft("Need for these resources", 30, ANCHORS)
PLAN = CriterionDraft("Feasibility of the plan", 30, ANCHORS)
SHORT_FORM = (
    QuestionDraft(
        section="Case",
        kind=QuestionKind.TEXT,
        label="What will you try out?",
        hint="Two or three sentences are enough.",
        words=150,
    ),
)
_REVIEWED = (StepKind.ADMIN_CHECK, StepKind.REVIEW, StepKind.DECISION, StepKind.ACCEPTANCE)
_PANEL = (StepKind.TECHNICAL, StepKind.REBUTTAL, StepKind.DISCUSSION, StepKind.PANEL)


def draft_for(start: Start, *, title: str) -> CallDraft:
    """Opens in four weeks for four weeks; the summary and the pools are for the officer to give."""
    opens_at = clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(weeks=4)
    choices = {Start.RULE: _rule, Start.PANEL: _panel, Start.APPLICANTS: _applicants}[start]()
    common = {"title": title, "summary": "", "opens_at": opens_at, "pools": {}}
    return CallDraft(**common, closes_at=opens_at + timedelta(weeks=4), **choices)  # type: ignore[arg-type]


def _days(*kinds: StepKind) -> dict[str, int]:
    return {str(kind): USUAL_DAYS[kind] for kind in sorted(kinds, key=lambda kind: kind.place)}


def _rule() -> dict[str, object]:
    return {
        "lane": Lane.STARTER,
        "reviewers": 1,
        "max_months": 6,
        "criteria": (),
        "steps": _days(StepKind.DECISION),
        "decided_by": Decider.RULE,
        "per_person": 1,
        "questions": SHORT_FORM,
    }


def _panel() -> dict[str, object]:
    return {
        "lane": Lane.LARGE,
        "reviewers": 3,
        "max_months": 12,
        "criteria": (MERIT, NEED, PLAN),
        "steps": _days(*_REVIEWED, *_PANEL),
        "decided_by": Decider.CHAIR,
    }


def _applicants() -> dict[str, object]:
    return {
        "lane": Lane.STANDARD,
        "reviewers": 4,
        "max_months": 12,
        "criteria": (MERIT, PLAN),
        "steps": _days(*_REVIEWED),
        "reviewed_by": Reviewers.APPLICANTS,
        "per_person": 1,
        "disclosure": Disclosure.DOUBLE_BLIND,
        "decided_by": Decider.OFFICER,
    }
