"""The people desk: who sees it, what is on it, and what administrators do there."""

import re

import pytest
from sqlalchemy import select

from allocations.kernel import clock
from allocations.kernel.audit import AuditEntry
from allocations.people.institutions import IdentityProvider
from allocations.people.persons import Identity, Person
from allocations.people.recognition import Claims, Held, recognise
from allocations.people.roles import Role, RoleGrant
from k8s.notebooks import Notebook
from portal.auth.sessions import LoginSession
from portal.mail import Letter
from tests.portal import stage
from tests.portal.stage import Portal

WHY = {"reason": "Asked for by their institution."}
WRITES = [
    "/people/{psn_sam}/roles/new",
    "/people/{psn_ruth}/roles/{grant_ruth}/revoke",
    "/people/{psn_sam}/disable",
    "/people/{psn_gordon}/enable",
    "/people/{psn_sam}/sessions/{session_sam}/end",
    "/people/{psn_sam}/identities/{held_id}/release",
    "/people/{psn_sam}/identities/{held_id}/reject",
    "/people/{psn_sam}/view",
]


def trail(portal: Portal, verb: str) -> list[tuple[str, str, str]]:
    with portal.sessions() as session:
        rows = session.scalars(select(AuditEntry).where(AuditEntry.verb == verb).order_by(AuditEntry.id))
        return [(row.actor_name, row.subject, row.note) for row in rows]


def letters(portal: Portal, who: str) -> str:
    portal.deliver()
    with portal.sessions() as session:
        mine = select(Letter).where(Letter.recipient == f"{who}@commons.example")
        return "\n".join(f"{letter.subject}\n{letter.body}" for letter in session.scalars(mine))


@pytest.mark.parametrize("who", ["ada", "owen"])
def test_administrators_and_officers_see_people(portal: Portal, who: str) -> None:
    client, places = portal.log_in(who), stage.places(portal)

    listed, shown = client.get("/people?q=Priya").text, client.get(f"/people/{places['psn_ruth']}").text

    assert 'href="/people"' in listed
    assert "Priya Raman" in listed
    assert "Reviewer" in shown
    assert ("Revoke" in shown) == ("Grant a role" in shown) == (who == "ada")


@pytest.mark.parametrize("who", ["priya", "ruth", "chen", "dana", "pat", "aida", "inga", "sam"])
def test_nobody_else_does(portal: Portal, who: str) -> None:
    client, places = portal.log_in(who), stage.places(portal)

    assert client.get("/people").status_code == 403
    assert client.get("/people/invitations").status_code == 403
    assert client.get(f"/people/{places['psn_priya']}").status_code == 404
    assert "Registry" not in client.get("/home").text


@pytest.mark.parametrize("address", WRITES)
def test_officers_read_only(portal: Portal, address: str) -> None:
    places = stage.places(portal)
    owen, where = portal.log_in("owen"), address.format_map(places)

    shown, sent = owen.get(where), owen.post(where, data={**WHY, "role": "reviewer"})

    assert shown.status_code == 403
    assert "Only an administrator" in shown.text
    assert sent.status_code == 409
    assert "Only an administrator" in sent.text


@pytest.mark.parametrize("address", WRITES)
def test_every_act_wants_a_second_factor_just_now(portal: Portal, address: str) -> None:
    ada, where = portal.log_in("ada"), address.format_map(stage.places(portal))
    with portal.sessions() as session, session.begin():
        for row in session.scalars(select(LoginSession)):
            row.acr = ""

    answers = [ada.get(where), ada.post(where, data=WHY)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert all(answer.location.startswith("/step-up?") for answer in answers)


@pytest.mark.parametrize("address", WRITES)
def test_every_act_wants_a_reason(portal: Portal, address: str) -> None:
    ada, where = portal.log_in("ada"), address.format_map(stage.places(portal))

    answer = ada.post(where, data={"role": "reviewer", "reason": "  "})

    assert answer.status_code == 422
    assert 'href="#field-reason"' in answer.text


@pytest.mark.parametrize("text", ["priya", "PRIYA", "priya@commons", "Raman"])
def test_people_are_found_by_name_and_address(portal: Portal, text: str) -> None:
    found = portal.log_in("ada").get("/people", query_string={"q": text}).text

    assert "Priya Raman" in found
    assert "Carlos" not in found


def test_a_percent_sign_finds_nobody(portal: Portal) -> None:
    assert "Nobody has this name" in portal.log_in("ada").get("/people?q=%25").text


def test_the_list_goes_on_over_its_pages(portal: Portal) -> None:
    with portal.sessions() as session, session.begin():
        session.add_all(Person(name=f"Twin {n}", email=f"twin{n}@x.example") for n in range(60))
    ada, seen, address = portal.log_in("ada"), [], "/people?q=twin"

    while address:
        text = ada.get(address).text
        seen += re.findall(r"Twin \d+", text)
        following = re.search(r'href="([^"]+)" rel="next"', text)
        address = following[1].replace("&amp;", "&") if following else ""

    assert sorted(seen) == sorted(f"Twin {n}" for n in range(60))


def test_the_page_tells_of_log_ins_roles_sessions_and_projects(portal: Portal) -> None:
    places = stage.places(portal)
    ada = portal.log_in("ada")

    sam = ada.get(f"/people/{places['psn_sam']}").text
    priya = ada.get(f"/people/{places['psn_priya']}").text

    assert "https://other.example" in sam
    assert "Held" in sam
    assert "A browser of Sam" in sam
    assert places["project"] in priya
    assert "National Computing Centre" in ada.get(f"/people/{places['psn_pat']}").text


def test_a_role_is_granted_with_its_object_and_its_last_day(portal: Portal) -> None:
    places = stage.places(portal)
    ada, ref = portal.log_in("ada"), places["psn_sam"]
    with portal.sessions() as session:
        call = stage.call(session, "open")
    data = {"role": "panel_chair", "scope": f"call-{call.id}", "until": "2199-12-31", "reason": "Elected."}

    answer = ada.post(f"/people/{ref}/roles/new", data=data)

    assert answer.status_code == 303
    shown = ada.get(answer.location).text
    assert call.title in shown
    assert "31 December 2199" in shown
    assert portal.log_in("sam").get(f"/calls/{call.ref}/panel").status_code == 200


def test_a_representative_is_named_with_an_institution(portal: Portal) -> None:
    ada, where = portal.log_in("ada"), f"/people/{stage.places(portal)['psn_sam']}/roles/new"
    data = {"role": "representative", "reason": "The dean says so."}

    wrong = ada.post(where, data={**data, "institution": "Nowhere"})
    right = ada.post(where, data={**data, "institution": "https://ror.org/042nb2s44"})

    assert 'href="#field-institution"' in wrong.text
    assert right.status_code == 303
    assert "Far University" in ada.get(right.location).text


@pytest.mark.parametrize("scope", ["dataset-99999", "dataset-x", "call-1", "x", "dataset-"])
def test_a_role_on_something_that_there_is_not_is_refused_at_its_field(portal: Portal, scope: str) -> None:
    where = f"/people/{stage.places(portal)['psn_sam']}/roles/new"
    data = {"role": "dac_member", "scope": scope, "reason": "x"}

    answer = portal.log_in("ada").post(where, data=data)

    assert answer.status_code == 422
    assert 'href="#field-scope"' in answer.text


def test_nobody_acts_on_themselves(portal: Portal) -> None:
    ada, ref = portal.log_in("ada"), stage.places(portal)["psn_ada"]
    data = {"role": "auditor", **WHY}

    told = {step: ada.post(f"/people/{ref}/{step}", data=data) for step in ("roles/new", "disable", "view")}

    assert {step: answer.status_code for step, answer in told.items()} == dict.fromkeys(told, 409)
    assert "Nobody grants a role to themselves" in told["roles/new"].text
    assert "Nobody disables themselves" in told["disable"].text
    assert "as yourself already" in told["view"].text


def test_a_revoked_role_is_gone_with_the_next_page(portal: Portal) -> None:
    places = stage.places(portal)
    ruth = portal.log_in("ruth")
    assert ruth.get("/reviews/profile").status_code == 200

    portal.log_in("ada").post(f"/people/{places['psn_ruth']}/roles/{places['grant_ruth']}/revoke", data=WHY)

    # What she owes as an applicant stays hers; what reviewers have does not.
    assert ruth.get("/reviews/profile").status_code == 403
    with portal.sessions() as session:
        row = session.get_one(RoleGrant, int(places["grant_ruth"]))
        assert (row.role, row.revoked_by, row.revoke_reason) == (Role.REVIEWER, "Ada Sorensen", WHY["reason"])


def test_disabling_ends_every_session_at_once_and_for_good(portal: Portal) -> None:
    places = stage.places(portal)
    desk, phone, ada = portal.log_in("uma"), portal.log_in("uma"), portal.log_in("ada")

    ada.post(f"/people/{places['psn_uma']}/disable", data=WHY)
    closed = [client.get("/home").status_code for client in (desk, phone)]
    ada.post(f"/people/{places['psn_uma']}/enable", data=WHY)

    assert closed == [303, 303]
    assert [client.get("/home").status_code for client in (desk, phone)] == [303, 303]
    assert portal.log_in("uma").get("/home").status_code == 200
    assert [row[2] for row in trail(portal, "person.disable")][-1] == WHY["reason"]
    assert "Your account is closed" in letters(portal, "uma")


def test_a_disabled_person_does_not_log_in_and_their_notebooks_stop(portal: Portal) -> None:
    places = stage.places(portal)
    portal.log_in("ada").post(f"/people/{places['psn_uma']}/disable", data=WHY)
    portal.deliver()

    assert portal.visitor().post("/login", data={"who": "uma"}).status_code == 400
    with portal.sessions() as session:
        wanted = select(Notebook.wanted).join(Person).where(Person.name == "Uma Haddad")
        others = select(Notebook.wanted).join(Person).where(Person.name == "Priya Raman")
        assert set(session.scalars(wanted)) == {False}
        assert True in set(session.scalars(others))


def test_an_administrator_ends_one_session_of_somebody(portal: Portal) -> None:
    places = stage.places(portal)
    first, second = portal.log_in("uma"), portal.log_in("uma")
    with portal.sessions() as session:
        newest = session.scalars(select(LoginSession.id).order_by(LoginSession.id.desc())).first()

    address = f"/people/{places['psn_uma']}/sessions/{newest}/end"
    answer = portal.log_in("ada").post(address, data=WHY)

    assert answer.status_code == 303
    assert (first.get("/home").status_code, second.get("/home").status_code) == (200, 303)


def test_a_session_is_ended_on_its_own_persons_page_only(portal: Portal) -> None:
    places = stage.places(portal)
    address = f"/people/{places['psn_uma']}/sessions/{places['session_sam']}/end"

    assert portal.log_in("ada").post(address, data=WHY).status_code == 404


def _again(portal: Portal) -> Identity | Held:
    """Somebody comes with the identifier of Sam's held log-in, and nothing else of his."""
    claims = Claims("https://other.example", "sam", "Samuel New", "new@x.example", "new@x.example")
    with portal.sessions() as session, session.begin():
        provider = session.scalars(select(IdentityProvider).where(IdentityProvider.slug == "far")).one()
        return recognise(session, provider, claims)


def _hold(portal: Portal) -> None:
    """Held because everything differs, as a log-in would have it."""
    with portal.sessions() as session, session.begin():
        held = session.scalars(select(Identity).where(Identity.held_at.is_not(None))).one()
        held.name, held.mail, held.eppn = "Sam Okafor", "sam@hill.example", "sam@hill.example"
    assert isinstance(_again(portal), Held)


def test_a_released_log_in_takes_the_new_claims(portal: Portal) -> None:
    places = stage.places(portal)
    _hold(portal)
    ada = portal.log_in("ada")
    assert "https://other.example" in ada.get("/people").text

    ada.post(f"/people/{places['psn_sam']}/identities/{places['held_id']}/release", data=WHY)

    found = _again(portal)
    assert isinstance(found, Identity)
    assert found.name == "Samuel New"
    assert "https://other.example" not in ada.get("/people").text
    assert "You can log in again" in letters(portal, "sam")
    assert trail(portal, "identity.release")[0][2] == WHY["reason"]


def test_a_rejected_log_in_stays_held_and_waits_no_more(portal: Portal) -> None:
    places = stage.places(portal)
    _hold(portal)
    ada = portal.log_in("ada")
    where = f"/people/{places['psn_sam']}/identities/{places['held_id']}"

    ada.post(f"{where}/reject", data=WHY)

    assert isinstance(_again(portal), Held)
    assert "https://other.example" not in ada.get("/people").text
    assert "rejected already" in ada.post(f"{where}/reject", data=WHY).text
    assert "was refused" in letters(portal, "sam")
    assert ada.post(f"{where}/release", data=WHY).status_code == 303
    assert isinstance(_again(portal), Identity)


def test_what_is_not_held_cannot_be_settled(portal: Portal) -> None:
    with portal.sessions() as session:
        mine = stage.person(session, "uma")
        own = session.scalars(select(Identity.id).where(Identity.person_id == mine.id)).one()

    answer = portal.log_in("ada").post(f"/people/{mine.ref}/identities/{own}/release", data=WHY)

    assert answer.status_code == 409
    assert "not held" in answer.text


def test_references_of_people_have_their_own_shape(portal: Portal) -> None:
    ada, ref = portal.log_in("ada"), stage.places(portal)["psn_sam"]

    assert re.fullmatch(rf"PSN{clock.now():%y}-\d{{4}}", ref)
    for wrong in (ref.replace("PSN", "PRJ"), ref + "0", "PSN01-0001", "PSN26-99999"):
        assert ada.get(f"/people/{wrong}").status_code == 404
