"""What sites and clusters are told of a person's projects, resources and datasets, and when it ends."""

import re
from base64 import b64decode
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest
import yaml
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlalchemy import delete, select, update

from allocations.accounts.awards import Allocation, AllocationState
from allocations.accounts.projects import Membership
from allocations.kernel import clock
from allocations.people.roles import SYSTEM
from datasets.catalogue import AccessClass, Dataset
from datasets.grants import AccessGrant
from k8s import names
from k8s.clusters import Cluster
from portal.provider import clients
from portal.provider.claims import USER_PREFIX, place
from portal.provider.clients import EXCHANGE
from portal.provider.kubernetes import authentication_configuration
from tests.portal import stage
from tests.portal.fixtures import demo_file, empty_portal, opened_once, portal, portal_on_engine
from tests.portal.pages import ASKED
from tests.portal.stage import Portal
from tests.provider.stage import ACCESS, ALL, PASSPORT, told
from tests.threads import at_once

__all__ = ["demo_file", "empty_portal", "opened_once", "portal", "portal_on_engine"]

ISSUER = "http://localhost:8000"
# AARC-G069 and AARC-G027, with the parts that this portal uses.
GROUP = re.compile(r"urn:example:commons:group:commons:(PRJ\d\d-\d{4})(:role=[a-z_]+)?#localhost")
RESOURCE = re.compile(r"urn:example:commons:res:([a-z0-9-]+):(ALC\d\d-\d{4})#localhost")


@dataclass
class Machine:
    """Site A, which sends forms and reads tokens."""

    portal: Portal
    secret: str

    def post(self, path: str, **form: str) -> Any:
        own = {"client_id": "site-a", "client_secret": self.secret}
        return self.portal.app.test_client().post(f"/oauth/{path}", data={**own, **form}).json

    def read(self, token: str) -> dict[str, Any]:
        """The claims of a token that the published keys verify."""
        published = self.portal.app.test_client().get("/oauth/jwks").json
        return jwt.decode(token, KeySet.import_key_set(published), algorithms=["ES256"]).claims

    def log_in(self, browser: FlaskClient) -> dict[str, Any]:
        done: dict[str, Any] = self.post("token", **_code(browser, ALL))
        return done


def _site(portal: Portal) -> Machine:
    with portal.sessions() as session, session.begin():
        secret = clients.renew_secret(session, SYSTEM, clients.get(session, SYSTEM, "site-a"))
    return Machine(portal, secret)


@pytest.fixture
def site(portal: Portal) -> Machine:
    return _site(portal)


def _asked(**more: str) -> dict[str, str]:
    return dict(parse_qsl(ASKED)) | {"answer": "allow", **more}


def _code(browser: FlaskClient, scope: str) -> dict[str, str]:
    """The form that redeems a code which was just agreed to."""
    asked = _asked(scope=scope)
    code = told(browser.post("/oauth/authorize", data=asked).location)["code"]
    form = {"redirect_uri": asked["redirect_uri"], "code_verifier": "v" * 43}
    return {"grant_type": "authorization_code", "code": code, **form}


def _claims(site: Machine, who: str = "priya") -> dict[str, Any]:
    return site.read(site.log_in(site.portal.log_in(who))["id_token"])


def test_of_four_who_use_a_code_or_a_token_at_once_one_gets_something(portal_on_engine: Portal) -> None:
    """Each database decides the race; the others are second uses, and end what the first one got."""
    site, priya = _site(portal_on_engine), portal_on_engine.log_in("priya")
    refresh = site.log_in(priya)["refresh_token"]
    forms = (_code(priya, ALL), {"grant_type": "refresh_token", "refresh_token": refresh})

    for form in forms:
        answers = at_once(4, lambda _, sent=form: site.post("token", **sent))

        got = [answer for answer in answers if "access_token" in answer]
        assert [answer["error"] for answer in answers if answer not in got] == ["invalid_grant"] * 3
        assert site.post("introspect", token=got[0]["access_token"]) == {"active": False}


def test_projects_and_roles_are_groups(site: Machine) -> None:
    """Everybody as a member, and again with the role."""
    priya, uma = (_claims(site, who)["eduperson_entitlement"] for who in ("priya", "uma"))

    with site.portal.sessions() as session:
        ref = stage.project(session).ref
    held = {entry for entry in priya if GROUP.fullmatch(entry)}
    assert f"urn:example:commons:group:commons:{ref}#localhost" in held & set(uma)
    assert f"urn:example:commons:group:commons:{ref}:role=pi#localhost" in held - set(uma)
    assert f"urn:example:commons:group:commons:{ref}:role=user#localhost" in uma
    assert all(GROUP.fullmatch(entry) or RESOURCE.fullmatch(entry) for entry in [*priya, *uma])


def _resources(site: Machine) -> set[str]:
    """Allocations, by their references."""
    found = (RESOURCE.fullmatch(entry) for entry in _claims(site)["eduperson_entitlement"])
    return {match[2] for match in found if match}


@pytest.mark.parametrize("change", ["suspended", "ended", "not begun"])
def test_active_allocations_are_resources_and_others_are_not(change: str, site: Machine) -> None:
    before, now = _resources(site), clock.now()
    values = {
        "suspended": {"state": AllocationState.SUSPENDED},
        "ended": {"ends_at": now},
        "not begun": {"starts_at": now + timedelta(days=1), "ends_at": now + timedelta(days=2)},
    }
    with site.portal.sessions() as session, session.begin():
        active = update(Allocation).where(Allocation.state == AllocationState.ACTIVE)
        session.execute(active.values(values[change]))

    assert len(before) == 1
    assert _resources(site) == set()


def test_a_stranger_has_no_groups_and_no_resources(site: Machine) -> None:
    claims = _claims(site, "sam")

    assert (claims["groups"], claims["eduperson_entitlement"]) == ([], [])


def test_whoever_leaves_a_project_is_out_of_its_group_at_the_next_refresh(site: Machine) -> None:
    done = site.log_in(site.portal.log_in("uma"))
    with site.portal.sessions() as session, session.begin():
        ref, uma = stage.project(session).ref, stage.person(session, "uma").id
        session.execute(delete(Membership).where(Membership.person_id == uma))

    fresh = site.post("token", grant_type="refresh_token", refresh_token=done["refresh_token"])
    asked = site.post("introspect", token=done["access_token"])

    assert f"commons:{ref}" in site.read(done["id_token"])["groups"]
    assert site.read(fresh["id_token"])["groups"] == []
    assert site.read(fresh["id_token"])["eduperson_entitlement"] == asked["eduperson_entitlement"] == []


def test_the_subject_is_opaque_and_for_ever(site: Machine) -> None:
    first, again, other = _claims(site), _claims(site), _claims(site, "uma")

    assert first["sub"] == again["sub"] != other["sub"]
    assert re.fullmatch(r"[0-9a-f]{32}", first["sub"])


def test_a_demo_log_in_claims_no_factor(site: Machine) -> None:
    """Its affiliations and assurance are those of the demo cast; production has no demo log-in."""
    assert "acr" not in _claims(site)


def test_cluster_user_names_are_those_of_the_role_bindings(site: Machine) -> None:
    claims, mapping = _claims(site), authentication_configuration(place(site.portal.settings))
    user = mapping["jwt"][0]["claimMappings"]["username"]
    with site.portal.sessions() as session:
        priya = stage.person(session, "priya").id

    assert user["prefix"] + claims[user["claim"]] == names.subject(priya)
    assert all(group.startswith(USER_PREFIX) for group in claims["groups"])


def _passport(site: Machine, done: dict[str, Any], **more: str) -> Any:
    form = {
        "grant_type": EXCHANGE,
        "subject_token": done["access_token"],
        "subject_token_type": ACCESS,
        "requested_token_type": PASSPORT,
    }
    return site.post("token", **{**form, **more})


def _grant(site: Machine, access_class: AccessClass = AccessClass.CONTROLLED) -> AccessGrant:
    """One of the first project, of this class, for four minutes."""
    with site.portal.sessions() as session, session.begin():
        held = session.scalars(
            select(AccessGrant).where(AccessGrant.project_id == stage.project(session).id).limit(1)
        ).one()
        session.execute(delete(AccessGrant).where(AccessGrant.id != held.id))
        held.until = clock.now() + timedelta(minutes=4)
        session.execute(
            update(Dataset).where(Dataset.id == held.dataset_id).values(access_class=access_class)
        )
        return held


def test_a_passport_has_a_visa_for_each_controlled_dataset(site: Machine) -> None:
    grant = _grant(site)
    got = _passport(site, site.log_in(site.portal.log_in("uma")))

    passport = site.read(got["access_token"])
    (visa,) = (site.read(text) for text in passport["ga4gh_passport_v1"])

    assert (got["issued_token_type"], got["token_type"]) == (PASSPORT, "Bearer")
    assert passport["sub"] == visa["sub"]
    assert visa["exp"] == int(grant.until.timestamp()) < passport["exp"]
    said = visa["ga4gh_visa_v1"]
    assert (said["type"], said["by"], said["source"]) == ("ControlledAccessGrants", "dac", ISSUER)
    assert said["value"] == f"{ISSUER}/datasets/{grant.dataset.slug}"


@pytest.mark.parametrize("why", ["revoked", "ended", "open", "a stranger"])
def test_a_passport_has_no_visa_for_anything_else(why: str, site: Machine) -> None:
    grant = _grant(site, AccessClass.OPEN if why == "open" else AccessClass.CONTROLLED)
    done = site.log_in(site.portal.log_in("sam" if why == "a stranger" else "uma"))
    ended = {"revoked": {"revoked_at": clock.now()}, "ended": {"until": clock.now()}}.get(why)
    if ended:
        with site.portal.sessions() as session, session.begin():
            session.execute(update(AccessGrant).where(AccessGrant.id == grant.id).values(ended))

    assert site.read(_passport(site, done)["access_token"])["ga4gh_passport_v1"] == []


@pytest.mark.parametrize(
    ("spoilt", "error"),
    [
        ({"subject_token": "made-up"}, "invalid_grant"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request"),
        ({"requested_token_type": ACCESS}, "invalid_request"),
        ({"requested_token_type": ""}, "invalid_request"),
        ({"client_secret": "wrong"}, "invalid_client"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else value,
)
def test_nothing_else_is_exchanged(spoilt: dict[str, str], error: str, site: Machine) -> None:
    assert _passport(site, site.log_in(site.portal.log_in("uma")), **spoilt)["error"] == error


def test_a_refresh_token_is_no_access_token(site: Machine) -> None:
    done = site.log_in(site.portal.log_in("uma"))

    assert _passport(site, done, subject_token=done["refresh_token"])["error"] == "invalid_grant"


def test_a_kubeconfig_has_a_context_for_each_project_and_no_secret(portal: Portal) -> None:
    places = stage.places(portal)
    uma = portal.log_in("uma")

    page, answer = uma.get("/kubeconfig"), uma.get(f"/kubeconfig/{places['cluster']}")

    config = yaml.safe_load(answer.text)
    namespace = f"commons-{places['project'].lower()}"
    assert namespace in page.text
    assert "--grant-type=device-code" in page.text
    assert config["current-context"] == namespace
    assert config["contexts"][0]["context"]["namespace"] == namespace
    login = config["users"][0]["user"]["exec"]
    assert login["args"][:2] == ["oidc-login", "get-token"]
    assert {f"--oidc-issuer-url={ISSUER}", "--oidc-client-id=kubectl"} <= set(login["args"])
    assert "secret" not in answer.text
    assert "attachment" in answer.headers["Content-Disposition"]


def test_the_certificate_authority_of_a_cluster_is_in_its_file(portal: Portal) -> None:
    with portal.sessions() as session, session.begin():
        session.execute(update(Cluster).values(api_ca="A certificate\n"))
    answer = portal.log_in("uma").get(f"/kubeconfig/{stage.places(portal)['cluster']}")

    (cluster,) = yaml.safe_load(answer.text)["clusters"]
    assert b64decode(cluster["cluster"]["certificate-authority-data"]) == b"A certificate\n"


@pytest.mark.parametrize("change", [{"api_url": ""}, None], ids=["no address", "no member"])
def test_no_file_of_a_cluster_that_one_does_not_reach(change: dict[str, str] | None, portal: Portal) -> None:
    if change is not None:
        with portal.sessions() as session, session.begin():
            session.execute(update(Cluster).values(change))
    client = portal.log_in("sam" if change is None else "uma")

    assert client.get(f"/kubeconfig/{stage.places(portal)['cluster']}").status_code == 404
    assert "has a namespace that kubectl can reach" in client.get("/kubeconfig").text
