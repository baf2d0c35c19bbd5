"""Addresses for machines: cookies say nothing there, guessing is slowed down, nothing is kept in clear."""

from pathlib import Path

import pytest
import requests
from sqlalchemy import inspect, select, text

from portal.auth.throttle import MOST, Failure
from portal.permissions import machine
from portal.provider.clients import SCOPES, Registration
from tests.federation.stage import Browser, Portal
from tests.provider import stage
from tests.provider.stage import CODE, REDIRECT, REFRESH

FOREIGN = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
VERIFIER = "v" * 43
CHALLENGE = "7w_YNF9DSfIdPf_pRjSq646_kPr-2-o9NAl16JGghdM"


@pytest.fixture
def secret(portal: Portal) -> str:
    about = Registration(
        "site-a", "Site A", redirect_uris=(REDIRECT,), scopes=tuple(SCOPES), grant_types=(CODE, REFRESH)
    )
    return stage.register(portal, about)


def _code(browser: Browser) -> str:
    """Agreed to in this browser."""
    asked = {
        "client_id": "site-a",
        "response_type": "code",
        "redirect_uri": REDIRECT,
        "scope": "openid",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "answer": "allow",
    }
    landed = browser.post("/oauth/authorize", asked, follow=False).headers["Location"]  # type: ignore[arg-type]
    return stage.told(landed)["code"]


def _redeem(browser: Browser, code: str, secret: str, **headers: str) -> requests.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
        "client_id": "site-a",
        "client_secret": secret,
    }
    address = f"{browser.portal.address}/oauth/token"
    return browser.jar.post(address, data=form, headers=headers, timeout=10)


def test_machines_pass_the_cross_site_check_because_cookies_mean_nothing_to_them(
    browser: Browser, secret: str
) -> None:
    code = _code(browser)

    answer = _redeem(browser, code, secret, **FOREIGN)

    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers.get("Vary", "")
    assert (
        browser.jar.post(f"{browser.portal.address}/oauth/authorize", headers=FOREIGN, timeout=10).status_code
        == 403
    ), "people's forms do not pass it"


@pytest.mark.parametrize("path", ["userinfo", "introspect", "token", "revoke", "device_authorization"])
def test_a_logged_in_browser_is_nobody_to_a_machines_address(
    path: str, browser: Browser, secret: str
) -> None:
    answer = browser.post(f"/oauth/{path}", {"token": "x", "client_id": "site-a"})

    assert answer.status_code in (400, 401)
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/oauth/jwks"])
def test_public_documents_may_be_kept_and_are_the_same_for_everybody(path: str, browser: Browser) -> None:
    answer = browser.get(path)

    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert "Set-Cookie" not in answer.headers
    assert "Vary" not in answer.headers
    assert answer.json() == requests.get(browser.portal.address + path, timeout=10).json()


def test_every_address_that_is_announced_is_there(portal: Portal) -> None:
    known = requests.get(f"{portal.address}/.well-known/openid-configuration", timeout=10).json()
    ends = [value for name, value in known.items() if name.endswith(("_endpoint", "_uri"))]
    routes = {rule.rule for rule in portal.app.url_map.iter_rules()}

    assert len(ends) == 7
    assert {end.removeprefix(portal.address) for end in ends} <= routes


def test_whoever_guesses_secrets_is_slowed_down_and_recorded(
    browser: Browser, secret: str, portal: Portal
) -> None:
    code = _code(browser)
    neighbour = Browser(portal)
    neighbour.come_from("127.0.0.2")

    codes = [_redeem(neighbour, code, f"guess {n}").status_code for n in range(MOST["client"] + 2)]
    last = _redeem(neighbour, code, secret)

    assert codes == [401] * MOST["client"] + [429] * 2
    assert (last.status_code, int(last.headers["Retry-After"]) > 0) == (429, True)
    assert _redeem(browser, code, secret).status_code == 200, "others do not notice"
    neighbour.close()


@pytest.mark.parametrize(
    "form",
    [
        {"grant_type": "authorization_code", "code": "made-up"},
        {"grant_type": "refresh_token", "refresh_token": "made-up"},
    ],
    ids=["code", "refresh token"],
)
def test_a_made_up_code_or_token_counts_as_a_guess(form: dict[str, str], portal: Portal, secret: str) -> None:
    own = {"client_id": "site-a", "client_secret": secret}

    answer = requests.post(f"{portal.address}/oauth/token", data={**own, **form}, timeout=10)

    assert answer.json()["error"] == "invalid_grant"
    with portal.sessions() as session:
        assert session.scalars(select(Failure.kind)).all() == ["client"]


@pytest.mark.parametrize("header", ["Basic /w==", "Basic", "Basic !", "Basic YTpi", "Digest x"])
def test_broken_credentials_are_refused_and_never_a_crash(header: str, portal: Portal, secret: str) -> None:
    address = f"{portal.address}/oauth/introspect"
    answer = requests.post(address, data={"token": "x"}, headers={"Authorization": header}, timeout=10)

    assert (answer.status_code, answer.json()["error"]) in ((401, "invalid_client"), (400, "invalid_client"))


def test_no_secret_code_or_token_is_in_the_database(browser: Browser, secret: str, portal: Portal) -> None:
    code = _code(browser)
    issued = _redeem(browser, code, secret).json()
    hidden = (secret, code, issued["access_token"], issued["refresh_token"], issued["id_token"])

    with portal.sessions() as session:
        tables = inspect(session.connection()).get_table_names()
        rows = [str(row) for table in tables for row in session.execute(text(f'SELECT * FROM "{table}"'))]

    assert len(rows) > 8
    assert [row for row in rows if any(value in row for value in hidden)] == []


def test_a_portal_without_keys_is_no_provider(tmp_path: Path) -> None:
    with stage.stage.running(tmp_path, provider_keys=str(tmp_path / "none.json")) as portal:
        paths = ["/.well-known/openid-configuration", "/oauth/jwks", "/oauth/authorize", "/oauth/userinfo"]
        codes = [requests.get(portal.address + path, timeout=10).status_code for path in paths]
        codes += [requests.post(f"{portal.address}/oauth/token", timeout=10).status_code]

    assert codes == [404] * 5


def test_a_view_for_machines_names_what_exists() -> None:
    with pytest.raises(KeyError, match="no such permission"):
        machine("proposal.eat")
