"""What the provider knows of its own portal in a request: keys, issuer, names."""

from flask import abort, current_app

from portal.database import session
from portal.provider import claims, clients, keys
from portal.provider.claims import Place
from portal.provider.keys import KeyRing
from portal.settings import Settings


def settings() -> Settings:
    found: Settings = current_app.extensions["settings"]
    return found


def place() -> Place:
    return claims.place(settings())


def ring() -> KeyRing:
    """A portal without keys is no provider: none of its addresses is there."""
    return keys.held(settings()) or abort(404)


def offers(client_id: str) -> bool:
    """Whether this portal is a provider, and one for this client."""
    return keys.held(settings()) is not None and clients.enabled(session(), client_id) is not None
