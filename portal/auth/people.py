"""Who is asking: Flask-Login's user behind a session row, and the actor that rules are asked about."""

from urllib.parse import urlencode

from flask import Flask, g, request
from flask_login import LoginManager, UserMixin, current_user

from allocations.people.persons import Person
from allocations.people.roles import VISITOR, Actor, actor_of
from portal.auth import cookies, sessions, viewing
from portal.auth.sessions import LoginSession
from portal.database import session

manager = LoginManager()
# The handle is bound to nothing that a client sends: Flask-Login would hash X-Forwarded-For.
manager.session_protection = None


class User(UserMixin):  # type: ignore[misc]
    """A logged-in person, as Flask-Login wants it; its id is the handle of the session."""

    def __init__(self, row: LoginSession, handle: str, viewed: Person | None) -> None:
        self.row, self.viewed = row, viewed
        self.person = viewed or row.person
        # Whoever is viewed is shown with their own standing, never with the viewer's.
        self.identity = None if viewed else row.identity
        # Kept here: a commit forgets what the row had besides its columns.
        self.owes_reviews = bool(row.owes_reviews)
        self.id = handle


def init(app: Flask) -> None:
    manager.init_app(app)
    app.session_interface = cookies.Sessions()
    app.config["PERMANENT_SESSION_LIFETIME"] = sessions.IDLE


@manager.user_loader  # type: ignore[untyped-decorator]
def _load(handle: str) -> User | None:
    row = sessions.live(session(), handle)
    if row is None:
        return None
    sessions.mark_seen()
    return User(row, handle, viewing.viewed_in(session(), row))


def view_as() -> LoginSession | None:
    """The session in which an administrator looks at the portal as somebody else; None otherwise."""
    looking = not cookies.are_ignored() and current_user.is_authenticated and current_user.viewed is not None
    return current_user.row if looking else None


def current_person() -> Person | None:
    """Whom pages are made for; an administrator who views as somebody else counts as that person."""
    if cookies.are_ignored():
        return None
    person: Person | None = current_user.person if current_user.is_authenticated else None
    return person


def owes_reviews() -> bool:
    """Whether the person of this request has reviews to write, or has written them, as an applicant."""
    known = not cookies.are_ignored() and current_user.is_authenticated
    return known and current_user.owes_reviews


def actor() -> Actor:
    """The person of this request with the roles of this moment; a visitor when nobody is logged in."""
    if "actor" not in g:
        user = current_user
        known = not cookies.are_ignored() and user.is_authenticated
        g.actor = actor_of(session(), user.person, user.identity) if known else VISITOR
    found: Actor = g.actor
    return found


def act_as(found: Actor) -> None:
    """The actor of this request, which said by other means than a cookie who asks."""
    g.actor = found


def login_address() -> str:
    """The log-in page, which leads back to where the person wanted to go (for reading, never for a write)."""
    wanted = request.full_path.rstrip("?") if request.method == "GET" else ""
    return "/login?" + urlencode({"next": wanted}) if wanted else "/login"


def safe_next(text: str) -> str:
    """A path of our own to go on to after log-in; the home page for anything else."""
    inside = text.startswith("/") and not text.startswith(("//", "/\\")) and "\\" not in text
    return text if inside and text.isprintable() and " " not in text and len(text) < 2000 else "/home"
