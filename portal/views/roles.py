"""Granting and revoking roles from a person's page."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from allocations.kernel.errors import NotFound
from allocations.people import desk, roles
from allocations.people.persons import Person
from allocations.people.roles import Role, RoleGrant
from portal import scopes
from portal.auth.people import actor
from portal.confirming import Step, ask
from portal.database import session
from portal.forms import Form, posted
from portal.permissions import needs
from portal.scopes import RoleInput
from portal.web import page, see_other

blueprint = Blueprint("roles", __name__)


@blueprint.route("/people/<ref>/roles/new", methods=["GET", "POST"])
@needs("role.grant", step_up=True)
def grant(ref: str) -> ResponseReturnValue:
    found = desk.get(session(), actor(), ref)
    form, answer = Form(), roles.may_grant(actor(), found)
    if request.method == "POST":
        form = posted()
        if form.save(lambda: _grant(form, found)):
            return see_other(url_for("people.show", ref=ref), f"{found.name} holds the role now.")
    elif not answer:
        form.status = 403
    choices = scopes.choices(session())
    return page(
        "people/grant.html",
        found=found,
        answer=answer,
        form=form,
        roles=list(Role),
        scopes=choices,
        status=form.status,
    )


def _grant(form: Form, person: Person) -> None:
    given = scopes.given(session(), form.parse(RoleInput))
    roles.confer(session(), actor(), person, given=given)


@blueprint.route("/people/<ref>/roles/<int:grant_id>/revoke", methods=["GET", "POST"])
@needs("role.revoke", step_up=True)
def revoke(ref: str, grant_id: int) -> ResponseReturnValue:
    found = desk.get(session(), actor(), ref)
    row = session().get(RoleGrant, min(grant_id, 2**31 - 1))
    if row is None or row.person_id != found.id:
        raise NotFound
    words = str(row.role).replace("_", " ")
    step = Step(
        f"Revoke the role of {words}",
        f"{found.name} loses it with the next page that they open. The grant stays on record.",
        "Revoke the role",
        "The role is revoked.",
        url_for("people.show", ref=ref),
    )
    answer = roles.may_revoke(actor(), row)
    return ask(step, answer, lambda why: roles.revoke(session(), actor(), row, reason=why), crumb=found.name)
