"""The application factory."""

import secrets

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from portal import cli, database, errors, filters, settings, views, web
from portal.auth import people
from portal.settings import Settings


def create_app(chosen: Settings | None = None) -> Flask:
    """Settings come from the environment unless given. Raises BadSettings."""
    chosen = chosen or settings.load()
    app = Flask(__name__)
    app.config.update(
        # Without a key nobody stays logged in over a restart: good enough for a laptop only.
        SECRET_KEY=chosen.secret_key or secrets.token_hex(32),
        SESSION_COOKIE_NAME="__Host-commons" if chosen.production else "commons",
        SESSION_COOKIE_SECURE=chosen.production,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=2 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        MAX_FORM_PARTS=2000,
        TRUSTED_HOSTS=[host.strip() for host in chosen.trusted_hosts.split(",")],
        DEBUG=chosen.debug,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.extensions["settings"] = chosen
    if chosen.proxies:
        hops = chosen.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    database.init(app, chosen.database_url)
    people.init(app)
    errors.init(app)
    web.init(app)
    filters.init(app)
    views.init(app)
    cli.init(app)
    return app
