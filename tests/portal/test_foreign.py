"""Other people's things: not there at any address, and nothing that is typed reaches into them."""

import pytest

from allocations.programme.proposals import Proposal
from tests.portal import stage
from tests.portal.filling import send
from tests.portal.forms import FORMS
from tests.portal.pages import PAGES
from tests.portal.stage import Portal

PEOPLE = ("priya", "uma", "owen", "ruth", "chen", "pat", "dana", "sam")


ANYBODY = {
    # Whoever holds an invitation's link may answer it; anybody may log in, or write a proposal.
    *("auth.log_in", "auth.logout", "teams.accept", "teams.decline", "writing.start", "courses.join"),
    # One's own profile, sessions, standing and tokens.
    *("auth.welcome", "auth.end_session", "standing.show", "tokens.new", "viewing.end"),
    # And relations and publications.
    *("personal_relations.index", "expertise.add", "expertise.take_in"),
    # One agrees for oneself, and whoever has a code of a device or a letter's link may use it.
    *("provider.answer", "provider.answer_device", "provider.device", "provider.take_back"),
    *("invitations.accept", "invitations.decline"),
}


# What those of other offices may do as well.
MEETINGS = {form.endpoint for form in FORMS if form.endpoint.startswith("meeting")}
ASSIGNING = ("assigning.index", "assigning.mark", "assignment.assign", "assignment.cancel")
ALSO = {
    # The office invites reviewers, has the panel's list computed, and takes part in discussions; either
    # prepares and runs meetings, and each member can leave the room.
    "owen": MEETINGS
    | {"invitations.new", "invitations.withdraw", "panel.calibrate", "splits.index", "talking.discussion"},
    # A chair runs the reviews of the call.
    "chen": MEETINGS | {*ASSIGNING, "bids.ask", "bids.close", "talking.discussion"},
    # Everybody may leave a project by themselves.
    "uma": {"projects.remove_member"},
}


@pytest.mark.parametrize("who", PEOPLE)
def test_nobody_sends_somebody_elses_form(portal: Portal, who: str) -> None:
    """Each form as a person who is not in its line of work: refused, and nothing has moved."""
    places = stage.places(portal)
    places["review_id"] = str(int(places["review_rosa"].split("-")[1]))
    members = {"notebooks.new", "projects.add_data"} if who in ("priya", "uma") else set()
    also = ALSO.get(who, set())
    client, taken = portal.log_in(who), []
    for form in FORMS:
        if form.who == who or form.endpoint in ANYBODY | members | also:
            continue
        data = {name: value.format_map(places) for name, value in form.typed.items()}
        answer = send(client, form.address.format_map(places), data)
        refused = answer.status_code in (403, 404, 409, 422)
        flashed = answer.status_code == 303 and "usa-alert--error" in client.get("/about").text
        if not refused and not flashed:
            taken.append(f"{form.endpoint}: {answer.status_code}")

    assert taken == []


@pytest.mark.parametrize("who", ["uma", "ruth", "pat", "dana", "sam"])
def test_a_draft_is_seen_by_its_writer_alone(portal: Portal, who: str) -> None:
    places = stage.places(portal)
    client = portal.log_in(who)
    drafts = [page for page in PAGES if "{proposal_soil}" in page.address]
    seen = [p.address for p in drafts if client.get(p.address.format_map(places)).status_code != 404]

    assert drafts
    assert seen == []


def test_html_in_names_and_titles_is_shown_as_text(portal: Portal) -> None:
    nasty = "<img src=x onerror=alert(1)>\"'&"
    places = stage.places(portal)
    priya, ref = portal.log_in("priya"), places["proposal_soil"]
    summary = {"title": nasty, "abstract": nasty, "keywords": nasty}
    assert priya.post(f"/proposals/{ref}/summary", data=summary).status_code == 303
    with portal.sessions() as session:
        case = {q.field: nasty for q in session.get_one(Proposal, int(ref.split("-")[1])).call.questions}
    assert priya.post(f"/proposals/{ref}/form/0", data=case).status_code == 303
    with portal.sessions() as session, session.begin():
        for person in (stage.person(session, "priya"), stage.person(session, "uma")):
            person.name = nasty
        project = stage.project(session)
        project.title = nasty

    for page in PAGES:
        client = portal.log_in(page.who) if page.who else portal.visitor()
        answer = client.get(page.address.format_map(places))
        assert answer.mimetype != "text/html" or "<img src=x" not in answer.text, page.address


@pytest.mark.parametrize(
    ("opens", "closes", "field"),
    [
        ("2030-02-01T09:00", "2030-01-01T09:00", "closes_at"),
        ("2030-01-01T09:00", "2030-01-01T09:00", "closes_at"),
        ("tomorrow", "2030-01-01T09:00", "opens_at"),
        ("2030-01-01T09:00", "9030-01-01T09:00", "closes_at"),
    ],
)
def test_dates_that_cannot_be_are_refused_at_their_field(
    portal: Portal, opens: str, closes: str, field: str
) -> None:
    data = {
        "timezone": "Europe/Paris",
        "opens_at": opens,
        "closes_at": closes,
        "max_months": "12",
        "per_person": "17",
        "grace_minutes": "15",
        "appeal_days": "14",
    }
    ref = stage.places(portal)["call_draft"]
    answer = portal.log_in("owen").post(f"/calls/{ref}/edit/window", data=data)

    assert answer.status_code == 422
    assert f'id="field-{field}-error"' in answer.text
    assert 'value="17"' in answer.text


@pytest.mark.parametrize("amount", ["-5", "0", "1e30", "a lot", "12001", "0.0000001"])
def test_an_absurd_amount_is_refused_at_its_field(portal: Portal, amount: str) -> None:
    places = stage.places(portal)
    data = {"outcome": "award", "summary": "Yes.", "amount_a100": amount}
    answer = portal.log_in("chen").post(f"/proposals/{places['proposal_imaging']}/decide", data=data)

    assert answer.status_code == 422
    assert "error-summary" in answer.text
    assert f'value="{amount}"' in answer.text
