"""Works and employments from ORCID: into one's list of publications, or as text into a proposal."""

from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from allocations.kernel.answers import require
from allocations.kernel.errors import DomainError, Incomplete, Invalid
from allocations.people.institutions import ProviderKind, enabled_providers
from allocations.people.persons import Person
from allocations.programme import answers, expertise, proposals, publications
from allocations.programme.proposals import Proposal
from allocations.programme.questions import Question, QuestionKind
from portal import orcid
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted
from portal.orcid import Shown
from portal.permissions import needs
from portal.web import leading_out, page, see_other, settings

blueprint = Blueprint("orcid", __name__)


@blueprint.route("/account/publications/orcid", methods=["GET", "POST"])
@needs("publication.keep", personal=True)
def index() -> ResponseReturnValue:
    """GET shows what there is; POST adds what was chosen, read anew, so that nobody can put words in it."""
    person, form, done = _self(), Form(), list[str]()
    if request.method == "POST":
        form = posted("work")
        if form.save(lambda: done.append(_take_in(form))):
            return see_other(url_for("publications.index"), done[0])
        person = _self()
    held = expertise.of_person(session(), person)
    known = {each.doi for each in held.publications} | {each.title for each in held.publications}
    shown = page("orcid/index.html", known=known, form=form, status=form.status, **_offered(person))
    return leading_out(shown)


@blueprint.route("/proposals/<ref>/from-orcid", methods=["GET", "POST"])
@needs("proposal.edit", personal=True)
def insert(ref: str) -> ResponseReturnValue:
    """Name, iD, employment and chosen works, put behind what a question's answer says already."""
    proposal = proposals.get(session(), actor(), ref)
    require(proposals.may_edit(actor(), proposal))
    form = Form()
    if request.method == "POST":
        form = posted("work")
        if form.save(lambda: _insert(form, ref)):
            return see_other(url_for("proposals.show", ref=ref), "The text is in your answer.")
        proposal = proposals.get(session(), actor(), ref)
    asked = [(str(one.id), one.label) for one in _texts(proposal)]
    context = {"proposal": proposal, "questions": asked, "known": set()}
    shown = page("orcid/insert.html", form=form, status=form.status, **context, **_offered(_self()))
    return leading_out(shown)


def _self() -> Person:
    return session().get_one(Person, actor().person_id)


def _offered(owner: Person) -> dict[str, Any]:
    """What ORCID says, or the sentence that says why not. Asked last: no transaction is open meanwhile."""
    proving = [each for each in enabled_providers(session()) if each.kind == ProviderKind.ORCID]
    session().close()
    known = {"owner": owner, "proving": proving}
    try:
        return known | {"shown": orcid.shown(settings().orcid_api, owner.orcid), "trouble": ""}
    except DomainError as error:
        return known | {"shown": Shown((), 0, ()), "trouble": error.reason}


def _chosen(form: Form) -> list[int]:
    """Put-codes, as ORCID numbers the works."""
    codes = [text for text in form.values["work"] if text.isascii() and text.isdecimal() and len(text) <= 15]
    if not codes:
        raise Incomplete({"work": "Choose at least one work."})
    return [int(text) for text in codes]


def _take_in(form: Form) -> str:
    """What to tell afterwards."""
    codes, known = _chosen(form), _self().orcid
    session().close()
    listed = orcid.drafts(settings().orcid_api, known, codes)
    if not listed.drafts:
        raise Invalid({"work": " ".join(one.reason for one in listed.refused[:3])})
    try:
        done = publications.take_in(session(), actor(), _self(), listed=listed, leave_out=True)
    except Invalid as error:
        raise Invalid({"work": " ".join(error.fields.values())}) from None
    said = [f"Added: {done.added}."]
    said += [f"In your list already: {done.known}."] if done.known else []
    said += [f"Not given by ORCID in a usable way: {len(listed.refused)}."] if listed.refused else []
    return " ".join(said)


def _insert(form: Form, ref: str) -> None:
    codes, owner = _chosen(form), _self()
    session().close()
    found = orcid.shown(settings().orcid_api, owner.orcid)
    text = orcid.as_text(owner.name, owner.orcid, found, put_codes=codes)
    proposal = proposals.get(session(), actor(), ref)
    question = next((one for one in _texts(proposal) if str(one.id) == form.values.get("answer")), None)
    if question is None:
        raise Incomplete({"answer": "Choose where the text belongs."})
    try:
        answers.append(session(), actor(), proposal, question, text=text)
    except Invalid as error:
        raise Invalid({"answer": " ".join(error.fields.values())}) from None


def _texts(proposal: Proposal) -> list[Question]:
    return [one for one in proposal.call.questions if one.kind == QuestionKind.TEXT]
