"""Pages for the person: who asks for what, and the code that a device shows."""

from authlib.oauth2.rfc6749 import AccessDeniedError, OAuth2Error
from flask import Blueprint, redirect, request
from flask import session as cookie
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from allocations.kernel.errors import Invalid
from portal.auth import sessions, step_up, throttle
from portal.auth.people import actor
from portal.auth.sessions import LoginSession
from portal.database import session
from portal.database import sessions as own_sessions
from portal.errors import page as error_page
from portal.forms import Form, posted
from portal.permissions import needs, public, query
from portal.provider import asking, codes, consents, devices, families, here
from portal.provider.asking import Asked
from portal.provider.clients import SCOPES, Client
from portal.provider.devices import DeviceRequest, WrongUserCode
from portal.web import leading_out, page, see_other

blueprint = Blueprint("provider", __name__)


@blueprint.get("/oauth/authorize")
@public
@query("*")
def authorize() -> ResponseReturnValue:
    """Shows who asks and for what. Where the person agreed before, the answer is given at once."""
    here.ring()
    try:
        asked = asking.read()
        row = _row(session())
        leads = asking.detour(asked, row)
        if "none" in asked.prompt and (leads or row is None or asking.must_ask(asked, row)):
            return _silently(asked, leads)
    except OAuth2Error as error:
        return _refused(error)
    if leads or row is None:
        return _first(leads)
    return _ask(asked) if asking.must_ask(asked, row) else redirect(_remembered(asked), 303)


def _row(held: Session) -> LoginSession | None:
    return sessions.live(held, str(cookie.get(sessions.KEY, "")))


def _silently(asked: Asked, leads: str) -> ResponseReturnValue:
    error = asking.silent_refusal(leads) if leads else asking.NotNow(error="consent_required")
    error.redirect_uri, error.state = asked.redirect_uri, asked.state
    return _refused(error)


def _refused(error: OAuth2Error) -> ResponseReturnValue:
    """To the client when its address is certain; otherwise the person reads that something is wrong there."""
    leads = asking.refused(error)
    if leads:
        return redirect(leads, 303)
    words = "The program that sent you here made a mistake: " + (error.get_error_description() or error.error)
    return error_page(400, words)


def _first(leads: str) -> ResponseReturnValue:
    if leads == "/welcome":
        cookie["wanted"] = asking.address()
    return redirect(leads, 303)


def _ask(asked: Asked) -> ResponseReturnValue:
    kept = [(key, value) for key, value in request.values.items() if key not in ("answer", "prompt")]
    wishes = [SCOPES[scope] for scope in asked.scope.split()]
    shown = page("provider/ask.html", asked=asked, wishes=wishes, kept=kept)
    return leading_out(shown, asked.redirect_uri)


def _remembered(asked: Asked) -> str:
    """The second GET that commits, beside the log-in callback: the protocol answers a GET with a code."""
    with own_sessions()() as writing, writing.begin():
        row = _row(writing)
        return _code(writing, asked, row) if row else asking.address()


def _code(held: Session, asked: Asked, row: LoginSession) -> str:
    """The client's address with a code for this person."""
    client = held.get_one(Client, asked.client.id)
    family = families.begin(held, client, row, scope=asked.scope)
    code = codes.issue(
        held, family, redirect_uri=asked.redirect_uri, challenge=asked.challenge, nonce=asked.nonce
    )
    return asking.answered(asked, code=code)


@blueprint.post("/oauth/authorize")
@needs("home.see", personal=True)
def answer() -> ResponseReturnValue:
    """The person agreed, or did not."""
    here.ring()
    try:
        asked = asking.read()
        if request.form.get("answer") != "allow":
            raise AccessDeniedError(redirect_uri=asked.redirect_uri, state=asked.state)
    except OAuth2Error as error:
        return _refused(error)
    row = step_up.current(session())
    leads = asking.detour(asked, row)
    if leads:
        return _first(leads)
    consents.give(session(), actor(), asked.client, scope=asked.scope)
    leads = _code(session(), asked, row)
    session().commit()
    return redirect(leads, 303)


@blueprint.route("/device", methods=["GET", "POST"])
@needs("home.see", personal=True)
@query("user_code")
def device() -> ResponseReturnValue:
    """The person types the code that a device shows."""
    here.ring()
    if request.method == "GET":
        return page("provider/device.html", form=Form({"user_code": request.args.get("user_code", "")[:20]}))
    throttle.check("code")
    form = posted()
    if _waiting(form) is None:
        return page("provider/device.html", form=form, status=422)
    cookie["user_code"] = form.values["user_code"]
    return redirect("/device/answer", 303)


@blueprint.get("/device/answer")
@needs("home.see", personal=True)
def device_request() -> ResponseReturnValue:
    """Who asks, from where, and for what."""
    here.ring()
    typed = str(cookie.get("user_code", ""))
    found = devices.waiting(session(), typed)
    return _show(Form({"user_code": typed}), found) if found else redirect("/device", 303)


def _show(form: Form, found: DeviceRequest) -> ResponseReturnValue:
    wishes = [SCOPES[scope] for scope in found.scope.split()]
    return page("provider/device_ask.html", form=form, asked=found, wishes=wishes, status=form.status)


@blueprint.post("/device/answer")
@needs("home.see", personal=True)
def answer_device() -> ResponseReturnValue:
    """The person agreed, or did not."""
    here.ring()
    throttle.check("code")
    form = posted()
    found = _waiting(form)
    if found is None:
        return page("provider/device.html", form=form, status=422)
    if form.save(lambda: _answer_device(found, str(form.values.get("answer", "")))):
        cookie.pop("user_code", None)
        return see_other("/device", "Done. You can go back to the program that asked.")
    return _show(form, found)


def _answer_device(found: DeviceRequest, chosen: str) -> None:
    if chosen == "allow":
        devices.agree(session(), actor(), found, row=step_up.current(session()))
    elif chosen == "deny":
        devices.refuse(session(), actor(), found)
    else:
        raise Invalid({"_form": "Agree, or do not agree."})


def _waiting(form: Form) -> DeviceRequest | None:
    """The request of the code typed; five wrong ones, and this person has to wait."""
    if devices.tries_left(session(), actor()) <= 0:
        form.errors["user_code"] = "You have typed too many wrong codes. Please wait ten minutes."
        return None
    found = devices.waiting(session(), str(form.values.get("user_code", "")))
    if found is None:
        form.errors["user_code"] = "Nothing waits for this code. Check it, or ask the program for a new one."
        _note_wrong_code()
    return found


def _note_wrong_code() -> None:
    """In transactions of their own, as wrong log-ins are."""
    person_id = actor().person_id
    session().rollback()
    throttle.failed("code")
    if person_id is not None:
        with own_sessions()() as writing, writing.begin():
            writing.add(WrongUserCode(person_id=person_id))


@blueprint.get("/account/sites")
@needs("account.see")
def held() -> ResponseReturnValue:
    """Sites and programs that know something of this person, or may act for them."""
    return page("provider/held.html", held=consents.of_person(session(), actor()), words=SCOPES)


@blueprint.post("/account/sites/take-back")
@needs("account.see")
def take_back() -> ResponseReturnValue:
    text = request.form.get("client", "")
    if text.isascii() and text.isdecimal() and len(text) < 10:
        consents.take_back(session(), actor(), int(text))
        session().commit()
    return see_other("/account/sites", "It holds nothing of you any more, and asks you again the next time.")
