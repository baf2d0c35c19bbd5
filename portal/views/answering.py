"""The questions of a call, answered: a section a page, each answer saved for itself."""

from typing import Any

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from allocations.kernel.answers import require
from allocations.programme import answers, proposals, questions, writing
from allocations.programme.answers import Answer, Overtaken, Typed
from allocations.programme.proposals import Proposal
from allocations.programme.questions import Question, QuestionKind
from allocations.programme.writing import Written
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted
from portal.permissions import needs
from portal.views import sections
from portal.web import page

blueprint = Blueprint("answering", __name__)


@blueprint.route("/proposals/<ref>/form/<int:number>", methods=["GET", "POST"])
@needs("proposal.edit")
def section(ref: str, number: int) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)
    asked = _of_section(proposal, number)
    written = writing.written_for(session(), proposal)
    form, theirs = Form(shown(asked, written)), dict[str, Answer]()
    if request.method == "POST":
        form = posted()
        if form.save(lambda: _save(form, proposal, asked, theirs=theirs)):
            return sections.onward(form, proposal, f"form-{number}")
        _catch_up(form, asked, theirs)
    else:
        require(proposals.may_edit(actor(), proposal))
    return page(
        "proposals/questions.html",
        proposal=proposal,
        asked=asked,
        written=written,
        theirs=theirs,
        form=form,
        heading=asked[0].section,
        section=f"form-{number}",
        sections=sections.of(proposal),
        status=form.status,
    )


def _of_section(proposal: Proposal, number: int) -> list[Question]:
    names = questions.sections(proposal.call.questions)
    if number >= len(names):
        abort(404)
    return [question for question in proposal.call.questions if question.section == names[number]]


def _save(form: Form, proposal: Proposal, asked: list[Question], *, theirs: dict[str, Answer]) -> None:
    try:
        answers.save(session(), actor(), proposal, [given(form, question) for question in asked])
    except Overtaken as overtaken:
        theirs |= overtaken.theirs
        raise


def _catch_up(form: Form, asked: list[Question], theirs: dict[str, Answer]) -> None:
    """Whoever saves again has seen what the other one wrote."""
    for question in asked:
        if question.field in theirs:
            form.status = 409
            form.values[f"seen_{question.field}"] = str(theirs[question.field].version)


def given(form: Form, question: Question) -> Typed:
    """One answer as typed, with the version it was typed over."""
    seen = str(form.values.get(f"seen_{question.field}", ""))
    version = int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < 10 else None
    if question.kind == QuestionKind.TABLE:
        return Typed(question, cells=_cells(form, question), seen=version)
    text = str(form.values.get(question.field, "")).replace("\r\n", "\n").strip()
    return Typed(question, text=text, seen=version)


def _cells(form: Form, question: Question) -> list[list[str]]:
    """Rows that have a word in them."""
    rows = []
    for row in range(questions.MOST_ROWS):
        names = [f"{question.field}_{row}_{column}" for column in range(len(question.options))]
        cells = [str(form.values.get(name, "")).strip() for name in names]
        if any(cells):
            rows.append(cells)
    return rows


def shown(asked: list[Question], written: Written) -> dict[str, Any]:
    """Saved answers as form values."""
    values: dict[str, Any] = {}
    for question in asked:
        answer = written.answers.get(question.id)
        values[f"seen_{question.field}"] = str(answer.version if answer else 0)
        values[question.field] = answer.text if answer else ""
        for row, cells in enumerate(answer.cells if answer else []):
            values |= {f"{question.field}_{row}_{column}": cell for column, cell in enumerate(cells)}
    return values
