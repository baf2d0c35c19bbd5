"""Log-in through the registry's providers, welcome page, sessions, log-out; demo people on laptops."""

import json
import logging
import secrets
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

from flask import Blueprint, abort, current_app, request
from flask import session as cookie
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, BeforeValidator
from sqlalchemy import select

from allocations.kernel import clock
from allocations.kernel.errors import Invalid
from allocations.people import linking, persons
from allocations.people.institutions import IdentityProvider, enabled_providers, provider_by_slug
from allocations.people.persons import STAGES, CareerStage, Identity, Person, Profile, by_identity
from allocations.people.recognition import Claims, Held, recognise
from portal import fields, science
from portal.auth import attempts, backchannel, offers, sessions, step_up, throttle
from portal.auth.attempts import Errand, Purpose
from portal.auth.normalise import normalise
from portal.auth.oidc import Client, Declined, Refused
from portal.auth.people import actor, current_person, safe_next, view_as
from portal.auth.transport import Directory, Misconfigured, Unreachable, patience
from portal.database import session
from portal.database import sessions as own_sessions
from portal.forms import Form, posted
from portal.permissions import needs, public, query
from portal.web import leading_out, page, see_other, settings

log = logging.getLogger(__name__)
blueprint = Blueprint("auth", __name__)
DEMO_ISSUER = "demo"
TERMS = "2026-1"
ROLES = {
    "priya": ("PI", "Writes proposals, runs a project"),
    "carlos": ("Co-PI", "Works with Priya"),
    "uma": ("User", "A student in Priya's project"),
    "owen": ("Programme officer", "Opens calls, screens proposals, assigns reviewers"),
    "ruth": ("Reviewer", "Scores proposals"),
    "petra": ("Reviewer", "Scores proposals at another institution"),
    "chen": ("Panel chair", "Decides what is awarded"),
    "pat": ("Provider operator", "Consents for the machines that awards use"),
    "dana": ("Data custodian", "Decides who may use controlled data"),
    "aida": ("Auditor", "Reads the audit trail"),
    "ada": ("Administrator", "Looks after people, roles and log-in providers"),
    "inga": ("Institution representative", "Speaks for Hillcrest College"),
    "sam": ("Stranger", "Has no role yet"),
    "lena": ("Unconfirmed", "Her institution’s log-in says nothing about her"),
}


class OnHold(Exception):
    """Everything about a known identity changed at once."""


class Closed(Exception):
    """The person is disabled."""


SAID: dict[type[Exception], tuple[int, str]] = {
    OnHold: (403, "Much about your account has changed at once. Our staff will look at it and write to you."),
    Closed: (403, "This account is closed. Please write to us."),
    Refused: (
        403,
        "Your institution's log-in did not give us an answer that we can accept. Please try again.",
    ),
    Declined: (403, "The log-in was cancelled, or your institution refused it. You can try again."),
    Unreachable: (
        502,
        "Your institution's log-in service does not answer at the moment. Please try again later.",
    ),
    Misconfigured: (502, "The log-in service of this institution is not set up correctly. We have noted it."),
    step_up.NotConfirmed: (
        403,
        "Your institution did not confirm a second factor just now. Try again, and choose a way that asks "
        "for one. If it offers none, ask your institution's help desk. What you typed is kept for an hour.",
    ),
}


class WelcomeInput(BaseModel):
    name: fields.Needed
    email: fields.Needed
    fields_of_science: list[fields.Short] = []
    career_stage: Annotated[CareerStage | None, BeforeValidator(lambda text: text or None)] = None


@blueprint.get("/login")
@public
@query("next", "fresh")
def login() -> ResponseReturnValue:
    wanted = safe_next(request.args.get("next", ""))
    providers = [p for p in enabled_providers(session()) if not linking.is_proof_only(p)]
    demo = settings().demo_login
    known = _demo_people() if demo else {}
    people = [(key, known[key], *ROLES[key]) for key in ROLES if key in known]
    fresh = request.args.get("fresh", "") == "yes"
    shown = page("auth/login.html", people=people, providers=providers, wanted=wanted, demo=demo, fresh=fresh)
    return leading_out(shown)


def _demo_people() -> dict[str, object]:
    query = select(Identity).where(Identity.issuer == DEMO_ISSUER)
    return {identity.subject: identity.person for identity in session().scalars(query)}


@blueprint.post("/login")
@public
def log_in() -> ResponseReturnValue:
    """As one of the demo people."""
    if not settings().demo_login:
        abort(404)
    who = request.form.get("who", "")
    if by_identity(session(), DEMO_ISSUER, who) is None:
        abort(400, "Choose one of the people on the log-in page.")
    mine = select(Identity).where(Identity.issuer == DEMO_ISSUER, Identity.subject == who)
    identity = session().scalars(mine).one()
    identity.last_seen_at = clock.now()
    identity.affiliated_at = identity.last_seen_at if identity.affiliations else None
    sessions.begin(session(), identity, auth_time=None, acr="demo")
    session().commit()
    return see_other(safe_next(request.form.get("next", "")))


@blueprint.post("/login/<slug>")
@public
def go(slug: str) -> ResponseReturnValue:
    """On to the provider, `fresh` when a session there must not do; an iD alone opens no account."""
    provider = provider_at(slug)
    if linking.is_proof_only(provider):
        abort(404)
    max_age = 0 if request.form.get("fresh") == "yes" else None
    return leave(provider, Errand(safe_next(request.form.get("next", ""))), max_age=max_age)


def provider_at(slug: str) -> IdentityProvider:
    """The provider, with no transaction left open: the network comes next."""
    # First: on SQLite the request's own transaction would keep the other session waiting.
    session().close()
    with own_sessions()() as reading:
        provider = provider_by_slug(reading, slug)
    return provider or abort(404)


def leave(provider: IdentityProvider, errand: Errand, **asked: Any) -> ResponseReturnValue:
    """To the provider, with the errand kept on our side."""
    attempt = attempts.fresh()
    try:
        with patience():
            address = client_of(provider).address(attempt, **asked)
    except (Unreachable, Misconfigured) as error:
        return _not_logged_in(provider, error, again=_way_back(errand))
    attempts.store(session(), provider, attempt, errand)
    session().commit()
    return see_other(address)


@blueprint.get("/login/<slug>/callback")
@public
@query("*")
def callback(slug: str) -> ResponseReturnValue:
    """The one GET that commits: it takes the attempt, makes the account, and begins the session."""
    throttle.check("code")
    provider = provider_at(slug)
    with own_sessions()() as writing, writing.begin():
        taken = attempts.take(writing, provider, request.args.get("state", ""))
    if taken is None:
        return _not_logged_in(provider, Refused("no such log-in is under way in this browser"))
    try:
        raw = client_of(provider).finish(taken.attempt, request.args)
        claims = normalise(provider, raw)
        _check_errand(provider, taken.errand, claims)
    except (Refused, Unreachable, Misconfigured) as error:
        return _not_logged_in(provider, error, again=_way_back(taken.errand))
    if taken.errand.purpose == Purpose.LINK:
        return _offer(provider, claims, taken.errand)
    return _enter(provider, claims, taken.errand.wanted)


def _check_errand(provider: IdentityProvider, errand: Errand, claims: Claims) -> None:
    """A step-up and a link finish in the browser session that began them, after a fresh log-in."""
    if errand.purpose == Purpose.STEP_UP:
        step_up.check(session(), errand.session_digest, claims)
    if errand.purpose == Purpose.LINK:
        step_up.the_same(session(), errand.session_digest)
        if not linking.is_proof_only(provider):
            step_up.check_recent(claims)


def _offer(provider: IdentityProvider, claims: Claims, errand: Errand) -> ResponseReturnValue:
    """Not linked yet: the person sees both log-ins first."""
    with own_sessions()() as writing, writing.begin():
        offers.make(writing, errand.session_digest, provider, claims)
    return see_other(errand.wanted)


def _way_back(errand: Errand) -> str:
    """To begin once more, and still end where the person wanted to go."""
    if errand.purpose == Purpose.LINK:
        return "/account/log-ins"
    page_of_ours = "/step-up" if errand.purpose == Purpose.STEP_UP else "/login"
    return page_of_ours + "?" + urlencode({"next": errand.wanted})


def _enter(provider: IdentityProvider, claims: Claims, wanted: str) -> ResponseReturnValue:
    with own_sessions()() as writing, writing.begin():
        found = recognise(writing, provider, claims)
        if isinstance(found, Held):
            return _not_logged_in(provider, OnHold(f"identity {found.identity_id}"), again="")
        if found.person.disabled_at is not None:
            return _not_logged_in(provider, Closed(f"person {found.person_id}"), again="")
        welcomed = found.person.welcomed_at is not None
        sessions.begin(writing, found, auth_time=claims.auth_time, acr=claims.acr, sid=claims.sid)
        factor = "a second factor" if claims.acr == step_up.MFA else "one factor"
        log.info("person-%s logged in through %s with %s", found.person_id, provider.slug, factor)
    if not welcomed:
        cookie["wanted"] = wanted
    return see_other(wanted if welcomed else "/welcome")


@blueprint.post("/login/<slug>/logged-out")
@public
def logged_out(slug: str) -> ResponseReturnValue:
    """For the provider itself, which proves to be it by its signature; no cookie is looked at."""
    throttle.check("code")
    provider = provider_at(slug)
    try:
        told = backchannel.verified(client_of(provider), request.form.get("logout_token", ""))
        with own_sessions()() as writing, writing.begin():
            backchannel.obey(writing, provider, told)
    except (Refused, Unreachable, Misconfigured) as error:
        if isinstance(error, Refused):
            throttle.failed("code")
        log.warning("log-out from %s refused: %s", provider.slug, error)
        return {"error": "invalid_request"}, 400
    return "", 200


def client_of(provider: IdentityProvider) -> Client:
    directory: Directory = current_app.extensions.setdefault("directory", Directory())
    redirect_uri = f"{settings().public_url}/login/{provider.slug}/callback"
    return Client(provider, _secret(provider), redirect_uri, directory)


def _secret(provider: IdentityProvider) -> str:
    if not settings().secrets_file:
        return ""
    try:
        held = json.loads(Path(settings().secrets_file).read_text(encoding="utf-8"))
        return str(held[provider.secret_setting])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Misconfigured(f"no secret for this client: {type(error).__name__}") from None


def _not_logged_in(
    provider: IdentityProvider, error: Exception, *, again: str = "/login"
) -> ResponseReturnValue:
    """What happened goes to the log; the person reads our words, never the provider's."""
    code, words = SAID[type(error)]
    # Somebody who cancels, or has no second factor, has not guessed anything.
    if type(error) is Refused:
        throttle.failed("code")
    reference = secrets.token_hex(4)
    log.warning("log-in through %s refused, reference %s: %s", provider.slug, reference, error)
    title = "This is not confirmed" if again.startswith("/step-up") else "You are not logged in"
    told = {"code": code, "title": title, "message": words, "reference": reference, "again": again}
    return page("auth/refused.html", status=code, **told)


@blueprint.route("/welcome", methods=["GET", "POST"])
@needs("home.see")
def welcome() -> ResponseReturnValue:
    """The short profile of a first log-in, and the terms of use."""
    person = current_person() or abort(404)
    form = Form(_profile(person))
    if request.method == "POST":
        form = posted("fields_of_science", "agree")
        known = person.welcomed_at is not None
        if form.save(lambda: _welcome(form)):
            told = ("/account", "Your profile is saved.") if known else ("/home", "Welcome.")
            return see_other(safe_next(cookie.pop("wanted", told[0])), told[1])
    proofs = [p for p in enabled_providers(session()) if linking.is_proof_only(p)]
    choices = {"fields_of_science": science.FIELDS, "stages": [("", "Not told"), *STAGES.items()]}
    return leading_out(page("auth/welcome.html", form=form, proofs=proofs, status=form.status, **choices))


def _profile(person: Person) -> dict[str, Any]:
    """As it is kept; whoever views as this person does not learn the career stage."""
    told = {"name": person.name, "email": person.email, "fields_of_science": person.fields_of_science}
    return told | {"career_stage": "" if view_as() else str(person.career_stage or "")}


def _welcome(form: Form) -> None:
    given = form.parse(WelcomeInput)
    if "yes" not in form.values.get("agree", []):
        raise Invalid({"agree": "Agree to the terms of use to go on."})
    chosen = tuple(field for field in given.fields_of_science if field in science.FIELDS)
    profile = Profile(given.name, given.email, chosen, given.career_stage)
    persons.welcome(session(), actor(), current_person() or abort(404), profile=profile, terms=TERMS)


@blueprint.get("/account/sessions")
@needs("home.see")
def session_list() -> ResponseReturnValue:
    here = sessions.digest(str(cookie.get(sessions.KEY, "")))
    return page("auth/sessions.html", sessions=sessions.of_person(session(), actor()), here=here)


@blueprint.post("/account/sessions/end")
@needs("home.see")
def end_session() -> ResponseReturnValue:
    text = request.form.get("session", "")
    if text.isascii() and text.isdecimal() and len(text) < 10:
        sessions.end(session(), actor(), int(text))
        session().commit()
    return see_other("/account/sessions", "The session has ended.")


@blueprint.post("/logout")
@public
def logout() -> ResponseReturnValue:
    sessions.end_current(session(), "log-out")
    session().commit()
    cookie.clear()
    elsewhere = " On a shared computer, close the browser as well: your institution may still know you in it."
    return see_other("/", "You are logged out." + ("" if settings().demo_login else elsewhere))


@blueprint.route("/step-up", methods=["GET", "POST"])
@needs("home.see", personal=True)
@query("next")
def confirm() -> ResponseReturnValue:
    """Before something that matters: log in once more, with a second factor."""
    wanted = safe_next(request.values.get("next", ""))
    row = step_up.current(session())
    provider = step_up.provider_of(session(), row)
    if request.method == "GET" or provider is None:
        return leading_out(page("auth/step_up.html", wanted=wanted, provider=provider))
    errand = Errand(wanted, Purpose.STEP_UP, row.handle_digest)
    session().expunge(provider)
    session().close()
    return leave(provider, errand, acr=step_up.MFA, max_age=0)


@blueprint.get("/resume/<int:form_id>")
@needs("home.see", personal=True)
def resume(form_id: int) -> ResponseReturnValue:
    """The form that a step-up interrupted, as it was typed, with one button to send it."""
    kept = step_up.kept_form(session(), actor(), min(form_id, 2**31 - 1))
    return page("auth/resume.html", kept=kept)
