"""The provider operator's desk: consent to what was awarded on one's resources."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from allocations.accounts import awards
from allocations.kernel import units
from allocations.people.roles import Role
from portal import fields
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted, version_in
from portal.permissions import needs
from portal.web import page, see_other

blueprint = Blueprint("consents", __name__)


class ConsentInput(BaseModel):
    amount: fields.Amount
    reason: fields.Note = ""


@blueprint.get("/consents")
@needs("allocation.see")
def index() -> ResponseReturnValue:
    operates = actor().has(Role.PROVIDER_OPERATOR) or actor().scopes(Role.PROVIDER_OPERATOR)
    waiting = awards.awaiting_consent(session(), actor()) if operates else ()
    return page("consents/index.html", allocations=waiting, operates=operates)


@blueprint.route("/allocations/<ref>/consent", methods=["GET", "POST"])
@needs("allocation.consent")
def answer(ref: str) -> ResponseReturnValue:
    allocation = awards.get(session(), actor(), ref)
    form = Form({"amount": units.written(allocation.amount), "version": str(allocation.version)})
    if request.method == "POST":
        form = posted()

        def save() -> None:
            given = form.parse(ConsentInput)
            awards.consent(
                session(),
                actor(),
                allocation,
                amount=given.amount,
                reason=given.reason,
                version=version_in(form),
            )

        if form.save(save):
            return see_other(url_for("consents.index"), f"{ref}: your answer is recorded.")
        form.values.setdefault("version", allocation.version)
    allowed = awards.may_consent(actor(), allocation)
    if not allowed and not form.errors:
        form.errors["_form"], form.status = allowed.reason, 403
    return page("consents/answer.html", allocation=allocation, form=form, status=form.status)
