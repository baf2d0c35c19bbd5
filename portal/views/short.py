"""The form of a short call: one page, saved or submitted as a whole."""

from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel
from werkzeug.wrappers import Response

from allocations.kernel.answers import require
from allocations.kernel.errors import Invalid
from allocations.programme import decisions, proposals, ruling, shortform, writing
from allocations.programme.calls import Decider
from allocations.programme.proposals import Proposal
from allocations.programme.shortform import Sheet
from allocations.programme.writing import Summary, Wanted
from portal import amounts, fields, meanwhile, science
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted
from portal.permissions import needs
from portal.views import answering, sections
from portal.views.writing import shown as saved
from portal.web import page, see_other

blueprint = Blueprint("short", __name__)
LABELS = {"title": "Title", "abstract": "Abstract", "months": "Length"}


class ShortInput(BaseModel):
    title: fields.Line = ""
    abstract: fields.Note = ""
    months: fields.Number
    fields_of_science: list[fields.Short] = []


@blueprint.route("/proposals/<ref>/short", methods=["GET", "POST"])
@needs("proposal.edit")
def form(ref: str) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)
    require(proposals.may_edit(actor(), proposal))
    if not proposal.call.is_short:
        return see_other(sections.first(proposal))
    asked = list(proposal.call.questions)
    written = writing.written_for(session(), proposal)
    values = saved(session(), proposal)
    kept = sections.own("short", values)
    shown = Form(values | answering.shown(asked, written) | {"seen": meanwhile.marks(kept)})
    if request.method == "POST":
        shown = posted("fields_of_science")
        shown.labels |= LABELS | amounts.labels(proposal.call)
        done = shown.save(lambda: meanwhile.merge(shown, kept, lambda: _act(shown, proposal)))
        if shown.values.get("then") == sections.BY_ITSELF:
            return answering.saved_itself(shown, proposal, sections.own("short", saved(session(), proposal)))
        if done:
            return _onward(shown, proposal)
    context = answering.context(shown, proposal, asked)
    return page("proposals/short.html", **_told(proposal), **context)


def _act(form: Form, proposal: Proposal) -> None:
    sheet = _sheet(form, proposal)
    if form.values.get("then") == "submit":
        agreed = form.values.get("agree") == "yes"
        shortform.submit(session(), actor(), proposal, sheet, agreed=agreed)
    else:
        shortform.save(session(), actor(), proposal, sheet)


def _onward(form: Form, proposal: Proposal) -> Response:
    if form.values.get("then") == "submit":
        return see_other(url_for("proposals.show", ref=proposal.ref), f"{proposal.ref} is submitted.")
    here = url_for("short.form", ref=proposal.ref)
    return see_other(here, "Your draft is saved. It is submitted only when you press “Submit”.")


def _sheet(form: Form, proposal: Proposal) -> Sheet:
    """What can be read of the form; the rest becomes faults, so that all are told together."""
    asks, faults = amounts.asked(form, proposal.call)
    values = {name: form.values[name] for name in ShortInput.model_fields if name in form.values}
    try:
        given = form.parse(ShortInput)
    except Invalid as error:
        faults |= error.fields
        sound = {name: value for name, value in values.items() if name not in error.fields}
        given = ShortInput.model_validate({"months": str(proposal.months), **sound})
    chosen = tuple(given.fields_of_science)
    if not set(chosen) <= set(science.FIELDS):
        faults["fields_of_science"] = "Choose fields from the list."
        chosen = ()
    summary = Summary(given.title, given.abstract, chosen, proposal.keywords)
    wanted = Wanted(asks, proposal.starts_on, given.months)
    answers = tuple(answering.typed(form, proposal, proposal.call.questions))
    return Sheet(summary, wanted, answers, faults)


def _told(proposal: Proposal) -> dict[str, Any]:
    """What the page says before anybody presses a button."""
    call = proposal.call
    return {
        "fields_of_science": science.FIELDS,
        "earlier": sections.earlier(proposal),
        "by_rule": call.decided_by == Decider.RULE,
        "promise": ruling.promise(proposal),
        "agreed_ahead": all(link.agreed_at is not None for link in call.pools),
        "terms": decisions.TERMS.split("\n"),
    }
