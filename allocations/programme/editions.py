"""What changed between two editions of a call, field by field and in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allocations.kernel import units, zones
from allocations.programme.steps import NAMES, StepKind
from allocations.programme.wording import WHEN

Content = Mapping[str, Any]
PLAIN = {
    "title": "Title",
    "lane": "Lane",
    "summary": "Summary",
    "opens_at": "Opening",
    "closes_at": "Close",
    "timezone": "Time zone",
    "max_months": "Longest award in months",
    "per_person": "Proposals of one PI",
    "grace_minutes": "Grace after the close in minutes",
    "assurance": "Proof of the PI’s identity",
    "reviewed_by": "Who reviews",
    "disclosure": "Who learns whose name",
    "reviewers": "Reviewers for each proposal",
    "decided_by": "Who decides",
    "high_risk_percent": "Per cent kept for high-risk proposals",
    "first_time_percent": "Per cent kept for first-time PIs",
}
PARTS = {"section": "section", "kind": "kind", "hint": "hint", "needed": "whether an answer is needed"}
PARTS |= {"words": "words at most", "least": "least", "most": "most", "options": "options"}


@dataclass(frozen=True, slots=True)
class Change:
    """`before` and `after` are empty where only the fact is public: letters."""

    label: str
    before: str = ""
    after: str = ""


def changes(older: Content, newer: Content) -> list[Change]:
    zone = newer["timezone"]
    found = [
        Change(label, _plain(older.get(name), zone), _plain(newer.get(name), zone))
        for name, label in PLAIN.items()
        if older.get(name) != newer.get(name)
    ]
    found += _keyed("Days for {}", _steps(older), _steps(newer))
    found += _keyed("Amount of {}", _amounts(older, "pools"), _amounts(newer, "pools"))
    found += _keyed("Most of {} for one proposal", _amounts(older, "most"), _amounts(newer, "most"))
    found += _questions(older, newer)
    if older["criteria"] != newer["criteria"]:
        found.append(Change("The rubric"))
    letters = older["letters"], newer["letters"]
    found += [
        Change(f"Words of the letter {WHEN[k]}") for k in WHEN if letters[0].get(k) != letters[1].get(k)
    ]
    return found


def _plain(value: object, zone: str) -> str:
    text = "" if value is None else str(value)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{zones.local(at, zone):%-d %B %Y, %H:%M} ({zone})" if at.tzinfo else text


def _steps(content: Content) -> dict[str, str]:
    return {NAMES[StepKind(kind)][0]: str(days) for kind, days in content["steps"].items()}


def _amounts(content: Content, name: str) -> dict[str, str]:
    return {slug: units.shown(amount) for slug, amount in content[name].items()}


def _keyed(label: str, older: Mapping[str, str], newer: Mapping[str, str]) -> list[Change]:
    keys = dict.fromkeys([*older, *newer])
    pairs = ((key, older.get(key, "none"), newer.get(key, "none")) for key in keys)
    return [Change(label.format(key), before, after) for key, before, after in pairs if before != after]


def _questions(older: Content, newer: Content) -> list[Change]:
    was, now = ({q["label"]: q for q in content["questions"]} for content in (older, newer))
    found = [Change(f"New question: {label}") for label in now if label not in was]
    found += [Change(f"Question left out: {label}") for label in was if label not in now]
    for label in (label for label in now if label in was):
        found += [
            Change(f"“{label}”, {words}", _said(was[label][part]), _said(now[label][part]))
            for part, words in PARTS.items()
            if was[label][part] != now[label][part]
        ]
    return found


def _said(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
