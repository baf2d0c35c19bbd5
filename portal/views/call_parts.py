"""The parts of a call's form: what each shows of a call, and what it makes of what was typed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ValidationError

from allocations.kernel import units, zones
from allocations.kernel.errors import Invalid
from allocations.people.standing import Level
from allocations.programme.calls import Call, Decider, Disclosure, Lane, LetterKind, Reviewers
from allocations.programme.opening import CallDraft, CriterionDraft
from allocations.programme.questions import QuestionDraft, QuestionKind
from allocations.programme.starting import ANCHORS
from allocations.programme.steps import USUAL_DAYS, StepKind
from portal import fields
from portal.forms import Form, field_messages
from portal.views.rows import Row, Rows

Values = dict[str, Any]
QUESTIONS = Rows(
    "question",
    ("section", "kind", "label", "hint", "needed", "words", "least", "most", "options"),
    most=60,
    new={"kind": "text", "needed": "yes"},
)
CRITERIA = Rows(
    "criterion",
    ("name", "weight", *(f"anchor_{n}" for n in range(5))),
    most=12,
    new={f"anchor_{n}": anchor for n, anchor in enumerate(ANCHORS)},
)


class BasicsInput(BaseModel):
    title: fields.Needed
    lane: Lane
    summary: fields.Note
    assurance: Level = Level.ANY


class WindowInput(BaseModel):
    timezone: fields.Line
    opens_at: fields.Wall
    closes_at: fields.Wall
    max_months: fields.Number
    per_person: fields.OptionalNumber = None
    grace_minutes: fields.Number
    appeal_days: fields.Number


class ReviewInput(BaseModel):
    reviewed_by: Reviewers
    disclosure: Disclosure
    reviewers: fields.Number
    decided_by: Decider
    high_risk_percent: fields.Number
    first_time_percent: fields.Number = 0


class QuestionInput(BaseModel):
    section: fields.Heading
    kind: QuestionKind
    label: fields.Needed
    hint: fields.Note = ""
    needed: fields.Flag = False
    words: fields.OptionalNumber = None
    least: fields.OptionalNumber = None
    most: fields.OptionalNumber = None


class CriterionInput(BaseModel):
    name: fields.Name
    weight: fields.Number
    anchor_0: fields.Line = ""
    anchor_1: fields.Line = ""
    anchor_2: fields.Line = ""
    anchor_3: fields.Line = ""
    anchor_4: fields.Line = ""


@dataclass(frozen=True, slots=True)
class Part:
    """`fields` are what the names of its form fields begin with."""

    key: str
    label: str
    shown: Callable[[Call], Values]
    given: Callable[[Form, Call, CallDraft], CallDraft]
    fields: tuple[str, ...]
    rows: Rows | None = None


def _basics(call: Call) -> Values:
    return {name: str(getattr(call, name)) for name in BasicsInput.model_fields}


def _given_basics(form: Form, _call: Call, draft: CallDraft) -> CallDraft:
    return replace(draft, **form.parse(BasicsInput).model_dump())


def wall(at: datetime, zone: str) -> str:
    """As a field for date and time has it."""
    return f"{zones.local(at, zone):%Y-%m-%dT%H:%M}"


def _window(call: Call) -> Values:
    return {
        "timezone": call.timezone,
        "opens_at": wall(call.opens_at, call.timezone),
        "closes_at": wall(call.closes_at, call.timezone),
        "max_months": str(call.max_months),
        "per_person": "" if call.per_person is None else str(call.per_person),
        "grace_minutes": str(call.grace_minutes),
        "appeal_days": str(call.appeal_days),
    }


def _given_window(form: Form, call: Call, draft: CallDraft) -> CallDraft:
    given = form.parse(WindowInput)
    if given.timezone not in zones.known():
        raise Invalid({"timezone": "Choose a time zone from the list, such as Europe/Paris."})
    wrong: dict[str, str] = {}
    moments = {
        name: moment(getattr(given, name), given.timezone, was=(call, name), wrong=wrong)
        for name in ("opens_at", "closes_at")
    }
    if wrong:
        raise Invalid(wrong)
    return replace(draft, **given.model_dump() | moments)


def moment(typed: datetime, zone: str, *, was: tuple[Call, str], wrong: dict[str, str]) -> datetime:
    """What was typed in this zone; left as it is shown, it means the moment that was there."""
    call, name = was
    before: datetime = getattr(call, name)
    if zone == call.timezone and f"{typed:%Y-%m-%dT%H:%M}" == wall(before, zone) and not typed.second:
        return before
    try:
        return zones.instant(typed, zone)
    except ValueError as error:
        wrong[name] = str(error)
        return before


def _questions(call: Call) -> Values:
    form = Form()
    QUESTIONS.write(form, [_question_row(question) for question in call.questions])
    return form.values


def _question_row(question: Any) -> Row:
    numbers = {name: getattr(question, name) for name in ("words", "least", "most")}
    return {
        **{name: str(getattr(question, name)) for name in ("section", "kind", "label", "hint")},
        **{name: "" if number is None else str(number) for name, number in numbers.items()},
        "needed": "yes" if question.needed else "",
        "options": "\n".join(question.options),
    }


def _given_questions(form: Form, _call: Call, draft: CallDraft) -> CallDraft:
    rows = QUESTIONS.tidy(form, is_blank=lambda row: not any(row[n].strip() for n in ("label", "hint")))
    wrong: dict[str, str] = {}
    found = [_row(QuestionInput, row, f"question_{place}", wrong) for place, row in enumerate(rows)]
    if wrong:
        raise Invalid(wrong)
    drafts = (
        QuestionDraft(**given.model_dump(), options=_lines(row["options"]))
        for given, row in zip(found, rows, strict=True)
        if given is not None
    )
    return replace(draft, questions=tuple(drafts))


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _row(model: type[BaseModel], row: Row, prefix: str, wrong: dict[str, str]) -> Any:
    try:
        return model.model_validate(row)
    except ValidationError as error:
        wrong |= {f"{prefix}_{name}": message for name, message in field_messages(error).items()}
        return None


def _review(call: Call) -> Values:
    values: Values = {name: str(getattr(call, name)) for name in ReviewInput.model_fields}
    for kind in StepKind:
        values[f"step_{kind}"] = "yes" if call.has_step(kind) else ""
        values[f"days_{kind}"] = str(call.steps.get(str(kind), USUAL_DAYS[kind]))
    form = Form(values)
    CRITERIA.write(form, [_criterion_row(criterion) for criterion in call.criteria])
    return form.values


def _criterion_row(criterion: Any) -> Row:
    anchors = {f"anchor_{n}": anchor for n, anchor in enumerate(criterion.anchors)}
    return {"name": criterion.name, "weight": str(criterion.weight), **anchors}


def _given_review(form: Form, _call: Call, draft: CallDraft) -> CallDraft:
    rows = CRITERIA.tidy(form, is_blank=lambda row: not row["name"].strip() and not row["weight"].strip())
    wrong: dict[str, str] = {}
    found = [_row(CriterionInput, row, f"criterion_{place}", wrong) for place, row in enumerate(rows)]
    days = _days(form, wrong)
    try:
        given = form.parse(ReviewInput)
    except Invalid as error:
        raise Invalid({**error.fields, **wrong}) from None
    if wrong:
        raise Invalid(wrong)
    criteria = tuple(
        CriterionDraft(one.name, one.weight, tuple(getattr(one, f"anchor_{n}") for n in range(5)))
        for one in found
    )
    return replace(draft, **given.model_dump(), steps=days, criteria=criteria)


def _days(form: Form, wrong: dict[str, str]) -> dict[str, int]:
    """Every call has a decision; the other steps are ticked. Days beside a step that is off are not read."""
    days: dict[str, int] = {}
    for kind in StepKind:
        if form.values.get(f"step_{kind}") != "yes" and kind != StepKind.DECISION:
            continue
        text = str(form.values.get(f"days_{kind}", "")).strip()
        if text.isascii() and text.isdecimal() and len(text) < 5:
            days[str(kind)] = int(text)
        else:
            wrong[f"days_{kind}"] = "Enter the number of days, such as 7."
    return days


def _pools(call: Call) -> Values:
    values: Values = {}
    for link in call.pools:
        slug = link.pool.resource.slug
        values[f"pool_{slug}"] = units.written(link.pool.amount)
        values[f"most_{slug}"] = units.written(link.most) if link.most else ""
    return values


def _given_pools(form: Form, _call: Call, draft: CallDraft) -> CallDraft:
    wrong: dict[str, str] = {}
    pools, most = (_amounts(form, prefix, wrong) for prefix in ("pool_", "most_"))
    if wrong:
        raise Invalid(wrong)
    return replace(draft, pools=pools, most=most)


def _amounts(form: Form, prefix: str, wrong: dict[str, str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, text in form.values.items():
        if not name.startswith(prefix) or not str(text).strip():
            continue
        try:
            found[name.removeprefix(prefix)] = units.micro(str(text))
        except ValueError as error:
            wrong[name] = f"{error}."
    return found


def letters_shown(call: Call) -> Values:
    return {f"letter_{letter.kind}": letter.text for letter in call.letters}


def letters_given(form: Form) -> dict[LetterKind, str]:
    texts = {kind: str(form.values.get(f"letter_{kind}", "")) for kind in LetterKind}
    return {kind: text.replace("\r\n", "\n").strip() for kind, text in texts.items()}


def _given_letters(form: Form, _call: Call, draft: CallDraft) -> CallDraft:
    return replace(draft, letters=letters_given(form))


PARTS = (
    Part("basics", "Basics", _basics, _given_basics, ("title", "lane", "summary", "assurance")),
    Part("window", "Window", _window, _given_window, tuple(WindowInput.model_fields)),
    Part("form", "Form questions", _questions, _given_questions, ("question_",), QUESTIONS),
    Part(
        "review",
        "Review",
        _review,
        _given_review,
        ("step", "days_", "criterion_", *ReviewInput.model_fields),
        CRITERIA,
    ),
    Part("resources", "Resources", _pools, _given_pools, ("pool", "most_")),
    Part("letters", "Letters", letters_shown, _given_letters, ("letter_",)),
)


def part_of(field: str) -> Part:
    """The part in whose form this field is."""
    return next((part for part in PARTS if field.startswith(part.fields)), PARTS[0])
