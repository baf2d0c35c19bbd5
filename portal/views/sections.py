"""The sections of a proposal's form: those of every call, and those that the call's questions make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from allocations.kernel import clock
from allocations.programme import importing, questions
from allocations.programme.proposals import Proposal
from portal import meanwhile
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form
from portal.web import page, see_other

SUMMARY = ("title", "abstract", "fields_of_science", "keywords")
# What a form says that saves itself while somebody writes.
BY_ITSELF = "autosave"
AMOUNTS = ("amount_", "least_", "why_", "instead_")
# The fields of each page, by how their names begin.
FIELDS = {
    "summary": (*SUMMARY, "high_risk"),
    "resources": ("starts_on", "months", *AMOUNTS),
    "data": ("datasets", "use_"),
    "team": ("email_", "role_"),
    "short": ("title", "abstract", "fields_of_science", "months", *AMOUNTS),
}


@dataclass(frozen=True, slots=True)
class Section:
    key: str
    label: str
    address: str


def first(proposal: Proposal) -> str:
    """The page on which writing begins, and goes on."""
    return url_for("short.form" if proposal.call.is_short else "writing.summary", ref=proposal.ref)


def earlier(proposal: Proposal) -> Sequence[Proposal]:
    """What a fresh draft can start from."""
    return importing.earlier(session(), actor(), proposal) if importing.is_fresh(proposal) else ()


def of(proposal: Proposal) -> list[Section]:
    """In the order in which they are filled in."""
    if proposal.call.is_short:
        one = Section("short", "Proposal", url_for("short.form", ref=proposal.ref))
        return [one, *_about_data_and_team(proposal)]
    asked = [
        Section(f"form-{number}", name, url_for("answering.section", ref=proposal.ref, number=number))
        for number, name in enumerate(questions.sections(proposal.call.questions))
    ]
    return [
        _fixed(proposal, "summary", "Summary"),
        *asked,
        _fixed(proposal, "resources", "Resources"),
        *_about_data_and_team(proposal),
        _fixed(proposal, "check", "Check and submit"),
    ]


def _about_data_and_team(proposal: Proposal) -> list[Section]:
    return [_fixed(proposal, "data", "Datasets"), _fixed(proposal, "team", "Team")]


def _fixed(proposal: Proposal, key: str, label: str) -> Section:
    return Section(key, label, url_for(f"writing.{key}", ref=proposal.ref))


def own(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """What of a whole proposal's values this page asks."""
    return {field: value for field, value in values.items() if field.startswith(FIELDS.get(name, ()))}


def saved_itself(form: Form, kept: Mapping[str, Any], **context: Any) -> ResponseReturnValue:
    """A part of the page, for the script that sent the form."""
    seen = meanwhile.marks_beside(form, kept)
    return page("proposals/_kept.html", status=form.status, form=form, seen=seen, now=clock.now(), **context)


def onward(form: Form, proposal: Proposal, key: str) -> Response:
    """After saving: to the section that was asked for, or the next one; a row to add stays here."""
    if str(form.values.get("then", "")) == "leave":
        return see_other(url_for("proposals.show", ref=proposal.ref), "Your draft is saved.")
    wanted = {section.key: section.address for section in of(proposal)}
    keys = [*wanted, ""]
    # The last page, and one that a short call does not list, lead back to where writing begins.
    place = keys.index(key) if key in keys else -2
    following = key if "add" in form.values else keys[place + 1]
    return see_other(wanted.get(str(form.values.get("then", "")) or following, first(proposal)))


def address(proposal: Proposal, field: str) -> str:
    """The page on which a missing field is filled in, at that field."""
    return f"{_page_of(proposal, field)}#field-{field}"


def _page_of(proposal: Proposal, field: str) -> str:
    if field.startswith("use_"):
        return url_for("writing.data", ref=proposal.ref)
    if proposal.call.is_short:
        return first(proposal)
    names = questions.sections(proposal.call.questions)
    for question in proposal.call.questions:
        if question.field == field:
            return url_for("answering.section", ref=proposal.ref, number=names.index(question.section))
    return url_for("writing.summary" if field in SUMMARY else "writing.resources", ref=proposal.ref)
