"""The people desk: search, a person's page, disabling, ending sessions, settling held identities."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from allocations.accounts import projects
from allocations.kernel.answers import require
from allocations.people import desk, roles
from allocations.people.persons import Person
from portal import scopes
from portal.auth import closing, sessions
from portal.auth.people import actor
from portal.confirming import Step, ask
from portal.database import session
from portal.permissions import needs, query
from portal.web import before, page

blueprint = Blueprint("people", __name__)
PAGE = 25
LARGEST = 2**31 - 1


@blueprint.get("/people")
@needs("person.see")
@query("before", "q")
def index() -> ResponseReturnValue:
    require(desk.may_see(actor()))
    text = request.args.get("q", "").strip()[:200]
    found = desk.page(session(), actor(), text=text, before=before(), size=PAGE)
    older = found[-1].id if len(found) == PAGE else None
    return page("people/index.html", people=found, held=desk.waiting(session()), text=text, older=older)


@blueprint.get("/people/<ref>")
@needs("person.see")
def show(ref: str) -> ResponseReturnValue:
    found = desk.get(session(), actor(), ref)
    held = roles.of_person(session(), found)
    return page(
        "people/show.html",
        found=found,
        identities=desk.identities(session(), found),
        grants=held,
        scope_names=scopes.names(session(), [(grant.role, grant.scope_id) for grant in held]),
        theirs=roles.actor_of(session(), found),
        sessions=sessions.open_of(session(), found),
        projects=projects.joined_by(session(), actor(), found),
    )


@blueprint.route("/people/<ref>/disable", methods=["GET", "POST"])
@needs("person.disable", step_up=True)
def disable(ref: str) -> ResponseReturnValue:
    found = desk.get(session(), actor(), ref)
    step = Step(
        f"Disable {found.name}",
        "They are logged out everywhere at once and cannot log in. Their notebooks stop.",
        "Disable",
        f"{found.name} is disabled.",
        _address(found),
    )
    answer = desk.may_disable(actor(), found)
    return ask(
        step, answer, lambda why: closing.disable(session(), actor(), found, reason=why), crumb=found.name
    )


@blueprint.route("/people/<ref>/enable", methods=["GET", "POST"])
@needs("person.enable", step_up=True)
def enable(ref: str) -> ResponseReturnValue:
    found = desk.get(session(), actor(), ref)
    step = Step(
        f"Enable {found.name}",
        "They can log in again, and hold the roles that were not revoked.",
        "Enable",
        f"{found.name} is enabled.",
        _address(found),
    )
    answer = desk.may_enable(actor(), found)
    return ask(step, answer, lambda why: desk.enable(session(), actor(), found, reason=why), crumb=found.name)


@blueprint.route("/people/<ref>/sessions/<int:session_id>/end", methods=["GET", "POST"])
@needs("person.end_session", step_up=True)
def end_session(ref: str, session_id: int) -> ResponseReturnValue:
    found = desk.get(session(), actor(), ref)
    row = closing.of_person(session(), found, min(session_id, LARGEST))
    step = Step(
        f"End a session of {found.name}",
        f"The browser {row.agent[:80] or 'that did not say its name'} is logged out at once.",
        "End the session",
        "The session has ended.",
        _address(found),
    )
    answer = desk.may_administer(actor())
    return ask(step, answer, lambda why: closing.end(session(), actor(), row, reason=why), crumb=found.name)


@blueprint.route("/people/<ref>/identities/<int:identity_id>/release", methods=["GET", "POST"])
@needs("identity.release", step_up=True)
def release(ref: str, identity_id: int) -> ResponseReturnValue:
    found = desk.get(session(), actor(), ref)
    held = desk.identity(session(), found, min(identity_id, LARGEST))
    step = Step(
        f"Release a log-in of {found.name}",
        "Do this when you know that it is the same human. The next log-in may bring a new name and address.",
        "Release",
        "The log-in is released.",
        _address(found),
    )
    answer = desk.may_release(actor(), held)
    return ask(step, answer, lambda why: desk.release(session(), actor(), held, reason=why), crumb=found.name)


@blueprint.route("/people/<ref>/identities/<int:identity_id>/reject", methods=["GET", "POST"])
@needs("identity.reject", step_up=True)
def reject(ref: str, identity_id: int) -> ResponseReturnValue:
    found = desk.get(session(), actor(), ref)
    held = desk.identity(session(), found, min(identity_id, LARGEST))
    step = Step(
        f"Reject a log-in of {found.name}",
        "Do this when somebody else has come with their identifier. The log-in stays closed.",
        "Reject",
        "The log-in stays closed.",
        _address(found),
    )
    answer = desk.may_reject(actor(), held)
    return ask(step, answer, lambda why: desk.reject(session(), actor(), held, reason=why), crumb=found.name)


def _address(person: Person) -> str:
    return url_for("people.show", ref=person.ref)
