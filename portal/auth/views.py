"""The log-in and log-out pages. Demo people only; home institutions take this place later."""

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue
from flask_login import login_user, logout_user
from sqlalchemy import select

from allocations.people.persons import Identity, by_identity
from portal.auth.people import User, safe_next
from portal.database import session
from portal.permissions import public, query
from portal.web import page, see_other, settings

blueprint = Blueprint("auth", __name__)
DEMO_ISSUER = "demo"
ROLES = {
    "priya": ("PI", "Writes proposals, runs a project"),
    "carlos": ("Co-PI", "Works with Priya"),
    "uma": ("User", "A student in Priya's project"),
    "owen": ("Programme officer", "Opens calls, screens proposals, assigns reviewers"),
    "ruth": ("Reviewer", "Scores proposals"),
    "chen": ("Panel chair", "Decides what is awarded"),
    "pat": ("Provider operator", "Consents for the machines that awards use"),
    "dana": ("Data custodian", "Decides who may use controlled data"),
    "sam": ("Stranger", "Has no role yet"),
}


@blueprint.get("/login")
@public
@query("next")
def login() -> ResponseReturnValue:
    wanted = safe_next(request.args.get("next", ""))
    demo = settings().demo_login
    query = select(Identity).where(Identity.issuer == DEMO_ISSUER)
    known = {i.subject: i.person for i in session().scalars(query)} if demo else {}
    people = [(key, known[key], *ROLES[key]) for key in ROLES if key in known]
    return page("auth/login.html", people=people, wanted=wanted, demo=demo)


@blueprint.post("/login")
@public
def log_in() -> ResponseReturnValue:
    if not settings().demo_login:
        abort(404)
    person = by_identity(session(), DEMO_ISSUER, request.form.get("who", ""))
    if person is None or not login_user(User(person)):
        abort(400, "Choose one of the people on the log-in page.")
    return see_other(safe_next(request.form.get("next", "")))


@blueprint.post("/logout")
@public
def logout() -> ResponseReturnValue:
    logout_user()
    return see_other("/", "You are logged out.")
