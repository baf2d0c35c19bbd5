"""The registry desk: providers, home organisations and institutions, and what cannot be typed there."""

import pytest
from sqlalchemy import select

from allocations.kernel.audit import AuditEntry
from allocations.people.institutions import HomeOrganisation, IdentityProvider, Institution
from allocations.people.persons import Identity
from portal.entries import ror_id
from tests.portal import stage
from tests.portal.stage import Portal
from tests.portal.test_people import trail

NEW = "/admin/providers/new"
TYPED = {
    "slug": "near",
    "name": "Near by",
    "issuer": "https://near.example/",
    "client_id": "commons",
    "secret_setting": "near",
    "kind": "keycloak",
    "algorithms": ["RS256", "ES384"],
    "metadata_seconds": "600",
    "keys_seconds": "60",
    "trusts_mfa": "yes",
}
WHY = {"reason": "They have moved."}


def provider(portal: Portal, slug: str) -> IdentityProvider | None:
    with portal.sessions() as session:
        return session.scalar(select(IdentityProvider).where(IdentityProvider.slug == slug))


def with_accounts(portal: Portal) -> None:
    """Three log-ins of two people through the provider far away."""
    with portal.sessions() as session, session.begin():
        for who, subject in (("uma", "u1"), ("uma", "u2"), ("priya", "p1")):
            person = stage.person(session, who)
            session.add(Identity(issuer="https://far.example", subject=subject, person=person))


def test_a_provider_is_added_as_typed(portal: Portal) -> None:
    ada = portal.log_in("ada")

    answer = ada.post(NEW, data=TYPED)

    assert answer.location == "/admin/providers/near"
    row = provider(portal, "near")
    assert row is not None
    assert (row.issuer, row.kind, row.algorithms) == ("https://near.example/", "keycloak", ["ES384", "RS256"])
    assert (row.trusts_mfa, row.trusts_assurance, row.sirtfi, row.enabled) == (True, False, False, True)
    assert (row.metadata_seconds, row.keys_seconds) == (600, 60)
    assert "/login/near/callback" in ada.get("/admin/providers/near").text
    assert "Near by" in portal.visitor().get("/login").text
    assert trail(portal, "provider.add") == [("Ada Sorensen", "provider-near", "https://near.example/")]


@pytest.mark.parametrize("who", ["owen", "priya", "aida", "inga", "dana", "sam"])
@pytest.mark.parametrize("address", ["/admin/providers", NEW, "/admin/institutions", "/admin/providers/far"])
def test_only_administrators_keep_it(portal: Portal, who: str, address: str) -> None:
    client = portal.log_in(who)

    assert client.get(address).status_code in (403, 404)
    assert client.post(NEW, data=TYPED).status_code == 403
    assert provider(portal, "near") is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("issuer", "http://near.example"),
        ("issuer", "near.example"),
        ("issuer", "https://user:secret@near.example"),
        ("issuer", "ftp://near.example"),
        ("issuer", "https://far.example"),
        ("slug", "far"),
        ("slug", "new"),
        ("slug", "Near"),
        ("slug", "../x"),
        ("secret_setting", "a secret with spaces"),
        ("secret_setting", ""),
        ("algorithms", "none"),
        ("algorithms", "HS256"),
        ("algorithms", []),
        ("kind", "saml"),
        ("metadata_seconds", "86401"),
        ("keys_seconds", "-1"),
        ("name", ""),
        ("client_id", "x" * 256),
    ],
)
def test_what_is_not_right_is_said_at_its_field(portal: Portal, field: str, value: object) -> None:
    answer = portal.log_in("ada").post(NEW, data={**TYPED, field: value})

    assert answer.status_code in (409, 422)
    assert f'href="#field-{field}"' in answer.text
    assert provider(portal, "near") is None


@pytest.mark.parametrize(("mode", "code"), [("test", 303), ("production", 422)])
def test_plain_http_is_for_this_machine_and_never_in_production(portal: Portal, mode: str, code: int) -> None:
    ada = portal.log_in("ada")
    settings = portal.app.extensions["settings"]
    portal.app.extensions["settings"] = type(settings)(mode=mode)

    answer = ada.post(NEW, data={**TYPED, "issuer": "http://127.0.0.1:9000"})

    assert answer.status_code == code


def test_the_issuer_stays_once_there_are_accounts(portal: Portal) -> None:
    ada, where = portal.log_in("ada"), "/admin/providers/far/edit"
    data = {**TYPED, "issuer": "https://farther.example"}
    with_accounts(portal)

    shown, refused, kept = ada.get(where), ada.post(where, data=data), ada.post(where, data=_without(data))

    assert 'name="issuer"' not in shown.text
    assert "2 with accounts" in shown.text
    assert refused.status_code == 422
    assert "People have accounts with this issuer" in refused.text
    assert kept.status_code == 303
    row = provider(portal, "far")
    assert row is not None
    assert (row.slug, row.issuer, row.name) == ("far", "https://far.example", "Near by")
    assert "name: Far away -&gt; Near by".replace("&gt;", ">") in trail(portal, "provider.change")[0][2]


def _without(data: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in data.items() if name != "issuer"}


def test_without_accounts_the_issuer_may_be_corrected(portal: Portal) -> None:
    data = {**TYPED, "issuer": "https://farther.example"}

    assert portal.log_in("ada").post("/admin/providers/far/edit", data=data).status_code == 303
    row = provider(portal, "far")
    assert row is not None
    assert row.issuer == "https://farther.example"


def test_an_edit_does_not_switch_a_provider_on(portal: Portal) -> None:
    data = {**TYPED, "issuer": "https://old.example", "enabled": "yes"}

    assert portal.log_in("ada").post("/admin/providers/old/edit", data=data).status_code == 303
    row = provider(portal, "old")
    assert row is not None
    assert not row.enabled


def test_disabling_tells_how_many_people_it_shuts_out(portal: Portal) -> None:
    with_accounts(portal)
    ada = portal.log_in("ada")

    asked = ada.get("/admin/providers/far/disable").text
    listed = ada.get("/admin/providers").text
    answer = ada.post("/admin/providers/far/disable", data=WHY)

    assert "2 people have logged in through it" in asked
    assert ">2</td>" in listed
    assert answer.status_code == 303
    assert "Far away" not in portal.visitor().get("/login").text
    assert portal.visitor().post("/login/far").status_code == 404
    assert "disabled already" in ada.get("/admin/providers/far/disable").text
    assert trail(portal, "provider.switch") == [("Ada Sorensen", "provider-far", f"off: {WHY['reason']}")]


def test_a_provider_is_enabled_again(portal: Portal) -> None:
    portal.log_in("ada").post("/admin/providers/old/enable", data=WHY)

    assert "Old" in portal.visitor().get("/login").text


@pytest.mark.parametrize("named", ["042nb2s44", "https://ror.org/042nb2s44", "far university"])
def test_a_home_organisation_stands_for_an_institution(portal: Portal, named: str) -> None:
    data = {"entity_id": "https://far.example/two", "ror": named, "scopes": "far.example, lab.far.example"}
    ada = portal.log_in("ada")

    answer = ada.post("/admin/providers/far/homes/new", data=data)

    assert answer.status_code == 303
    assert "https://far.example/two" in ada.get(answer.location).text
    with portal.sessions() as session:
        query = select(HomeOrganisation).where(HomeOrganisation.entity_id == data["entity_id"])
        home = session.scalars(query).one()
        assert (home.institution.name, home.scopes) == ("Far University", ["far.example", "lab.far.example"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ror", "Nowhere"),
        ("ror", ""),
        ("scopes", "a b@c"),
        ("entity_id", ""),
        ("entity_id", "https://far.example/idp"),
    ],
)
def test_a_home_organisation_that_cannot_be_is_refused(portal: Portal, field: str, value: str) -> None:
    data = {"entity_id": "https://far.example/two", "ror": "042nb2s44", "scopes": "far.example"}

    answer = portal.log_in("ada").post("/admin/providers/far/homes/new", data={**data, field: value})

    assert answer.status_code in (409, 422)
    assert f'href="#field-{field}"' in answer.text


def test_a_home_organisation_is_removed_from_its_own_provider_only(portal: Portal) -> None:
    home, ada = stage.places(portal)["home_id"], portal.log_in("ada")

    assert ada.post(f"/admin/providers/old/homes/{home}/remove", data=WHY).status_code == 404
    assert ada.post(f"/admin/providers/far/homes/{home}/remove", data=WHY).status_code == 303
    with portal.sessions() as session:
        assert session.scalars(select(HomeOrganisation)).all() == []


def test_an_institution_is_added_and_found(portal: Portal) -> None:
    ada = portal.log_in("ada")
    data = {
        "name": "Near College",
        "country": "US",
        "ror": "https://ror.org/05dxps055",
        "domains": "a.example",
    }

    answer = ada.post("/admin/institutions/new", data=data)

    assert answer.status_code == 303
    assert all("Near College" in ada.get(f"/admin/institutions?q={q}").text for q in ("NEAR", "05dxps055"))
    assert "Far University" not in ada.get("/admin/institutions?q=near").text
    with portal.sessions() as session:
        made = session.scalars(select(Institution).where(Institution.ror == "05dxps055")).one()
        assert (made.country, made.domains) == ("US", ["a.example"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ror", "05dxps056"),
        ("ror", "5dxps0555"),
        ("ror", "042nb2s44"),
        ("country", "usa"),
        ("name", "Far University"),
        ("name", ""),
        ("domains", "not/a/domain"),
    ],
)
def test_an_institution_that_cannot_be_is_refused(portal: Portal, field: str, value: str) -> None:
    data = {"name": "Near College", "country": "US", "ror": "05dxps055", "domains": "", field: value}

    answer = portal.log_in("ada").post("/admin/institutions/new", data=data)

    assert answer.status_code in (409, 422)
    assert f'href="#field-{field}"' in answer.text


def test_every_slip_of_one_character_in_a_ror_id_is_seen() -> None:
    good, alphabet = "042nb2s44", "0123456789abcdefghjkmnpqrstvwxyz"
    slips = {good[:n] + char + good[n + 1 :] for n in range(9) for char in alphabet} - {good}
    swaps = {good[:n] + good[n + 1] + good[n] + good[n + 2 :] for n in range(8)} - {good}

    assert ror_id(good) == ror_id(f"https://ror.org/{good}") == good
    for wrong in slips | swaps:
        with pytest.raises(ValueError, match="ROR id"):
            ror_id(wrong)


def test_the_kind_of_an_institution_is_kept_and_shown(portal: Portal) -> None:
    ada = portal.log_in("ada")
    address = f"/admin/institutions/{stage.places(portal)['institution_far']}/kind"

    saved = ada.post(address, data={"kind": "hospital"})
    wrong = ada.post(address, data={"kind": "castle"})

    assert (saved.status_code, wrong.status_code) == (303, 422)
    assert "Hospital" in ada.get(saved.location).text
    assert "Choose one of the options." in wrong.text
    assert portal.log_in("owen").post(address, data={"kind": "other"}).status_code == 403
    assert ada.post(f"/admin/institutions/{10**9}/kind", data={"kind": "other"}).status_code == 404
    ada.post(address, data={"kind": ""})
    with portal.sessions() as session:
        far = session.scalars(select(Institution).where(Institution.name == "Far University")).one()
        assert far.kind is None
        noted = select(AuditEntry.note).where(AuditEntry.verb == "institution.classify")
        notes = session.scalars(noted.order_by(AuditEntry.id)).all()
        assert notes == ["Far University: Hospital", "Far University: not known"]
