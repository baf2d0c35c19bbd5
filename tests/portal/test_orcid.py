"""Works and employments from ORCID: chosen, kept, put into proposals; and each way in which ORCID fails."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from allocations.people.institutions import IdentityProvider, ProviderKind
from allocations.programme import answers, expertise
from allocations.programme.questions import QuestionKind
from portal import orcid
from tests.portal import registry, stage
from tests.portal.registry import ORCID, RUTH, Registry, contributor, employments, summary, work, works
from tests.portal.stage import Portal

PAGE = "/account/publications/orcid"


@pytest.fixture
def api(portal: Portal) -> Iterator[Registry]:
    """Answers with two works and two places; the portal of the test asks it, and Priya has an iD."""
    with registry.serving() as found:
        found.answers = {
            "works": works(
                [summary(7, "Older version", index="0"), summary(8, "Rivers <i>in situ</i>", index="1")],
                [summary(9, "Lakes", "2021", doi="10.1000/LAKES")],
            ),
            "employments": employments(("Old College", "2014"), ("Northern University", None)),
            "works/8,9": {
                "bulk": [
                    work(9, "Lakes", contributor("Ruth Roe", orcid=RUTH), doi="10.1000/LAKES", year="2021"),
                    work(8, "Rivers", contributor("A. E.", role="editor"), contributor("P. Nair", role=None)),
                ]
            },
        }
        with portal.sessions() as session, session.begin():
            stage.person(session, "priya").orcid = ORCID
        before = portal.app.extensions["settings"]
        portal.app.extensions["settings"] = replace(before, orcid_api=found.address)
        yield found
        portal.app.extensions["settings"] = before


@pytest.fixture
def priya(portal: Portal) -> FlaskClient:
    return portal.log_in("priya")


def kept(portal: Portal) -> dict[str, Any]:
    with portal.sessions() as session:
        listed = expertise.of_person(session, stage.person(session, "priya")).publications
        return {each.title: (each.year, each.doi, each.authors, each.abstract) for each in listed}


def test_works_are_shown_once_each_and_nothing_is_kept_before_they_are_chosen(
    portal: Portal, api: Registry, priya: FlaskClient
) -> None:
    shown = priya.get(PAGE)

    assert shown.status_code == 200
    assert "Rivers in situ" in shown.text
    assert "Older version" not in shown.text
    assert "Professor, Hydrology, Northern University, 2015" in shown.text
    assert shown.text.index("Northern University") < shown.text.index("Old College")
    assert kept(portal) == {}
    assert "Read from ORCID" in priya.get("/account/publications").text


def test_chosen_works_come_with_authors_and_abstracts_and_only_once(
    portal: Portal, api: Registry, priya: FlaskClient
) -> None:
    added = priya.post(PAGE, data={"work": ["8", "9"]})

    assert added.status_code == 303
    assert "Added: 2." in priya.get("/account/publications").text
    assert kept(portal) == {
        "Lakes": (2021, "10.1000/lakes", f"Ruth Roe {RUTH}", "What we did."),
        "Rivers": (2025, None, "P. Nair", "What we did."),
    }
    assert "in your list already" in priya.get(PAGE).text
    priya.post(PAGE, data={"work": ["8", "9"]})
    assert "In your list already: 2." in priya.get("/account/publications").text
    assert api.asked.count(f"/v3.0/{ORCID}/works/8,9") == 2


def test_nothing_chosen_and_what_orcid_does_not_give_is_said(
    portal: Portal, api: Registry, priya: FlaskClient
) -> None:
    api.answers["works/77"] = {"bulk": [{"error": {"response-code": 404}}, work(78, "Not asked for")]}

    none, unknown = priya.post(PAGE), priya.post(PAGE, data={"work": "77"})

    assert (none.status_code, unknown.status_code) == (422, 422)
    assert "Choose at least one work." in none.text
    assert "ORCID did not give this work." in unknown.text
    assert kept(portal) == {}


def test_without_an_id_or_with_reading_switched_off_nobody_is_asked(
    portal: Portal, api: Registry, priya: FlaskClient
) -> None:
    carlos = portal.log_in("carlos")
    assert "There is no ORCID iD on your profile" in carlos.get(PAGE).text
    assert carlos.post(PAGE, data={"work": "8"}).status_code == 409

    held = portal.app.extensions["settings"]
    portal.app.extensions["settings"] = replace(held, orcid_api="")
    assert "does not read from ORCID" in priya.get(PAGE).text
    assert api.asked == []


def test_without_an_id_the_page_says_what_can_be_done(portal: Portal, priya: FlaskClient) -> None:
    """No page leads to another one that has nothing to offer."""
    for address in (PAGE, "/account/log-ins"):
        page = priya.get(address).text
        assert "has no log-in at ORCID yet" in page
        assert f"mailto:{portal.settings.support_email}" in page
    assert 'href="/account/publications"' in priya.get(PAGE).text.split("<h1")[1]
    assert "Show your ORCID iD" not in priya.get(PAGE).text
    _provide_orcid(portal)

    page = priya.get(PAGE)

    assert 'action="/account/orcid/orcid"' in page.text
    assert "https:" in page.headers["Content-Security-Policy"]
    assert "has no log-in at ORCID yet" not in page.text


def test_an_administrator_is_led_to_where_orcid_is_added(portal: Portal) -> None:
    assert 'href="/admin/providers"' in portal.log_in("ada").get(PAGE).text.split("<h1")[1]


def test_the_profile_and_the_relations_lead_to_orcid(portal: Portal, priya: FlaskClient) -> None:
    for address in ("/account", "/account/relations"):
        assert f'href="{PAGE}"' in priya.get(address).text


def _provide_orcid(portal: Portal) -> None:
    with portal.sessions() as session, session.begin():
        provider = IdentityProvider(
            slug="orcid",
            name="ORCID",
            kind=ProviderKind.ORCID,
            issuer="https://orcid.org",
            client_id="APP",
            secret_setting="orcid",
        )
        session.add(provider)


def broken(api: Registry, how: str) -> None:
    """Makes the server answer in one of the ways of the table below."""
    changes: dict[str, dict[str, Any]] = {
        "no JSON": {"raw": b"<html>busy</html>"},
        "half a document": {"raw": b'{"group": ['},
        "a list": {"raw": b"[1, 2]"},
        "nothing": {"raw": b""},
        "nested": {"raw": b'{"a":' * 100_000},
        "too long": {"raw": b" " * (orcid.LARGEST + 1)},
        "too many requests": {"status": 429},
        "an error": {"status": 500},
        "redirect": {"status": 302, "location": "http://169.254.169.254/latest"},
        "slow": {"wait": 30.0},
        "trickle": {"trickle": True},
    }
    for name, changed in changes[how].items():
        setattr(api, name, changed)


BROKEN = (
    *("no JSON", "half a document", "a list", "nothing", "nested", "too long"),
    *("too many requests", "an error", "redirect", "slow", "trickle"),
)


@pytest.mark.parametrize("how", BROKEN)
def test_a_bad_answer_is_a_sentence_in_time_and_changes_nothing(
    portal: Portal, api: Registry, priya: FlaskClient, how: str
) -> None:
    broken(api, how)
    begun = time.monotonic()

    shown = priya.get(PAGE)

    assert shown.status_code == 200
    assert "ORCID did not answer in a usable way" in shown.text
    assert time.monotonic() - begun < 12
    assert kept(portal) == {}


def test_a_post_without_an_answer_keeps_nothing(portal: Portal, api: Registry, priya: FlaskClient) -> None:
    api.status = 500

    refused = priya.post(PAGE, data={"work": "8"})

    assert refused.status_code == 409
    assert "ORCID did not answer" in refused.text
    assert kept(portal) == {}


ODD: tuple[Any, ...] = (
    {},
    {"group": None},
    {"group": {"a": 1}},
    {"group": [None, 1, "x", [], {"work-summary": None}, {"work-summary": [None, 3, {}]}]},
    works([summary(1, "", "2020")], [summary(2, "T", None)], [summary(3, "T", "20x0")]),
    works([{"put-code": {"a": 1}, "title": 7, "publication-date": "2020"}]),
    works([{**summary(1, "T"), "put-code": True}], [{**summary(1, "T"), "put-code": "9" * 40}]),
    works([{**summary(1, "T"), "title": {"title": {"value": ["T"]}}}]),
)


@pytest.mark.parametrize("found", ODD, ids=range(len(ODD)))
def test_what_is_no_work_is_passed_over(api: Registry, found: Any) -> None:
    api.answers["works"] = found

    assert orcid.shown(api.address, ORCID).works == ()


def test_hostile_texts_are_shown_as_text_and_kept_clean(
    portal: Portal, api: Registry, priya: FlaskClient
) -> None:
    title = "<script>alert(1)</script>\x00\n\ud800 T"
    listed = works([summary(5, title, doi="javascript:alert(1)")])
    full = work(5, title, contributor("Bob; Eve\n\x00"), contributor(None), doi="javascript:alert(1)")
    api.answers |= {"works": json.loads(json.dumps(listed)), "works/5": {"bulk": [full]}}

    shown = priya.get(PAGE).text
    assert "<script>alert" not in shown
    assert priya.post(PAGE, data={"work": ["5", "../person", "-1"]}).status_code == 303
    (row,) = kept(portal).items()

    assert row == ("<script>alert(1)</script> T", (2025, None, "Bob, Eve", "What we did."))
    assert all(path.endswith(("/works", "/employments", "/works/5")) for path in api.asked)


def test_a_long_record_is_cut_to_the_newest_and_long_texts_are_cut(api: Registry) -> None:
    api.answers["works"] = works(*([summary(n, f"T{n}", str(1900 + n % 120))] for n in range(1, 3000)))
    crowd = [contributor(f"Ann B{n}") for n in range(4000)]
    long = work(5, "T" * 9000, *crowd)
    long["work"]["short-description"] = "a" * 50_000
    api.answers["works/5"] = {"bulk": [long]}

    found = orcid.shown(api.address, ORCID).works
    (draft,) = orcid.drafts(api.address, ORCID, [5]).drafts

    assert len(found) == orcid.MOST
    assert min(work.year for work in found) >= 2015
    assert (len(draft.title), len(draft.abstract), len(draft.authors.split("\n"))) == (500, 10_000, 100)


def test_the_doi_of_a_journal_is_not_that_of_the_article(api: Registry) -> None:
    api.answers["works"] = works(
        [summary(1, "Article", doi="10.1000/journal", kind="part-of")], [summary(2, "B", doi="10.1000/own")]
    )

    assert [work.doi for work in orcid.shown(api.address, ORCID).works] == ["", "10.1000/own"]


def test_a_proposal_gets_the_chosen_works_behind_what_is_written(
    portal: Portal, api: Registry, priya: FlaskClient
) -> None:
    ref = stage.places(portal)["proposal_soil"]
    with portal.sessions() as session, session.begin():
        soil = stage.proposal(session, "soil")
        question = next(one for one in soil.call.questions if one.kind == QuestionKind.TEXT)
        given = [answers.Typed(question, text="First.")]
        answers.save(session, stage.actor(session, "priya"), soil, given)
        number, said = str(question.id), question.id
    here = f"/proposals/{ref}/from-orcid"
    assert here in priya.get(f"/proposals/{ref}/form/0").text
    assert "Choose where" in priya.post(here, data={"work": "8", "answer": "0"}).text

    assert priya.post(here, data={"work": "9", "answer": number}).status_code == 303

    with portal.sessions() as session:
        text = answers.of_proposal(session, stage.proposal(session, "soil"))[said].text
        name = stage.person(session, "priya").name
    assert text.split("\n") == [
        "First.",
        "",
        f"{name}, https://orcid.org/{ORCID}",
        "Professor, Hydrology, Northern University, 2015",
        "- Lakes (2021). Journal of Rivers. doi:10.1000/LAKES",
    ]
    again = priya.post(here, data={"work": "9", "answer": number})
    assert again.status_code == 409
    assert "in the answer already" in again.text


def test_nobody_else_inserts_into_a_proposal(portal: Portal, api: Registry) -> None:
    ref = stage.places(portal)["proposal_soil"]

    for who in ("sam", "ruth"):
        answer = portal.log_in(who).post(f"/proposals/{ref}/from-orcid", data={"work": "9", "answer": "1"})
        assert answer.status_code == 404
