"""Who is too close to oneself to judge: stated once, for all calls."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from allocations.kernel.errors import NotFound
from allocations.people import personal_relations
from allocations.people.personal_relations import RelationDraft, RelationKind
from allocations.people.persons import Person
from portal import fields
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted
from portal.permissions import needs
from portal.web import act, page, see_other

blueprint = Blueprint("personal_relations", __name__)
KINDS = (
    ("supervisor", "My supervisor", "Of a thesis, or a mentor; also long ago"),
    ("student", "My student", "Whose thesis I supervised, or supervise"),
    ("family", "Family", "Also partners and close friends"),
    ("collaborator", "A close collaborator", "Of the last two years, in science or in business"),
)


class RelationInput(BaseModel):
    kind: RelationKind
    name: fields.Needed
    orcid: fields.Line = ""
    email: fields.Line = ""
    since: fields.Day = None
    until: fields.Day = None


@blueprint.route("/account/relations", methods=["GET", "POST"])
@needs("personal_relation.keep", personal=True)
def index() -> ResponseReturnValue:
    """Personal: an administrator who views the portal as somebody else does not read it."""
    person, form = _self(), Form()
    if request.method == "POST":
        form = posted()
        if form.save(lambda: _declare(form, person)):
            return see_other(url_for("personal_relations.index"), "It is stated.")
    stated = personal_relations.of_person(session(), actor(), person)
    words = {kind: label for kind, label, _ in KINDS}
    context = {"relations": stated, "kinds": KINDS, "words": words}
    return page("personal_relations/index.html", form=form, status=form.status, **context)


@blueprint.post("/account/relations/remove")
@needs("personal_relation.keep", personal=True)
def remove() -> ResponseReturnValue:
    number = request.form.get("relation", "")
    if not number.isascii() or not number.isdecimal() or len(number) > 9:
        raise NotFound
    person, here = _self(), url_for("personal_relations.index")
    return act(
        lambda: personal_relations.withdraw(session(), actor(), person, relation_id=int(number)),
        here,
        "It is removed.",
    )


def _self() -> Person:
    return session().get_one(Person, actor().person_id)


def _declare(form: Form, person: Person) -> None:
    given = form.parse(RelationInput)
    personal_relations.declare(session(), actor(), person, draft=RelationDraft(**given.model_dump()))
