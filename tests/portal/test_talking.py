"""Over HTTP: the PI's reply, the discussion, ending a step by hand, and what letters say of them."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from allocations.kernel import clock
from allocations.programme import progress, talking
from allocations.programme.calls import Disclosure
from allocations.programme.proposals import Proposal, State
from allocations.programme.steps import StepKind
from allocations.programme.talking import Message
from portal.mail import Letter
from tests.portal import competition, stage
from tests.portal.competition import Competition
from tests.portal.filling import FormPage, filled
from tests.portal.stage import Portal
from tests.portal.test_view_as import looking
from tests.threads import at_once

WORDS = {"text": "The wind was measured twice.", "agree": "yes"}
HELD = Competition("Sandoval", Disclosure.SINGLE_BLIND)


def letters(portal: Portal, who: str, about: str) -> list[str]:
    """Bodies of this person's letters with this in the subject."""
    portal.deliver()
    with portal.sessions() as session:
        mine = Letter.recipient == stage.person(session, who).email
        return list(session.scalars(select(Letter.body).where(mine, Letter.subject.contains(about))))


def step_of(portal: Portal, key: str) -> StepKind | None:
    with portal.sessions() as session:
        return stage.proposal(session, key).step


def said(portal: Portal, key: str) -> int:
    with portal.sessions() as session:
        mine = Message.proposal_id == stage.proposal(session, key).id
        return session.scalar(select(func.count()).where(mine)) or 0


def test_the_pi_reads_the_comments_and_replies_once(portal: Portal) -> None:
    ref = stage.places(portal)["proposal_tides"]
    pi, address = portal.log_in("ibrahim"), f"/proposals/{ref}/reply"
    shown = pi.get(address).text
    assert "What of the wind?" in shown
    assert "Reviewer 1" in shown
    assert "Fund it." not in shown
    assert "Reply to the reviews" in pi.get(f"/proposals/{ref}").text

    first, second = pi.post(address, data=WORDS), pi.post(address, data=WORDS)

    assert (first.status_code, second.status_code) == (303, 409)
    assert step_of(portal, "tides") == StepKind.DISCUSSION
    again = pi.get(address).text
    assert WORDS["text"] in again
    assert "5 words" in again
    assert "<textarea" not in again


def test_a_reply_is_not_sent_by_a_slip(portal: Portal) -> None:
    address = f"/proposals/{stage.places(portal)['proposal_tides']}/reply"
    pi = portal.log_in("ibrahim")

    unticked = pi.post(address, data={"text": "One two three"})
    empty = pi.post(address, data={"text": " ", "agree": "yes"})
    endless = pi.post(address, data={"text": "x" * 10_001, "agree": "yes"})

    assert [answer.status_code for answer in (unticked, empty, endless)] == [422, 422, 422]
    assert "You have written 3 words" in unticked.text
    assert "Tick that this is the reply" in unticked.text
    assert step_of(portal, "tides") == StepKind.REBUTTAL


@pytest.mark.parametrize(("who", "status"), [("ruth", 403), ("owen", 403), ("chen", 403), ("sam", 404)])
def test_nobody_else_replies_or_opens_the_page(portal: Portal, who: str, status: int) -> None:
    address = f"/proposals/{stage.places(portal)['proposal_tides']}/reply"
    client = portal.log_in(who)

    assert client.get(address).status_code == status
    assert client.post(address, data=WORDS).status_code == status
    assert step_of(portal, "tides") == StepKind.REBUTTAL


def test_two_tabs_send_one_reply(portal_on_engine: Portal) -> None:
    address = f"/proposals/{stage.places(portal_on_engine)['proposal_tides']}/reply"
    tabs = [portal_on_engine.log_in("ibrahim") for _ in range(3)]

    codes = at_once(3, lambda n: tabs[n].post(address, data=WORDS).status_code)

    assert sorted(codes) == [303, 409, 409]
    assert step_of(portal_on_engine, "tides") == StepKind.DISCUSSION
    assert len(letters(portal_on_engine, "ruth", "the PI has replied")) >= 1


@pytest.mark.parametrize("who", ["ruth", "owen", "chen"])
def test_the_reply_is_read_by_those_who_judge(portal: Portal, who: str) -> None:
    text = portal.log_in(who).get(f"/proposals/{stage.places(portal)['proposal_dunes']}").text

    assert "Reply of the PI" in text
    assert "We have looked at the wind again." in text


def test_the_panels_page_and_the_review_show_the_reply(portal: Portal) -> None:
    places = stage.places(portal)
    panel = portal.log_in("chen").get(f"/proposals/{places['proposal_dunes']}/decide").text
    review = portal.log_in("ruth").get(f"/reviews/{places['review_dunes']}").text

    assert all("We have looked at the wind again." in text for text in (panel, review))
    assert "The wind was my only doubt." in review


def test_letters_tell_the_pi_until_when_and_the_reviewers_that_it_is_there(portal: Portal) -> None:
    ref = stage.places(portal)["proposal_tides"]
    with portal.sessions() as session:
        due = stage.proposal(session, "tides").step_due
    (asked,) = letters(portal, "ibrahim", f"{ref} has reviews")
    assert due is not None
    assert f"until {due:%-d %B %Y}" in asked
    assert f"/proposals/{ref}/reply" in asked

    portal.log_in("ibrahim").post(f"/proposals/{ref}/reply", data=WORDS)

    (told,) = letters(portal, "ruth", f"{ref}: the PI has replied")
    assert "Ibrahim" not in told
    assert "/reviews/REV" in told
    assert len(letters(portal, "ibrahim", f"{ref} is being discussed")) == 1
    assert len(letters(portal, "ibrahim", f"{ref} is in review")) == 1


def test_a_reviewer_and_the_office_discuss(portal: Portal) -> None:
    places = stage.places(portal)
    address = f"/proposals/{places['proposal_dunes']}/discussion"
    chair, reviewer = portal.log_in("chen"), portal.log_in("ruth")

    answer = chair.post(address, data={"text": "Is <b>one</b> card enough?"})
    twice = chair.post(address, data={"text": "Is <b>one</b> card enough?"})

    assert (answer.status_code, twice.status_code) == (303, 303)
    assert said(portal, "dunes") == 2
    for at in (address, f"{address}/messages", f"/reviews/{places['review_dunes']}"):
        text = reviewer.get(at).text
        assert "Is &lt;b&gt;one&lt;/b&gt; card enough?" in text, at
        assert "Chair or programme office" in text, at
        assert "You (Reviewer 1)" in text, at
    assert "<html" not in reviewer.get(f"{address}/messages").text
    assert "Ruth Adeyemi (Reviewer 1)" in chair.get(address).text


def test_in_a_long_discussion_the_newest_stay(portal: Portal) -> None:
    with portal.sessions() as session, session.begin():
        about, chen = stage.proposal(session, "dunes"), stage.person(session, "chen")
        told = [f"Word {number}." for number in range(501)]
        session.add_all(Message(proposal_id=about.id, author_id=chen.id, text=text) for text in told)
        session.flush()
        heard = [one.text for one in talking.discussion(session, stage.actor(session, "owen"), about, None)]

    assert heard == told[1:]


@pytest.mark.parametrize(
    ("who", "status"), [("ibrahim", 403), ("sam", 404), ("petra", 404), ("dana", 404), ("ada", 404)]
)
def test_nobody_else_reads_the_discussion_or_adds_to_it(portal: Portal, who: str, status: int) -> None:
    address = f"/proposals/{stage.places(portal)['proposal_dunes']}/discussion"
    client = portal.log_in(who)
    answers = [
        client.get(address),
        client.get(f"{address}/messages"),
        client.post(address, data={"text": "I"}),
    ]

    assert {answer.status_code for answer in answers} == {status}
    assert not any("only doubt" in answer.text for answer in answers)
    assert said(portal, "dunes") == 1


def test_whoever_has_not_submitted_reads_neither_reviews_nor_discussion(portal: Portal) -> None:
    places = stage.places(portal)
    ref = places["proposal_dunes"]
    with portal.sessions() as session, session.begin():
        rosa, dunes = stage.person(session, "rosa"), stage.proposal(session, "dunes")
        owen = stage.actor(session, "owen")
        late = competition.reviewing.assign(session, owen, dunes, person=rosa)
        session.flush()
        competition.reviewing.accept(session, stage.actor(session, "rosa"), late)
        review = late.ref
    client = portal.log_in("rosa")
    texts = [client.get(at).text for at in (f"/reviews/{review}", f"/proposals/{ref}")]

    assert client.get(f"/proposals/{ref}/discussion").status_code == 403
    assert not any(
        words in text for text in texts for words in ("only doubt", "of the wind", "the wind again")
    )


def test_the_discussion_opens_with_its_step(portal: Portal) -> None:
    """Not before the PI's reply, or the end of its time."""
    ref = stage.places(portal)["proposal_tides"]
    ruth, address = portal.log_in("ruth"), f"/proposals/{ref}/discussion"
    early = ruth.post(address, data={"text": "Early."})
    assert (early.status_code, ruth.get(address).status_code) == (403, 403)
    assert "Discussion" not in ruth.get(f"/proposals/{ref}").text

    portal.log_in("ibrahim").post(f"/proposals/{ref}/reply", data=WORDS)

    assert ruth.post(address, data={"text": "In time."}).status_code == 303
    assert said(portal, "tides") == 1


def test_a_reviewer_changes_the_review_during_the_discussion(portal: Portal) -> None:
    places = stage.places(portal)
    ruth, address = portal.log_in("ruth"), f"/reviews/{places['review_dunes']}"
    assert "Change your review" in ruth.get(address).text

    ruth.post(f"{address}/reopen")
    reopened = ruth.get(address).text
    assert "only doubt" not in reopened
    valid, _ = filled(FormPage("reviews.write", "ruth", address), ruth, places)
    answer = ruth.post(address, data=valid | {"to_pi": "The wind is settled.", "then": "submit"})

    assert answer.status_code == 303
    assert "only doubt" in ruth.get(address).text
    assert "The wind is settled." in portal.log_in("chen").get(f"/proposals/{places['proposal_dunes']}").text


def test_a_review_is_not_changed_outside_reply_and_discussion(portal: Portal) -> None:
    with portal.sessions() as session, session.begin():
        stage.proposal(session, "dunes").step = StepKind.DECISION
    address = f"/reviews/{stage.places(portal)['review_dunes']}"
    ruth = portal.log_in("ruth")

    ruth.post(f"{address}/reopen")

    assert "while the PI replies or the reviewers discuss" in ruth.get(address).text
    assert "Change your review" not in ruth.get(address).text


def test_notes_for_oneself_are_kept_and_hidden_from_whoever_views_as_their_writer(portal: Portal) -> None:
    address, note = f"/reviews/{stage.places(portal)['review_petra']}", "Ask Ada about batch sizes."
    petra = portal.log_in("petra")
    petra.post(address, data={"private_note": note, "then": "save"})
    assert note in petra.get(address).text

    ada = looking(portal, "petra")

    assert ada.get(address).status_code == 200
    assert note not in ada.get(address).text
    assert "not shown while you see the portal as somebody else" in ada.get(address).text


def test_an_empty_message_is_refused_beside_its_field(portal: Portal) -> None:
    address = f"/proposals/{stage.places(portal)['proposal_dunes']}/discussion"
    answer = portal.log_in("ruth").post(address, data={"text": "  "})

    assert answer.status_code == 422
    assert 'id="field-text-error"' in answer.text
    assert said(portal, "dunes") == 1


def test_an_officer_ends_a_step_and_a_second_click_does_not_end_the_next(portal: Portal) -> None:
    ref = stage.places(portal)["proposal_tides"]
    owen, address = portal.log_in("owen"), f"/proposals/{ref}/advance"
    shown = owen.get(address).text
    assert "Reply of the PI" in shown
    assert "Discussion" in shown

    first = owen.post(address, data={"step": "rebuttal"})
    second = owen.post(address, data={"step": "rebuttal"})

    assert (first.status_code, second.status_code) == (303, 409)
    assert "over already" in second.text
    assert step_of(portal, "tides") == StepKind.DISCUSSION
    assert "End this step now" in owen.get(f"/proposals/{ref}").text
    assert portal.log_in("ibrahim").post(f"/proposals/{ref}/reply", data=WORDS).status_code == 409


def test_two_officers_end_one_step(portal_on_engine: Portal) -> None:
    address = f"/proposals/{stage.places(portal_on_engine)['proposal_tides']}/advance"
    tabs = [portal_on_engine.log_in("owen") for _ in range(3)]

    codes = at_once(3, lambda n: tabs[n].post(address, data={"step": "rebuttal"}).status_code)

    assert sorted(codes) == [303, 409, 409]
    assert step_of(portal_on_engine, "tides") == StepKind.DISCUSSION


@pytest.mark.parametrize("who", ["ibrahim", "ruth", "chen"])
def test_nobody_but_an_officer_ends_a_step(portal: Portal, who: str) -> None:
    ref = stage.places(portal)["proposal_tides"]
    client = portal.log_in(who)

    assert client.get(f"/proposals/{ref}/advance").status_code == 403
    assert client.post(f"/proposals/{ref}/advance", data={"step": "rebuttal"}).status_code == 409
    assert "End this step now" not in client.get(f"/proposals/{ref}").text
    assert step_of(portal, "tides") == StepKind.REBUTTAL


@pytest.mark.parametrize(
    ("who", "shown"), [("ibrahim", True), ("owen", True), ("chen", True), ("ruth", False)]
)
def test_the_steps_are_shown_to_the_team_and_the_office(portal: Portal, who: str, shown: bool) -> None:
    text = portal.log_in(who).get(f"/proposals/{stage.places(portal)['proposal_tides']}").text

    assert ("steps__item--current" in text) == shown
    assert ("Reply of the PI, until" in text) == shown


def test_the_desk_lists_what_is_late(portal: Portal) -> None:
    owen = portal.log_in("owen")
    with clock.at(clock.now()):
        before = owen.get("/screening?state=late").text
    with portal.sessions() as session, session.begin():
        stage.proposal(session, "tides").step_due = clock.now() - timedelta(hours=1)
    after = owen.get("/screening?state=late").text
    in_review = owen.get("/screening?state=in_review").text

    assert "tides" not in before
    assert "tides" in after
    assert "dunes" not in after
    assert "state-late" in after
    assert "dunes" in in_review


def test_a_letter_for_each_step_and_none_doubled(portal: Portal) -> None:
    """From submission to decision: the PI reads of each step once, in plain words."""
    with portal.sessions() as session, session.begin():
        call = competition.gather(session, HELD)
        proposal = competition.awarded(session, HELD, call, title="The whole way")
        ref, who = proposal.ref, HELD.who("pi")
    portal.deliver()
    with portal.sessions() as session:
        mine = (Letter.recipient == stage.person(session, who).email, Letter.subject.contains(ref))
        subjects = list(session.scalars(select(Letter.subject).where(*mine).order_by(Letter.id)))

    assert subjects == [f"{ref} is submitted", f"{ref} is in review", f"Decision on {ref}"]


def test_the_worker_ends_a_reply_whose_time_is_over(portal: Portal) -> None:
    ref = stage.places(portal)["proposal_tides"]
    with clock.at(clock.now() + timedelta(days=8)), portal.sessions() as session, session.begin():
        assert progress.step(session)
    pi = portal.log_in("ibrahim")

    assert step_of(portal, "tides") == StepKind.DISCUSSION
    assert pi.post(f"/proposals/{ref}/reply", data=WORDS).status_code == 409
    assert "What of the wind?" in pi.get(f"/proposals/{ref}/reply").text


def test_an_officer_on_the_team_hears_of_the_proposal_only_as_the_team_does(portal: Portal) -> None:
    """No letter of the office, no line of the ranking, and neither of its pages."""
    with portal.sessions() as session, session.begin():
        roles, person = competition.roles, stage.person(session, "ibrahim")
        roles.grant(session, competition.SYSTEM, person, role=competition.Role.PROGRAMME_OFFICER)
    places = stage.places(portal)
    ref, client = places["proposal_dunes"], portal.log_in("ibrahim")
    with portal.sessions() as session:
        call = session.scalars(select(Proposal).where(Proposal.title.contains("dunes"))).one().call.ref

    assert client.get(f"/proposals/{ref}/decide").status_code == 403
    assert client.get(f"/proposals/{ref}/screen").status_code == 403
    assert ref not in client.get(f"/calls/{call}/panel").text
    assert "Fund it." not in client.get(f"/proposals/{ref}").text


@pytest.mark.parametrize("who", ["ruth", "ibrahim"])
def test_pages_of_the_office_show_nothing_when_they_refuse(portal: Portal, who: str) -> None:
    with portal.sessions() as session, session.begin():
        found = stage.proposal(session, "dunes")
        found.requests[0].recommended = 7_770_000
        assert found.state == State.IN_REVIEW
    ref, client = stage.places(portal)["proposal_dunes"], portal.log_in(who)
    answers = [client.get(f"/proposals/{ref}/{page}") for page in ("decide", "screen")]
    answers += [
        client.post(f"/proposals/{ref}/{page}", data={"outcome": "x"}) for page in ("decide", "screen")
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert not any("7.77" in answer.text or "We look." in answer.text for answer in answers)
