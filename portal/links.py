"""Signed links for letters, and the tokens of notebook servers: made from the secret key, stored nowhere."""

import hashlib
import hmac

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer

from allocations.kernel.errors import NotFound

TEAM, ROLE, COURSE = "team-invitation", "role-invitation", "course"


def _serializer(key: str, salt: str) -> URLSafeSerializer:
    return URLSafeSerializer(key, salt=salt)


def invitation(key: str, member_id: int) -> str:
    """The token of an invitation; whoever holds it may answer, once."""
    return str(_serializer(key, TEAM).dumps(member_id))


def role_invitation(key: str, invitation_id: int) -> str:
    """The token of an invitation to a role; the row says whether it still counts."""
    return str(_serializer(key, ROLE).dumps(invitation_id))


def course(key: str, project_id: int, issue: int) -> str:
    """The token of a course's link; the row says whether this issue still counts."""
    return str(_serializer(key, COURSE).dumps([project_id, issue]))


def course_opened(token: str) -> tuple[int, int]:
    """Project and issue of a course's link; NotFound for any other text."""
    try:
        project_id, issue = _serializer(str(current_app.secret_key), COURSE).loads(token)
    except BadSignature:
        raise NotFound("This link is not right. Copy the whole address.") from None
    return int(project_id), int(issue)


def opened(token: str, *, kind: str = TEAM) -> int:
    """The invitation that a token of this portal names; NotFound for any other text."""
    try:
        found = _serializer(str(current_app.secret_key), kind).loads(token)
    except BadSignature:
        raise NotFound("This link is not right. Copy the whole address from the letter.") from None
    return int(found)


def notebook_token(key: str, pod: str) -> str:
    """What opens the server of one run; known to the portal and to the pod, derived anew each time."""
    return hmac.new(key.encode(), f"notebook:{pod}".encode(), hashlib.sha256).hexdigest()
