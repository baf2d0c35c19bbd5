"""Three different calls in the browser alone, each to letters and allocations, while the weeks pass."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from allocations.accounts.awards import Allocation, AllocationState
from allocations.kernel.refs import id_of
from allocations.programme.decisions import Decision
from allocations.programme.proposals import Proposal, State
from tests.browser import clocked, competing
from tests.browser.clocked import House
from tests.browser.competing import Wanted, Work
from tests.browser.conftest import Arrive
from tests.browser.visitors import Visitor

pytestmark = pytest.mark.slow


@pytest.fixture
def house(tmp_path: Path, arrive: Arrive) -> Iterator[House]:
    with clocked.opened(tmp_path, arrive) as opened:
        yield opened


def state_of(house: House, ref: str) -> State:
    with house.portal.sessions() as session:
        return session.get_one(Proposal, id_of(Proposal, ref)).state


def allocations(house: House) -> list[AllocationState]:
    with house.portal.sessions() as session:
        return list(session.scalars(select(Allocation.state).order_by(Allocation.id)))


# A call that decides by rule.

QUICK = Wanted(start="Starter, decided by rule", title="Try a GPU", days=365, pools={"l4": ("100", "25")})


def agree_ahead(pat: Visitor) -> None:
    pat.visit("/consents")
    pat.press("Agree ahead to what a call awards")
    pat.press("Agree ahead", within=pat.page.locator("tr", has_text=QUICK.title))
    pat.reads("You agree ahead")


def fill_short_form(pi: Visitor, *, title: str, amount: str) -> None:
    fields = pi.page.locator("main form .field")
    assert 5 <= fields.count() <= 10, "the short form is not short"
    pi.fill({"title": title, "abstract": "We try a small model on rain.", "amount_l4": amount, "months": "3"})
    pi.tick(competing.FIELD)
    pi.page.get_by_label("What will you try out?").fill("Whether one card is enough.")
    pi.tick("I agree to the terms of use")


def test_a_starter_call_awards_what_is_asked_for_at_once(house: House) -> None:
    competing.open_call(house, QUICK)
    agree_ahead(house.person("pat"))
    priya = house.person("priya")
    ref = competing.begin(priya, QUICK.title)
    fill_short_form(priya, title="Rain on one card", amount="20")
    priya.press("Submit")
    priya.reads(f"{ref} is submitted.")
    house.work()
    # The page that is open finds out by itself.
    priya.page.get_by_role("link", name="Open the project").wait_for()
    priya.press("Open the project")
    priya.reads("Rain on one card")
    assert priya.page.locator("tr", has_text="NVIDIA L4").locator(".state-active").count() == 1
    assert allocations(house) == [AllocationState.ACTIVE]
    told = competing.letter(priya, f"Decision on {ref}")
    assert "20 GPU-hours of NVIDIA L4" in told
    priya.visit("/calls")
    priya.press(QUICK.title)
    assert not priya.page.get_by_role("button", name="Start a proposal").count()
    priya.reads("This call takes 1 proposal of each PI, and yours counts.")
    priya.press("Your proposals")
    priya.reads("Rain on one card")
    assert allocations(house) == [AllocationState.ACTIVE]


# Experts and a panel, nobody named.

PANEL = Wanted(
    start="Panel with experts",
    title="Models of rain and rock",
    days=10,
    pools={"h100": ("500", "200")},
    review={"reviewers": "2"},
    ticks=("Reviewers do not learn whose proposal it is",),
    questions=(
        {"section": "Budget", "label": "Runs", "kind": "table", "options": "Run\nGPU-hours"},
        {"section": "Budget", "label": "Budget table", "kind": "file"},
        {"section": "Budget", "label": "How often?", "kind": "choice", "options": "Once\nEach month"},
        {"section": "Budget", "label": "Users", "kind": "number", "least": "1", "most": "500"},
    ),
)
RAIN, ROCK = "Rain that falls on rock", "Rock that waits for rain"
# Whoever reviews must not meet these anywhere.
SECRET = ("Priya", "Raman", "Northfield", "Sam Okafor", "Hillcrest", "sam@", "priya@")
REVIEWERS = {"ruth": "Ruth Adeyemi", "petra": "Petra Novak"}


def budget_of(who: str, title: str) -> Work:
    """The file's name gives its writer away."""
    csv = (f"{who}.csv", "text/csv", b"run,hours\nfirst,20\n")
    return Work(title, ("h100", "100"), table=(("First", "20"), ("Second", "30")), file=csv)


def masked(house: House, who: str) -> Visitor:
    reviewer = house.person(who)
    reviewer.unseen = SECRET
    return reviewer


def submit_two(house: House) -> tuple[str, str]:
    then = {"choice": "Each month", "number": "12"}
    rain = competing.apply(house.person("priya"), PANEL.title, budget_of("Priya Raman", RAIN), then=then)
    rock = competing.apply(house.person("sam"), PANEL.title, budget_of("Sam Okafor", ROCK), then=then)
    return rain, rock


def assess(pat: Visitor, title: str) -> None:
    pat.visit("/home")
    with pat.page.expect_navigation(wait_until="load"):
        pat.page.get_by_role("link", name="Proposals to assess").click()
    pat.look()
    pat.press(title)
    pat.tick("Another amount, another GPU")
    pat.fill({"text": "Half of it is enough."})
    pat.press("Send the assessment")
    pat.reads("your assessment is with the office")


def review_both(house: House) -> None:
    for who, (rain, rock) in {"ruth": (5, 2), "petra": (4, 3)}.items():
        reviewer = masked(house, who)
        reviewer.visit("/home")
        for title, score in ((RAIN, rain), (ROCK, rock)):
            competing.judge(reviewer, title, score=score, words=f"A remark of weight {score}.")
            read_file(reviewer)


def read_file(reviewer: Visitor) -> None:
    """What the download is called, too."""
    link = reviewer.page.locator("main a[href*='/files/'], main a[href*='/file']").first
    answer = reviewer.context.request.get(reviewer.address + str(link.get_attribute("href")))
    assert answer.ok
    told = f"{answer.headers} {answer.text()}"
    assert not [name for name in SECRET if name in told]


def reply(pi: Visitor, ref: str) -> None:
    told = competing.letter(pi, f"{ref} has reviews")
    assert "reply" in told
    pi.visit("/proposals")
    pi.press(RAIN)
    pi.press("Reply to the reviews")
    assert "Reviewer 1" in pi.page.content()
    pi.fill({"text": "Thank you. We have looked at the rock again."})
    pi.tick("Send this reply")
    pi.press("Send the reply")
    pi.reads("Your reply is sent to the reviewers.")


def discuss(reviewer: Visitor) -> None:
    reviewer.visit("/reviews")
    reviewer.press(RAIN)
    reviewer.reads("We have looked at the rock again.")
    reviewer.fill({"text": "That answers my doubt."})
    reviewer.press("Add to the discussion")
    reviewer.reads("Your message is added.")


def decide(chen: Visitor, title: str, outcome: str, **given: str) -> None:
    chen.visit("/panel")
    chen.press(PANEL.title)
    chen.press(title)
    chen.reads("Half of it is enough.")
    chen.fill(given)
    chen.tick(outcome)
    chen.press("Record")


def hold_panel(chen: Visitor, rain: str, rock: str) -> None:
    chen.visit("/panel")
    chen.press(PANEL.title)
    chen.reads("It takes at least 30 submitted reviews.")
    chen.press(RAIN)
    chen.reads("That answers my doubt.")
    decide(chen, RAIN, "Only note these amounts", amount_h100="80")
    chen.reads("80 recommended")
    why = "The panel was of one mind."
    decide(chen, RAIN, "Award these amounts", amount_h100="60", summary=why)
    chen.reads(f"{rain} is awarded")
    decide(chen, ROCK, "Decline", summary="Good, but others were better.")
    chen.reads(f"{rock} is declined")


def read_decisions(house: House, rain: str, rock: str) -> None:
    glad = competing.letter(house.person("priya"), f"Decision on {rain}")
    assert "60 GPU-hours of NVIDIA H100" in glad
    sorry = competing.letter(house.person("sam"), f"Decision on {rock}")
    for told, weights in ((glad, {"5", "4"}), (sorry, {"2", "3"})):
        numbered = dict(re.findall(r"(Reviewer [12]):\s+A remark of weight (\d)\.", told))
        assert set(numbered) == {"Reviewer 1", "Reviewer 2"}
        assert set(numbered.values()) == weights
        assert not [name for name in REVIEWERS.values() if name in told]


def test_a_panel_with_a_reply_decides_without_names(house: House) -> None:
    competing.open_call(house, PANEL)
    rain, rock = submit_two(house)
    for ref in (rain, rock):
        competing.check(house.person("owen"), ref)
        house.person("owen").reads(f"{ref} has gone on to: Technical assessment.")
    for title in (RAIN, ROCK):
        assess(house.person("pat"), title)
    for ref in (rain, rock):
        for name in REVIEWERS.values():
            competing.ask_reviewer(house, ref, name)
    house.work()
    review_both(house)
    house.work()
    reply(house.person("priya"), rain)
    house.work()
    discuss(masked(house, "ruth"))
    for who in REVIEWERS:
        masked(house, who).visit("/mailbox")
    house.later(days=8)
    house.later(days=8)
    hold_panel(house.person("chen"), rain, rock)
    house.work()
    read_decisions(house, rain, rock)
    competing.consent(house.person("pat"))
    competing.accept_award(house.person("priya"), RAIN)
    house.work()
    assert (state_of(house, rain), state_of(house, rock)) == (State.AWARDED, State.DECLINED)
    assert allocations(house) == [AllocationState.ACTIVE]


# Applicants review each other, and lots decide.

IDEAS = Wanted(
    start="Applicants review each other", title="Small new ideas", days=10, pools={"a100": ("120", "50")}
)
APPLICANTS = ("priya", "carlos", "ruth", "sam", "dana")
LATE = "carlos"
SOURCE = "The winning numbers of the national lottery of next Saturday"


def title_of(who: str) -> str:
    return f"Idea number {APPLICANTS.index(who) + 1}"


def check_all(house: House, refs: dict[str, str]) -> None:
    """Owen's own institution is one of the five: a colleague of another one has to look at that proposal."""
    owen = house.person("owen")
    competing.look_at(owen, refs["dana"])
    owen.reads("of their own institution")
    competing.make_officer(house.person("ada"), "Inga Larsson")
    for who, ref in refs.items():
        competing.check(house.person("inga") if who == "dana" else owen, ref)


def arrange(house: House, call: str) -> None:
    owen = house.person("owen")
    owen.visit(f"/calls/{call}")
    owen.press("Tiers and lots of this call")
    owen.press("Seal a secret")
    owen.reads("A secret is drawn and sealed.")
    owen.visit(f"/calls/{call}")
    owen.press("Reviews among applicants")
    owen.press("Compute the pairs")
    house.work()
    owen.page.reload()
    owen.look()
    owen.press("Ask the applicants")
    owen.reads("The applicants are asked, each by a letter.")


def review_all(house: House, who: str) -> int:
    """All that is asked of them, from the home page; how many that was."""
    applicant = house.person(who)
    task = applicant.page.get_by_role("link", name=re.compile("Reviews asked of you"))
    with applicant.page.expect_navigation(wait_until="load"):
        task.click()
    applicant.look()
    titles = applicant.page.locator("tbody th a").all_inner_texts()
    for title in titles:
        # Everybody agrees: the lower its number, the better the idea.
        score = 6 - int(title.rsplit(" ", 1)[1])
        competing.judge(applicant, title, score=score, words="Thank you for the idea.")
    return len(titles)


def draw_lots(house: House, call: str) -> None:
    owen = house.person("owen")
    owen.visit(f"/calls/{call}")
    owen.press("Reviews among applicants")
    owen.press("On to tiers and lots")
    owen.fill({"source": SOURCE})
    owen.press("Freeze for good")
    owen.reads("The tiers are frozen and public.")
    house.later(days=3)
    owen = house.person("owen")
    owen.visit(f"/calls/{call}")
    owen.press("Tiers and lots of this call")
    owen.fill({"public": "7 11 18 23 34 41"})
    owen.press("Draw the lots")
    owen.reads("The lots are drawn.")


def repeat_the_draw(house: House, folder: Path) -> None:
    """Anybody, with nothing but the public page and the program."""
    anybody = house.visitor()
    anybody.visit("/calls")
    anybody.press(IDEAS.title)
    anybody.press("Tiers and lots of this call")
    anybody.reads("Recomputed just now from its inputs: the record is sound.")
    record = anybody.page.get_by_role("link", name="the whole record").get_attribute("href")
    answer = anybody.context.request.get(f"{anybody.address}{record}")
    kept = folder / "draw.json"
    kept.write_text(answer.text(), encoding="utf-8")
    assert not [who for who in APPLICANTS if title_of(who) in answer.text()]
    told = house.portal.app.test_cli_runner().invoke(args=["draw", "replay", str(kept)])
    assert (told.exit_code, told.output) == (0, "The draw comes out the same.\n")
    changed = json.loads(answer.text())
    changed["record"]["public"] = "1 2 3 4 5 6"
    kept.write_text(json.dumps(changed), encoding="utf-8")
    assert house.portal.app.test_cli_runner().invoke(args=["draw", "replay", str(kept)]).exit_code == 1


def test_applicants_review_each_other_and_lots_decide(house: House, tmp_path: Path) -> None:
    call = competing.open_call(house, IDEAS)
    refs = {
        who: competing.apply(house.person(who), IDEAS.title, Work(title_of(who), ("a100", "40")))
        for who in APPLICANTS
    }
    house.later(days=11)
    check_all(house, refs)
    arrange(house, call)
    house.work()
    owed = {who: review_all(house, who) for who in APPLICANTS if who != LATE}
    assert min(owed.values()) > 0
    house.later(days=22)
    late = competing.letter(house.person(LATE), f"Decision on {refs[LATE]}")
    assert "were not submitted in time" in late
    assert "panel" not in late, "there is none in this call"
    assert state_of(house, refs[LATE]) == State.DECLINED
    draw_lots(house, call)
    house.work()
    repeat_the_draw(house, tmp_path)
    with house.portal.sessions() as session:
        decided = {one.proposal_id for one in session.scalars(select(Decision))}
    assert len(decided) == len(APPLICANTS)
    for who in APPLICANTS:
        assert competing.letter(house.person(who), f"Decision on {refs[who]}")
    assert AllocationState.OFFERED in allocations(house)
