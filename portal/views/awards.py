"""The PI's award: what was granted, under which terms; accept or decline."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from allocations.accounts import awards
from allocations.kernel.errors import Incomplete
from allocations.programme import decisions
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted
from portal.permissions import needs
from portal.web import page, see_other

blueprint = Blueprint("awards", __name__)


@blueprint.route("/awards/<ref>", methods=["GET", "POST"])
@needs("award.accept")
def show(ref: str) -> ResponseReturnValue:
    award = awards.get_award(session(), actor(), ref)
    form = Form()
    if request.method == "POST":
        form = posted()
        if form.save(lambda: _answer(form, award)):
            message = (
                "You have accepted the award." if award.state == "accepted" else "The award is declined."
            )
            return see_other(url_for("projects.show", ref=award.project.ref), message)
    return page(
        "awards/show.html",
        award=award,
        form=form,
        decision=decisions.of_award(session(), award),
        status=form.status,
    )


def _answer(form: Form, award: awards.Award) -> None:
    outcome = form.values.get("outcome")
    if outcome == "decline":
        awards.decline(session(), actor(), award)
    elif outcome == "accept" and form.values.get("agree") == "yes":
        awards.accept(session(), actor(), award)
    else:
        raise Incomplete({"agree": "Say that you agree to the terms, or decline the award."})
