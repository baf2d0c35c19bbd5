"""Keys, clocks and providers that go away: what is accepted for how long, and what is fetched how often."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.federation import hostile, tokens
from tests.federation.attacks import claims, moved
from tests.federation.hostile import Hostile, Json, Login, Reply, Script
from tests.federation.refusals import LONGEST, assert_refused
from tests.federation.stage import Browser, Portal

# Nobody listens on the port of the discard service.
DEAD = "http://127.0.0.1:9"
CLOCKS = {
    "ahead of ours": moved(iat=50, exp=350),
    "ahead of ours, with a start": moved(iat=50, nbf=50, exp=350),
    "behind ours": moved(iat=-350, exp=-50),
}


def _with_the_first_key(header: Json, told: Json, _login: Login) -> str:
    return tokens.signed(header | {"kid": "first"}, told, tokens.ours(0))


def _made_up(header: Json, told: Json, login: Login) -> str:
    return tokens.signed(header | {"kid": f"made-up-{len(login.provider.logins)}"}, told, login.provider.key)


def test_row_30_a_withdrawn_key_is_refused_when_its_time_is_over(portal: Portal, browser: Browser) -> None:
    with hostile.running() as provider:
        portal.register_hostile(provider, keys_seconds=1)
        browser.welcomed(browser.start(follow=True))
        browser.post("/logout")
        provider.rotate()
        provider.script = Script(sign=_with_the_first_key)
        time.sleep(1.1)

        answer = browser.start(follow=True)

        assert_refused(browser, answer, provider)


def test_row_31_fifty_made_up_keys_do_not_make_us_ask_fifty_times(odd: Hostile, browser: Browser) -> None:
    browser.welcomed(browser.start(follow=True))
    browser.post("/logout")
    odd.script = Script(sign=_made_up)

    for _ in range(50):
        browser.start(follow=True)

    assert odd.seen["/token"] == 51
    assert odd.seen["/jwks"] <= 2
    assert not browser.logged_in()


def test_row_32_a_rotated_key_is_accepted_without_a_restart(portal: Portal, browser: Browser) -> None:
    with hostile.running() as provider:
        portal.register_hostile(provider, keys_seconds=1)
        browser.welcomed(browser.start(follow=True))
        browser.post("/logout")
        provider.rotate()
        time.sleep(1.1)

        browser.start(follow=True)

        assert browser.logged_in()


def test_metadata_and_keys_are_kept_for_their_life(odd: Hostile, browser: Browser) -> None:
    for _ in range(3):
        browser.welcomed(browser.start(follow=True))
        browser.post("/logout")

    assert odd.seen["/token"] == 3
    assert odd.seen["/jwks"] == 1
    assert odd.seen["/.well-known/openid-configuration"] == 1


def test_a_lie_in_discovery_is_not_remembered(odd: Hostile, browser: Browser) -> None:
    odd.script = Script(discovery=lambda _: Reply(500))
    assert_refused(browser, browser.start(follow=True), odd)

    odd.script = hostile.HONEST
    browser.start(follow=True)

    assert browser.logged_in()


@pytest.mark.parametrize("clock", CLOCKS)
def test_a_clock_fifty_seconds_off_is_borne(clock: str, odd: Hostile, browser: Browser) -> None:
    odd.script = claims(CLOCKS[clock])

    browser.start(follow=True)

    assert browser.logged_in()


def test_keys_that_nobody_serves_refuse_the_log_in(portal: Portal, odd: Hostile, browser: Browser) -> None:
    odd.script = Script(discovery=lambda told: told | {"jwks_uri": f"{DEAD}/jwks"})
    began = time.monotonic()

    answer = browser.start(follow=True)

    assert_refused(browser, answer, odd)
    assert answer.status_code in (502, 504)
    assert time.monotonic() - began < LONGEST
    assert portal.accounts() == (0, 0)


def test_a_provider_that_dies_in_mid_log_in_refuses_it(
    portal: Portal, odd: Hostile, browser: Browser
) -> None:
    address = browser.callback()
    odd.stop()
    began = time.monotonic()

    answer = browser.get(address)

    assert_refused(browser, answer, odd)
    assert answer.status_code in (502, 504)
    assert time.monotonic() - began < LONGEST
    assert portal.accounts() == (0, 0)


def test_a_provider_that_is_away_says_so_before_anybody_is_sent_there(
    portal: Portal, browser: Browser
) -> None:
    with hostile.running() as provider:
        portal.register_hostile(provider)
        provider.stop()

        answer = browser.start()

        assert_refused(browser, answer, provider)
        assert answer.status_code in (502, 504)


def test_a_token_with_a_long_header_is_accepted(odd: Hostile, browser: Browser) -> None:
    """A chain of certificates is over the library's own limit of 512 bytes."""
    odd.script = Script(header=lambda told, _login: told | {"x5c": ["MIIB" * 700]})

    browser.start(follow=True)

    assert browser.logged_in()


STRANGE_KEYS: dict[str, Json] = {
    "of a kind nobody knows": {"kty": "PQC", "kid": "future", "alg": "ML-DSA-65", "pub": "AAAA"},
    "that is a shared secret": {"kty": "oct", "kid": "shared", "k": "c2hhcmVk"},
    "on an unknown curve": {"kty": "EC", "kid": "curve", "crv": "P-999", "x": "AA", "y": "AA"},
    "without its numbers": {"kty": "RSA", "kid": "broken"},
    "for encryption": {**tokens.public_jwk(tokens.ours(1), "enc"), "use": "enc", "alg": "RSA-OAEP"},
}


@pytest.mark.parametrize("kind", STRANGE_KEYS)
def test_a_strange_key_in_the_list_does_no_harm(kind: str, odd: Hostile, browser: Browser) -> None:
    """RFC 7517, 5: keys that are not understood are passed over."""
    odd.script = Script(jwks=lambda told: {"keys": [STRANGE_KEYS[kind], *told["keys"]]})

    browser.start(follow=True)

    assert browser.logged_in()


def test_a_key_for_encryption_signs_nothing(odd: Hostile, browser: Browser) -> None:
    key = STRANGE_KEYS["for encryption"]
    odd.script = Script(
        jwks=lambda told: {"keys": [key, *told["keys"]]},
        sign=lambda header, told, _: tokens.signed(header | {"kid": "enc"}, told, tokens.ours(1)),
    )

    answer = browser.start(follow=True)

    assert_refused(browser, answer, odd)


def test_claims_may_come_from_userinfo_alone(portal: Portal, odd: Hostile, browser: Browser) -> None:
    kept = ("iss", "sub", "aud", "exp", "iat", "nonce", "at_hash")
    odd.script = claims(lambda told, _login: {name: told[name] for name in kept})

    browser.start(follow=True)

    assert browser.logged_in()
    assert portal.identities()[0].affiliations == hostile.PERSON["affiliation"].split(";")


@pytest.mark.parametrize(
    "spoil", [Path.unlink, lambda file: file.write_text("{"), lambda file: file.write_text("{}")]
)
def test_a_lost_secrets_file_is_our_fault_and_said_so(
    portal: Portal, odd: Hostile, browser: Browser, tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    spoil(tmp_path / "secrets.json")

    answer = browser.start(follow=True)

    assert answer.status_code == 502
    assert_refused(browser, answer, odd)
