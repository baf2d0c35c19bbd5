"""Appeals over HTTP: pages, letters, Home, the list of a call, and who sees what of them."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from allocations.kernel import clock
from allocations.programme import appeals
from allocations.programme.appeals import Appeal, AppealState, Ground
from allocations.programme.conflicts import Conflict
from allocations.programme.decisions import Decision
from allocations.programme.proposals import State
from allocations.programme.reviews import Review
from portal.mail import Letter
from tests.portal import stage
from tests.portal.forms import REASON
from tests.portal.stage import Portal

WORDS = {"ground": "process", "text": "Nobody read <b>page 3</b>.", "agree": "yes"}


def address(portal: Portal, key: str) -> str:
    return f"/proposals/{stage.places(portal)[f'proposal_{key}']}/appeal"


def letters(portal: Portal, who: str, about: str) -> list[str]:
    portal.deliver()
    with portal.sessions() as session:
        mine = Letter.recipient == stage.person(session, who).email
        return list(session.scalars(select(Letter.body).where(mine, Letter.subject.contains(about))))


def row(portal: Portal, key: str) -> Appeal:
    with portal.sessions() as session:
        found = stage.proposal(session, key).id
        return session.scalars(select(Appeal).where(Appeal.proposal_id == found)).one()


@pytest.fixture
def poetry(portal: Portal) -> str:
    """Declined in the first round; its PI, Sam, has appealed in time."""
    with portal.sessions() as session, session.begin():
        found = stage.proposal(session, "poetry")
        text = "A page was missed."
        session.add(Appeal(proposal=found, made_by=found.pi.name, ground=Ground.FACT, text=text))
    return address(portal, "poetry")


@pytest.fixture
def owen(portal: Portal) -> FlaskClient:
    return portal.log_in("owen")


def test_the_decision_letter_tells_the_right_of_appeal_with_its_last_day(portal: Portal) -> None:
    with portal.sessions() as session:
        found = stage.proposal(session, "enzymes")
        decision = session.scalars(select(Decision).where(Decision.proposal_id == found.id)).one()
        until, ref = appeals.last_day(decision, found.call), found.ref

    (body,) = letters(portal, "mei", f"Decision on {ref}")

    assert f"appeal against this decision once, until {until:%-d %B %Y}" in body
    assert f"/proposals/{ref}/appeal" in body
    assert "Disagreement with a judgement is no ground" in body


def test_the_pi_appeals_and_gets_a_letter(portal: Portal) -> None:
    pi, page = portal.log_in("mei"), address(portal, "enzymes")
    before = pi.get(page).text
    assert "disagreement with a judgement is no ground" in before
    assert "An appeal is possible until" in pi.get(page.removesuffix("/appeal")).text

    first, second = pi.post(page, data=WORDS), pi.post(page, data=WORDS)

    assert (first.status_code, second.status_code) == (303, 409)
    shown = pi.get(page).text
    assert "Nobody read &lt;b&gt;page 3&lt;/b&gt;." in shown
    assert "<textarea" not in shown
    (body,) = letters(portal, "mei", "your appeal has arrived")
    assert "the process was not followed" in body
    assert row(portal, "enzymes").state == AppealState.WAITING


def test_those_who_can_answer_are_told_of_an_appeal_once(portal: Portal) -> None:
    page = address(portal, "enzymes")
    portal.log_in("mei").post(page, data=WORDS)

    for _ in range(2):
        (body,) = letters(portal, "owen", "an appeal to answer")
    assert f"{page}/answer" in body
    assert "Nobody read" not in body
    for who in ("chen", "ruth", "mei", "pat", "ada"):
        assert letters(portal, who, "an appeal to answer") == [], who


@pytest.mark.parametrize("way", ["conflict", "house", "asked"])
def test_an_officer_who_may_not_answer_hears_nothing_of_an_appeal(portal: Portal, way: str) -> None:
    with portal.sessions() as session, session.begin():
        found, owen = stage.proposal(session, "enzymes"), stage.person(session, "owen")
        if way == "conflict":
            session.add(Conflict(person_id=owen.id, proposal_id=found.id, reason="A friend."))
        elif way == "house":
            owen.institution = found.pi.institution
        else:
            session.add(Review(proposal=found, reviewer=owen))
    answer = portal.log_in("mei").post(address(portal, "enzymes"), data=WORDS)

    assert answer.status_code == 303
    assert letters(portal, "owen", "an appeal to answer") == []


@pytest.mark.parametrize("missing", ["ground", "text", "agree"])
def test_what_is_missing_is_said_at_its_field(portal: Portal, missing: str) -> None:
    data = {name: value for name, value in WORDS.items() if name != missing}

    answer = portal.log_in("mei").post(address(portal, "enzymes"), data=data)

    assert answer.status_code == 422
    assert f'id="field-{missing}-error"' in answer.text


def test_home_shows_officers_what_waits_and_since_when(portal: Portal, owen: FlaskClient) -> None:
    with portal.sessions() as session, session.begin():
        session.scalars(select(Appeal)).one().made_at = clock.now() - timedelta(days=3, hours=1)
    home = owen.get("/home").text

    assert "Appeals to answer" in home
    assert f"{address(portal, 'weather')}/answer" in home
    assert "waits 3 days" in home
    assert "Appeals to answer" not in portal.log_in("chen").get("/home").text, "chen has decided it"


def test_an_officer_upholds_and_the_proposal_is_decided_once_more(
    portal: Portal, owen: FlaskClient, poetry: str
) -> None:
    pi, page = "sam", poetry
    assert "A page was missed." in owen.get(f"{page}/answer").text

    answer = owen.post(f"{page}/answer", data={"outcome": "uphold", "reason": REASON})

    assert answer.status_code == 303
    with portal.sessions() as session:
        assert stage.proposal(session, "poetry").state == State.IN_REVIEW
    (body,) = letters(portal, pi, "your appeal is upheld")
    assert REASON in body
    assert "decided once more" in body
    shown = portal.log_in(pi).get(page).text
    assert "The appeal is upheld" in shown
    assert "Owen" not in shown
    assert "Earlier decision" in portal.log_in(pi).get(page.removesuffix("/appeal")).text
    chair = portal.log_in("chen")
    decide = page.replace("/appeal", "/decide")
    assert "Back after an appeal" in chair.get(decide).text
    assert REASON in chair.get(page).text
    assert "A page was missed." not in chair.get(page).text
    again = chair.post(decide, data={"outcome": "decline", "summary": "We looked again."})
    assert again.status_code == 303
    bodies = letters(portal, pi, "Decision on")
    assert "We looked again." in bodies[-1]
    assert "You can appeal" not in bodies[-1]


def test_an_officer_adds_to_an_award(portal: Portal, owen: FlaskClient) -> None:
    page = address(portal, "enzymes")
    portal.log_in("mei").post(page, data=WORDS)
    with portal.sessions() as session:
        wanted = stage.proposal(session, "enzymes").requests[0]
        slug, left = wanted.resource.slug, wanted.requested - (wanted.awarded or 0)
    before = len(letters(portal, "pat", "Consent needed"))
    sent = {"outcome": "uphold", "reason": REASON}

    nothing = owen.post(f"{page}/answer", data=sent)
    much = owen.post(f"{page}/answer", data=sent | {f"amount_{slug}": "999999999"})
    some = owen.post(f"{page}/answer", data=sent | {f"amount_{slug}": str(left // 10**6)})

    assert (nothing.status_code, much.status_code, some.status_code) == (422, 422, 303)
    assert f'id="field-amount_{slug}-error"' in much.text
    with portal.sessions() as session:
        wanted = stage.proposal(session, "enzymes").requests[0]
        assert wanted.awarded == wanted.requested - left % 10**6
    (body,) = letters(portal, "mei", "your appeal is upheld")
    assert "With the additional amounts you are awarded" in body
    assert len(letters(portal, "pat", "Consent needed")) > before


def test_a_rejected_appeal_says_why(portal: Portal, owen: FlaskClient, poetry: str) -> None:
    page = f"{poetry}/answer"

    unsaid = owen.post(page, data={"outcome": "reject"})
    unchosen = owen.post(page, data={"reason": REASON})
    done, twice = (owen.post(page, data={"outcome": "reject", "reason": REASON}) for _ in range(2))

    assert [a.status_code for a in (unsaid, unchosen, done, twice)] == [422, 422, 303, 409]
    assert "This appeal has been answered." in twice.text
    assert row(portal, "poetry").state == AppealState.REJECTED


@pytest.mark.parametrize("who", ["ruth", "pat", "carlos", "dana", "ada"])
def test_without_sight_of_the_proposal_there_is_nothing(portal: Portal, poetry: str, who: str) -> None:
    client, page = portal.log_in(who), poetry

    assert client.get(page).status_code == 404
    assert client.post(page, data=WORDS).status_code == 404
    assert client.get(f"{page}/answer").status_code == 404
    assert client.post(f"{page}/answer", data={"outcome": "reject", "reason": "x"}).status_code == 404


def test_a_barred_officer_finds_it_nowhere(portal: Portal, owen: FlaskClient) -> None:
    ref = stage.places(portal)["proposal_weather"]
    with portal.sessions() as session, session.begin():
        found, officer = stage.proposal(session, "weather").id, stage.person(session, "owen").id
        session.add(Conflict(person_id=officer, proposal_id=found, reason="A friend."))

    past = stage.places(portal)["call_past"]
    listed = [owen.get("/home").text, owen.get(f"/calls/{past}/appeals").text]

    assert owen.get(address(portal, "weather")).status_code == 404
    assert [ref in text for text in listed] == [False, False]
    assert "Appeals to answer" not in listed[0]


def test_the_decider_reads_that_there_is_an_appeal_and_not_its_text(portal: Portal, poetry: str) -> None:
    chair, page = portal.log_in("chen"), poetry
    shown = chair.get(page).text

    assert "You decided about this proposal" in shown
    assert "A page was missed." not in shown
    assert chair.get(f"{page}/answer").status_code == 403
    past = stage.places(portal)["call_past"]
    assert stage.places(portal)["proposal_poetry"] in chair.get(f"/calls/{past}/appeals").text
    assert portal.log_in("sam").get(f"/calls/{past}/appeals").status_code == 403


def test_the_days_are_edited_with_the_other_numbers_and_shown(portal: Portal, owen: FlaskClient) -> None:
    ref = stage.places(portal)["call_draft"]
    fields = {"timezone": "UTC", "opens_at": "2030-01-01T09:00", "closes_at": "2030-02-01T09:00"}
    numbers = {"max_months": "12", "grace_minutes": "15"}

    answer = owen.post(f"/calls/{ref}/edit/window", data=fields | numbers | {"appeal_days": "30"})

    assert answer.status_code == 303
    assert "Within 30 days of the decision" in owen.get(f"/calls/{ref}").text
    frozen = stage.places(portal)["call_open"]
    closed = owen.post(f"/calls/{frozen}/edit/window", data=fields | numbers | {"appeal_days": "30"})
    assert closed.status_code == 409
    assert "Within 14 days of the decision" in owen.get(f"/calls/{frozen}").text


def test_after_the_last_day_the_page_says_so(portal: Portal) -> None:
    page = address(portal, "enzymes")
    with clock.at(clock.now() + timedelta(days=16)):
        pi = portal.log_in("mei")
        shown, sent = pi.get(page), pi.post(page, data=WORDS)

    assert "The time for an appeal ended on" in shown.text
    assert "<textarea" not in shown.text
    assert sent.status_code == 409
