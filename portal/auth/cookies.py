"""Which requests have cookies at all: those of programs have none, so that the two never mix."""

from flask import Flask, Request, current_app, g, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from werkzeug.exceptions import HTTPException

API = "/api/"


def are_ignored() -> bool:
    """Whether this request is for programs: what its cookies say counts for nothing."""
    if "without_cookies" not in g:
        g.without_cookies = _for_programs(current_app, request)
    found: bool = g.without_cookies
    return found


def _for_programs(app: Flask, asked: Request) -> bool:
    """The session is opened before the address is matched, so the address is matched here as well."""
    if asked.path.startswith(API):
        return True
    try:
        adapter = app.create_url_adapter(asked)
        endpoint, _ = adapter.match() if adapter else ("", {})
    except HTTPException:
        return False
    permission = getattr(app.view_functions.get(endpoint), "permission", None)
    return bool(getattr(permission, "machine", False))


class Sessions(SecureCookieSessionInterface):
    """Flask's, except that programs have none: theirs is never read, and writing to it fails."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if _for_programs(app, request):
            return self.make_null_session(app)
        return super().open_session(app, request)
