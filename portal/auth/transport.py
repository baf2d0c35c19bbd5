"""Requests to identity providers: bounded in time and size; documents and keys with lives of our own."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from socket import SHUT_RDWR
from threading import Lock, Timer
from typing import Any
from urllib.parse import urlsplit

import requests
from authlib.integrations.requests_client import OAuth2Session
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.response import HTTPResponse

CONNECT, READ = 3.0, 5.0
# For everything that one log-in asks of its provider, in seconds.
PATIENCE = 8.0
LARGEST = 256 * 1024
KEY_PAUSE = 30.0
MOST_KEYS = 50
_deadline: ContextVar[float] = ContextVar("deadline", default=float("inf"))
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Unreachable(Exception):
    """The provider did not answer in time, or not with anything usable."""


class Misconfigured(Exception):
    """The provider's own documents contradict its registration."""


def is_acceptable(address: object) -> bool:
    """https anywhere; plain http on this machine only."""
    if not isinstance(address, str):
        return False
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    local = parts.scheme == "http" and parts.hostname in LOOPBACK
    return bool(parts.hostname) and not parts.username and (parts.scheme == "https" or local)


class _Connection(HTTPConnection):
    """Headers too have to come in time: a socket's own time-out begins anew with each byte."""

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        timer = Timer(max(0.1, min(READ, _deadline.get() - time.monotonic())), self._cut)
        timer.daemon = True
        timer.start()
        try:
            return super().getresponse()
        finally:
            timer.cancel()

    def _cut(self) -> None:
        if self.sock is not None:
            with suppress(OSError):
                self.sock.shutdown(SHUT_RDWR)


class _TlsConnection(_Connection, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


class BoundedSession(OAuth2Session):  # type: ignore[misc]
    """Authlib's client; never follows redirects, waits for ever, or reads without end."""

    # Bytes of the longest answer that is read.
    largest = LARGEST

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter())

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> requests.Response:
        left = max(0.1, _deadline.get() - time.monotonic())
        timeout = (min(CONNECT, left), min(READ, left))
        kwargs |= {"timeout": timeout, "allow_redirects": False, "stream": True}
        answer: requests.Response = super().request(method, url, *args, **kwargs)
        deadline = min(_deadline.get(), time.monotonic() + READ)
        answer._content = _read(answer, deadline, largest=self.largest)
        return answer


def _read(answer: requests.Response, deadline: float, *, largest: int) -> bytes:
    """The body as it trickles in, until it ends, is too long, or takes too long."""
    body = bytearray()
    while part := answer.raw.read1(16 * 1024, decode_content=True):
        body += part
        if len(body) > largest or time.monotonic() > deadline:
            answer.close()
            raise Unreachable("the answer was too long")
    return bytes(body)


@contextmanager
def patience(seconds: float = PATIENCE) -> Iterator[None]:
    """All requests inside share these seconds."""
    token = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def get_json(address: str, *, token: str = "", largest: int = LARGEST) -> dict[str, Any]:
    """Raises Unreachable for anything but a JSON object with status 200."""
    headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        with BoundedSession() as session:
            session.largest = largest
            answer = session.request("GET", address, headers=headers, withhold_token=True)
            found = answer.json() if answer.status_code == 200 else None
    except (requests.RequestException, HTTPError, ValueError, RecursionError) as error:
        raise Unreachable(type(error).__name__) from error
    if not isinstance(found, dict):
        raise Unreachable(f"status {answer.status_code}")
    return found


@dataclass(slots=True)
class Known:
    """What is remembered of a provider: its document and its keys, each with the time it was read."""

    metadata: dict[str, Any] = field(default_factory=dict)
    metadata_at: float = float("-inf")
    keys: KeySet | None = None
    keys_at: float = float("-inf")
    missed_at: float = float("-inf")


def _key(item: object) -> RSAKey | ECKey | OKPKey | None:
    kinds = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
    kind = kinds.get(str(item.get("kty"))) if isinstance(item, dict) else None
    if kind is None:
        return None
    try:
        return kind.import_key(item)  # type: ignore[no-any-return, attr-defined]
    except (JoseError, ValueError, KeyError, TypeError):
        return None


class Directory:
    """The documents and keys of all providers, for the life that the registry gives them."""

    def __init__(self) -> None:
        self._known: dict[str, Known] = {}
        self._lock = Lock()

    def _of(self, issuer: str) -> Known:
        with self._lock:
            return self._known.setdefault(issuer, Known())

    def metadata(self, issuer: str, *, life: int) -> dict[str, Any]:
        """The discovery document; it must name this very issuer (OpenID Connect Discovery 1.0, 4.3)."""
        known = self._of(issuer)
        if time.monotonic() - known.metadata_at >= life:
            found = get_json(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != issuer:
                raise Misconfigured("the discovery document names another issuer")
            needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
            if not all(is_acceptable(found.get(name)) for name in needed):
                raise Misconfigured("the discovery document names unusable addresses")
            known.metadata, known.metadata_at = found, time.monotonic()
        return known.metadata

    def key(self, issuer: str, address: str, kid: object, *, life: int) -> Any:
        """The key of this id, or None. An unknown id leads to one new look in thirty seconds at most."""
        known, now = self._of(issuer), time.monotonic()
        if known.keys is None or now - known.keys_at >= life:
            known.keys, known.keys_at = self._read(address), now
        found = self._find(known, kid)
        if found is None and now - known.missed_at >= KEY_PAUSE and known.keys_at != now:
            known.keys, known.keys_at, known.missed_at = self._read(address), now, now
            found = self._find(known, kid)
        return found

    def _read(self, address: str) -> KeySet:
        """The public keys of the document; RFC 7517, 5: others are passed over."""
        listed = get_json(address).get("keys")
        if not isinstance(listed, list):
            raise Unreachable("the keys cannot be read")
        return KeySet([key for item in listed[:MOST_KEYS] if (key := _key(item)) is not None])

    def _find(self, known: Known, kid: object) -> Any:
        keys = list(known.keys.keys) if known.keys else []
        if kid is None:
            return keys[0] if len(keys) == 1 else None
        return next((key for key in keys if key.kid == kid), None)
