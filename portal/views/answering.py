"""The questions of a call, answered: a section a page, each answer saved for itself."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, abort, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from allocations.kernel.answers import require
from allocations.kernel.errors import Invalid, NotFound
from allocations.programme import answers, proposals, questions, writing
from allocations.programme.answers import Answer, Typed, Upload
from allocations.programme.proposals import Proposal
from allocations.programme.questions import Question, QuestionKind
from allocations.programme.writing import Written
from portal import meanwhile, uploads
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted
from portal.permissions import needs, query
from portal.uploads import takes_files
from portal.views import sections
from portal.web import page, see_other

blueprint = Blueprint("answering", __name__)
# Buttons that save and stay, each with the question that it belongs to.
STAYING = ("add", "upload", "remove")
Files = dict[str, Upload | str]


@blueprint.route("/proposals/<ref>/form/<int:number>", methods=["GET", "POST"])
@needs("proposal.edit")
@takes_files
@query("more")
def section(ref: str, number: int) -> ResponseReturnValue:
    files = uploads.received() if request.method == "POST" else {}
    proposal = proposals.get(session(), actor(), ref)
    asked = _of_section(proposal, number)
    form = Form(shown(asked, writing.written_for(session(), proposal)))
    if request.method == "POST":
        form = posted()
        saved = form.save(lambda: _save(form, proposal, asked, files=files))
        if form.values.get("then") == sections.BY_ITSELF:
            return saved_itself(form, proposal, {})
        if saved:
            return _onward(form, proposal, number)
    else:
        require(proposals.may_edit(actor(), proposal))
    return page(
        "proposals/questions.html",
        heading=asked[0].section,
        section=f"form-{number}",
        sections=sections.of(proposal),
        **context(form, proposal, asked),
    )


@blueprint.post("/proposals/<ref>/answers/<int:question_id>")
@needs("proposal.edit")
def one(ref: str, question_id: int) -> ResponseReturnValue:
    """A text that saves itself while it is written: a part of the page answers, not a page."""
    proposal = proposals.get(session(), actor(), ref)
    question = next((one for one in proposal.call.questions if one.id == question_id), None)
    if question is None or question.kind != QuestionKind.TEXT:
        raise NotFound
    text, seen = request.form.get("text", ""), request.form.get("seen", "")
    before = urlencode({question.field: request.form["before"]}) if "before" in request.form else ""
    form = Form({question.field: text, f"seen_{question.field}": seen, "before": before})
    form.save(lambda: answers.save(session(), actor(), proposal, typed(form, proposal, [question])))
    found = context(form, proposal, [question])
    saved = found["written"].answers.get(question.id)
    return page("proposals/_saved.html", question=question, saved=saved, **found)


def _of_section(proposal: Proposal, number: int) -> list[Question]:
    names = questions.sections(proposal.call.questions)
    if number >= len(names):
        abort(404)
    return [question for question in proposal.call.questions if question.section == names[number]]


def _save(form: Form, proposal: Proposal, asked: list[Question], *, files: Files) -> None:
    """Texts and files together; nothing is kept unless all of it can be."""
    answers.save(session(), actor(), proposal, typed(form, proposal, asked))
    wrong = {field: file for field, file in files.items() if isinstance(file, str)}
    if wrong:
        raise Invalid(wrong)
    for question in asked:
        upload = files.get(question.field) if question.kind == QuestionKind.FILE else None
        if form.values.get("remove") == question.field:
            answers.remove(session(), actor(), proposal, question)
        elif isinstance(upload, Upload):
            answers.attach(session(), actor(), proposal, question, upload=upload)


def _onward(form: Form, proposal: Proposal, number: int) -> Response:
    stays = [str(form.values[button]) for button in STAYING if button in form.values]
    known = [field for field in stays if any(q.field == field for q in proposal.call.questions)]
    if not known:
        return sections.onward(form, proposal, f"form-{number}")
    more = known[0] if "add" in form.values else None
    anchor = f"field-{known[0]}"
    here = url_for("answering.section", ref=proposal.ref, number=number, more=more, _anchor=anchor)
    return see_other(here, "Saved.")


def context(form: Form, proposal: Proposal, asked: Sequence[Question]) -> dict[str, Any]:
    """What the templates need to show these questions, after whatever has become of the form."""
    written = writing.written_for(session(), proposal)
    form.labels |= {question.field: question.label for question in asked}
    theirs = _theirs(form, asked, written) if form.errors else {}
    if theirs:
        form.status = 409
    return {
        "proposal": proposal,
        "status": form.status,
        "asked": asked,
        "written": written,
        "theirs": theirs,
        "form": form,
        "rows": {question.field: _rows(form, question) for question in asked},
    }


def _theirs(form: Form, asked: Sequence[Question], written: Written) -> dict[str, Answer]:
    """Answers that somebody else has changed since; whoever saves again has seen what they wrote."""
    found = {}
    for question in asked:
        mine, kept = given(form, question), written.answers.get(question.id)
        if kept is not None and mine.seen is not None and kept.version != mine.seen:
            form.values[f"seen_{question.field}"] = str(kept.version)
            if not _says(kept, mine):
                found[question.field] = kept
    return found


def saved_itself(form: Form, proposal: Proposal, kept: Mapping[str, Any]) -> ResponseReturnValue:
    """After a form saved itself with those of its answers that have no box of their own."""
    asked = _sent(form, proposal.call.questions)
    found = context(form, proposal, asked)
    if not form.errors:
        form.values |= shown(asked, found["written"])
    return sections.saved_itself(form, kept, asked=asked, theirs=found["theirs"])


def _sent(form: Form, asked: Sequence[Question]) -> list[Question]:
    return [question for question in asked if f"seen_{question.field}" in form.values]


def typed(form: Form, proposal: Proposal, asked: Sequence[Question]) -> list[Typed]:
    """These answers as typed; of a form that saves itself only those that it sends."""
    by_itself = form.values.get("then") == sections.BY_ITSELF
    found = [given(form, question) for question in (_sent(form, asked) if by_itself else asked)]
    if not form.values.get(meanwhile.BEFORE):
        return found
    kept = answers.of_proposal(session(), proposal)
    before = Form({name: "\n".join(texts) for name, texts in meanwhile.sent_before(form).items()})
    return [_over_own(one, kept.get(one.question.id), given(before, one.question)) for one in found]


def _over_own(one: Typed, kept: Answer | None, before: Typed) -> Typed:
    """What this browser itself has saved a moment ago is no other hand."""
    return replace(one, seen=kept.version) if kept is not None and _says(kept, before) else one


def _says(kept: Answer, one: Typed) -> bool:
    return one.text == kept.text and (one.cells or []) == kept.cells


def given(form: Form, question: Question) -> Typed:
    """One answer as typed, with the version it was typed over."""
    seen = str(form.values.get(f"seen_{question.field}", ""))
    version = int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < 10 else None
    if question.kind == QuestionKind.TABLE:
        return Typed(question, cells=_cells(form, question), seen=version)
    if question.kind == QuestionKind.FILE:
        return Typed(question, seen=version)
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


def _rows(form: Form, question: Question) -> int:
    """As many as are filled in, and some to spare."""
    spare = 3 if request.args.get("more") == question.field else 1
    filled = [
        row + 1
        for row in range(questions.MOST_ROWS)
        for column in range(len(question.options))
        if form.values.get(f"{question.field}_{row}_{column}")
    ]
    return min(questions.MOST_ROWS, max(2, max(filled, default=0) + spare))


def shown(asked: Sequence[Question], written: Written) -> dict[str, Any]:
    """Saved answers as form values."""
    values: dict[str, Any] = {}
    for question in asked:
        answer = written.answers.get(question.id)
        values[f"seen_{question.field}"] = str(answer.version if answer else 0)
        values[question.field] = answer.text if answer else ""
        for row, cells in enumerate(answer.cells if answer else []):
            values |= {f"{question.field}_{row}_{column}": cell for column, cell in enumerate(cells)}
    return values
