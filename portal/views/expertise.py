"""A reviewer's own profile: fields and limits, absences; anybody's publications by hand or from a list."""

from typing import Annotated, Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, BeforeValidator

from allocations.kernel.answers import require
from allocations.kernel.errors import Invalid, NotFound
from allocations.people.persons import Person
from allocations.programme import expertise, publications
from allocations.programme.expertise import Kind, ProfileDraft, ReviewerProfile, Seniority
from allocations.programme.publications import Listed, PublicationDraft
from portal import fields, science
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted, version_in
from portal.permissions import needs
from portal.web import act, page, see_other

blueprint = Blueprint("expertise", __name__, url_prefix="/reviews/profile")
NAMED = 50  # lines of a refused list


Said = Annotated[Seniority | None, BeforeValidator(lambda text: text or None)]


class ProfileInput(BaseModel):
    fields_of_science: list[fields.Short] = []
    keywords: fields.Note = ""
    kind: Kind
    seniority: Said = None
    most: fields.Number
    away_from: fields.Day = None
    away_until: fields.Day = None


class PublicationInput(BaseModel):
    title: fields.Needed
    abstract: fields.Prose = ""
    year: fields.Number
    doi: fields.Line = ""
    authors: fields.Prose = ""


class ListInput(BaseModel):
    text: fields.List = ""
    leave_out: fields.Flag = False


@blueprint.route("", methods=["GET", "POST"])
@needs("reviewer_profile.edit")
def profile() -> ResponseReturnValue:
    person = _self()
    held = expertise.of_person(session(), person)
    form = Form(_shown(held, person))
    if request.method == "POST":
        form = posted("fields_of_science")
        if form.save(lambda: _save(form, person)):
            return see_other(url_for("expertise.profile"), "Your reviewer profile is saved.")
        held = expertise.of_person(session(), person)
        form.values.setdefault("version", held.version or 0)
    offered = {
        "seniorities": science.SENIORITIES,
        "fields_of_science": science.FIELDS,
        "usual": expertise.USUAL,
        "most": expertise.MOST,
    }
    return page("expertise/profile.html", status=form.status, form=form, profile=held, **offered)


@blueprint.post("/confirm")
@needs("reviewer_profile.edit")
def confirm() -> ResponseReturnValue:
    person, here = _self(), url_for("expertise.profile")
    return act(lambda: expertise.confirm(session(), actor(), person), here, "Thank you for checking.")


@blueprint.route("/publications/new", methods=["GET", "POST"])
@needs("publication.keep")
def add() -> ResponseReturnValue:
    person, form = _owner(), Form()
    if request.method == "POST":
        form = posted()
        if form.save(lambda: _add(form, person)):
            return see_other(_home(person), "The publication is added.")
    return page("expertise/publication.html", form=form, status=form.status, home=_home(person))


@blueprint.route("/publications/import", methods=["GET", "POST"])
@needs("publication.keep")
def take_in() -> ResponseReturnValue:
    person, form, listed = _owner(), Form(), Listed((), ())
    told: list[str] = []
    if request.method == "POST":
        form = posted()
        if form.save(lambda: _read_file(form)):
            listed = publications.read(str(form.values.get("text", "")))
            form.save(lambda: told.append(_take_in(form, person, listed)))
        if not form.errors:
            return see_other(_home(person), told[0])
    refused = [(f"Line {one.line}", one.reason) for one in listed.refused] if "text" in form.errors else []
    context = {"refused": refused[:NAMED], "more": len(refused) - NAMED, "readable": len(listed.drafts)}
    context["home"] = _home(person)
    return page("expertise/import.html", form=form, status=form.status, **context)


@blueprint.post("/publications/remove")
@needs("publication.keep")
def remove() -> ResponseReturnValue:
    number = request.form.get("publication", "")
    if not number.isascii() or not number.isdecimal() or len(number) > 9:
        raise NotFound
    person = _owner()
    return act(
        lambda: publications.remove(session(), actor(), person, publication_id=int(number)),
        _home(person),
        "The publication is removed.",
    )


def _self() -> Person:
    person = session().get_one(Person, actor().person_id)
    require(expertise.may_edit(actor(), person))
    return person


def _owner() -> Person:
    return session().get_one(Person, actor().person_id)


def _home(person: Person) -> str:
    """Where the list stands: reviewers have it in their profile."""
    reviews = bool(expertise.may_edit(actor(), person))
    return url_for("expertise.profile" if reviews else "publications.index")


def _save(form: Form, person: Person) -> None:
    given = form.parse(ProfileInput)
    if not set(given.fields_of_science) <= set(science.FIELDS):
        raise Invalid({"fields_of_science": "Choose fields from the list."})
    named = {**given.model_dump(), "fields_of_science": tuple(given.fields_of_science)}
    expertise.save(session(), actor(), person, draft=ProfileDraft(**named), version=version_in(form))


def _add(form: Form, person: Person) -> None:
    given = form.parse(PublicationInput)
    publications.add(session(), actor(), person, draft=PublicationDraft(**given.model_dump()))


def _read_file(form: Form) -> None:
    """The file's text takes the place of the empty box, where it stays until it has been taken in."""
    sent = request.files.get("file")
    data = sent.read() if sent else b""
    if not data:
        return
    if str(form.values.get("text", "")).strip():
        raise Invalid({"file": "Paste a list or choose a file, not both. Your pasted text is still there."})
    try:
        form.values["text"] = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid(
            {"file": "This file is no text in UTF-8. Save it as UTF-8 and choose it again."}
        ) from None


def _take_in(form: Form, person: Person, listed: Listed) -> str:
    """What to tell afterwards."""
    given = form.parse(ListInput)
    done = publications.take_in(session(), actor(), person, listed=listed, leave_out=given.leave_out)
    said = [f"Added: {done.added}."]
    said += [f"In your list already: {done.known}."] if done.known else []
    said += [f"Left out: {len(listed.refused)}."] if listed.refused else []
    return " ".join(said)


def _shown(held: ReviewerProfile, person: Person) -> dict[str, Any]:
    """For a new profile, the fields that the person named when they came."""
    return {
        "fields_of_science": held.fields_of_science or person.fields_of_science,
        "keywords": held.keywords,
        "kind": held.kind,
        "seniority": held.seniority or "",
        "most": held.most,
        "away_from": held.away_from or "",
        "away_until": held.away_until or "",
        "version": str(held.version or 0),
    }
