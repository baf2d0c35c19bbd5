"""A certified client logs people in through the portal, and what it must not get away with."""

from typing import Any

import pytest

from tests.federation.forms import heading
from tests.federation.stage import Browser, Portal
from tests.provider.party import Failed, Party
from tests.provider.stage import (
    ALL,
    LOCAL,
    OTHER_REDIRECT,
    REDIRECT,
    Site,
    arrive,
    person,
    stopped,
    told,
)
from tests.provider.stage import (
    site as new_site,
)


def test_a_certified_client_logs_a_person_in(site: Site, browser: Browser) -> None:
    done = site.log_in(browser, ALL)

    claims = done["claims"]
    assert (claims["iss"], claims["aud"], claims["name"]) == (site.portal.address, "site-a", "Priya")
    assert claims["exp"] - claims["iat"] == done["expires_in"] == 600
    assert claims["auth_time"] <= claims["iat"]
    with site.portal.sessions() as session:
        assert claims["preferred_username"] == f"person-{person(session, 'priya').id}"
    assert claims["sub"] not in str(site.portal.accounts())


@pytest.mark.parametrize("method", ["basic", "post"])
@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_each_algorithm_and_each_way_to_send_the_secret(
    method: str, algorithm: str, portal: Portal, party: Party, browser: Browser
) -> None:
    site = new_site(portal, party, f"site-{method}.{algorithm.lower()}", algorithm=algorithm)
    discovered = {"issuer": portal.address, "client": site.client_id, "secret": site.secret}
    site.do("discover", **discovered, method=method, alg=algorithm)

    done = site.log_in(browser)

    checked = site.do("verify", jwt=done["id_token"], issuer=portal.address, typ="JWT")
    assert checked["header"]["alg"] == algorithm
    assert checked["payload"]["sub"] == done["claims"]["sub"]
    assert set(checked["header"]) == {"alg", "kid", "typ"}
    assert "kid" not in checked["payload"]


def test_two_clients_know_the_person_by_the_same_opaque_name(
    site: Site, browser: Browser, party: Party
) -> None:
    other = new_site(site.portal, party, "site-b")

    names = {one.log_in(browser)["claims"]["sub"] for one in (site, other)}

    assert len(names) == 1
    assert len(names.pop()) == 32


def test_a_person_is_asked_once_and_again_for_more(site: Site, browser: Browser) -> None:
    first = stopped(browser, site.ask("openid profile")["url"])
    assert heading(first.text) == "Continue to Site site-a?"
    assert "your affiliation" in first.text
    assert "North Computing" in first.text
    assert "up to 12 hours" in first.text
    arrive(browser, site.ask("openid profile")["url"])

    again = stopped(browser, site.ask("openid")["url"])
    wanted = stopped(browser, site.ask("openid profile", prompt="consent")["url"])
    more = stopped(browser, site.ask("openid email")["url"])

    assert told(again.headers["Location"]).keys() == {"code", "state", "iss"}
    assert (wanted.status_code, more.status_code) == (200, 200)


def test_whoever_does_not_agree_gives_nothing(site: Site, browser: Browser) -> None:
    asked = site.ask()
    landed = arrive(browser, asked["url"], "deny")

    assert told(landed)["error"] == "access_denied"
    with pytest.raises(Failed) as refused:
        site.finish(asked, landed)
    assert refused.value.error == "access_denied"
    assert stopped(browser, site.ask()["url"]).status_code == 200


def test_an_answer_of_another_issuer_is_noticed_by_the_client(site: Site, browser: Browser) -> None:
    """RFC 9207: the answer says whose it is, and errors say so too."""
    asked = site.ask()
    landed = arrive(browser, asked["url"])

    with pytest.raises(Failed):
        site.finish(asked, landed.replace("iss=", "iss=x"))
    assert told(landed)["iss"] == site.portal.address
    assert told(arrive(browser, site.ask("openid nonsense")["url"]))["iss"] == site.portal.address


def test_userinfo_says_what_the_id_token_said(site: Site, browser: Browser) -> None:
    done = site.log_in(browser, ALL)
    claims = done["claims"]

    info = site.do("userinfo", token=done["access_token"], sub=claims["sub"])

    assert info["email"] == "priya@north.example"
    assert {name: claims[name] for name in info} == info
    assert info["voperson_external_affiliation"] == ["member@north.example"]
    assert info["eduperson_assurance"] == ["https://refeds.org/assurance/IAP/medium"]


def test_without_their_scopes_name_and_mail_are_not_told(site: Site, browser: Browser) -> None:
    done = site.log_in(browser)

    info = site.do("userinfo", token=done["access_token"], sub=done["claims"]["sub"])

    assert set(info) == {"sub", "eduperson_assurance"}
    assert "email" not in done["claims"]


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer made-up", "Basic eA==", "Bearer \x01"])
def test_userinfo_wants_a_token(header: str, site: Site, browser: Browser) -> None:
    answer = browser.jar.get(f"{site.portal.address}/oauth/userinfo", headers={"Authorization": header})

    assert answer.status_code in (400, 401)
    assert answer.status_code == 400 or "invalid_token" in answer.headers["WWW-Authenticate"]


def test_introspection_tells_an_own_token_and_no_others(site: Site, browser: Browser, party: Party) -> None:
    neighbour = new_site(site.portal, party, "site-n", house="North Computing")
    stranger = new_site(site.portal, party, "site-s", house="South Computing")
    token = site.log_in(browser, "openid entitlements")["access_token"]

    own = site.do("introspect", token=token)

    assert own["active"]
    assert (own["client_id"], own["scope"]) == ("site-a", "openid entitlements")
    assert own["exp"] - own["iat"] == 600
    assert neighbour.do("introspect", token=token)["active"]
    assert stranger.do("introspect", token=token) == {"active": False}
    assert site.do("introspect", token="made-up") == {"active": False}


def test_a_revoked_token_is_worth_nothing(site: Site, browser: Browser) -> None:
    done = site.log_in(browser)

    site.do("revoke", token=done["access_token"])

    assert site.do("introspect", token=done["access_token"]) == {"active": False}
    assert site.do("refresh", token=done["refresh_token"])["access_token"]
    with pytest.raises(Failed):
        site.do("userinfo", token=done["access_token"], sub=done["claims"]["sub"])


def test_with_a_refresh_token_everything_is_revoked(site: Site, browser: Browser) -> None:
    done = site.log_in(browser)

    site.do("revoke", token=done["refresh_token"])

    assert site.do("introspect", token=done["access_token"]) == {"active": False}
    with pytest.raises(Failed) as refused:
        site.do("refresh", token=done["refresh_token"])
    assert refused.value.error == "invalid_grant"


def test_nobody_revokes_what_is_somebody_elses(site: Site, browser: Browser, party: Party) -> None:
    stranger = new_site(site.portal, party, "site-s")
    done = site.log_in(browser)

    with pytest.raises(Failed):
        stranger.do("revoke", token=done["refresh_token"])

    assert site.do("introspect", token=done["access_token"])["active"]


def test_a_refreshed_log_in_keeps_its_person_and_its_time(site: Site, browser: Browser) -> None:
    done = site.log_in(browser, "openid profile")

    again = site.do("refresh", token=done["refresh_token"])

    same = ("sub", "auth_time", "iss", "aud", "name")
    assert {name: again["claims"][name] for name in same} == {name: done["claims"][name] for name in same}
    assert "nonce" not in again["claims"]
    assert again["refresh_token"] != done["refresh_token"]
    narrow = site.do("refresh", token=again["refresh_token"], more={"scope": "openid"})
    assert narrow["scope"] == "openid"
    assert "name" not in narrow["claims"]
    with pytest.raises(Failed) as refused:
        site.do("refresh", token=narrow["refresh_token"], more={"scope": "openid email"})
    assert refused.value.error == "invalid_scope"


def test_a_refresh_token_used_twice_ends_its_family(site: Site, browser: Browser) -> None:
    done, other = site.log_in(browser), site.log_in(browser)
    fresh = site.do("refresh", token=done["refresh_token"])

    with pytest.raises(Failed) as refused:
        site.do("refresh", token=done["refresh_token"])

    assert refused.value.error == "invalid_grant"
    assert site.do("introspect", token=fresh["access_token"]) == {"active": False}
    with pytest.raises(Failed):
        site.do("refresh", token=fresh["refresh_token"])
    assert site.do("introspect", token=other["access_token"])["active"], "another log-in is not touched"


def _form(asked: dict[str, Any], landed: str, **more: str) -> dict[str, str]:
    return {
        "grant_type": "authorization_code",
        "code": told(landed)["code"],
        "redirect_uri": REDIRECT,
        "code_verifier": asked["verifier"],
        **more,
    }


def test_a_code_used_twice_ends_what_it_gave(site: Site, browser: Browser) -> None:
    asked = site.ask()
    landed = arrive(browser, asked["url"])
    done = site.finish(asked, landed)

    answer = site.post("token", _form(asked, landed))

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert site.do("introspect", token=done["access_token"]) == {"active": False}
    with pytest.raises(Failed):
        site.do("refresh", token=done["refresh_token"])


SPOILT = (
    {"code": "made-up"},
    {"code": ""},
    {"redirect_uri": OTHER_REDIRECT},
    {"redirect_uri": ""},
    {"code_verifier": "x" * 43},
    {"code_verifier": "short"},
    {"code_verifier": ""},
)


def test_a_spoilt_exchange_is_refused_and_the_code_still_good(site: Site, browser: Browser) -> None:
    asked = site.ask()
    landed = arrive(browser, asked["url"])

    answers = [site.post("token", _form(asked, landed, **spoilt)) for spoilt in SPOILT]

    assert {answer.status_code for answer in answers} == {400}
    assert {answer.json()["error"] for answer in answers} == {"invalid_grant", "invalid_request"}
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}
    assert site.finish(asked, landed)["access_token"]


def test_a_code_is_for_the_client_that_asked(site: Site, browser: Browser, party: Party) -> None:
    thief = new_site(site.portal, party, "site-t")
    asked = site.ask()

    answer = thief.post("token", _form(asked, arrive(browser, asked["url"])))

    assert answer.json()["error"] == "invalid_grant"


def test_a_wrong_secret_gets_nothing(site: Site, browser: Browser) -> None:
    asked = site.ask()
    landed = arrive(browser, asked["url"])

    answers = [site.post("token", _form(asked, landed, client_secret=secret)) for secret in ("", "wrong")]

    assert [(a.status_code, a.json()["error"]) for a in answers] == [(401, "invalid_client")] * 2
    assert site.finish(asked, landed)["access_token"]


WITHOUT_PKCE = (
    {"code_challenge": "", "code_challenge_method": ""},
    {"code_challenge_method": "plain"},
    {"code_challenge_method": ""},
    {"code_challenge": ""},
    {"code_challenge": "short"},
)


def test_pkce_is_wanted_of_a_confidential_client_too(site: Site, browser: Browser) -> None:
    """Where the request begins, so that no code is ever made without."""
    site.log_in(browser)

    answers = [
        told(stopped(browser, site.ask(**spoilt)["url"]).headers["Location"]) for spoilt in WITHOUT_PKCE
    ]

    assert {answer["error"] for answer in answers} == {"invalid_request"}
    assert {answer["iss"] for answer in answers} == {site.portal.address}
    assert not any("code" in answer for answer in answers)


ELSEWHERE = (
    f"{REDIRECT}/",
    f"{REDIRECT}?x=1",
    REDIRECT.upper(),
    REDIRECT.replace("https", "http"),
    REDIRECT.replace("site.", "evil.site."),
    f"{REDIRECT}%2F..",
    f"{REDIRECT}#x",
    "https://evil.example/",
    "//evil.example",
    "javascript:alert(1)",
    '"',
    "é",
    "",
)


def test_answers_go_to_a_registered_address_letter_by_letter(site: Site, browser: Browser) -> None:
    """Also errors: with a wrong scope beside it, nothing leaves the portal either."""
    site.log_in(browser)
    asked = [
        site.ask(scope, redirect_uri=address)["url"]
        for address in ELSEWHERE
        for scope in ("openid", "openid nonsense")
    ]

    answers = [browser.get(address, follow=False) for address in asked]

    assert {answer.status_code for answer in answers} == {400}
    assert not any("Location" in answer.headers for answer in answers)
    assert all("made a mistake" in answer.text for answer in answers)


def test_an_unknown_client_is_a_page_and_leads_nowhere(site: Site, browser: Browser) -> None:
    names = ("", "nobody", "SITE-A", "é", "a\0b", "x" * 300)

    answers = [browser.get(site.ask(client_id=name)["url"], follow=False) for name in names]

    assert {answer.status_code for answer in answers} == {400}
    assert not any("Location" in answer.headers for answer in answers)


WRONG = (
    ({"scope": "openid nonsense"}, "invalid_scope"),
    ({"scope": ""}, "invalid_scope"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": "code id_token"}, "unsupported_response_type"),
    ({"response_mode": "fragment"}, "invalid_request"),
    ({"request": "x.y.z", "response_type": "code"}, "request_not_supported"),
    ({"prompt": "none login"}, "invalid_request"),
    ({"prompt": "dance"}, "invalid_request"),
    ({"max_age": "-1"}, "invalid_request"),
    ({"nonce": "n" * 256}, "invalid_request"),
    ({"nonce": "n\0n"}, "invalid_request"),
    ({"state": "s" * 1001}, "invalid_request"),
)


def test_a_wrong_request_is_answered_at_the_client(site: Site, browser: Browser) -> None:
    site.log_in(browser)

    landed = [stopped(browser, site.ask(**more)["url"]).headers["Location"] for more, _ in WRONG]

    assert [told(address)["error"] for address in landed] == [error for _, error in WRONG]
    assert all(address.startswith(f"{REDIRECT}?") for address in landed)
    assert {told(address)["iss"] for address in landed} == {site.portal.address}


def test_a_client_gets_no_scope_that_it_was_not_given(site: Site, browser: Browser, party: Party) -> None:
    modest = new_site(site.portal, party, "site-m", scopes=("openid",))

    assert told(arrive(browser, modest.ask("openid email")["url"]))["error"] == "invalid_scope"


def test_a_public_client_on_a_persons_machine_logs_in_without_a_secret(
    portal: Portal, party: Party, browser: Browser
) -> None:
    kubectl = new_site(
        portal, party, "kubectl", public=True, redirect_uris=(f"{LOCAL}/back",), scopes=("openid", "groups")
    )
    asked = kubectl.ask("openid groups")
    page = stopped(browser, asked["url"])

    done = kubectl.finish(asked, arrive(browser, asked["url"]))

    assert LOCAL in page.headers["Content-Security-Policy"], "browsers ask for the redirect too"
    assert done["claims"]["groups"] == []
    assert kubectl.do("refresh", token=done["refresh_token"])["id_token"]
    assert stopped(browser, kubectl.ask("openid groups")["url"]).status_code == 200, "asked each time"
    silent = stopped(browser, kubectl.ask("openid groups", prompt="none")["url"])
    assert told(silent.headers["Location"])["error"] == "consent_required"
    answer = kubectl.post("introspect", {"token": done["access_token"]})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
