"""How values are written on pages."""

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from flask import Flask
from markupsafe import Markup, escape

from allocations.kernel import units, zones
from allocations.people.persons import Person
from allocations.programme import steps, substitutes
from allocations.programme.calls import Call, Decider, Disclosure
from allocations.programme.differences import word_count
from allocations.programme.progress import Stop
from allocations.programme.proposals import Proposal, ResourceRequest, State
from allocations.programme.questions import Question
from allocations.programme.steps import StepKind
from allocations.programme.teams import InvitationState, TeamMember
from datasets.catalogue import Dataset
from k8s.images import Image
from portal import charts

CELL = re.compile(r"<t[dh](?=[ >])")
# Fields that are hidden on every page that has them, and buttons.
CARRIED = re.compile("seen(_.*)?|before|version|then|add|next|nonce|order|run|shown|step|what|after|offer")
NUMBERED = re.compile("_[0-9]+$")
ROLES = {"pi": "PI", "co_pi": "Co-PI", "allocation_manager": "Allocation manager", "user": "User"}
IN_REVIEW = {
    StepKind.REBUTTAL: "reply asked",
    StepKind.DISCUSSION: "in discussion",
    StepKind.PANEL: "at the panel",
    StepKind.DECISION: "to be decided",
}


def init(app: Flask) -> None:
    named = (
        moment,
        day,
        months,
        period,
        days,
        words,
        span,
        role,
        as_role,
        stage,
        in_words,
        scale,
        pair,
        typed_words,
        team_name,
        answer_line,
        images,
        datasets,
        labelled,
        role_name,
        role_choice,
        member_choice,
        last_day,
        in_zone,
        names_shown,
        who_decides,
        limits,
        step_line,
        word_count,
        counted,
        stand_ins,
    )
    app.jinja_env.filters |= {filter_.__name__: filter_ for filter_ in named}
    app.jinja_env.filters["units"] = units.shown
    app.jinja_env.filters["exact"] = units.written
    app.jinja_env.globals |= {"spread": charts.spread, "level": charts.level, "interval": charts.interval}


def stand_ins(request: ResourceRequest, which: str) -> list[substitutes.Part]:
    """What of a recommended or awarded amount comes as another resource."""
    return substitutes.parts(request, which)


def moment(at: datetime | None) -> str:
    return f"{at:%-d %B %Y, %H:%M} UTC" if at else ""


def in_zone(at: datetime, zone: str) -> str:
    """As clocks there show it, and in UTC."""
    if zone == "UTC":
        return moment(at)
    there = zones.local(at, zone)
    elsewhere = f"{at:%H:%M} UTC" if there.date() == at.date() else moment(at)
    return f"{there:%-d %B %Y, %H:%M} in {zone.replace('_', ' ')} ({elsewhere})"


def names_shown(call: Call) -> str:
    """Who learns whose name, in a sentence."""
    return {
        Disclosure.OPEN: "PIs and reviewers learn each other’s names.",
        Disclosure.SINGLE_BLIND: "Reviewers learn who applies; PIs do not learn who reviewed.",
        Disclosure.DOUBLE_BLIND: "Reviewers do not learn who applies, and PIs do not learn who reviewed.",
    }[call.disclosure]


def who_decides(call: Call) -> str:
    return {
        Decider.RULE: "The rule of the call decides: what is within its limits is awarded at once.",
        Decider.OFFICER: "The programme office decides.",
        Decider.CHAIR: "The chair of the panel decides.",
    }[call.decided_by]


def limits(question: Question) -> str:
    """What an answer may be: its kind, its length or its range."""
    kinds = {"choice": f"one of {len(question.options)} options", "number": "a number", "file": "a PDF file"}
    told = [kinds.get(question.kind, str(question.kind))]
    if question.words:
        told.append(f"at most {question.words:,} words")
    if question.least is not None:
        told.append(f"at least {question.least:,}")
    if question.most is not None:
        told.append(f"at most {question.most:,}")
    return ", ".join([*told, *([] if question.needed else ["optional"])])


def day(on: date | None) -> str:
    return f"{on:%-d %B %Y}" if on else ""


def months(number: int) -> str:
    return f"{number} month" if number == 1 else f"{number} months"


def period(proposal: Proposal) -> str:
    """Start and length; a short form asks for no start."""
    if proposal.starts_on is None and not proposal.call.is_short:
        return ""
    start = day(proposal.starts_on) or "As soon as it is awarded"
    return f"{start}, {months(proposal.months)}"


def days(number: int) -> str:
    """A time that has passed, in whole days."""
    return "less than a day" if number < 1 else f"{number} day{'s' if number > 1 else ''}"


def words(state: object) -> str:
    return str(state).replace("_", " ")


def span(seconds: int) -> str:
    return f"{seconds // 3600} h {seconds % 3600 // 60} min {seconds % 60} s"


def role(held: object) -> str:
    return ROLES.get(str(held), words(held))


def as_role(held: object) -> str:
    """In a sentence."""
    return {"pi": "PI", "co_pi": "co-PI"}.get(str(held), words(held))


def stage(proposal: Proposal) -> str:
    """The state as a badge says it to the team and the office: where in the review it is."""
    further = IN_REVIEW.get(proposal.step) if proposal.step and proposal.state == State.IN_REVIEW else None
    return further or str(proposal.state)


def role_name(held: object) -> str:
    """A role of the programme, as people read it."""
    return {"dac_member": "DAC member"}.get(str(held), words(held).capitalize())


def role_choice(held: object) -> tuple[str, str]:
    return str(held), role_name(held)


def member_choice(someone: Person) -> tuple[str, str]:
    """A person of whom many are chosen, with the house that tells namesakes apart."""
    return str(someone.id), f"{someone.name}, {someone.affiliation}" if someone.affiliation else someone.name


def last_day(until: datetime | None) -> str:
    """The day on which something that ends at this moment still holds."""
    return day(until - timedelta(seconds=1)) if until else ""


def in_words(value: object) -> object:
    """A role of a stored version as people read it; anything else as it is."""
    return ROLES.get(value, value) if isinstance(value, str) else value


def scale(anchors: Sequence[str]) -> list[tuple[str, str]]:
    """The five scores of a criterion as choices."""
    return [(str(n), f"{n} – {text}" if text else str(n)) for n, text in enumerate(anchors, start=1)]


def typed_words(sent: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Of a form's fields what somebody typed: neither what a page carries along, nor a number that only the
    page can tell, such as the score of criterion 4."""
    shown = [(name, text) for name, text in sent if text.strip() and not CARRIED.fullmatch(name)]
    return [(name, text) for name, text in shown if not (NUMBERED.search(name) and text.isdigit())]


def pair(text: str) -> tuple[str, str]:
    return text, text


def team_name(member: TeamMember) -> str:
    return f"{member.person.name}, {member.person.affiliation}" if member.person else member.email


def answer_line(member: TeamMember) -> str:
    """What became of an invitation to the team, and when."""
    if member.withdrawn_at:
        return f"Withdrawn on {day(member.withdrawn_at)}"
    if member.state == InvitationState.INVITED:
        return f"Not answered; asked on {day(member.invited_at)}" if member.invited_at else "Not answered"
    answer = str(member.state).capitalize()
    return f"{answer} on {day(member.answered_at)}" if member.answered_at else answer


def step_line(stop: Stop) -> tuple[str, str]:
    """A step with the day on which the current one is due, for the progress list."""
    name = steps.NAMES[stop.kind][0]
    return (f"{name}, until {day(stop.due)}" if stop.due else name), stop.state


def images(listed: Sequence[Image]) -> list[tuple[str, str, str]]:
    return [(image.slug, image.name, image.summary) for image in listed]


def datasets(listed: Sequence[Dataset]) -> list[tuple[str, str, str]]:
    return [(dataset.slug, dataset.title, f"{dataset.access_class} access") for dataset in listed]


def labelled(rows: Markup, headers: Sequence[str]) -> Markup:
    """Table rows with the head of the column in each cell: phones show rows as blocks."""
    return Markup("<tr").join(_labelled_row(row, headers) for row in rows.split("<tr"))


def _labelled_row(row: str, headers: Sequence[str]) -> Markup:
    left = iter(headers)
    return Markup(CELL.sub(lambda cell: f'{cell[0]} data-label="{escape(next(left, ""))}"', row))  # noqa: S704 - only adds


def counted(text: str, most: int) -> str:
    """`123 of 1,000 words`; `portal/static/words.js` says the same while somebody writes."""
    count = word_count(text)
    over = f": {count - most:,} too many" if count > most else ""
    return f"{count:,} of {most:,} words{over}"
