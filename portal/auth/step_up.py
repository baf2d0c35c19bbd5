"""Step-up: a fresh log-in with a second factor before what matters; the half-finished form comes back."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import request
from flask import session as cookie
from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from allocations.kernel import clock
from allocations.kernel.db import Base
from allocations.kernel.errors import NotFound
from allocations.people.institutions import IdentityProvider
from allocations.people.persons import OF_LOG_IN
from allocations.people.recognition import Claims
from allocations.people.roles import Actor
from portal.auth import sessions
from portal.auth.oidc import Refused
from portal.auth.sessions import LoginSession
from portal.database import SAFE

# REFEDS Multi-Factor Authentication Profile 1.2.
MFA = "https://refeds.org/profile/mfa"
DEMO = "demo"
FRESH = timedelta(minutes=15)
RECENT = timedelta(minutes=2)
KEPT = timedelta(hours=1)


class NotConfirmed(Refused):
    """The log-in was all right, but there was no second factor in it, or not just now."""


class KeptForm(Base):
    """A form that was sent before the step-up it needed: kept for an hour, for its sender only."""

    __tablename__ = "kept_form"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), info=OF_LOG_IN)
    path: Mapped[str] = mapped_column(String(500))
    fields: Mapped[dict[str, Any]]
    kept_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)

    @property
    def typed(self) -> list[tuple[str, str]]:
        return [(name, text) for name, texts in self.fields.items() for text in texts]


def current(session: Session) -> LoginSession:
    """The row behind this browser's cookie; only for requests that have passed the log-in check."""
    row = sessions.live(session, str(cookie.get(sessions.KEY, "")))
    if row is None:
        raise NotFound
    return row


def is_fresh(session: Session) -> bool:
    """The session was begun with a second factor, and not long ago. Demo people count as if."""
    row = current(session)
    # By its issuer as well: a provider could send the word "demo", too.
    if row.acr == DEMO and row.identity.issuer == DEMO:
        return True
    return row.acr == MFA and clock.now() - row.auth_time < FRESH


def detour(session: Session, person_id: int) -> str:
    """The address of the step-up page, which leads back to the page or to the form that was sent."""
    if request.method in SAFE:
        return "/step-up?" + urlencode({"next": request.full_path.rstrip("?")})
    fields = {name: request.form.getlist(name) for name in request.form}
    kept = KeptForm(person_id=person_id, path=request.path, fields=fields)
    # In the request's own session: it holds SQLite's only write lock already.
    session.add(kept)
    session.commit()
    return "/step-up?" + urlencode({"next": f"/resume/{kept.id}"})


def kept_form(session: Session, actor: Actor, form_id: int) -> KeptForm:
    mine = (KeptForm.id == form_id, KeptForm.person_id == actor.person_id)
    kept = session.scalar(select(KeptForm).where(*mine, KeptForm.kept_at > clock.now() - KEPT))
    if kept is None:
        raise NotFound
    return kept


def provider_of(session: Session, row: LoginSession) -> IdentityProvider | None:
    """The provider of this session's identity, when the registry trusts it for second factors."""
    trusted = (IdentityProvider.enabled, IdentityProvider.trusts_mfa)
    named = IdentityProvider.issuer == row.identity.issuer
    return session.scalar(select(IdentityProvider).where(named, *trusted))


def check(session: Session, handle_digest: str, claims: Claims) -> None:
    """The answer is about the same identity, with a second factor, just now; raises Refused."""
    row = the_same(session, handle_digest)
    if (row.identity.issuer, row.identity.subject) != (claims.issuer, claims.subject):
        raise Refused("the step-up was done by somebody else")
    if claims.acr != MFA:
        raise NotConfirmed("the provider did not confirm a second factor")
    check_recent(claims)


def the_same(session: Session, handle_digest: str) -> LoginSession:
    """The live session that began this errand, which has to be the one of this browser; raises Refused."""
    handle = str(cookie.get(sessions.KEY, ""))
    row = sessions.live(session, handle) if sessions.digest(handle) == handle_digest else None
    if row is None:
        raise Refused("the errand finishes in another session")
    return row


def check_recent(claims: Claims) -> None:
    if claims.auth_time is None or abs(clock.now() - claims.auth_time) > RECENT:
        raise NotConfirmed("the provider did not ask again")
