"""Signed links for letters, and the tokens of notebook servers: made from the secret key, stored nowhere."""

import hashlib
import hmac

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer

from allocations.kernel.errors import NotFound


def _serializer(key: str) -> URLSafeSerializer:
    return URLSafeSerializer(key, salt="team-invitation")


def invitation(key: str, member_id: int) -> str:
    """The token of an invitation; whoever holds it may answer, once."""
    return str(_serializer(key).dumps(member_id))


def opened(token: str) -> int:
    """The invitation that a token of this portal names; NotFound for any other text."""
    try:
        found = _serializer(current_app.secret_key).loads(token)  # type: ignore[arg-type]
    except BadSignature:
        raise NotFound("This link is not right. Copy the whole address from the letter.") from None
    return int(found)


def notebook_token(key: str, pod: str) -> str:
    """What opens the server of one run; known to the portal and to the pod, derived anew each time."""
    return hmac.new(key.encode(), f"notebook:{pod}".encode(), hashlib.sha256).hexdigest()
