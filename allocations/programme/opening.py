"""The officer's verbs on a call: start, edit, copy, publish, correct, conclude."""

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from allocations.accounts.pools import Pool, contribute
from allocations.accounts.resources import Resource
from allocations.kernel import audit, clock, outbox, zones
from allocations.kernel.answers import require
from allocations.kernel.errors import Incomplete, Invalid
from allocations.kernel.events import Event
from allocations.kernel.states import expect, move
from allocations.people.roles import Actor
from allocations.people.standing import Level
from allocations.programme import calls, leftovers, questions, steps, wording
from allocations.programme.calls import (
    Call,
    CallEdition,
    CallLetter,
    CallPool,
    CallState,
    Criterion,
    Decider,
    Disclosure,
    Lane,
    LetterKind,
    Reviewers,
)
from allocations.programme.questions import Question, QuestionDraft, QuestionKind
from allocations.programme.steps import StepKind

# A short form keeps within ten fields: title, abstract, fields of science and months come with every call.
SHORT, ALWAYS_ASKED = 10, 4
# Field -> the least and the most, as the table of calls has them.
RANGES = {
    "reviewers": (1, 9),
    "max_months": (1, 60),
    "per_person": (1, 20),
    "high_risk_percent": (0, 50),
    "first_time_percent": (0, 50),
    "grace_minutes": (0, 1440),
    "appeal_days": (0, 365),
}


@dataclass(frozen=True, slots=True)
class CallPublished(Event):
    call_id: int


@dataclass(frozen=True, slots=True)
class CriterionDraft:
    name: str
    weight: int
    anchors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallDraft:
    """Everything an officer writes about a call.

    `pools` and `most` (the ceiling of one proposal) are micro-units by resource slug; `steps` are days by
    kind; `letters` are the office's own words by kind of letter.
    """

    title: str
    lane: Lane
    summary: str
    opens_at: datetime
    closes_at: datetime
    reviewers: int
    max_months: int
    criteria: tuple[CriterionDraft, ...]
    pools: dict[str, int]
    assurance: Level = Level.ANY
    timezone: str = "UTC"
    disclosure: Disclosure = Disclosure.SINGLE_BLIND
    reviewed_by: Reviewers = Reviewers.EXPERTS
    decided_by: Decider = Decider.CHAIR
    per_person: int | None = None
    high_risk_percent: int = 0
    first_time_percent: int = 0
    grace_minutes: int = 15
    appeal_days: int = 14
    steps: dict[str, int] = field(default_factory=lambda: dict(steps.STANDARD))
    questions: tuple[QuestionDraft, ...] = questions.STANDARD
    most: dict[str, int] = field(default_factory=dict)
    letters: dict[LetterKind, str] = field(default_factory=dict)


WRITTEN = (
    "title",
    "lane",
    "summary",
    "opens_at",
    "closes_at",
    "reviewers",
    "max_months",
    "assurance",
    "timezone",
    "disclosure",
    "reviewed_by",
    "decided_by",
    "per_person",
    "high_risk_percent",
    "first_time_percent",
    "grace_minutes",
    "appeal_days",
    "steps",
)


def start(session: Session, actor: Actor, draft: CallDraft) -> Call:
    require(calls.may_start(actor))
    _check(draft)
    call = Call(**{name: getattr(draft, name) for name in WRITTEN})
    session.add(call)
    session.flush()
    _write_parts(session, call, draft)
    audit.record(session, actor, "call.start", subject=call.ref)
    return call


def edit(session: Session, actor: Actor, call: Call, draft: CallDraft, *, version: int | None = None) -> None:
    require(calls.may_edit(actor, call))
    expect(call, version)
    _check(draft)
    for name in WRITTEN:
        setattr(call, name, getattr(draft, name))
    # The parts are rows of their own: touch the call, so that a second tab's edit is noticed.
    flag_modified(call, "title")
    old = [link.pool for link in call.pools]
    for part in (call.criteria, call.pools, call.questions, call.letters):
        part.clear()
    session.flush()
    for pool in old:
        session.delete(pool)
    _write_parts(session, call, draft)
    audit.record(session, actor, "call.edit", subject=call.ref)


def copy(session: Session, actor: Actor, call: Call, *, title: str = "") -> Call:
    """A new draft like this call, with a window of the same length that opens in four weeks."""
    require(calls.may_start(actor))
    opens_at = clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(weeks=4)
    window = call.closes_at - call.opens_at
    like = replace(
        draft_of(call),
        title=title or f"{call.title[:190]} (copy)",
        opens_at=opens_at,
        closes_at=opens_at + window,
    )
    made = start(session, actor, like)
    audit.record(session, actor, "call.copy", subject=made.ref, note=f"from {call.ref}")
    return made


def draft_of(call: Call) -> CallDraft:
    """What an officer would have to write to get this call."""
    return CallDraft(
        **{name: getattr(call, name) for name in WRITTEN},
        criteria=tuple(CriterionDraft(c.name, c.weight, tuple(c.anchors)) for c in call.criteria),
        pools={link.pool.resource.slug: link.pool.amount for link in call.pools},
        most={link.pool.resource.slug: link.most for link in call.pools if link.most},
        questions=tuple(_question_draft(question) for question in call.questions),
        letters={letter.kind: letter.text for letter in call.letters},
    )


def _question_draft(question: Question) -> QuestionDraft:
    return QuestionDraft(
        section=question.section,
        kind=question.kind,
        label=question.label,
        hint=question.hint,
        needed=question.needed,
        words=question.words,
        least=question.least,
        most=question.most,
        options=tuple(question.options),
    )


def _check(draft: CallDraft) -> None:
    """What cannot be kept, not even in a draft; each of it is on one page of the form."""
    wrong = questions.faults(draft.questions) | _range_faults(draft)
    if draft.closes_at <= draft.opens_at:
        wrong["closes_at"] = "The call must close after it opens."
    if draft.timezone not in zones.known():
        wrong["timezone"] = "Choose a time zone from the list, such as Europe/Paris."
    if not set(draft.steps) <= set(StepKind):
        wrong["steps"] = "Choose steps from the list."
    for kind, days in draft.steps.items():
        if not 1 <= days <= steps.LONGEST:
            wrong[f"days_{kind}"] = f"Enter 1 to {steps.LONGEST} days."
    names = [criterion.name.casefold() for criterion in draft.criteria]
    for place, name in enumerate(names):
        if name in names[:place]:
            wrong[f"criterion_{place}_name"] = "Another criterion has the same name."
        if not 1 <= draft.criteria[place].weight <= 100:
            wrong[f"criterion_{place}_weight"] = "Enter a weight from 1 to 100."
    if any(amount <= 0 for amount in draft.pools.values()):
        wrong["pools"] = "A pool must be larger than zero; leave the box empty for none."
    for slug, most in draft.most.items():
        if not 0 < most <= draft.pools.get(slug, 0):
            wrong[f"most_{slug}"] = "The most for one proposal is more than zero and at most the whole pool."
    wrong |= wording.faults(draft.letters)
    if wrong:
        raise Invalid(wrong)


def _range_faults(draft: CallDraft) -> dict[str, str]:
    given = {name: getattr(draft, name) for name in RANGES}
    return {
        name: f"Enter {RANGES[name][0]:,} to {RANGES[name][1]:,}."
        for name, number in given.items()
        if number is not None and not RANGES[name][0] <= number <= RANGES[name][1]
    }


def unready(draft: CallDraft) -> dict[str, str]:
    """What is missing or contradicts itself: kept in a draft, and never published."""
    wrong = _step_faults(draft)
    if not draft.summary.strip():
        wrong["summary"] = "Say what the call is for."
    if str(StepKind.REVIEW) in draft.steps and not draft.criteria:
        wrong["criterion_0_name"] = "Reviews need at least one criterion."
    if not draft.pools:
        wrong["pools"] = "Put at least one resource into the call before publishing it."
    if draft.closes_at <= clock.now():
        wrong["closes_at"] = "The closing date has passed already."
    if draft.lane == Lane.STARTER:
        wrong |= _short_faults(draft)
    return wrong


def _step_faults(draft: CallDraft) -> dict[str, str]:
    wrong: dict[str, str] = {}
    reviewed = str(StepKind.REVIEW) in draft.steps
    if str(StepKind.DECISION) not in draft.steps:
        wrong["steps"] = "Every call has a decision."
    for needing in (StepKind.REBUTTAL, StepKind.DISCUSSION):
        if str(needing) in draft.steps and not reviewed:
            wrong["steps"] = f"“{steps.NAMES[needing][0]}” needs reviews before it."
    if draft.reviewed_by == Reviewers.APPLICANTS and not reviewed:
        wrong["reviewed_by"] = "Applicants can review each other only in a call that has reviews."
    if draft.reviewed_by == Reviewers.APPLICANTS and draft.per_person != 1:
        wrong["per_person"] = "Where applicants review each other, each has one proposal: enter 1."
    if draft.decided_by == Decider.RULE and (reviewed or str(StepKind.PANEL) in draft.steps):
        wrong["decided_by"] = "A rule decides at once: such a call has no reviews and no panel."
    return wrong


def _short_faults(draft: CallDraft) -> dict[str, str]:
    asked = ALWAYS_ASKED + len(draft.pools) + len(draft.questions)
    if asked > SHORT:
        return {
            "question_0_label": f"A starter form has at most {SHORT} fields and this has {asked}: "
            "each resource and each question is one, and four come with every call."
        }
    if any(each.kind in (QuestionKind.TABLE, QuestionKind.FILE) for each in draft.questions):
        return {"question_0_kind": "A starter form asks no tables and no files."}
    return {}


def _write_parts(session: Session, call: Call, draft: CallDraft) -> None:
    call.criteria.extend(
        Criterion(position=place, name=part.name, weight=part.weight, anchors=list(part.anchors))
        for place, part in enumerate(draft.criteria)
    )
    call.questions.extend(
        Question(position=place, **asdict(part) | {"options": list(part.options)})
        for place, part in enumerate(draft.questions)
    )
    call.letters.extend(CallLetter(kind=kind, text=text) for kind, text in draft.letters.items() if text)
    chosen = session.scalars(
        select(Resource).where(Resource.slug.in_(draft.pools)).order_by(Resource.id)
    ).all()
    if len(chosen) < len(draft.pools):
        raise Invalid({"pools": "One of these resources does not exist."})
    for resource in chosen:
        pool = Pool(name=f"{call.ref} {resource.name}", resource=resource, amount=draft.pools[resource.slug])
        call.pools.append(CallPool(pool=pool, most=draft.most.get(resource.slug)))


def publish(session: Session, actor: Actor, call: Call) -> None:
    """From now on the call is public, and its pools can be awarded."""
    require(calls.may_publish(actor, call))
    missing = unready(draft_of(call))
    if missing:
        raise Incomplete(missing)
    move(session, call, CallState.PUBLISHED, actor)
    for link in call.pools:
        contribute(session, link.pool)
    _keep_edition(session, actor, call)
    outbox.put(session, CallPublished(call.id))


@dataclass(frozen=True, slots=True)
class Correction:
    """What may change once people rely on a call: words, and more time. `hints` by question id."""

    summary: str
    closes_at: datetime
    hints: dict[int, str]
    letters: dict[LetterKind, str]
    reason: str


def correct(
    session: Session, actor: Actor, call: Call, correction: Correction, *, version: int | None = None
) -> CallEdition:
    """A new edition; proposals submitted before keep theirs. The close can only move to later."""
    require(calls.may_correct(actor, call))
    expect(call, version)
    if not correction.reason.strip():
        raise Incomplete({"reason": "Say what changes and why; applicants can read it."})
    if correction.closes_at < call.closes_at:
        raise Invalid({"closes_at": "The close can be moved to later, not to earlier."})
    if wrong := wording.faults(correction.letters):
        raise Invalid(wrong)
    call.summary, call.closes_at = correction.summary, correction.closes_at
    flag_modified(call, "title")
    for question in call.questions:
        question.hint = correction.hints.get(question.id, question.hint)
    call.letters.clear()
    session.flush()
    call.letters.extend(CallLetter(kind=kind, text=text) for kind, text in correction.letters.items() if text)
    audit.record(session, actor, "call.correct", subject=call.ref, note=correction.reason)
    return _keep_edition(session, actor, call, reason=correction.reason)


def _keep_edition(session: Session, actor: Actor, call: Call, *, reason: str = "") -> CallEdition:
    content = content_of(call)
    newest = session.scalar(select(func.max(CallEdition.number)).where(CallEdition.call_id == call.id))
    edition = CallEdition(
        call_id=call.id,
        number=(newest or 0) + 1,
        content=content,
        digest=hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest(),
        made_by=actor.name,
        reason=reason,
    )
    session.add(edition)
    session.flush()
    return edition


def content_of(call: Call) -> dict[str, Any]:
    """The whole call as plain values."""
    whole = asdict(draft_of(call))
    whole |= {"opens_at": call.opens_at.isoformat(), "closes_at": call.closes_at.isoformat()}
    plain: dict[str, Any] = json.loads(json.dumps(whole))
    return plain


def conclude(session: Session, actor: Actor, call: Call) -> None:
    """When nothing waits for a decision any more."""
    require(calls.may_conclude(actor, call))
    require(leftovers.is_settled(session, call))
    move(session, call, CallState.CONCLUDED, actor)
