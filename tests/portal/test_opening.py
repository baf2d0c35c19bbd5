"""The officer's pages of a call: set up through forms alone, part by part, and nothing typed is lost."""

import re

import pytest
from flask.testing import FlaskClient
from markupsafe import escape

from allocations.programme import calls as domain
from allocations.programme import opening
from allocations.programme.calls import Call, CallState, Decider, Disclosure, Lane, Reviewers
from tests.portal import calls, stage
from tests.portal.calls import Wanted, set_up
from tests.portal.filling import send
from tests.portal.stage import Portal


def _call(portal: Portal, ref: str) -> Call:
    with portal.sessions() as session:
        call = domain.get(session, stage.actor(session, "owen"), ref)
        opening.draft_of(call)
        return call


@pytest.fixture
def owen(portal: Portal) -> FlaskClient:
    return portal.log_in("owen")


@pytest.fixture
def draft(owen: FlaskClient) -> str:
    """A new call, begun as a panel with experts."""
    return send(owen, "/calls/new", {"title": "New", "start": "panel"}).location.split("/")[2]


def test_a_starter_call_decided_by_rule_is_set_up_through_forms(portal: Portal, owen: FlaskClient) -> None:
    ref = set_up(owen, Wanted("rule", "Try it", pools={"h100": ("1000", "20"), "a100": ("500", "")}))

    call = _call(portal, ref)
    assert (call.state, call.lane, call.decided_by) == (CallState.PUBLISHED, Lane.STARTER, Decider.RULE)
    assert list(call.steps) == ["decision"]
    assert {link.pool.resource.slug: link.ceiling // 10**6 for link in call.pools} == {
        "h100": 20,
        "a100": 500,
    }


def test_a_panel_with_experts_is_set_up_through_forms(portal: Portal, owen: FlaskClient) -> None:
    anchors = {f"anchor_{n}": f"level {n}" for n in range(5)}
    wanted = Wanted(
        "panel",
        "Large models",
        timezone="America/Chicago",
        criteria=[
            {"name": "Merit", "weight": "70", **anchors},
            {"name": "Openness", "weight": "30", **anchors},
        ],
        review={
            "days_review": "28",
            "step_discussion": "",
            "high_risk_percent": "10",
            "first_time_percent": "15",
        },
        letters={"awarded": "Dear {name}, well done with {title} ({proposal}) in {call}: {link}"},
    )
    call = _call(portal, set_up(owen, wanted))

    assert call.opens_at.isoformat() == "2030-01-07T15:00:00+00:00"
    assert call.closes_at.isoformat() == "2030-02-04T23:00:00+00:00"
    assert [(c.name, c.weight, c.anchors[4]) for c in call.criteria] == [
        ("Merit", 70, "level 4"),
        ("Openness", 30, "level 4"),
    ]
    assert call.steps["review"] == 28
    assert "discussion" not in call.steps
    assert (call.high_risk_percent, call.first_time_percent) == (10, 15)
    assert call.questions[0].label == "Scientific merit"


def test_a_call_whose_applicants_review_each_other_is_set_up_through_forms(
    portal: Portal, owen: FlaskClient
) -> None:
    asked = [
        {"section": "A", "kind": "text", "label": f"Question {n}", "needed": "yes", "words": "100"}
        for n in range(38)
    ]
    asked.append({"section": "B", "kind": "choice", "label": "Which?", "options": "this\r\nthat"})
    asked.append({"section": "B", "kind": "number", "label": "How many?", "least": "1", "most": "9"})
    call = _call(portal, set_up(owen, Wanted("applicants", "Together", questions=asked)))

    assert call.reviewed_by == Reviewers.APPLICANTS
    assert (call.disclosure, call.decided_by) == (Disclosure.DOUBLE_BLIND, Decider.OFFICER)
    assert len(call.questions) == 40
    assert call.questions[38].options == ["this", "that"]
    assert (call.questions[39].needed, call.questions[39].most) == (False, 9)


def test_a_call_like_a_previous_one_begins_with_everything_of_it(portal: Portal, owen: FlaskClient) -> None:
    before = _call(portal, stage.places(portal)["call_open"])
    begun = send(owen, "/calls/new", {"title": "The third", "start": "like", "like": before.ref})
    after = _call(portal, begun.location.split("/")[2])

    assert after.title == "The third"
    assert [c.name for c in after.criteria] == [c.name for c in before.criteria]
    assert [q.label for q in after.questions] == [q.label for q in before.questions]
    assert after.closes_at - after.opens_at == before.closes_at - before.opens_at
    assert send(owen, "/calls/new", {"title": "X", "start": "like"}).status_code == 422


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"opens_at": "2030-03-31T02:30"}, "opens_at"),
        ({"closes_at": "2030-10-27T02:30"}, "closes_at"),
        ({"timezone": "Europe/Nowhere"}, "timezone"),
        ({"timezone": "../../etc/passwd"}, "timezone"),
        ({"per_person": "0"}, "per_person"),
        ({"grace_minutes": "1441"}, "grace_minutes"),
        ({"appeal_days": "366"}, "appeal_days"),
        ({"max_months": "61"}, "max_months"),
        ({"opens_at": "2030-02-05T09:00"}, "closes_at"),
    ],
)
def test_a_window_that_cannot_be_is_refused_beside_its_field(
    owen: FlaskClient, draft: str, typed: dict[str, str], field: str
) -> None:
    window = {"timezone": "Europe/Paris", "opens_at": "2030-01-07T09:00", "closes_at": "2030-02-04T17:00"}
    answer = send(
        owen, calls.address(draft, "window"), {**calls.shown(owen, draft, "window"), **window, **typed}
    )

    assert answer.status_code == 422
    assert f'id="field-{field}-error"' in answer.text
    for value in typed.values():
        assert str(escape(value)) in answer.text


def test_an_unchanged_window_stays_the_same_to_the_second(portal: Portal, owen: FlaskClient) -> None:
    ref = stage.places(portal)["call_draft"]
    with portal.sessions() as session, session.begin():
        call = stage.call(session, "draft")
        # Comes twice in this zone, and has seconds that the field does not show.
        call.timezone = "Europe/Paris"
        call.opens_at = call.opens_at.replace(year=2030, month=10, day=27, hour=0, minute=30, second=17)
        call.closes_at = call.opens_at.replace(month=12)
        before = call.opens_at
    calls.save(owen, ref, "window", {"max_months": "7"})

    assert _call(portal, ref).opens_at == before
    assert _call(portal, ref).max_months == 7


def test_rows_are_added_moved_and_removed_without_saving(owen: FlaskClient, draft: str) -> None:
    form = calls.shown(owen, draft, "form") | {"question_1_label": "Half written"}
    seen = []
    for wanted in ("add", "up-1", "down-0", "remove-2"):
        answer = send(owen, calls.address(draft, "form"), {**form, "rows": wanted})
        assert answer.status_code == 200
        seen.append(re.findall(r'name="question_\d+_label"[^>]* value="([^"]*)"', answer.text))

    first, second, third = "Scientific merit", "Half written", "Data plan"
    assert seen == [
        [first, second, third, ""],
        [second, first, third],
        [second, first, third],
        [first, second],
    ]
    kept = calls.shown(owen, draft, "form")
    assert kept["question_1_label"] == "Computational plan"


@pytest.mark.parametrize("rows", ["up-0", "down-2", "up-99", "remove--1", "remove-9999999", "up-٣", "x", ""])
def test_a_row_button_that_there_is_not_moves_nothing(owen: FlaskClient, draft: str, rows: str) -> None:
    form = calls.shown(owen, draft, "form")
    answer = send(owen, calls.address(draft, "form"), {**form, "rows": rows})

    assert answer.status_code == 200
    found = re.findall(r'name="question_\d+_label"[^>]* value="([^"]*)"', answer.text)
    assert found == ["Scientific merit", "Computational plan", "Data plan"]


def test_a_call_takes_only_so_many_questions(owen: FlaskClient, draft: str) -> None:
    rows = [{"section": "A", "kind": "text", "label": f"Question {n}"} for n in range(61)]
    answer = send(owen, calls.address(draft, "form"), calls.numbered("question", rows))

    assert answer.status_code == 422
    assert "at most 60" in answer.text


def test_all_errors_of_a_part_are_shown_at_once_and_nothing_typed_is_lost(
    owen: FlaskClient, draft: str
) -> None:
    form = calls.shown(owen, draft, "review")
    typed = {
        "reviewers": "many",
        "days_review": "soon",
        "criterion_0_weight": "heavy",
        "criterion_1_name": "",
        "criterion_2_anchor_3": "x" * 301,
    }
    answer = send(owen, calls.address(draft, "review"), {**form, **typed})

    assert answer.status_code == 422
    for name, value in typed.items():
        assert f'id="field-{name}-error"' in answer.text
        assert value in answer.text


def test_the_number_of_an_error_is_the_number_of_its_row_when_empty_rows_go(
    owen: FlaskClient, draft: str
) -> None:
    rows = [{"label": ""}, {"section": "A", "kind": "choice", "label": "Which?", "options": "only one"}]
    answer = send(owen, calls.address(draft, "form"), calls.numbered("question", rows))

    assert answer.status_code == 422
    assert 'id="field-question_0_options-error"' in answer.text
    assert 'name="question_0_label" type="text" value="Which?"' in answer.text


def test_the_other_tab_is_noticed_and_only_this_part_is_written_over(
    portal: Portal, owen: FlaskClient, draft: str
) -> None:
    mine = calls.shown(owen, draft, "basics") | {"title": "Mine", "summary": "Mine."}
    calls.save(owen, draft, "resources", {"pool_h100": "77"})
    refused = send(owen, calls.address(draft, "basics"), mine)
    assert refused.status_code == 409
    assert 'value="Mine"' in refused.text
    assert 'name="version"' not in refused.text
    again = send(owen, calls.address(draft, "basics"), {k: v for k, v in mine.items() if k != "version"})

    assert again.status_code == 303
    call = _call(portal, draft)
    assert (call.title, [link.pool.amount for link in call.pools]) == ("Mine", [77 * 10**6])


def test_the_check_leads_to_what_is_missing_and_publishing_is_refused(
    portal: Portal, owen: FlaskClient, draft: str
) -> None:
    calls.save(owen, draft, "review", {"decided_by": "rule"})
    page = owen.get(f"/calls/{draft}/check").text

    assert f'href="/calls/{draft}/edit/resources#field-pools"' in page
    assert f'href="/calls/{draft}/edit/review#field-decided_by"' in page
    assert f'href="/calls/{draft}/edit/basics#field-summary"' in page
    assert "Publish the call" not in page
    refused = owen.post(f"/calls/{draft}/publish")
    assert refused.status_code == 422
    assert "A rule decides at once" in refused.text
    assert _call(portal, draft).state == CallState.DRAFT


def test_the_check_shows_the_form_and_the_rubric(owen: FlaskClient, draft: str) -> None:
    calls.save(owen, draft, "form", {"question_0_kind": "choice", "question_0_options": "left\nright"})
    page = owen.get(f"/calls/{draft}/check").text

    assert re.search(r'type="radio" value="left"', page)
    assert "At most 600 words." in page
    assert "Need for these resources (weight 30)" in page
    assert "5 – Excellent" in page


@pytest.mark.parametrize("who", ["priya", "chen", "pat"])
def test_nobody_else_rearranges_or_sees_the_form_of_a_call(portal: Portal, who: str) -> None:
    client, places = portal.log_in(who), stage.places(portal)
    for ref, code in ((places["call_open"], 403), (places["call_draft"], 404)):
        assert client.post(f"/calls/{ref}/edit/form", data={"rows": "add"}).status_code == code
        assert client.get(f"/calls/{ref}/edit/letters").status_code == code
        assert client.get(f"/calls/{ref}/check").status_code == code
        assert client.post(f"/calls/{ref}/publish").status_code == code


def test_a_published_call_is_corrected_and_everybody_reads_what_changed(
    portal: Portal, owen: FlaskClient
) -> None:
    ref = set_up(owen, Wanted("panel", "Large", timezone="Europe/Paris"))
    address = f"/calls/{ref}/correct"
    form = calls.fields_of(owen.get(address).text)
    hint = next(name for name in form if name.startswith("hint_"))
    shorter = send(owen, address, {**form, "closes_at": "2030-02-01T17:00", "reason": "Sooner."})
    assert shorter.status_code == 422
    assert 'id="field-closes_at-error"' in shorter.text
    assert send(owen, address, {**form, "closes_at": "2030-02-11T17:00"}).status_code == 422
    given = {**form, "closes_at": "2030-02-11T17:00", hint: "Be brief.", "reason": "More time."}
    assert send(owen, address, given).status_code == 303
    assert send(owen, address, given).status_code == 409

    page = portal.visitor().get(f"/calls/{ref}").text
    assert "Edition 2" in page
    assert "More time." in page
    was, now = "4 February 2030, 17:00 (Europe/Paris)", "11 February 2030, 17:00 (Europe/Paris)"
    assert f"Close: “{was}” became “{now}”" in page
    assert "11 February 2030, 17:00 in Europe/Paris (16:00 UTC)" in page


def test_the_public_page_says_what_the_call_does(portal: Portal, owen: FlaskClient) -> None:
    ref = set_up(
        owen, Wanted("applicants", "Together", pools={"h100": ("1000", "50")}, window={"per_person": "1"})
    )
    page = portal.visitor().get(f"/calls/{ref}").text

    for words in (
        "Reviewers do not learn who applies",
        "The programme office decides.",
        "at most 50 for one proposal",
        "At most 1",
        "text, at most 1,000 words",
        "<strong>Review</strong>: reviewers, within 21 days",
    ):
        assert words in page
    assert "/copy" not in page
    copied = owen.post(f"/calls/{ref}/copy")
    assert copied.location.endswith("/edit")
    assert _call(portal, copied.location.split("/")[2]).title == "Together (copy)"


LONG = "9" * 9
TOO_MUCH = {
    "basics": {"title": "x" * 201},
    "window": {"max_months": LONG, "grace_minutes": LONG, "per_person": LONG},
    "form": {"question_0_words": LONG, "question_1_words": "0", "question_2_words": "5001"},
    "review": {"criterion_0_weight": LONG, "criterion_1_weight": "0", "reviewers": LONG},
    "resources": {"pool_h100": "9" * 26, "pool_a100": "0.0000001"},
}


@pytest.mark.parametrize("part", TOO_MUCH)
def test_each_database_is_spared_what_it_would_refuse(portal_on_engine: Portal, part: str) -> None:
    """Otherwise a constraint answers, and whoever typed it reads that somebody else was quicker."""
    owen = portal_on_engine.log_in("owen")
    ref = calls.write(owen, Wanted("panel", "Kept"))
    form = calls.shown(owen, ref, part)
    answer = send(owen, calls.address(ref, part), {**form, **TOO_MUCH[part]})

    assert answer.status_code == 422
    for name in TOO_MUCH[part]:
        assert f'id="field-{name}-error"' in answer.text
