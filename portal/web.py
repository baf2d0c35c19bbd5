"""What every request passes (headers, cross-site check, permission, query keys), and page helpers."""

import logging
from typing import Any
from urllib.parse import urlsplit

from flask import (
    Flask,
    Response,
    abort,
    current_app,
    flash,
    get_flashed_messages,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.wrappers import Response as BaseResponse

from allocations.kernel.errors import DomainError, NotFound
from allocations.programme import disclosure
from portal import permissions, uploads
from portal.auth import cookies, step_up, viewing
from portal.auth.people import actor, current_person, login_address, owes_reviews, view_as
from portal.database import SAFE, session
from portal.navigation import Brand, menu
from portal.permissions import Permission
from portal.settings import Settings

log = logging.getLogger(__name__)
POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
# What somebody reaches whose profile is not filled in yet.
BEFORE_WELCOME = frozenset({"auth.welcome", "identities.prove", "identities.confirm"})
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def settings() -> Settings:
    found: Settings = current_app.extensions["settings"]
    return found


def init(app: Flask) -> None:
    app.before_request(_refuse_cross_site)
    app.before_request(_check_view)
    app.after_request(_headers)
    app.context_processor(_context)


def _refuse_cross_site() -> None:
    """A browser tells where a write comes from; one that comes from another site is refused."""
    if request.method in SAFE or cookies.are_ignored():
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    foreign = site not in ("same-origin", "none") if site else False
    if not site and origin:
        foreign = urlsplit(origin).netloc != request.host
    if foreign:
        log.warning("refused %s %s: sent from another site", request.method, request.endpoint)
        abort(403, "This form was sent from another site. Open the page here and send it again.")


def _check_view() -> ResponseReturnValue | None:
    """Each route names its permission; one that is not public is for persons."""
    if request.endpoint is None or request.endpoint == "static":
        return None
    view: Any = current_app.view_functions[request.endpoint]
    permission: Permission = view.permission
    known: frozenset[str] = getattr(view, "query_keys", frozenset())
    unknown = set(request.args) - known
    if unknown and "*" not in known:
        abort(400, f"This page does not know “{min(unknown)[:40]}” in its address.")
    if permission.machine:
        return None
    uploads.read_ahead(view)
    _refuse_while_viewing(permission)
    if permission.public:
        # Nothing is locked when the view begins: some ask others over the network, or write elsewhere first.
        session().close()
        return None
    person = current_person()
    if person is None:
        return _typed_while_logged_out() if request.form else redirect(login_address(), 303)
    if person.welcomed_at is None and request.endpoint not in BEFORE_WELCOME:
        return redirect("/welcome", 303)
    if permission.step_up and not step_up.is_fresh(session()):
        return redirect(step_up.detour(session(), person.id), 303)
    return None


def _refuse_while_viewing(permission: Permission) -> None:
    """Whoever views as somebody else changes nothing, and gets nothing that is that person's alone."""
    row = view_as()
    if row is None or row.viewed is None or request.endpoint in viewing.STOPPING:
        return
    name = row.viewed.name
    if request.method not in SAFE:
        abort(403, f"You see the portal as {name}, to look and not to act. End the view first.")
    if permission.personal:
        abort(403, f"This is for {name} alone. It stays closed while you see the portal as somebody else.")
    if permission.step_up and not step_up.is_fresh(session()):
        abort(403, "This page asks for a second factor. End the view, and begin it again.")


def _typed_while_logged_out() -> ResponseReturnValue:
    """Somebody logged out, or the session ended, while a form was being filled: nothing typed is lost."""
    typed = [(name, text) for name, text in request.form.items(multi=True)]
    return render_template("auth/again.html", typed=typed), 401


def _headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if settings().production:
        response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
        if not cookies.are_ignored():
            response.vary.add("Cookie")
    return response


def _context() -> dict[str, Any]:
    chosen = settings()
    person = current_person()
    return {
        "brand": Brand(chosen.name, chosen.tagline, chosen.logo_url or None),
        "nav": menu(actor(), request.path, reviews=owes_reviews()),
        "person": person,
        "viewing": view_as(),
        "home_href": "/home",
        "simulated": not chosen.production,
        "messages": get_flashed_messages(with_categories=True),
        "actor": actor(),
        "support_email": chosen.support_email,
        "shows_team": lambda proposal: disclosure.shows_team(actor(), proposal),
        "pi_line": lambda proposal: disclosure.pi_line(actor(), proposal),
        "pi_name": lambda proposal: disclosure.pi_name(actor(), proposal),
        "file_name": uploads.neutral_name,
        "can": lambda name, *things: permissions.can(actor(), name, *things),
    }


def page(template: str, *, status: int = 200, **context: Any) -> ResponseReturnValue:
    return render_template(template, **context), status


def leading_out(answer: ResponseReturnValue, address: str = "") -> Response:
    """For a page whose form leads on to another site by way of ours: browsers apply `form-action`
    to the redirect as well. `address` is where it leads, when that is known."""
    response = current_app.make_response(answer)
    local = "" if settings().production else " http://127.0.0.1:* http://localhost:*"
    if address.startswith("http://"):
        local += f" http://{urlsplit(address).netloc}"
    response.headers["Content-Security-Policy"] = POLICY.replace(
        "form-action 'self'", f"form-action 'self' https:{local}"
    )
    return response


def see_other(address: str, message: str = "") -> BaseResponse:
    """After a write: on to a page that a reload does not repeat, with a message for the person."""
    if message:
        flash(message, "success")
    return redirect(address, 303)


def act(verb: Any, address: str, message: str = "") -> BaseResponse:
    """A button without a form of its own: do it and go on, or go on and say why not.

    What is not there, or not to be seen, is a 404 like on every other page.
    """
    try:
        verb()
        session().commit()
    except NotFound:
        raise
    except DomainError as error:
        session().rollback()
        flash(error.reason, "error")
        return redirect(address, 303)
    except StaleDataError:
        session().rollback()
        flash("Somebody else has just changed this. Here is how it stands now.", "error")
        return redirect(address, 303)
    return see_other(address, message)


def before() -> int | None:
    """The keyset of the next page in the address; anything else is a 400."""
    text = request.args.get("before")
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        abort(400, "The address names no page of this list.")
    return int(text)


def page_number() -> int:
    """Which page of a list that is ordered as a whole, from 1."""
    text = request.args.get("page", "1")
    if not text.isascii() or not text.isdecimal() or len(text) > 6 or int(text) < 1:
        abort(400, "The address names no page of this list.")
    return int(text)


def beside(endpoint: str, number: int, *, last: int, **values: Any) -> dict[str, str]:
    """Addresses of the next and the previous page, empty where there is none."""
    pages = {"next": number + 1, "prev": number - 1}
    return {
        name: url_for(endpoint, page=other, **values) if 1 <= other <= last else ""
        for name, other in pages.items()
    }
