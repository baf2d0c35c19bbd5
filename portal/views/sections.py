"""The sections of a proposal's form: those of every call, and those that the call's questions make."""

from dataclasses import dataclass

from flask import url_for
from werkzeug.wrappers import Response

from allocations.programme import questions
from allocations.programme.proposals import Proposal
from portal.forms import Form
from portal.web import see_other

SUMMARY = ("title", "abstract", "fields_of_science", "keywords")


@dataclass(frozen=True, slots=True)
class Section:
    key: str
    label: str
    address: str


def of(proposal: Proposal) -> list[Section]:
    """In the order in which they are filled in."""
    asked = [
        Section(f"form-{number}", name, url_for("answering.section", ref=proposal.ref, number=number))
        for number, name in enumerate(questions.sections(proposal.call.questions))
    ]
    return [
        _fixed(proposal, "summary", "Summary"),
        *asked,
        _fixed(proposal, "resources", "Resources"),
        _fixed(proposal, "data", "Datasets"),
        _fixed(proposal, "team", "Team"),
        _fixed(proposal, "check", "Check and submit"),
    ]


def _fixed(proposal: Proposal, key: str, label: str) -> Section:
    return Section(key, label, url_for(f"writing.{key}", ref=proposal.ref))


def onward(form: Form, proposal: Proposal, key: str) -> Response:
    """After saving: to the section that was asked for, or the next one; a row to add stays here."""
    if str(form.values.get("then", "")) == "leave":
        return see_other(url_for("proposals.show", ref=proposal.ref), "Your draft is saved.")
    known = of(proposal)
    wanted = {section.key: section.address for section in known}
    keys = list(wanted)
    following = key if "add" in form.values else keys[min(keys.index(key) + 1, len(keys) - 1)]
    return see_other(wanted.get(str(form.values.get("then", "")), wanted[following]))


def address(proposal: Proposal, field: str) -> str:
    """The page on which a missing field is filled in."""
    names = questions.sections(proposal.call.questions)
    for question in proposal.call.questions:
        if question.field == field:
            return url_for("answering.section", ref=proposal.ref, number=names.index(question.section))
    if field in SUMMARY:
        return url_for("writing.summary", ref=proposal.ref)
    return url_for("writing.data" if field.startswith("use_") else "writing.resources", ref=proposal.ref)
