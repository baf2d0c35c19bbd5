"""The WSGI application."""

from portal.app import create_app

app = create_app()
