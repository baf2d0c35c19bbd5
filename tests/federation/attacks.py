"""The table of attacks: row of the reference page, what the provider does, and the script for it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.federation import tokens
from tests.federation.hostile import CLIENT, SECRET, Answer, Change, Json, Login, Reply, Script, sign

OTHER = "https://elsewhere.example"
WORDS = "<b>Call 555-0199 at once</b>"


@dataclass(frozen=True, slots=True)
class Attack:
    row: int
    words: str
    script: Script

    def __str__(self) -> str:
        return f"row {self.row}: {self.words}"


def put(**values: Any) -> Change:
    return lambda told, _login: told | values


def drop(*names: str) -> Change:
    return lambda told, _login: {name: value for name, value in told.items() if name not in names}


def moved(**seconds: int) -> Change:
    """Times so many seconds later (or earlier) than they are now."""
    return lambda told, _login: told | {name: told["iat"] + later for name, later in seconds.items()}


def claims(change: Change) -> Script:
    return Script(claims=change)


def listing(*algorithms: str) -> Callable[[Json], Json]:
    """The discovery document offers these algorithms, or none at all."""
    if not algorithms:
        return lambda document: {k: v for k, v in document.items() if "alg_values" not in k}
    return lambda document: document | {"id_token_signing_alg_values_supported": ["RS256", *algorithms]}


def _unsigned(alg: str) -> Callable[[Json, Json, Login], str]:
    return lambda header, told, _login: tokens.unsigned(header | {"alg": alg}, told)


def _confused(secret: Callable[[Login], bytes]) -> Script:
    """HS256 with a "secret" that everybody can read, or that is no signing key."""

    def made(header: Json, told: Json, login: Login) -> str:
        return tokens.keyed(header | {"alg": "HS256"}, told, secret(login))

    return Script(sign=made, discovery=listing("HS256"))


def _stranger(**header: Any) -> Script:
    """Signed with a key that the provider does not publish, which the header speaks up for."""

    def made(told: Json, login: Login) -> Json:
        jku = {"jku": f"{login.provider.issuer}/jku"} if "jku" in header else {}
        return told | header | jku

    return Script(header=made, sign=lambda header, told, _login: tokens.signed(header, told, tokens.ours(2)))


def _changed_payload(header: Json, told: Json, login: Login) -> str:
    first, _, last = sign(header, told, login).split(".")
    return f"{first}.{tokens.b64(told | {'sub': 'somebody-else'})}.{last}"


def _nested(header: Json, _claims: Json, login: Login) -> str:
    return tokens.signed(header, b"[" * 20_000 + b"]" * 20_000, login.provider.key)


def _earlier_nonce(told: Json, login: Login) -> Json:
    return told | {"nonce": next(iter(login.provider.logins.values())).asked["nonce"] + "x"}


def _endpoint(answer: Reply) -> Answer:
    return lambda _told, _login: answer


def _jwk_text(login: Login) -> bytes:
    return json.dumps(tokens.public_jwk(login.provider.key, login.provider.kid)).encode()


def _elsewhere(name: str, address: object) -> Script:
    return Script(discovery=lambda told: told | {name: address})


# A lone surrogate: JSON can carry it, UTF-8 cannot.
HALF = "\ud800"
LOGOUT = {"http://schemas.openid.net/event/backchannel-logout": {}}
TRACE = b"<html><h1>Traceback (most recent call last)</h1>" + WORDS.encode()

TABLE = (
    Attack(1, "token of another issuer", claims(put(iss=OTHER))),
    Attack(1, "issuer with a slash more", claims(lambda told, _: told | {"iss": told["iss"] + "/"})),
    Attack(1, "issuer in capitals", claims(lambda told, _: told | {"iss": told["iss"].upper()})),
    Attack(1, "no issuer", claims(drop("iss"))),
    Attack(1, "issuer as a list", claims(lambda told, _: told | {"iss": [told["iss"]]})),
    Attack(2, "audience is another client", claims(put(aud="another"))),
    Attack(2, "no audience", claims(drop("aud"))),
    Attack(3, "audience is another client, authorised party is us", claims(put(aud="another", azp=CLIENT))),
    Attack(3, "the same with a list", claims(put(aud=["another"], azp=CLIENT))),
    Attack(4, "empty audience", claims(put(aud=[]))),
    Attack(4, "empty audience, authorised party is us", claims(put(aud=[], azp=CLIENT))),
    Attack(5, "audience of two, no authorised party", claims(put(aud=[CLIENT, "another"]))),
    Attack(5, "audience of two, another party", claims(put(aud=[CLIENT, "another"], azp="another"))),
    Attack(5, "our audience, another party", claims(put(azp="another"))),
    Attack(5, "audience as an object", claims(put(aud={CLIENT: True}))),
    Attack(6, "expired ten minutes ago", claims(moved(exp=-600, iat=-900))),
    Attack(6, "no end", claims(drop("exp"))),
    Attack(6, "end as text", claims(lambda told, _: told | {"exp": str(told["exp"])})),
    Attack(6, "end as true", claims(put(exp=True))),
    Attack(6, "end that is no number", claims(put(exp=float("nan")))),
    Attack(7, "expired 110 seconds ago", claims(moved(exp=-110, iat=-200))),
    Attack(8, "made in the future", claims(moved(iat=600, exp=900))),
    Attack(8, "not valid yet", claims(moved(nbf=600))),
    Attack(8, "not valid yet, as text", claims(put(nbf="tomorrow"))),
    Attack(8, "made at infinity", claims(put(iat=float("inf")))),
    Attack(9, "a day old, and not expired", claims(moved(iat=-86400))),
    Attack(9, "no time of making", claims(drop("iat"))),
    Attack(10, "no nonce", claims(drop("nonce"))),
    Attack(10, "another nonce", claims(put(nonce="n-0S6_WzA2Mj"))),
    Attack(10, "nonce with a letter more", claims(_earlier_nonce)),
    Attack(10, "nonce in a list", claims(lambda told, _: told | {"nonce": [told["nonce"]]})),
    Attack(10, "nonce of letters outside ASCII", claims(put(nonce="ñöñçé"))),
    Attack(10, "nonce of half a letter", claims(put(nonce=HALF))),
    Attack(
        10,
        "nonce said to be unsupported",
        claims(lambda told, login: drop("nonce")(told, login) | {"nonce_supported": False}),
    ),
    Attack(
        11, "unsigned, and the provider lists none", Script(sign=_unsigned("none"), discovery=listing("none"))
    ),
    Attack(11, "unsigned", Script(sign=_unsigned("none"))),
    Attack(12, "unsigned, in odd letters", Script(sign=_unsigned("nOnE"), discovery=listing("nOnE"))),
    Attack(12, "unsigned, nothing listed", Script(sign=_unsigned("none"), discovery=listing())),
    Attack(12, "algorithm as a list", Script(header=put(alg=["RS256"]))),
    Attack(12, "no algorithm", Script(header=drop("alg"))),
    Attack(
        13, "HS256 with our public key as PEM", _confused(lambda one: tokens.public_pem(one.provider.key))
    ),
    Attack(13, "HS256 with our public key as JWK", _confused(_jwk_text)),
    Attack(13, "HS256 with the client's secret", _confused(lambda _login: SECRET.encode())),
    Attack(13, "HS256 with an empty key", _confused(lambda _login: b"")),
    Attack(14, "unknown key", _stranger(kid="unheard-of")),
    Attack(14, "unknown key under a known name", _stranger(kid="first")),
    Attack(14, "unknown key without a name", _stranger(kid=None)),
    Attack(14, "key in the header", _stranger(jwk=tokens.public_jwk(tokens.ours(2), "mine"), kid="mine")),
    Attack(
        14, "key in the header under a known name", _stranger(jwk=tokens.public_jwk(tokens.ours(2), "first"))
    ),
    Attack(14, "address of a key in the header", _stranger(jku=True, kid="mine")),
    Attack(14, "address of a key under a known name", _stranger(jku=True)),
    Attack(14, "name of the key is a path", _stranger(kid="../../../../dev/null")),
    Attack(14, "name of the key is half a letter", _stranger(kid=HALF)),
    Attack(14, "name of the key is an object", _stranger(kid={"first": 1})),
    Attack(15, "extension that must be understood", Script(header=put(crit=["exp2"], exp2=1))),
    Attack(15, "payload not encoded", Script(header=put(crit=["b64"], b64=False))),
    Attack(15, "payload changed after signing", Script(sign=_changed_payload)),
    Attack(15, "signature cut off", Script(sign=lambda *made: sign(*made).rpartition(".")[0] + ".")),
    Attack(15, "hash of another access token", claims(put(at_hash=tokens.half_hash("another")))),
    Attack(15, "hash of half a letter", claims(put(at_hash=HALF))),
    Attack(15, "hash that is a number", claims(put(at_hash=17))),
    Attack(15, "two parts only", Script(sign=lambda *made: sign(*made).rpartition(".")[0])),
    Attack(15, "no token at all", Script(sign=lambda *_made: "not.a.token")),
    Attack(
        15, "payload is a list", Script(sign=lambda h, _c, one: tokens.signed(h, b"[1]", one.provider.key))
    ),
    Attack(
        15, "payload is no text", Script(sign=lambda h, _c, one: tokens.signed(h, b"\xff", one.provider.key))
    ),
    Attack(16, "no subject", claims(drop("sub"))),
    Attack(16, "subject is a number", claims(put(sub=4711))),
    Attack(16, "subject is null", claims(put(sub=None))),
    Attack(16, "subject of 100 kB", claims(put(sub="x" * 100_000))),
    Attack(16, "token of 2 MB", claims(put(more="x" * 2_000_000))),
    Attack(16, "header of 100 kB", Script(header=put(x5c=["x" * 100_000]))),
    Attack(16, "token of 20,000 brackets", Script(sign=_nested)),
    Attack(16, "discovery of 20,000 brackets", Script(discovery=lambda _: Reply(body=b"[" * 20_000))),
    Attack(16, "keys of 20,000 brackets", Script(jwks=lambda _: Reply(body=b"[" * 20_000))),
    Attack(17, "empty subject", claims(put(sub=""))),
    Attack(17, "blank subject", claims(put(sub="   "))),
    Attack(17, "subject of half a letter", claims(put(sub=HALF))),
    Attack(17, "subject of 256 letters", claims(put(sub="x" * 256))),
    Attack(17, "subject with a NUL", claims(put(sub="4711\0"))),
    Attack(18, "no identity token", Script(token=drop("id_token"))),
    Attack(18, "identity token is null", Script(token=put(id_token=None))),
    Attack(18, "identity token is an object", Script(token=put(id_token={"sub": "4711"}))),
    Attack(19, "logout token", claims(lambda told, one: drop("nonce")(told, one) | {"events": LOGOUT})),
    Attack(19, "logout token with a nonce", claims(put(events=LOGOUT))),
    Attack(19, "token of type logout", Script(header=put(typ="logout+jwt"))),
    Attack(19, "token of type access", Script(header=put(typ="at+jwt"))),
    Attack(20, "userinfo of somebody else", Script(userinfo=put(sub="somebody-else"))),
    Attack(20, "userinfo of nobody", Script(userinfo=drop("sub"))),
    Attack(
        20, "userinfo is a list", Script(userinfo=lambda told, _: Reply(body=json.dumps([told]).encode()))
    ),
    Attack(20, "userinfo is refused", Script(userinfo=_endpoint(Reply(401, b"{}")))),
    Attack(21, "token endpoint answers a web page", Script(token=_endpoint(Reply(200, TRACE, "text/html")))),
    Attack(21, "token endpoint answers a web page as JSON", Script(token=_endpoint(Reply(200, TRACE)))),
    Attack(21, "token endpoint breaks", Script(token=_endpoint(Reply(500, TRACE, "text/html")))),
    Attack(21, "token endpoint answers nothing", Script(token=_endpoint(Reply(200)))),
    Attack(21, "token endpoint answers a list", Script(token=_endpoint(Reply(200, b"[]")))),
    Attack(21, "token endpoint answers null", Script(token=_endpoint(Reply(200, b"null")))),
    Attack(21, "token endpoint answers no text", Script(token=_endpoint(Reply(200, b"\xff\xfe\x00{")))),
    Attack(21, "token endpoint answers too much", Script(token=_endpoint(Reply(200, b" " * 5_000_000)))),
    Attack(21, "token endpoint refuses", Script(token=_endpoint(Reply(400, b'{"error": "invalid_grant"}')))),
    Attack(
        21,
        "token endpoint refuses with words",
        Script(token=_endpoint(Reply(400, json.dumps({"error": "x", "error_description": WORDS}).encode()))),
    ),
    Attack(21, "no access token", Script(token=drop("access_token"))),
    Attack(21, "access token is a number", Script(token=put(access_token=7))),
    Attack(21, "access token for another scheme", Script(token=put(token_type="MAC"))),
    Attack(21, "keys are a web page", Script(jwks=lambda _: Reply(200, TRACE, "text/html"))),
    Attack(21, "keys are broken", Script(jwks=lambda _: {"keys": [{"kty": "RSA", "kid": "first"}]})),
    Attack(21, "keys are a list", Script(jwks=lambda _: Reply(body=b"[]"))),
    Attack(
        21,
        "key is a shared secret",
        Script(jwks=lambda _: {"keys": [{"kty": "oct", "kid": "first", "k": "eA"}]}),
    ),
    Attack(23, "discovery names another issuer", Script(discovery=lambda told: told | {"issuer": OTHER})),
    Attack(
        23,
        "discovery names the issuer with a slash more",
        Script(discovery=lambda told: told | {"issuer": told["issuer"] + "/"}),
    ),
    Attack(23, "discovery names no issuer", Script(discovery=lambda told: told | {"issuer": None})),
    Attack(23, "discovery moves elsewhere", Script(discovery=lambda _: Reply(302, location="/jku"))),
    Attack(23, "discovery is a web page", Script(discovery=lambda _: Reply(200, TRACE, "text/html"))),
    Attack(23, "discovery breaks", Script(discovery=lambda _: Reply(500, TRACE))),
    Attack(23, "discovery is a list", Script(discovery=lambda _: Reply(body=b"[]"))),
    Attack(
        23, "discovery names a plain http address", _elsewhere("token_endpoint", "http://192.0.2.1/token")
    ),
    Attack(23, "discovery names a file of keys", _elsewhere("jwks_uri", "file:///etc/passwd")),
    Attack(23, "discovery names an address with a number", _elsewhere("jwks_uri", 17)),
    Attack(23, "discovery names a broken address", _elsewhere("authorization_endpoint", "http://[::1")),
    Attack(
        23, "discovery sends the browser to a script", _elsewhere("authorization_endpoint", "javascript:x")
    ),
    Attack(26, "answer names another issuer", Script(back=put(iss=OTHER))),
    Attack(26, "answer names no issuer", Script(back=drop("iss"))),
    Attack(26, "answer names an empty issuer", Script(back=put(iss=""))),
    Attack(25, "error with foreign words", Script(back=lambda told, _: _error(told))),
    Attack(
        25, "error together with a code", Script(back=put(error="access_denied", error_description=WORDS))
    ),
    Attack(24, "answer without a code", Script(back=drop("code"))),
    Attack(24, "answer without a state", Script(back=drop("state"))),
    Attack(24, "answer with another state", Script(back=put(state="x" * 43))),
    Attack(24, "answer with an endless state", Script(back=put(state="x" * 20_000))),
    Attack(24, "answer with a foreign state", Script(back=put(state="ŝtäté\0"))),
)


def _error(told: Json) -> Json:
    more = {"error": WORDS, "error_description": WORDS, "error_uri": OTHER}
    return {"state": told["state"], "iss": told["iss"], **more}
