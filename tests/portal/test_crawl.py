"""Each of the cast follows every link, and tries every address: what they may not see is not there."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from allocations.people.persons import Person
from allocations.programme import reviewing, writing
from allocations.programme.conflicts import Conflict
from allocations.programme.reviews import Review
from allocations.programme.writing import Summary
from portal.mail import Letter
from portal.settings import Settings
from tests.portal import sight, stage
from tests.portal.pages import PAGES
from tests.portal.reading import readable
from tests.portal.sight import CAST, Thing
from tests.portal.stage import Portal

# The page of each kind of thing.
HOMES = {
    "proposal": "/proposals/{}",
    "review": "/reviews/{}",
    "call": "/calls/{}",
    "project": "/projects/{}",
    "award": "/awards/{}",
    "allocation": "/allocations/{}",
    "notebook": "/notebooks/{}",
    "request": "/access-requests/{}",
    "grant": "/access-grants/{}/revoke",
}
# Places of the table of pages, by what stands in them; a person, a token or a delivery is another matter.
PLACES = re.compile(r"\{(proposal|review|call|project|award|allocation|notebook|request|grant)\w*\}")
# The people desk is for offices as a whole; a file, a version or a section is of one proposal only.
OF_ONE = re.compile(r"^/people/|/files/|/versions(/|\?)|/form/\d|/bids/")
# What only some have: a draw, published results, a question to the provider, an appeal, an invitation.
OF_SOME = re.compile(r"/(draw|tie)\.json$|/results$|/assessment$|/appeal(/answer)?$|/team/\{invited\}$")
ABSENT = {"grant": "987654"}
# Letters say what they said when they were written, and one's own trail names what one did to what.
LETTERS, TRAILS = "/mailbox", ("/account/trail", "/audit")
# What everybody may read of how a call came out.
AWARDS, DRAWS = "/awarded", ("/draw", "/draw.json")
# What reviewers may ask for, before anybody is asked: test_bids says for whom what is there.
BIDS = re.compile(r"^/calls/[^/]+/bids")
WITHDRAWN, MOST = "Songs of whales that nobody asked for", 400


@pytest.fixture(scope="module")
def world(demo_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """The demo programme, with conflicts and a withdrawn proposal; all tests here only read."""
    folder = tmp_path_factory.mktemp("crawl")
    (folder / "portal.db").write_bytes(demo_file.read_bytes())
    address = f"sqlite:///{folder}/portal.db"
    settings = Settings(mode="test", database_url=address, data_dir=str(folder), secret_key=stage.SECRET)
    portal = stage.opened(settings)
    _complicate(portal)
    portal.deliver()
    yield portal
    portal.engine.dispose()


def _complicate(portal: Portal) -> None:
    """Rosa steps back, Owen and Chen have conflicts, Sam withdraws what he had begun."""
    with portal.sessions() as session, session.begin():
        rosa, sam = stage.actor(session, "rosa"), stage.actor(session, "sam")
        asked = select(Review).where(Review.reviewer_id == rosa.person_id)
        reviewing.declare_conflict(session, rosa, session.scalars(asked).one(), reason="We share an office.")
        for who, key in (("owen", "fusion"), ("chen", "language"), ("ruth", "imaging")):
            barred, proposal = stage.person(session, who), stage.proposal(session, key)
            session.add(Conflict(person_id=barred.id, proposal_id=proposal.id, reason="Kin."))
        begun = writing.start(session, sam, stage.call(session, "starter"))
        writing.save_text(session, sam, begun, Summary(WITHDRAWN, "Whales sing.", (), "whales"))
        writing.withdraw(session, sam, begun)


@pytest.fixture(scope="module")
def things(world: Portal) -> list[Thing]:
    with world.sessions() as session:
        return sight.things(session)


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href") if tag == "a" else None
        if href:
            self.found.append(href)


def links(path: str, text: str) -> list[str]:
    reader = _Links()
    reader.feed(text)
    parts = [urlsplit(href) for href in reader.found]
    ours = [
        part
        for part in parts
        if not part.netloc and part.scheme in ("", "http") and (part.path or part.query)
    ]
    return [(part.path or path.split("?")[0]) + (f"?{part.query}" if part.query else "") for part in ours]


def walk(client: FlaskClient) -> dict[str, TestResponse]:
    """Every page that links lead to from home, breadth first."""
    waiting, opened = ["/home"], dict[str, TestResponse]()
    while waiting:
        path = waiting.pop(0)
        if path in opened or path.startswith("/static"):
            continue
        assert len(opened) < MOST, "the links never end"
        opened[path] = readable(client.get(path))
        if opened[path].mimetype == "text/html" and not path.startswith(LETTERS):
            waiting += links(path, opened[path].text)
        if 300 <= opened[path].status_code < 400:
            waiting += [opened[path].location] if opened[path].location.startswith("/") else []
    return opened


@pytest.fixture(scope="module")
def walks(world: Portal) -> dict[str, dict[str, TestResponse]]:
    return {who: walk(world.log_in(who)) for who in CAST}


@pytest.mark.parametrize("who", CAST)
def test_every_link_leads_somewhere(walks: dict[str, dict[str, TestResponse]], who: str) -> None:
    dead = {path: a.status_code for path, a in walks[who].items() if a.status_code not in (200, 303)}

    assert dead == {}
    assert len(walks[who]) > 12


@pytest.mark.parametrize("who", CAST)
def test_no_page_shows_a_title_that_the_person_must_not_know(
    walks: dict[str, dict[str, TestResponse]], things: list[Thing], who: str
) -> None:
    secret = sight.secret_titles(things, who)

    shown = {
        path: title
        for path, answer in walks[who].items()
        if not path.startswith((LETTERS, AWARDS)) and not BIDS.search(path)
        for title in secret
        if title in answer.text
    }

    assert shown == {}


@pytest.mark.parametrize("who", CAST)
def test_no_page_names_a_reference_of_what_the_person_does_not_see(
    walks: dict[str, dict[str, TestResponse]], things: list[Thing], who: str
) -> None:
    hidden = {thing.ref for thing in things if who not in thing.named_to and not thing.ref.isdecimal()}
    pages = {path: a for path, a in walks[who].items() if not path.startswith((LETTERS, *TRAILS))}
    # The record of a draw is public, and names proposals by reference alone.
    pages = {at: answer for at, answer in pages.items() if not at.endswith(DRAWS) and not BIDS.search(at)}

    shown = {path: ref for path, answer in pages.items() for ref in hidden if ref in answer.text}

    assert shown == {}


@pytest.mark.parametrize("who", ["priya", "carlos", "uma", "pat", "dana", "sam", "ibrahim", "mei"])
def test_nobody_outside_the_office_learns_who_reviews(
    world: Portal, walks: dict[str, dict[str, TestResponse]], who: str
) -> None:
    with world.sessions() as session:
        names = set(sight.reviewers(session).values())
    assert len(names) == 7

    # Everybody may be anybody on the demo's log-in page.
    pages = {path: answer for path, answer in walks[who].items() if not path.startswith("/login")}
    shown = {path: name for path, answer in pages.items() for name in names if name in answer.text}

    assert shown == {}


@pytest.mark.parametrize("who", CAST)
def test_the_mailbox_has_ones_own_letters_only(
    world: Portal, walks: dict[str, dict[str, TestResponse]], things: list[Thing], who: str
) -> None:
    with world.sessions() as session:
        person: Person = stage.person(session, who)
        letters = select(Letter.body).where(Letter.recipient == person.email)
        told = "\n".join(session.scalars(letters))
    secret = {title for title in sight.secret_titles(things, who) if title not in told}

    assert [title for title in secret if title in walks[who][LETTERS].text] == []


@pytest.mark.parametrize("kind", HOMES)
def test_each_thing_is_there_for_those_who_may_see_it_and_for_nobody_else(
    world: Portal, things: list[Thing], kind: str
) -> None:
    listed = [thing for thing in things if thing.kind == kind]
    clients = {who: world.log_in(who) for who in CAST}
    wrong = [
        (who, thing.ref, answer.status_code)
        for thing in listed
        for who, client in clients.items()
        if (answer := client.get(HOMES[kind].format(thing.ref))).status_code
        not in ((200, 303) if who in thing.seen_by else (404,))
    ]

    assert len(listed) > 0
    assert any(len(thing.seen_by) < len(CAST) for thing in listed), "nothing of this kind is secret"
    assert any(thing.seen_by for thing in listed), "nobody sees anything of this kind"
    assert wrong == []


@pytest.mark.parametrize("who", ["sam", "rosa", "chen", "owen", ""])
def test_what_one_must_not_see_answers_as_what_there_is_not(
    world: Portal, things: list[Thing], who: str
) -> None:
    client = world.log_in(who) if who else world.visitor()
    wrong = []
    for thing in things:
        if who in thing.seen_by or (thing.kind == "call" and not who):
            continue
        address = HOMES[thing.kind]
        wrong += differences(client, address, thing)

    assert wrong == []


def absent(thing: Thing) -> str:
    """A reference of the same shape for which there is nothing."""
    return re.sub(r"\d+$", "9876", thing.ref) if "-" in thing.ref else ABSENT["grant"]


def differences(client: FlaskClient, address: str, thing: Thing) -> list[str]:
    hidden, missing = client.get(address.format(thing.ref)), client.get(address.format(absent(thing)))
    told, expected = _told(hidden, thing.ref), _told(missing, absent(thing))
    return [] if told == expected else [f"{address.format(thing.ref)}: {told[0]} and {expected[0]}"]


def _told(answer: TestResponse, ref: str) -> tuple[int, str, dict[str, str]]:
    """Status, text and headers without cookies and the reference echoed."""
    # The keys of grants are plain numbers, which stand elsewhere on the page as well.
    echo = re.compile(rf"(?<=grants/){ref}|(?<=grants%2F){ref}" if ref.isdecimal() else ref)
    headers = {name: echo.sub("", text) for name, text in answer.headers.items() if name != "Set-Cookie"}
    return answer.status_code, echo.sub("", answer.text), {**headers, "Content-Length": ""}


@pytest.mark.slow
@pytest.mark.parametrize("who", CAST)
def test_every_address_of_every_thing_is_closed_to_those_who_do_not_see_it(
    world: Portal, things: list[Thing], who: str
) -> None:
    """Who sees a thing may be refused a step, with the reason; to everybody else it is not there."""
    client, wrong, found = world.log_in(who), [], stage.places(world)
    patterns = {
        page.address for page in PAGES if PLACES.search(page.address) and not OF_ONE.search(page.address)
    }
    assert len(patterns) > 30
    for pattern in {PLACES.sub(lambda place: "{" + place[1] + "}", pattern) for pattern in patterns}:
        kind = PLACES.search(pattern)[1]  # type: ignore[index]
        seen = (200, 303, 403, 404) if OF_SOME.search(pattern) else (200, 303, 403)
        for thing in things:
            if thing.kind != kind:
                continue
            address = pattern.replace("{" + kind + "}", "{{}}").format_map(found)
            status = client.get(address.format(thing.ref)).status_code
            allowed = seen if who in thing.seen_by else (404,)
            wrong += [(address.format(thing.ref), status)] if status not in allowed else []
            # Where a thing has no such page, that is told in no other way than of a thing that is not there.
            wrong += differences(client, address, thing) if status == 404 else []

    assert wrong == []
