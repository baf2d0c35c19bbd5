"""Names and conflicts: in each mode of disclosure, nobody learns what the mode keeps from them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from allocations.kernel import clock
from allocations.programme.calls import Call, Disclosure
from allocations.programme.proposals import Proposal
from allocations.programme.reviews import Review
from datasets.requests import AccessRequest
from portal.mail import Letter
from portal.settings import Settings
from tests.portal import competition, stage
from tests.portal.competition import FIRST, NOTE, REVIEWERS, TEAM, Competition
from tests.portal.filling import send
from tests.portal.forms import FORMS
from tests.portal.pages import PAGES
from tests.portal.programs import API, program
from tests.portal.reading import readable
from tests.portal.stage import Portal

TAGS = {"open": "Ostrowski", "single_blind": "Sandoval", "double_blind": "Dunkelberg"}
COMPETITIONS = {mode: Competition(tag, Disclosure(mode)) for mode, tag in TAGS.items()}
# Each run looks at the mode that hides most; the slow one at all.
STRICTEST = str(Disclosure.DOUBLE_BLIND)
OTHERS = [pytest.param(mode, marks=pytest.mark.slow) for mode in COMPETITIONS if mode != STRICTEST]
TITLES = {"reply": "Reply of {}", "talk": "Talk of {}", "award": "Award of {}"}
# All demo people stand where one logs in, all institutions where one names one's own, and whoever may review
# in the pool, with no word on what; letters say what they said when they were written, and have a test.
LISTING = ("/login", "/step-up", "/account/standing", "/mailbox")
POOL = re.compile(r"^/reviewers(\?|$)|^/calls/[^/]+/meetings$")
# Pages that cost more than they tell here run in the slow test alone.
NEAR = re.compile(
    r"\{(proposal|review|call|request)|^/(home|proposals|reviews|panel|screening|access-requests|account/trail)"
)


def _world(demo_file: Path, folder: Path) -> Portal:
    (folder / "portal.db").write_bytes(demo_file.read_bytes())
    address = f"sqlite:///{folder}/portal.db"
    return stage.opened(
        Settings(mode="test", database_url=address, data_dir=str(folder), secret_key=stage.SECRET)
    )


@dataclass(frozen=True)
class World:
    """A portal with competitions in it, and the places of what was there before."""

    portal: Portal
    before: dict[str, str]


@pytest.fixture(scope="module")
def world(demo_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Three competitions, each with a proposal that waits for the reply, one in discussion, one awarded."""
    portal = _world(demo_file, tmp_path_factory.mktemp("names"))
    before = stage.places(portal)
    begin = {
        "reply": competition.in_rebuttal,
        "talk": competition.in_discussion,
        "award": competition.awarded,
    }
    for mode, held in COMPETITIONS.items():
        with portal.sessions() as session, session.begin():
            call = competition.gather(session, held)
            for key, until in begin.items():
                until(session, held, call, title=TITLES[key].format(mode))
        portal.deliver()
    yield World(portal, before)
    portal.engine.dispose()


def _places(world: World, mode: str, key: str) -> list[dict[str, str]]:
    """The places of the table of pages, with this competition's in them: one set for each review."""
    found = dict(world.before)
    with world.portal.sessions() as session:
        title = TITLES[key].format(mode)
        proposal = session.scalars(select(Proposal).where(Proposal.title == title)).one()
        reviews = session.scalars(select(Review).where(Review.proposal_id == proposal.id)).all()
        asked = select(AccessRequest).where(AccessRequest.proposal_id == proposal.id)
        found["request"] = session.scalars(asked).one().ref
        call = session.get_one(Call, proposal.call_id)
        found |= {name: proposal.ref for name in found if name.startswith("proposal_")}
        found |= {name: call.ref for name in found if name.startswith("call_")}
        return [found | {n: r.ref for n in found if n.startswith("review_")} for r in reviews]


def _lists_people(address: str) -> bool:
    return address.startswith(LISTING) or POOL.search(address) is not None


def _opened(
    client: FlaskClient, places: Iterable[dict[str, str]], *, all_pages: bool
) -> dict[str, TestResponse]:
    chosen = [page for page in PAGES if all_pages or NEAR.search(page.address)]
    addresses = {page.address.format_map(found) for page in chosen for found in places}
    answers = {at: client.get(at) for at in sorted(addresses) if not _lists_people(at)}
    assert [at for at, answer in answers.items() if answer.status_code == 500] == []
    return answers


def _leaks(answers: dict[str, TestResponse], marks: set[str]) -> list[tuple[str, str]]:
    """Where one of these stands in an answer: body or headers."""
    told = {at: f"{readable(answer).text}\n{answer.headers}" for at, answer in answers.items()}
    return [(at, mark) for at, text in told.items() for mark in marks if mark.casefold() in text.casefold()]


def _program_answers(portal: Portal, who: str, places: Iterable[dict[str, str]]) -> dict[str, TestResponse]:
    asking = program(portal, who)
    refs = {found["proposal_soil"] for found in places}
    paths = ["/proposals", "/me", "/calls", "/projects", *(f"/proposals/{ref}" for ref in refs)]
    return {f"{API}{path}": asking.get(path) for path in paths}


def _forbidden(held: Competition, short: str) -> set[str]:
    """What this person must not read of whom."""
    hidden: set[str] = set()
    mode = held.disclosure
    if short in REVIEWERS and mode != Disclosure.OPEN:
        hidden |= held.marks(*(other for other in REVIEWERS if other != short), "kin")
    if short in REVIEWERS and mode == Disclosure.DOUBLE_BLIND:
        hidden |= held.marks(*TEAM)
    if short in TEAM and mode != Disclosure.OPEN:
        hidden |= held.marks(*REVIEWERS, "kin")
    if short in ("kin", "chair", "asked", "sam"):
        hidden |= held.marks(*(set(FIRST) - {short, "chair"})) | {
            title.format(mode) for title in TITLES.values()
        }
    # One's own institution is on one's own pages.
    return hidden - ({held.house(short)} if short in FIRST else set())


def _answers(world: World, mode: str, short: str, *, all_pages: bool) -> dict[str, TestResponse]:
    held = COMPETITIONS[mode]
    who = held.who(short) if short in FIRST else short
    client = world.portal.log_in(who)
    found: dict[str, TestResponse] = {}
    for key in TITLES:
        places = _places(world, mode, key)
        found |= _opened(client, places, all_pages=all_pages) | _program_answers(world.portal, who, places)
    return found


@pytest.mark.parametrize("short", ["one", "two", "pi", "student", "kin", "asked", "chair", "sam"])
@pytest.mark.parametrize("mode", [STRICTEST, *OTHERS])
def test_no_answer_names_somebody_whom_the_mode_hides(world: World, mode: str, short: str) -> None:
    answers = _answers(world, mode, short, all_pages=False)

    assert len(answers) > 40
    assert _leaks(answers, _forbidden(COMPETITIONS[mode], short)) == []


@pytest.mark.slow
@pytest.mark.parametrize("short", ["one", "pi", "kin", "chair", "sam"])
@pytest.mark.parametrize("mode", COMPETITIONS)
def test_no_page_of_the_portal_names_them(world: World, mode: str, short: str) -> None:
    answers = _answers(world, mode, short, all_pages=True)

    assert len(answers) > 100
    assert _leaks(answers, _forbidden(COMPETITIONS[mode], short)) == []


@pytest.mark.parametrize(
    ("mode", "short", "seen", "unseen"),
    [
        ("open", "one", "Balthazar Ostrowski (Reviewer", "nothing"),
        ("open", "one", "Wilhelmina Ostrowski", "nothing"),
        ("open", "pi", "Balthazar Ostrowski (Reviewer", "Fund it."),
        ("single_blind", "one", "Wilhelmina Sandoval", "Balthazar"),
        ("single_blind", "one", "Reviewer 1", "Balthazar"),
        ("single_blind", "pi", "Reviewer 1", "Fund it."),
        ("double_blind", "one", "reviewed without names", "Academy"),
        ("double_blind", "one", "Chair or programme office", "Chen Wei"),
        ("double_blind", "pi", "Wilhelmina Dunkelberg", "Balthazar"),
        ("double_blind", "chen", "Wilhelmina Dunkelberg", "nothing"),
        ("double_blind", "chen", "Balthazar Dunkelberg (Reviewer", "nothing"),
    ],
)
def test_what_the_mode_shows_is_shown(world: World, mode: str, short: str, seen: str, unseen: str) -> None:
    """So that the tests above look at pages with something on them."""
    held = COMPETITIONS[mode]
    client = world.portal.log_in(held.who(short) if short in FIRST else short)
    places = _places(world, mode, "talk")[0]

    text = client.get(f"/proposals/{places['proposal_soil']}").text

    assert seen in text
    assert unseen not in text


@pytest.mark.parametrize("mode", COMPETITIONS)
def test_letters_name_whom_their_reader_may_know(world: World, mode: str) -> None:
    held = COMPETITIONS[mode]
    with world.portal.sessions() as session:
        written = session.scalars(select(Letter).where(Letter.recipient.contains(held.tag.lower()))).all()
        letters = [(found.recipient.partition("-")[0], f"{found.subject}\n{found.body}") for found in written]
    wrong = [
        (short, mark, text)
        for short, text in letters
        for mark in _forbidden(held, short) - {title.format(mode) for title in TITLES.values()}
        if mark in text.replace(f"Dear {held.name(short)},", "") and short not in ("student", "copi")
    ]

    assert {short for short, _ in letters} >= {"pi", "one", "two", "kin"}
    assert [text for short, text in letters if short == "pi" and "A sound plan." in text] != []
    assert wrong == []


@pytest.mark.parametrize("mode", COMPETITIONS)
def test_everybody_counts_the_reviewers_alike(world: World, mode: str) -> None:
    """The PI answers “Reviewer 2”: the office and the reviewers must look at the same one."""
    held, numbers = COMPETITIONS[mode], {}
    ref = _places(world, mode, "talk")[0]["proposal_soil"]
    for short in ("one", "two"):
        text = world.portal.log_in(held.who(short)).get(f"/proposals/{ref}").text
        numbers[short] = re.search(r"You \(Reviewer (\d)\)", text)[1]  # type: ignore[index]
    office = world.portal.log_in("owen").get(f"/proposals/{ref}").text

    assert numbers["one"] != numbers["two"]
    assert all(f"{held.name(short)} (Reviewer {n})" in office for short, n in numbers.items())


@pytest.mark.parametrize("who", ["one-sandoval", "owen", "chen", "pi-sandoval", "ada"])
def test_private_notes_are_for_their_writer_alone(world: World, who: str) -> None:
    places = _places(world, "single_blind", "talk")
    answers = _opened(world.portal.log_in(who), places, all_pages=False)

    assert bool(_leaks(answers, {NOTE})) == (who == "one-sandoval")


# These end the log-in or the part that the person has in the proposal, or list all institutions.
LEFT_OUT = ("auth.", "reviews.", "standing.")


@pytest.mark.parametrize("short", ["one", "kin", "chair"])
def test_what_is_sent_is_refused_without_a_name(demo_file: Path, tmp_path: Path, short: str) -> None:
    """Every form of the portal, at the proposal: neither the answer nor the message after it gives names."""
    held = COMPETITIONS["double_blind"]
    portal = _world(demo_file, tmp_path)
    places = stage.places(portal)
    with portal.sessions() as session, session.begin():
        call = competition.gather(session, held)
        ref = competition.in_discussion(session, held, call, title=TITLES["talk"].format("double_blind")).ref
        places |= {name: ref for name in places if name.startswith("proposal_")}
        places |= {name: call.ref for name in places if name.startswith("call_")}
        places["review_id"] = "1"
    client, answers = portal.log_in(held.who(short)), dict[str, TestResponse]()
    for form in FORMS:
        if form.endpoint.startswith(LEFT_OUT):
            continue
        typed = {name: value.format_map(places) for name, value in form.typed.items()}
        answers[form.endpoint] = send(client, form.address.format_map(places), typed)
        answers[f"after {form.endpoint}"] = client.get("/about")
    portal.engine.dispose()

    assert [at for at, answer in answers.items() if answer.status_code == 500] == []
    assert sum(answer.status_code in (403, 404, 409, 422) for answer in answers.values()) > 30
    assert _leaks(answers, _forbidden(held, short)) == []


NOON = datetime(2031, 5, 5, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def worlds(demo_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Portal, Portal, str]]:
    """The same portal without a proposal and with it, and the proposal's reference."""
    held = COMPETITIONS["double_blind"]
    first = tmp_path_factory.mktemp("without")
    without = _world(demo_file, first)
    with clock.at(NOON), without.sessions() as session, session.begin():
        call = competition.gather(session, held)
        sibling = competition.submitted(session, held, call, title="The other one", pi="ibrahim")
        competition.asked(session, held, competition.forward(session, sibling), "one")
    with clock.at(NOON):
        without.deliver()
    with without.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    having = _world(first / "portal.db", tmp_path_factory.mktemp("with"))
    with clock.at(NOON), having.sessions() as session, session.begin():
        call = session.scalars(select(Call).where(Call.title.startswith("Competition"))).one()
        proposal = competition.in_discussion(session, held, call, title="The secret one")
        competition.asked(session, held, proposal, "asked")
        ref = proposal.ref
    with clock.at(NOON):
        having.deliver()
    yield without, having, ref
    for portal in (without, having):
        portal.engine.dispose()


def _normal(answer: TestResponse) -> tuple[int, str, dict[str, str]]:
    headers = {name: text for name, text in answer.headers.items() if name != "Set-Cookie"}
    return answer.status_code, readable(answer).text, headers


@pytest.mark.parametrize("short", ["kin", "chair"])
def test_to_somebody_with_a_conflict_the_portal_is_the_same_without_the_proposal(
    worlds: tuple[Portal, Portal, str], short: str
) -> None:
    """Declared by a reviewer, or known of a chair: lists, counts, rankings, sums and each address."""
    *portals, ref = worlds
    who = COMPETITIONS["double_blind"].who(short)
    told = []
    for portal in portals:
        with clock.at(NOON + timedelta(minutes=1)):
            places = stage.places(portals[0])
            with portals[0].sessions() as session:
                call = session.scalars(select(Call).where(Call.title.startswith("Competition"))).one().ref
                sibling = session.scalars(select(Proposal).where(Proposal.title == "The other one")).one().ref
            here = places | {name: call for name in places if name.startswith("call_")}
            sets = [
                here | {name: each for name in places if name.startswith("proposal_")}
                for each in (ref, sibling)
            ]
            answers = _opened(portal.log_in(who), sets, all_pages=True)
            told.append({at: _normal(answer) for at, answer in answers.items()})
    # What one did oneself, and the letters that one got, are not taken from anybody.
    own = ("/mailbox", "/account/trail") if short == "kin" else ()
    # A form that is good for one token has a number of its own.
    own = (*own, "/account/tokens/new")
    without, having = told
    differing = [at for at in without if without[at] != having[at] and not at.startswith(own)]

    assert len(without) > 100
    assert differing == []
