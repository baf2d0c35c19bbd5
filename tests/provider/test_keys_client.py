"""Signing keys: two in public, changed without anybody noticing, and dropped at once when they must be."""

from datetime import timedelta
from pathlib import Path

import pytest
import requests

from allocations.kernel import clock
from portal.provider import keys, tokens
from portal.provider.clients import ALGORITHMS
from portal.provider.keys import TooEarly
from tests.federation.stage import Browser
from tests.provider import stage
from tests.provider.party import Failed
from tests.provider.stage import Site, later

DAY = timedelta(hours=25)


def _kids(site: Site) -> list[str]:
    answer = requests.get(f"{site.portal.address}/oauth/jwks", timeout=10)
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    return [key["kid"] for key in answer.json()["keys"]]


def _kid(site: Site, jwt: str) -> str:
    """Of a token that verifies with the keys of this moment."""
    return str(site.do("verify", jwt=jwt, issuer=site.portal.address, typ="JWT")["header"]["kid"])


def test_the_next_keys_are_public_before_they_sign(site: Site, browser: Browser, tmp_path: Path) -> None:
    before = _kids(site)
    old = site.log_in(browser)["id_token"]

    later(tmp_path, DAY)
    new = site.log_in(browser)["id_token"]

    assert len(before) == 4
    assert _kid(site, new) in before
    assert _kid(site, new) != _kid(site, old), "both verify: nobody notices"


def test_the_next_keys_do_not_sign_before_everybody_can_know_them(site: Site, tmp_path: Path) -> None:
    with pytest.raises(TooEarly, match="known to everybody from"):
        later(tmp_path, timedelta(hours=23))


def test_old_keys_go_when_nothing_that_they_signed_is_left() -> None:
    start = clock.now()
    with clock.at(start):
        ring = keys.first()
    old = {ring.signing(algorithm).kid for algorithm in ALGORITHMS}
    with clock.at(start + DAY):
        ring = keys.rotated(ring)

    with clock.at(start + DAY + tokens.LIFE + keys.CACHE):
        kept = {key["kid"] for key in ring.public()}
    with clock.at(start + DAY + keys.KEPT):
        left = {key["kid"] for key in ring.public()}
    with clock.at(start + DAY + DAY):
        held = {key.kid for key in keys.rotated(ring).keys}

    assert old <= kept
    assert (len(kept), len(left)) == (6, 4)
    assert not old & (left | held)


def test_in_an_emergency_old_tokens_verify_no_longer(site: Site, browser: Browser, tmp_path: Path) -> None:
    before, done = _kids(site), site.log_in(browser)

    later(tmp_path, timedelta(0), emergency=True)

    assert not set(before) & set(_kids(site))
    with pytest.raises(Failed) as refused:
        _kid(site, done["id_token"])
    assert refused.value.code == "ERR_JWKS_NO_MATCHING_KEY"
    site.known = stage.discovered(site)
    fresh = site.do("grant", type="refresh_token", form={"refresh_token": done["refresh_token"]})
    assert _kid(site, fresh["id_token"]) in _kids(site)


def test_no_private_part_is_published(site: Site) -> None:
    keys = requests.get(f"{site.portal.address}/oauth/jwks", timeout=10).json()["keys"]

    assert [key for key in keys if set(key) & {"d", "p", "q", "dp", "dq", "qi", "k"}] == []
    assert {(key["kty"], key["alg"], key["use"]) for key in keys} == {
        ("EC", "ES256", "sig"),
        ("RSA", "RS256", "sig"),
    }


def test_the_key_file_is_for_the_portal_alone(site: Site, tmp_path: Path) -> None:
    later(tmp_path, DAY)

    assert (tmp_path / "keys.json").stat().st_mode & 0o077 == 0
