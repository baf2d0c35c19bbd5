"""View as: an administrator looks as somebody else, changes nothing, and everybody hears of it."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from allocations.kernel import clock
from allocations.people import roles
from allocations.people.persons import Person
from allocations.people.roles import SYSTEM, Role, RoleGrant
from portal.auth.step_up import KeptForm
from tests.portal import stage
from tests.portal.filling import send
from tests.portal.forms import FORMS
from tests.portal.stage import Portal
from tests.portal.test_people import letters, trail

WHY = {"reason": "Helps with a proposal."}
BANNER = "You see the portal as"


def looking(portal: Portal, who: str = "priya") -> FlaskClient:
    """Ada, who sees the portal as this person."""
    ada = portal.log_in("ada")
    answer = ada.post(f"/people/{stage.places(portal)[f'psn_{who}']}/view", data=WHY)
    assert answer.status_code == 303, answer.text
    return ada


def test_one_sees_what_the_person_sees_under_a_banner(portal: Portal) -> None:
    places = stage.places(portal)
    ada = looking(portal)

    text = ada.get(f"/proposals/{places['proposal_soil']}").text

    assert "Soil" in text
    assert f"{BANNER} <strong>Priya Raman</strong>, since" in text
    assert "End the view" in text
    assert all(BANNER in ada.get(address).text for address in ("/", "/home", "/calls", "/nothing"))
    assert ada.get("/people").status_code == 403


def test_ending_the_view_leads_back_to_oneself(portal: Portal) -> None:
    ada = looking(portal)

    answer = ada.post("/viewing/end")

    assert answer.location.startswith("/people/PSN")
    text = ada.get(answer.location).text
    assert BANNER not in text
    assert "Ada Sorensen" in text


def test_every_write_is_refused(portal: Portal) -> None:
    """Also the forms that are the viewed person's own, and the public ones."""
    places = stage.places(portal)
    places["review_id"] = "1"
    ada, taken = looking(portal), []
    with portal.sessions() as session:
        before = len(session.scalars(select(KeptForm)).all())
    for form in FORMS:
        if form.endpoint in ("viewing.end", "auth.logout"):
            continue
        data = {name: value.format_map(places) for name, value in form.typed.items()}
        answer = send(ada, form.address.format_map(places), data)
        if answer.status_code != 403 or "to look and not to act" not in answer.text:
            taken.append(f"{form.endpoint}: {answer.status_code}")

    assert taken == []
    assert ada.put("/home").status_code in (403, 405)
    with portal.sessions() as session:
        assert len(session.scalars(select(KeptForm)).all()) == before


@pytest.mark.parametrize("address", ["/notebooks/{notebook_priya}/open", "/mailbox", "/resume/1", "/step-up"])
def test_what_is_the_persons_alone_stays_closed(portal: Portal, address: str) -> None:
    where = address.format_map(stage.places(portal))

    answer = looking(portal).get(where)

    assert answer.status_code == 403
    assert "for Priya Raman alone" in answer.text
    assert "token=" not in answer.headers.get("Location", "")


def test_logging_out_ends_both(portal: Portal) -> None:
    ada = looking(portal)

    ada.post("/logout")

    assert ada.get("/home").status_code == 303


def test_a_view_ends_by_itself_after_half_an_hour(portal: Portal) -> None:
    ada, now = looking(portal), clock.now()

    def banner(minutes: int) -> bool:
        with clock.at(now + timedelta(minutes=minutes)):
            return BANNER in ada.get("/home").text

    assert [banner(minutes) for minutes in (10, 20, 29, 31)] == [True, True, True, False]
    with clock.at(now + timedelta(minutes=32)):
        assert "Ada Sorensen" in ada.get("/home").text
        assert ada.post("/viewing/end").status_code == 303


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("aida", "Nobody sees the portal as an administrator or an auditor"),
        ("second", "Nobody sees the portal as an administrator or an auditor"),
        ("gordon", "This person is disabled"),
        ("ada", "as yourself already"),
    ],
)
def test_not_everybody_can_be_viewed(portal: Portal, who: str, words: str) -> None:
    places = stage.places(portal)
    with portal.sessions() as session, session.begin():
        roles.grant(session, SYSTEM, stage.person(session, "mei"), role=Role.ADMINISTRATOR)
    ref = places["psn_mei" if who == "second" else f"psn_{who}"]
    ada = portal.log_in("ada")

    shown, sent = ada.get(f"/people/{ref}/view"), ada.post(f"/people/{ref}/view", data=WHY)

    assert (shown.status_code, sent.status_code) == (403, 409)
    assert words in shown.text
    assert words in sent.text
    assert BANNER not in ada.get("/home").text


def test_both_trails_tell_of_it_and_the_person_gets_a_letter(portal: Portal) -> None:
    ada = looking(portal)
    ada.post("/viewing/end")

    with portal.sessions() as session:
        subjects = {f"person-{stage.person(session, who).id}" for who in ("ada", "priya")}
    began, ended = trail(portal, "person.view_as"), trail(portal, "person.view_end")
    assert {subject for _, subject, _ in began} == subjects
    assert {subject for _, subject, _ in ended} == subjects
    assert all(actor == "Ada Sorensen" and WHY["reason"] in note for actor, _, note in began)
    told = letters(portal, "priya")
    assert "An administrator has seen the portal as you" in told
    assert WHY["reason"] in told


@pytest.mark.parametrize(
    "change", ["the viewer is no administrator any more", "the person becomes an auditor", "disabled"]
)
def test_a_view_ends_when_it_would_not_be_allowed_any_more(portal: Portal, change: str) -> None:
    ada = looking(portal)
    with portal.sessions() as session, session.begin():
        priya = stage.person(session, "priya")
        if change == "disabled":
            session.get_one(Person, priya.id).disabled_at = clock.now()
        elif change.startswith("the person"):
            roles.grant(session, SYSTEM, priya, role=Role.AUDITOR)
        else:
            held = select(RoleGrant).where(RoleGrant.role == Role.ADMINISTRATOR)
            session.scalars(held).one().revoked_at = clock.now()

    text = ada.get("/home").text

    assert BANNER not in text
    assert "Ada Sorensen" in text


def test_the_person_is_not_disturbed(portal: Portal) -> None:
    priya = portal.log_in("priya")
    looking(portal)

    assert BANNER not in priya.get("/home").text
    assert priya.post("/account/sessions/end", data={"session": "0"}).status_code == 303
