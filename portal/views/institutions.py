"""Institutions of the registry: search, adding one, and saying what kind it is."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from allocations.kernel.answers import require
from allocations.people.institutions import KINDS
from portal import providers
from portal.auth.people import actor
from portal.database import session
from portal.entries import InstitutionEntry, KindEntry
from portal.forms import Form, posted
from portal.permissions import needs, query
from portal.web import before, page, see_other

blueprint = Blueprint("institutions", __name__)
PAGE = 50
CHOICES = [("", "Not known"), *KINDS.items()]


@blueprint.get("/admin/institutions")
@needs("registry.edit")
@query("before", "q")
def index() -> ResponseReturnValue:
    text = request.args.get("q", "").strip()[:200]
    found = providers.institutions(session(), actor(), text=text, before=before(), size=PAGE)
    older = found[-1].id if len(found) == PAGE else None
    return page("registry/institutions.html", institutions=found, kinds=KINDS, text=text, older=older)


@blueprint.route("/admin/institutions/new", methods=["GET", "POST"])
@needs("registry.edit", step_up=True)
def new() -> ResponseReturnValue:
    require(providers.may_edit(actor()))
    form = Form()
    if request.method == "POST":
        form = posted()
        if form.save(lambda: _add(form)):
            return see_other(url_for("institutions.index"), "The institution is added.")
    return page("registry/institution.html", form=form, kinds=CHOICES, status=form.status)


@blueprint.route("/admin/institutions/<key>/kind", methods=["GET", "POST"])
@needs("registry.edit", step_up=True)
def classify(key: str) -> ResponseReturnValue:
    one = providers.institution(session(), actor(), key)
    form = Form({"kind": str(one.kind or "")})
    if request.method == "POST":
        form = posted()
        if form.save(lambda: providers.classify(session(), actor(), one, form.parse(KindEntry))):
            return see_other(url_for("institutions.index", q=one.name), "The kind of institution is saved.")
    return page("registry/kind.html", form=form, institution=one, kinds=CHOICES, status=form.status)


def _add(form: Form) -> None:
    providers.add_institution(session(), actor(), form.parse(InstitutionEntry))
