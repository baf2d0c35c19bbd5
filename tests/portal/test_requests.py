"""What every request passes: headers, origin, query keys, methods, sizes, and pages for what went wrong."""

from dataclasses import replace

import pytest

from portal import settings as known_settings
from portal.views import front
from tests.portal import stage
from tests.portal.pages import PAGES
from tests.portal.stage import Portal

FILES = {"application/pdf", "text/csv"}
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def test_every_answer_carries_the_security_headers(portal: Portal) -> None:
    places = stage.places(portal)
    answers = {}
    for page in PAGES:
        client = portal.log_in(page.who) if page.who else portal.visitor()
        answers[page.address] = client.get(page.address.format_map(places))
    visitor = portal.visitor()
    answers["missing"] = visitor.get("/nothing-here")
    answers["static"] = visitor.get("/static/portal.css")
    answers["method"] = visitor.post("/calls")
    answers["foreign"] = visitor.post("/login", headers={"Sec-Fetch-Site": "cross-site"})
    answers["moved"] = visitor.get("/home")

    answers["static"].close()

    for address, answer in answers.items():
        policy = answer.headers["Content-Security-Policy"]
        # A file is shown by no page of ours and may do nothing at all.
        boxed = answer.mimetype in FILES and policy == "default-src 'none'; sandbox"
        assert boxed or "default-src 'self'" in policy, address
        for name, value in HEADERS.items():
            # The way to a notebook carries a token: it must not be told to anybody.
            wanted = "no-referrer" if (name, address[-5:]) == ("Referrer-Policy", "/open") else value
            assert answer.headers[name] == wanted, address
    assert answers["moved"].headers["Cache-Control"] == "no-store"


def test_a_crash_is_a_page_with_a_reference_and_the_headers(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_session: object) -> None:
        raise RuntimeError("the inner workings")

    monkeypatch.setattr(front.availability, "lines", fail)
    answer = portal.visitor().get("/")

    assert answer.status_code == 500
    assert "give the reference" in answer.text
    assert "inner workings" not in answer.text
    assert "Traceback" not in answer.text
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, 303),
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "none"}, 303),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "nonsense"}, 403),
        ({"Origin": "http://localhost"}, 303),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://localhost.evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
    ],
)
def test_a_write_from_another_site_is_refused(portal: Portal, headers: dict[str, str], code: int) -> None:
    answer = portal.visitor().post("/login", data={"who": "priya"}, headers=headers)

    assert answer.status_code == code
    assert ("Set-Cookie" in answer.headers) == (code == 303)


def test_refusals_are_in_the_log_with_the_person_and_without_the_address(
    portal: Portal, caplog: pytest.LogCaptureFixture
) -> None:
    found, sam = stage.places(portal), portal.log_in("sam")
    me = found["person_sam"]
    sam.get("/operations")
    sam.get(f"/proposals/{found['proposal_imaging']}")
    sam.get("/invitations/not-a-token-of-anybody")
    sam.post("/logout", headers={"Sec-Fetch-Site": "cross-site"})

    told = caplog.text
    assert f"refused GET operations.index to person-{me}: Only administrators" in told
    assert f"refused GET proposals.show to person-{me}: There is nothing here" in told
    assert "refused POST auth.logout: sent from another site" in told
    assert "not-a-token-of-anybody" not in told


def test_reading_from_another_site_is_allowed(portal: Portal) -> None:
    assert portal.visitor().get("/calls", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


def test_an_unknown_query_key_is_refused_on_every_page(portal: Portal) -> None:
    places = stage.places(portal)
    for page in PAGES:
        if page.endpoint in ("auth.callback", "provider.authorize"):
            continue  # providers and clients add keys of their own
        client = portal.log_in(page.who) if page.who else portal.visitor()
        address = page.address.format_map(places)
        answer = client.get(address + ("&" if "?" in address else "?") + "nonsense=1")
        assert answer.status_code == 400, address
        assert "nonsense" in answer.text


@pytest.mark.parametrize("before", ["", "x", "-1", "1.5", "0x10", "9" * 30, "١٢", "%00", "1'--"])
@pytest.mark.parametrize("address", ["/calls", "/proposals", "/projects", "/mailbox", "/reviews"])
def test_a_list_refuses_a_place_that_is_none(portal: Portal, address: str, before: str) -> None:
    assert portal.log_in("priya").get(f"{address}?before={before}").status_code == 400


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/projects", "/projects"),
        ("/calls?before=3", "/calls?before=3"),
        ("", "/home"),
        ("projects", "/home"),
        ("https://evil.example", "/home"),
        ("//evil.example", "/home"),
        ("///evil.example", "/home"),
        ("/\\evil.example", "/home"),
        ("\\\\evil.example", "/home"),
        ("/x\\..\\evil", "/home"),
        ("/%09/evil.example", "/%09/evil.example"),
        ("/\t/evil.example", "/home"),
        ("/\n/evil.example", "/home"),
        ("javascript:alert(1)", "/home"),
        (" //evil.example", "/home"),
        ("/" + "a" * 2600, "/home"),
    ],
)
def test_log_in_leads_on_within_the_portal_only(portal: Portal, wanted: str, reached: str) -> None:
    answer = portal.visitor().post("/login", data={"who": "priya", "next": wanted})

    assert answer.status_code == 303
    assert answer.location == reached


def test_log_in_returns_to_the_page_that_was_asked_for(portal: Portal) -> None:
    visitor = portal.visitor()
    asked = visitor.get("/projects?before=9")
    shown = visitor.get(asked.location)

    assert 'value="/projects?before=9"' in shown.text


@pytest.mark.parametrize("who", ["", "nobody", "priya\0", "1", "a" * 1000, "\ud800"])
def test_nobody_logs_in_as_somebody_who_is_not_there(portal: Portal, who: str) -> None:
    data = f"who={who}".encode("utf-8", "surrogatepass")
    answer = portal.visitor().post("/login", data=data, content_type="application/x-www-form-urlencoded")

    assert answer.status_code == 400


def test_demo_log_in_is_gone_when_it_is_switched_off(portal: Portal) -> None:
    portal.app.extensions["settings"] = known_settings.Settings(mode="test", demo_login=False)
    visitor = portal.visitor()

    assert visitor.post("/login", data={"who": "priya"}).status_code == 404
    assert "Priya" not in visitor.get("/login").text


def test_logging_out_ends_the_session(portal: Portal) -> None:
    priya = portal.log_in("priya")
    priya.post("/logout")

    assert priya.get("/home").status_code == 303


@pytest.mark.parametrize("address", ["/nothing", "/proposals/AIR26-9999", "/proposals/x", "/datasets/none"])
def test_what_is_not_there_is_a_page(portal: Portal, address: str) -> None:
    answer = portal.log_in("priya").get(address)

    assert answer.status_code == 404
    assert "There is nothing" in answer.text
    assert "Traceback" not in answer.text


def test_a_wrong_method_is_a_page(portal: Portal) -> None:
    answer = portal.visitor().delete("/calls")

    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
    assert "does not take that kind of request" in answer.text


def test_what_is_too_large_is_a_page(portal: Portal) -> None:
    answer = portal.log_in("owen").post("/calls/new", data={"title": "x" * (3 * 1024 * 1024)})

    assert answer.status_code == 413
    assert "2 MB" in answer.text


def test_too_many_fields_are_refused(portal: Portal) -> None:
    data = {f"field_{n}": "x" for n in range(5000)}

    assert portal.log_in("owen").post("/calls/new", data=data).status_code in (413, 422)


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example"])
def test_a_foreign_host_name_is_refused(portal: Portal, host: str) -> None:
    answer = portal.visitor().get("/", headers={"Host": host})

    assert answer.status_code == 400
    assert "evil.example" not in answer.text


def test_production_adds_what_only_https_can_carry(portal: Portal) -> None:
    chosen = replace(
        portal.settings,
        mode="production",
        demo_login=False,
        public_url="https://commons.example.org",
        trusted_hosts="commons.example.org",
        proxies=1,
    )
    opened = stage.opened(chosen)
    headers = {"Host": "commons.example.org", "X-Forwarded-Proto": "https"}

    answer = opened.visitor().get("/", headers=headers)
    cookie = opened.visitor().post("/logout", headers=headers).headers["Set-Cookie"]
    opened.engine.dispose()

    assert "max-age=" in answer.headers["Strict-Transport-Security"]
    assert "simulated" not in answer.text
    assert cookie.startswith("__Host-commons=")
    assert all(word in cookie for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"))
