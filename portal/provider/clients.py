"""Clients: sites and programs that people log in to through the portal; administrators register them."""

import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import CheckConstraint, ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from allocations.accounts.resources import Provider
from allocations.kernel import audit, clock
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.db import Base
from allocations.kernel.errors import Invalid, NotFound
from allocations.people.roles import Actor, Role
from portal.auth.sessions import digest

# The client that `kubectl oidc-login` is, on everybody's machine.
KUBECTL = "kubectl"
CODE = "authorization_code"
REFRESH = "refresh_token"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
GRANT_TYPES = (CODE, REFRESH, DEVICE, EXCHANGE)
# What a client may ask for, in the words of the page that asks the person.
SCOPES = {
    "openid": "Recognise you by an identifier that says nothing else about you",
    "profile": "See your name, your user name and your affiliation with your institution",
    "email": "See your e-mail address",
    "entitlements": "See your projects, your roles in them and the resources they may use",
    "groups": "See your projects as groups on clusters, and your user name there",
    "ga4gh_passport_v1": "See which controlled datasets your projects may use",
}
ALGORITHMS = ("ES256", "RS256")
_CLIENT_ID = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}")
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


class Client(Base):
    """Authlib asks its methods; what is not granted here is refused there."""

    __tablename__ = "client"
    __table_args__ = (CheckConstraint("public = (secret_digest = '')", "secret_unless_public"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    client_id: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    # Runs on people's own machines and can keep no secret.
    public: Mapped[bool]
    secret_digest: Mapped[str] = mapped_column(String(64))
    redirect_uris: Mapped[list[str]]
    scopes: Mapped[list[str]]
    grant_types: Mapped[list[str]]
    # The resource provider that runs it; clients of one provider may introspect each other's tokens.
    provider_id: Mapped[int | None] = mapped_column(ForeignKey("provider.id"), init=False, index=True)
    provider: Mapped[Provider | None] = relationship(lazy="joined", default=None)
    # This wins over whatever the server would sign with.
    id_token_signed_response_alg: Mapped[str] = mapped_column(String(8), default="ES256")
    registered_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
    disabled_at: Mapped[datetime | None] = mapped_column(default=None)

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        """None: a request must always say where the answer goes."""

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """All that was asked for, in order and once each; None when anything of it is not for this client."""
        asked = list(dict.fromkeys((scope or "").split()))
        return " ".join(asked) if asked and set(asked) <= set(self.scopes) else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Letter by letter."""
        return redirect_uri in self.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        return not self.public and hmac.compare_digest(self.secret_digest, digest(client_secret))

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return (method == "none") == self.public

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and self.check_grant_type(CODE)

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.grant_types

    def of_one_house(self, other: "Client") -> bool:
        """The same client, or one of the same resource provider."""
        return self.id == other.id or (self.provider_id is not None and self.provider_id == other.provider_id)


@dataclass(frozen=True, slots=True)
class Registration:
    """What an administrator says of a new client."""

    client_id: str
    name: str
    redirect_uris: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ("openid",)
    grant_types: tuple[str, ...] = (CODE,)
    public: bool = False
    algorithm: str = "ES256"


def enabled(session: Session, client_id: str) -> Client | None:
    if not _CLIENT_ID.fullmatch(client_id or ""):
        return None
    return session.scalar(select(Client).where(Client.client_id == client_id, Client.disabled_at.is_(None)))


def get(session: Session, actor: Actor, client_id: str) -> Client:
    require(may_register(actor))
    found = session.scalar(select(Client).where(Client.client_id == client_id))
    if found is None:
        raise NotFound(f"There is no client {client_id}.")
    return found


def all_clients(session: Session, actor: Actor) -> Sequence[Client]:
    require(may_register(actor))
    return session.scalars(select(Client).order_by(Client.client_id)).all()


def may_register(actor: Actor) -> Answer:
    return when(actor.has(Role.ADMINISTRATOR), "Only an administrator registers clients.")


def may_renew(actor: Actor, client: Client) -> Answer:
    return first_no(
        may_register(actor),
        when(not client.public, "A public client has no secret."),
        when(client.disabled_at is None, "This client is disabled."),
    )


def register(
    session: Session, actor: Actor, told: Registration, *, provider: Provider | None = None
) -> tuple[Client, str]:
    """The client and its secret, which is shown this once; empty for a public one."""
    require(may_register(actor))
    _check(told)
    if session.scalar(select(Client.id).where(Client.client_id == told.client_id)) is not None:
        raise Invalid({"client_id": f"{told.client_id} is taken."})
    secret = "" if told.public else secrets.token_hex(32)
    client = Client(
        client_id=told.client_id,
        name=told.name,
        public=told.public,
        secret_digest=digest(secret) if secret else "",
        redirect_uris=list(told.redirect_uris),
        scopes=list(told.scopes),
        grant_types=list(told.grant_types),
        provider=provider,
        id_token_signed_response_alg=told.algorithm,
    )
    session.add(client)
    note = f"{told.name}: {' '.join(told.scopes)}"
    audit.record(session, actor, "client.register", subject=subject_of(client), note=note)
    return client, secret


def _check(told: Registration) -> None:
    wrong = _unknown_words(told)
    if not _CLIENT_ID.fullmatch(told.client_id):
        wrong["client_id"] = "A client id has 2 to 40 small letters, digits, dots, dashes or underlines."
    if not told.name.strip():
        wrong["name"] = "Give the name that people read when they are asked."
    if CODE in told.grant_types and not told.redirect_uris:
        wrong["redirect_uris"] = "Say where answers go."
    for said in filter(None, map(_wrong_address, told.redirect_uris)):
        wrong["redirect_uris"] = said
    if wrong:
        raise Invalid(wrong)


def _unknown_words(told: Registration) -> dict[str, str]:
    known = {
        "scopes": (told.scopes, SCOPES),
        "grant_types": (told.grant_types, GRANT_TYPES),
        "algorithm": ((told.algorithm,), ALGORITHMS),
    }
    return {
        field: f"Choose from: {', '.join(offered)}."
        for field, (given, offered) in known.items()
        if not set(given) <= set(offered)
    }


def _wrong_address(address: str) -> str:
    """Why answers must not go there; empty when they may."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return f"{address} is not an address."
    if not address.isascii() or not address.isprintable() or any(char in address for char in ' "\\*#'):
        return f"{address} has characters that do not belong there."
    local = parts.scheme == "http" and parts.netloc.rsplit(":", 1)[0] in LOOPBACK
    ours = (parts.scheme == "https" or local) and bool(parts.hostname) and "@" not in parts.netloc
    return "" if ours else f"{address} must be an https address (http only on the person's own machine)."


def disable(session: Session, actor: Actor, client: Client) -> None:
    """From now on it gets nothing, and what it holds is worth nothing."""
    require(may_register(actor))
    if client.disabled_at is None:
        client.disabled_at = clock.now()
        audit.record(session, actor, "client.disable", subject=subject_of(client))


def renew_secret(session: Session, actor: Actor, client: Client) -> str:
    """The new secret, shown this once; the old one ends now."""
    require(may_renew(actor, client))
    secret = secrets.token_hex(32)
    client.secret_digest = digest(secret)
    audit.record(session, actor, "client.renew_secret", subject=subject_of(client))
    return secret


def subject_of(client: Client) -> str:
    """As the audit trail names it."""
    return f"client-{client.client_id}"
