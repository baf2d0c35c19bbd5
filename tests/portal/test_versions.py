"""Submitted versions: what changed, as PDF files, and nothing about who applies where that is hidden."""

import io

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from allocations.accounts.projects import ProjectRole
from allocations.kernel import units
from allocations.programme import answers, contents, reviewing, screening, writing
from allocations.programme.answers import Typed
from allocations.programme.contents import Change, Lines, Words
from allocations.programme.differences import Kind
from allocations.programme.proposals import ProposalVersion
from allocations.programme.writing import Ask, Invitee, Summary, Wanted
from tests.portal import stage
from tests.portal.stage import Portal
from tests.portal.test_answering import rivers

SECRETS = ("Priya", "carlos@commons.example", "priya raman.csv", "Hillcrest", "Northern")
OLD = {"title": "Old", "abstract": "A", "merit": "It matters.", "plan": "We train.", "data_plan": "We share."}


@pytest.fixture
def ref(portal: Portal) -> str:
    """Rivers, submitted, returned, changed and submitted again; Ruth reviews it without names."""
    with portal.sessions() as session, session.begin():
        priya, owen = stage.actor(session, "priya"), stage.actor(session, "owen")
        proposal = stage.proposal(session, "rivers")
        writing.save_team(session, priya, proposal, [Invitee("carlos@commons.example", ProjectRole.CO_PI)])
        writing.submit(session, priya, proposal)
        session.flush()
        screening.return_for_changes(session, owen, proposal, message="Say more.")
        summary = Summary("Sounds of rivers", "We listen closely.", ("Mathematics",), "rivers")
        writing.save_text(session, priya, proposal, summary)
        asks = (Ask("a100", 60 * units.MICRO, "To train."),)
        writing.save_resources(session, priya, proposal, Wanted(asks, proposal.starts_on, 6))
        questions = {q.label: q for q in proposal.call.questions}
        given = [
            Typed(questions["Method"], text="With good microphones."),
            Typed(questions["Runs"], cells=[["First", "20"], ["Third", "40"]]),
        ]
        answers.save(session, priya, proposal, given)
        writing.submit(session, priya, proposal)
        session.flush()
        screening.forward(session, owen, proposal)
        session.flush()
        review = reviewing.assign(session, owen, proposal, person=stage.person(session, "ruth"))
        reviewing.accept(session, stage.actor(session, "ruth"), review)
        return proposal.ref


def words(data: bytes) -> str:
    reader = PdfReader(io.BytesIO(data))
    pages = "\n".join(page.extract_text() for page in reader.pages)
    return f"{pages}\n{reader.metadata}"


def test_the_differences_of_two_versions_are_marked_word_by_word(portal: Portal, ref: str) -> None:
    text = portal.log_in("priya").get(f"/proposals/{ref}/versions?old=1&new=2").text
    changed = text.split("Changes from version 1 to version 2")[1].split("All versions")[0]

    assert "Abstract" in changed
    assert "Removed: </span>With" not in changed
    assert '<ins><span class="usa-sr-only"> Added: </span>good' in changed
    assert "<li><del>" in changed
    assert "Second · 30" in changed
    assert "Third · 40" in changed
    assert "First · 20" not in changed
    assert "60 GPU-hours" in changed
    assert "Keywords" not in changed


def test_a_version_has_not_changed_from_itself(portal: Portal, ref: str) -> None:
    text = portal.log_in("priya").get(f"/proposals/{ref}/versions?old=2&new=2").text

    assert "Nothing has changed." in text


@pytest.mark.parametrize("query", ["old=3&new=1", "old=0&new=1", "old=x&new=1", "old=1&new=99999999999"])
def test_a_version_that_is_not_there_is_a_plain_refusal(portal: Portal, ref: str, query: str) -> None:
    assert portal.log_in("priya").get(f"/proposals/{ref}/versions?{query}").status_code == 400


def test_a_version_is_a_pdf_with_everything_in_it(portal: Portal, ref: str) -> None:
    answer = portal.log_in("priya").get(f"/proposals/{ref}/versions/1.pdf")

    assert answer.mimetype == "application/pdf"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{ref}-version-1.pdf"'
    text = words(answer.data)
    for said in ("Sounds of rivers", "With microphones.", "Priya Raman", "Second", "Instruments", "50 GPU"):
        assert said in text
    assert portal.log_in("priya").get(f"/proposals/{ref}/versions/3.pdf").status_code == 404
    assert portal.log_in("sam").get(f"/proposals/{ref}/versions/1.pdf").status_code == 404


def test_where_names_are_hidden_a_reviewer_finds_none(portal: Portal, ref: str) -> None:
    ruth = portal.log_in("ruth")
    secrets = (*SECRETS, rivers(portal).pi.affiliation)
    budget = next(q for q in rivers(portal).call.questions if q.label == "Budget table")
    told = {
        path: ruth.get(f"/proposals/{ref}{path}")
        for path in ("", "/versions", "/versions?old=1&new=2", "/preview", f"/files/{budget.id}")
    }
    shown = {path: f"{answer.text}{answer.headers}" for path, answer in told.items()}
    for number in (1, 2):
        answer = ruth.get(f"/proposals/{ref}/versions/{number}.pdf")
        shown[f"{number}.pdf"] = f"{words(answer.data)}{answer.headers}"

    assert {answer.status_code for answer in told.values()} == {200}
    assert [(path, one) for path, text in shown.items() for one in secrets if one in text] == []
    assert all("microphones" in shown[path] for path in ("", "/versions", "1.pdf", "2.pdf"))


def test_the_office_and_the_team_see_the_names(portal: Portal, ref: str) -> None:
    for who in ("owen", "priya"):
        client = portal.log_in(who)
        assert "Priya Raman" in client.get(f"/proposals/{ref}/versions").text
        assert "Priya Raman" in words(client.get(f"/proposals/{ref}/versions/1.pdf").data)


def test_the_preview_of_a_draft_is_what_reviewers_read(portal: Portal) -> None:
    priya, draft = portal.log_in("priya"), rivers(portal)
    main = priya.get(f"/proposals/{draft.ref}/preview").text.split("<main")[1]

    assert "do not know who applies" in main
    assert "How loud are rivers?" in main
    assert f"{draft.ref}-budget-table.csv" in main
    assert [one for one in (*SECRETS, draft.pi.affiliation) if one in main] == []
    assert portal.log_in("owen").get(f"/proposals/{draft.ref}/preview").status_code == 404


def test_where_names_are_known_the_preview_says_so(portal: Portal) -> None:
    soil = stage.places(portal)["proposal_soil"]
    main = portal.log_in("priya").get(f"/proposals/{soil}/preview").text.split("<main")[1]

    assert "they know who applies" in main
    assert "Priya Raman" in main


def test_versions_from_before_calls_asked_questions_still_show(portal: Portal, ref: str) -> None:
    with portal.sessions() as session, session.begin():
        kept = select(ProposalVersion).where(ProposalVersion.number == 1).order_by(ProposalVersion.id.desc())
        mine = kept.where(ProposalVersion.proposal_id == int(ref.split("-")[1]))
        session.scalars(mine).one().content = {**OLD, "pi": "Priya Raman", "novelty": "Secret Person"}
    priya = portal.log_in("priya")
    text = priya.get(f"/proposals/{ref}/versions?old=1&new=2").text

    assert "Scientific merit" in text
    assert "We share." in text
    assert "It matters." in words(priya.get(f"/proposals/{ref}/versions/1.pdf").data)
    assert "Secret Person" not in portal.log_in("ruth").get(f"/proposals/{ref}/versions").text


def test_a_field_that_came_and_one_that_went_are_both_told() -> None:
    old = [Words("Case", "Plan", "We go."), Lines("Case", "Runs", ("Run",), (("A",), ("B",)))]
    new = [Lines("Case", "Runs", ("Run",), (("B",), ("C",))), Words("Case", "Why", "Because.")]

    runs, why, plan = contents.changes(old, new)

    assert runs == Change("Case", "Runs", columns=("Run",), removed=(("A",),), added=(("C",),))
    assert [piece.kind for piece in why.pieces] == [Kind.ADDED]  # type: ignore[union-attr]
    assert [piece.kind for piece in plan.pieces] == [Kind.REMOVED]  # type: ignore[union-attr]


def test_an_answer_that_became_a_table_is_told_as_rows() -> None:
    old, new = [Words("Case", "Runs", "Two")], [Lines("Case", "Runs", ("Run",), (("A",),))]

    assert contents.changes(old, new)[0].removed == (("Two",),)
    assert contents.changes(new, old)[0].added == (("Two",),)


def test_the_start_is_a_day_as_people_write_it_and_a_short_form_has_none() -> None:
    dated = {
        part.label: part for part in contents.parts({"starts_on": "2027-02-01", "months": 12}, names=False)
    }
    short = {part.label: part for part in contents.parts({"starts_on": None, "months": 1}, names=False)}

    assert [dated[label].text for label in ("Start", "Length")] == ["1 February 2027", "12 months"]
    assert [short[label].text for label in ("Start", "Length")] == ["As soon as it is awarded", "1 month"]
