"""Row 43: a provider ends sessions here by a signed token, and by nothing that is not quite one."""

import json
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from sqlalchemy import select

from allocations.kernel.audit import AuditEntry
from portal.auth.backchannel import EVENT
from portal.auth.sessions import LoginSession
from tests.federation import hostile, tokens
from tests.federation.certified import SAME_SUB, Certified
from tests.federation.forms import forms_of
from tests.federation.hostile import CLIENT, PERSON, SECRET, Hostile, Json
from tests.federation.stage import Browser, Portal
from tests.threads import at_once

Browsers = Callable[[], Browser]
HEADER: Json = {"alg": "RS256", "kid": "first", "typ": "logout+jwt"}
SUB = PERSON["sub"]


def told(provider: Hostile, **more: Any) -> Json:
    """An honest token; None leaves a claim out."""
    now = int(time.time())
    claims = {
        "iss": provider.issuer,
        "aud": CLIENT,
        "iat": now,
        "exp": now + 120,
        "jti": f"token-{time.monotonic_ns()}",
        "events": {EVENT: {}},
        "sub": SUB,
        **more,
    }
    return {name: value for name, value in claims.items() if value is not None}


def later(provider: Hostile, **seconds: int) -> Json:
    now = int(time.time())
    return told(provider, **{name: now + by for name, by in seconds.items()})


def post(portal: Portal, token: str, slug: str = "odd") -> requests.Response:
    """As the provider's server does: without cookies, without an Origin."""
    return requests.post(f"{portal.address}/login/{slug}/logged-out", {"logout_token": token}, timeout=20)


def honest(provider: Hostile, **more: Any) -> str:
    return tokens.signed(HEADER, told(provider, **more), provider.key)


def _headed(**more: Any) -> Callable[[Hostile], str]:
    header = {name: value for name, value in {**HEADER, **more}.items() if value is not None}
    return lambda provider: tokens.signed(header, told(provider), provider.key)


def _claims(**more: Any) -> Callable[[Hostile], str]:
    return lambda provider: honest(provider, **more)


def _times(**seconds: int) -> Callable[[Hostile], str]:
    return lambda provider: tokens.signed(HEADER, later(provider, **seconds), provider.key)


def _confused(secret: Callable[[Hostile], bytes]) -> Callable[[Hostile], str]:
    return lambda p: tokens.keyed({**HEADER, "alg": "HS256"}, told(p), secret(p))


def _another_payload(provider: Hostile) -> str:
    first, _, last = honest(provider, sub="somebody-else").split(".")
    return f"{first}.{tokens.b64(told(provider))}.{last}"


def _id_token(provider: Hostile) -> str:
    """The very one that this log-in was made with."""
    return next(iter(provider.logins.values())).id_token


def _id_token_with_our_type(provider: Hostile) -> str:
    payload = _id_token(provider).split(".")[1]
    claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return tokens.signed(HEADER, claims, provider.key)


ATTACKS: dict[str, Callable[[Hostile], str]] = {
    "another type": _headed(typ="at+jwt"),
    "type of an id token": _headed(typ="JWT"),
    "no type": _headed(typ=None),
    "a critical extension": _headed(crit=["x"], x=1),
    "an id token": _id_token,
    "an id token with our type": _id_token_with_our_type,
    "no events": _claims(events=None),
    "another event": _claims(events={"http://schemas.openid.net/event/other": {}}),
    "events as a list": _claims(events=[EVENT]),
    "events as text": _claims(events=EVENT),
    "events empty": _claims(events={}),
    "the event is text": _claims(events={EVENT: "yes"}),
    "the event is nothing": _claims(events={EVENT: []}),
    "a nonce": _claims(nonce="abc"),
    "an empty nonce": _claims(nonce=""),
    "an end far off": _times(exp=3600),
    "expired": _times(iat=-400, exp=-90),
    "no end": _claims(exp=None),
    "end as text": _claims(exp="2100"),
    "end without end": _claims(exp=float("inf")),
    "from the future": _times(iat=120, exp=240),
    "an hour old": _times(iat=-3600, exp=60),
    "no beginning": _claims(iat=None),
    "not yet": _times(nbf=300),
    "for another client": _claims(aud="another"),
    "for another and us": _claims(aud=["another", CLIENT]),
    "for nobody": _claims(aud=[]),
    "of another issuer": _claims(iss="https://elsewhere.example"),
    "issuer with a slash": lambda provider: honest(provider, iss=provider.issuer + "/"),
    "no issuer": _claims(iss=None),
    "an unknown key": lambda provider: tokens.signed(HEADER, told(provider), tokens.ours(2)),
    "a key that is not published": lambda p: tokens.signed({**HEADER, "kid": "x"}, told(p), tokens.ours(2)),
    "a key in the header": lambda p: tokens.signed(
        {**HEADER, "jwk": tokens.public_jwk(tokens.ours(2), "first")}, told(p), tokens.ours(2)
    ),
    "unsigned": lambda provider: tokens.unsigned({**HEADER, "alg": "none"}, told(provider)),
    "HS256 with the public key": _confused(lambda provider: tokens.public_pem(provider.key)),
    "HS256 with the secret": _confused(lambda _: SECRET.encode()),
    "a changed payload": _another_payload,
    "no name": _claims(jti=None),
    "an empty name": _claims(jti=""),
    "a name that is a number": _claims(jti=17),
    "nobody": _claims(sub=None),
    "nobody, empty": _claims(sub=""),
    "subject as a list": _claims(sub=[SUB]),
    "session as a number": _claims(sid=1),
    "session as nothing": lambda p: honest(p, sub=None, sid=""),
    "a list": lambda provider: tokens.signed(HEADER, b"[]", provider.key),
    "nested without end": lambda p: tokens.signed(HEADER, b"[" * 20_000 + b"]" * 20_000, p.key),
    "two megabytes": _claims(junk="x" * 1_900_000),
    "no token": lambda _: "",
    "no token at all": lambda _: "a.b.c",
    "letters that are none": lambda provider: honest(provider) + "\udcff".encode("utf-8", "replace").decode(),
}


@pytest.fixture
def mallory(odd: Hostile, browser: Browser) -> Browser:
    """Logged in through the provider that the tokens come from."""
    odd.person = {**PERSON, "sid": "session-1"}
    browser.welcomed(browser.start(follow=True))
    assert browser.logged_in()
    return browser


def ended(portal: Portal) -> int:
    with portal.sessions() as session:
        return len(session.scalars(select(LoginSession).where(LoginSession.ended_at.is_not(None))).all())


@pytest.mark.parametrize("attack", ATTACKS)
def test_row_43_a_token_that_is_not_one_ends_nothing(
    attack: str, portal: Portal, odd: Hostile, mallory: Browser
) -> None:
    answer = post(portal, ATTACKS[attack](odd))

    assert answer.status_code in (400, 413)
    assert "Traceback" not in answer.text
    assert mallory.logged_in()
    assert ended(portal) == 0


def test_an_honest_token_ends_the_session(portal: Portal, odd: Hostile, mallory: Browser) -> None:
    """The control: without its fault each token above ends here."""
    answer = post(portal, honest(odd))

    assert (answer.status_code, answer.text) == (200, "")
    assert "no-store" in answer.headers["Cache-Control"]
    assert not mallory.logged_in()
    with portal.sessions() as session:
        assert "session.end" in session.scalars(select(AuditEntry.verb)).all()


def test_row_43_a_token_is_obeyed_once(portal: Portal, odd: Hostile, mallory: Browser) -> None:
    token = honest(odd)
    first = post(portal, token)
    mallory.start(follow=True)
    assert mallory.logged_in()

    again = post(portal, token)
    resigned = post(portal, honest(odd, jti=_jti(token)))

    assert (first.status_code, again.status_code, resigned.status_code) == (200, 400, 400)
    assert mallory.logged_in()


def _jti(token: str) -> str:
    payload = token.split(".")[1]
    return str(json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["jti"])


def test_row_43_the_same_token_in_many_threads_is_obeyed_once(
    portal: Portal, odd: Hostile, mallory: Browser
) -> None:
    token = honest(odd)

    answers = at_once(4, lambda _: post(portal, token).status_code)

    assert sorted(answers, key=str) == [200, 400, 400, 400]
    assert ended(portal) == 1


def test_the_same_name_of_two_providers_are_two_tokens(
    portal: Portal, odd: Hostile, mallory: Browser, browsers: Browsers
) -> None:
    with hostile.running() as second:
        portal.register_hostile(second, "other")
        answers = [post(portal, honest(odd, jti="x")), post(portal, honest(second, jti="x"), "other")]

    assert [answer.status_code for answer in answers] == [200, 200]


@pytest.fixture
def second(portal: Portal) -> Iterator[Hostile]:
    with hostile.running() as provider:
        provider.person = {**PERSON, "sid": "session-1"}
        portal.register_hostile(provider, "other")
        yield provider


def test_row_43_the_subject_of_another_issuer_is_somebody_else(
    portal: Portal, odd: Hostile, second: Hostile, mallory: Browser, browsers: Browsers
) -> None:
    """The same subject and the same session name, at two providers."""
    theirs = browsers()
    theirs.welcomed(theirs.start("other", follow=True))

    answers = [
        post(portal, honest(second), "other"),
        post(portal, honest(second, sub=None, sid="session-1"), "other"),
    ]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert not theirs.logged_in()
    assert mallory.logged_in()
    assert post(portal, honest(second)).status_code == 400, "at the address of the other provider"
    assert mallory.logged_in()


def everybody(odd: Hostile, browsers: Browsers) -> dict[str, Browser]:
    """Two sessions of Mallory, and one of Eve."""
    found = {}
    for name, sub, sid in (("desk", SUB, "s-1"), ("phone", SUB, "s-2"), ("eve", "eve", "s-3")):
        odd.person = {**PERSON, "sub": sub, "sid": sid, "name": name, "email": f"{sub[-4:]}@hostile.example"}
        found[name] = browsers()
        found[name].welcomed(found[name].start(follow=True))
    assert all(browser.logged_in() for browser in found.values())
    return found


@pytest.mark.parametrize(
    ("who", "left"),
    [
        ({"sub": SUB}, "eve"),
        ({"sub": None, "sid": "s-1"}, "phone eve"),
        ({"sub": SUB, "sid": "s-2"}, "desk eve"),
        ({"sub": SUB, "sid": "s-3"}, "desk phone eve"),
        ({"sub": "eve", "sid": "s-1"}, "desk phone eve"),
        ({"sub": None, "sid": "s-9"}, "desk phone eve"),
        ({"sub": None, "sid": "%"}, "desk phone eve"),
        ({"sub": SUB.upper()}, "desk phone eve"),
        ({"sub": "nobody"}, "desk phone eve"),
    ],
    ids=str,
)
def test_who_is_named_is_logged_out_and_nobody_else(
    who: dict[str, Any], left: str, portal: Portal, odd: Hostile, browsers: Browsers
) -> None:
    people = everybody(odd, browsers)

    answer = post(portal, honest(odd, **who))

    assert answer.status_code == 200
    assert {name for name, browser in people.items() if browser.logged_in()} == set(left.split())


def test_a_provider_without_names_for_its_sessions_ends_all_by_subject_only(
    portal: Portal, odd: Hostile, browser: Browser
) -> None:
    browser.welcomed(browser.start(follow=True))

    nobody = post(portal, honest(odd, sub=None, sid="x"))
    still = browser.logged_in()
    everything = post(portal, honest(odd))

    assert (nobody.status_code, still, everything.status_code) == (200, True, 200)
    assert not browser.logged_in()


def test_a_provider_that_is_switched_off_ends_nothing(portal: Portal, odd: Hostile, mallory: Browser) -> None:
    token = honest(odd)
    portal.disable("odd")

    assert post(portal, token).status_code == 404
    assert post(portal, token, "nobody").status_code == 404
    assert mallory.logged_in()


def test_a_provider_whose_keys_cannot_be_had_ends_nothing(portal: Portal, odd: Hostile) -> None:
    odd.stop()

    assert post(portal, honest(odd)).status_code == 400


def test_it_is_never_a_get(portal: Portal, odd: Hostile, mallory: Browser) -> None:
    address = f"{portal.address}/login/odd/logged-out"

    assert requests.get(address, {"logout_token": honest(odd)}, timeout=20).status_code in (400, 405)
    assert mallory.logged_in()


def test_guessing_tokens_is_slowed_down(portal: Portal, odd: Hostile) -> None:
    codes = [post(portal, "a.b.c").status_code for _ in range(61)]

    assert codes == [400] * 60 + [429]


def test_the_certified_provider_logs_people_out_here(
    portal: Portal, federation: dict[str, Certified], browsers: Browsers
) -> None:
    """Its own page of log-out in the browser, its own token from its server to ours."""
    north = federation["north"]
    portal.register("north", north.issuer, homes={}, kind="cilogon")
    north.tell(portal.address)
    uma, phone, priya = browsers(), browsers(), browsers()
    for browser, who in ((uma, "uma"), (phone, "uma"), (priya, SAME_SUB)):
        browser.log_in_at("north", who)

    form = forms_of(uma.get(f"{north.issuer}/session/end").text)[0]
    uma.post(form.action, {**form.fields, "logout": "yes"})

    assert not uma.logged_in()
    assert phone.logged_in(), "by the name of the session, and this is another one"
    assert priya.logged_in()
