"""An identity provider that is correct in everything but what its script tells it to do wrong."""

import json
import secrets
import threading
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

from tests.federation import tokens

Json = dict[str, Any]
CLIENT, SECRET = "the-portal", "a secret between the portal and its provider"
ENTITY = "https://idp.hostile.example/shibboleth"
PERSON: Json = {
    "sub": "http://hostile.example/users/4711",
    "name": "Mallory Malice",
    "email": "mallory@hostile.example",
    "eppn": "mallory@hostile.example",
    "idp": ENTITY,
    "idp_name": "Hostile University",
    "affiliation": "faculty@hostile.example;member@hostile.example",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is not JSON, not 200, or not in time."""

    status: int = 200
    body: bytes = b""
    kind: str = "application/json"
    location: str = ""
    # Seconds before the answer, and after each byte of its body.
    wait: float = 0
    drip: float = 0
    # Headers that come letter by letter and never end.
    endless_head: bool = False


@dataclass(slots=True)
class Login:
    """One authorisation request, and what the provider has given for it."""

    provider: "Hostile"
    asked: dict[str, str]
    person: Json
    code: str = field(default_factory=lambda: secrets.token_hex(16))
    access_token: str = field(default_factory=lambda: secrets.token_hex(16))
    id_token: str = ""
    # What the identity token says: userinfo tells of the same subject, however wrong.
    said: Json = field(default_factory=dict)

    def claims(self) -> Json:
        now = int(time.time())
        about = {"iss": self.provider.issuer, "aud": CLIENT, "nonce": self.asked["nonce"]}
        times = {"iat": now, "exp": now + 300, "auth_time": now}
        return {**self.person, **about, **times, "at_hash": tokens.half_hash(self.access_token)}


Change = Callable[[Json, Login], Json]
Answer = Callable[[Json, Login], Json | Reply]


def as_it_is(value: Json, _login: Login) -> Json:
    return value


def sign(header: Json, claims: Json, login: Login) -> str:
    return tokens.signed(header, claims, login.provider.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What goes wrong, by the place where it does; the empty script is honest."""

    claims: Change = as_it_is
    header: Change = as_it_is
    sign: Callable[[Json, Json, Login], str] = sign
    back: Change = as_it_is
    token: Answer = as_it_is
    userinfo: Answer = as_it_is
    discovery: Callable[[Json], Json | Reply] = lambda document: document
    jwks: Callable[[Json], Json | Reply] = lambda document: document


HONEST = Script()


def late(told: Json) -> Reply:
    """The right answer, so slow that it alone would be borne, and a whole log-in of them would not."""
    return Reply(body=json.dumps(told).encode(), wait=4)


class Hostile:
    """`seen` counts requests by their path; `complaints` says what was wrong with the portal's own."""

    def __init__(self, script: Script = HONEST) -> None:
        self.script, self.person, self.key, self.kid = script, PERSON, tokens.ours(0), "first"
        self.seen: Counter[str] = Counter()
        self.complaints: list[str] = []
        self.logins: dict[str, Login] = {}
        self.ended = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.server.daemon_threads = True
        self.server.provider = self  # type: ignore[attr-defined]
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"

    def stop(self) -> None:
        """Nobody answers at the address any more. Twice does no harm."""
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()

    def rotate(self, kid: str = "second") -> None:
        """Another key, and the old one is gone."""
        self.key, self.kid = tokens.ours(1), kid

    def given(self) -> list[str]:
        """Everything secret that went out: none of it may turn up on a page or in a log."""
        parts = [
            part
            for login in self.logins.values()
            for part in (login.access_token, *login.id_token.split("."))
        ]
        return [SECRET, *(part for part in parts if len(part) > 16)]

    def discovery(self) -> Json | Reply:
        return self.script.discovery(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
                "jwks_uri": f"{self.issuer}/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
                "authorization_response_iss_parameter_supported": True,
            }
        )

    def jwks(self) -> Json | Reply:
        return self.script.jwks({"keys": [tokens.public_jwk(self.key, self.kid)]})

    def authorize(self, asked: dict[str, str]) -> str:
        """The address that the browser is sent back to."""
        login = Login(self, asked, self.person)
        self.complaints += wrong_with_request(asked)
        self.logins[login.code] = login
        answer = {"code": login.code, "state": asked["state"], "iss": self.issuer}
        return f"{asked['redirect_uri']}?{urlencode(self.script.back(answer, login))}"

    def token(self, sent: dict[str, str], authorization: str) -> Json | Reply:
        login = self.logins.get(sent.get("code", ""))
        wrong = wrong_with_exchange(sent, authorization, login)
        if login is None or wrong:
            self.complaints += wrong
            return Reply(400, b'{"error": "invalid_grant"}')
        header = self.script.header({"alg": "RS256", "kid": self.kid, "typ": "JWT"}, login)
        claims = self.script.claims(login.claims(), login)
        login.said = claims
        login.id_token = self.script.sign(header, claims, login)
        answer = {"access_token": login.access_token, "token_type": "Bearer", "expires_in": 300}
        return self.script.token({**answer, "id_token": login.id_token}, login)

    def userinfo(self, authorization: str) -> Json | Reply:
        bearer = authorization.removeprefix("Bearer ")
        login = next((one for one in self.logins.values() if one.access_token == bearer), None)
        if login is None:
            self.complaints.append("userinfo without its access token")
            return Reply(401)
        return self.script.userinfo({**login.person, "sub": login.said.get("sub")}, login)


def wrong_with_request(asked: dict[str, str]) -> list[str]:
    wanted = {"client_id": CLIENT, "response_type": "code", "code_challenge_method": "S256"}
    wrong = [f"{name} is {asked.get(name)}" for name, value in wanted.items() if asked.get(name) != value]
    wrong += [f"{name} is short" for name in ("state", "nonce") if len(asked.get(name, "")) < 20]
    wrong += ["no challenge"] if len(asked.get("code_challenge", "")) != 43 else []
    return wrong + (["no openid"] if "openid" not in asked.get("scope", "").split() else [])


def wrong_with_exchange(sent: dict[str, str], authorization: str, login: Login | None) -> list[str]:
    if login is None:
        return ["unknown code"]
    basic = b64decode(authorization.removeprefix("Basic ")).decode() if authorization else ""
    by_header = [unquote_plus(part) for part in basic.partition(":")[::2]]
    client = by_header if authorization else [sent.get("client_id", ""), sent.get("client_secret", "")]
    challenge = tokens.b64(sha256(sent.get("code_verifier", "").encode()).digest())
    checks = {
        "client": client == [CLIENT, SECRET],
        "grant": sent.get("grant_type") == "authorization_code",
        "redirect": sent.get("redirect_uri") == login.asked.get("redirect_uri"),
        "verifier": challenge == login.asked.get("code_challenge"),
        "use": not login.id_token,
    }
    return [f"exchange: {name}" for name, right in checks.items() if not right]


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *_parts: object) -> None:
        """Nothing is printed."""

    @property
    def provider(self) -> Hostile:
        return self.server.provider  # type: ignore[attr-defined,no-any-return]

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, dict(parse_qsl(urlsplit(self.path).query))
        self.provider.seen[path] += 1
        if path == "/authorize":
            self._redirect(self.provider.authorize(query))
        elif path == "/userinfo":
            self._send(self.provider.userinfo(self.headers.get("Authorization", "")))
        elif path == "/jwks":
            self._send(self.provider.jwks())
        elif path == "/.well-known/openid-configuration":
            self._send(self.provider.discovery())
        else:
            self._send(Reply(404))

    def do_POST(self) -> None:
        self.provider.seen[self.path] += 1
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        authorization = self.headers.get("Authorization", "")
        self._send(self.provider.token(dict(parse_qsl(body)), authorization))

    def _redirect(self, address: str) -> None:
        self.send_response(302)
        self.send_header("Location", address)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, answer: Json | Reply) -> None:
        reply = answer if isinstance(answer, Reply) else Reply(body=json.dumps(answer).encode())
        if self.provider.ended.wait(reply.wait):
            return
        with suppress(ConnectionError):
            if reply.endless_head:
                self._write(b"HTTP/1.1 200 OK\r\nX-Words: " + b"a" * 1000, drip=0.5)
                return
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.kind)
            self.send_header("Content-Length", str(len(reply.body)))
            if reply.location:
                self.send_header("Location", reply.location)
            self.end_headers()
            self._write(reply.body, drip=reply.drip)

    def _write(self, data: bytes, *, drip: float) -> None:
        step = 1 if drip else len(data) or 1
        for start in range(0, len(data), step):
            self.wfile.write(data[start : start + step])
            if self.provider.ended.wait(drip):
                return


@contextmanager
def running(script: Script = HONEST) -> Iterator[Hostile]:
    """A provider with an address of its own."""
    provider = Hostile(script)
    thread = threading.Thread(target=provider.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield provider
    finally:
        provider.stop()
        thread.join()
