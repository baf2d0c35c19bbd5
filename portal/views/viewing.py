"""View as: from a person's page, with a reason; and the button that ends it."""

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue

from allocations.people import desk, roles
from portal.auth import step_up, viewing
from portal.auth.people import actor
from portal.confirming import Step, ask
from portal.database import session
from portal.permissions import needs
from portal.web import see_other

blueprint = Blueprint("viewing", __name__)


@blueprint.route("/people/<ref>/view", methods=["GET", "POST"])
@needs("person.view_as", step_up=True)
def begin(ref: str) -> ResponseReturnValue:
    found = desk.get(session(), actor(), ref)
    step = Step(
        f"See the portal as {found.name}",
        "For half an hour, to look and not to act. They get a letter with your name and your reason.",
        f"See the portal as {found.name}",
        "",
        url_for("people.show", ref=ref),
        url_for("home.index"),
    )
    answer = viewing.may_view_as(actor(), found, roles.actor_of(session(), found))
    row = step_up.current(session())
    return ask(
        step,
        answer,
        lambda why: viewing.begin(session(), actor(), row, person=found, reason=why),
        crumb=found.name,
    )


@blueprint.post("/viewing/end")
@needs("person.end_view")
def end() -> ResponseReturnValue:
    found = viewing.end(session(), step_up.current(session()))
    session().commit()
    onward = url_for("people.show", ref=found.ref) if found else url_for("home.index")
    return see_other(onward, "You are yourself again.")
