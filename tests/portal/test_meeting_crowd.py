"""Thirty people in one meeting, each with a screen that asks for changes, while chair and office go on."""

import http.client
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.serving import WSGIRequestHandler, make_server

from allocations.kernel import clock
from allocations.people.institutions import Institution
from allocations.people.persons import Identity, Person
from allocations.people.roles import Role, RoleGrant
from allocations.programme import meeting_room, meetings
from allocations.programme.meeting_room import Plan
from allocations.programme.meetings import Meeting, MeetingState
from allocations.programme.proposals import Proposal
from portal.auth.views import DEMO_ISSUER
from tests.guards.statements import listened
from tests.portal import stage
from tests.portal.stage import Portal
from tests.threads import at_once

MANY, ROUNDS = 30, 4


class Quiet(WSGIRequestHandler):
    def log(self, *_args: object) -> None:
        """Says nothing."""


class Browser:
    """One person over a real connection, with the cookie of their log-in."""

    def __init__(self, port: int, cookie: str) -> None:
        self.port, self.cookie = port, cookie

    def send(self, method: str, path: str, body: str = "") -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        kind = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        connection.request(method, path, body, {"Cookie": self.cookie, **kind})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text


@contextmanager
def served(portal: Portal) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, portal.app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def seated(portal: Portal, many: int) -> str:
    """The address of the open meeting, with so many reviewers more in it."""
    with portal.sessions() as session, session.begin():
        people = [_reviewer(session, number) for number in range(many)]
        session.flush()
        session.add_all(RoleGrant(person_id=one.id, role=Role.REVIEWER) for one in people)
        session.flush()
        meeting = session.scalars(select(Meeting).where(Meeting.state == MeetingState.OPEN)).one()
        before = [seat.person_id for seat in meetings.seats(session, meeting)]
        plan = Plan(meeting.title, meeting.starts_at, [*before, *(one.id for one in people)])
        meeting_room.change(session, stage.actor(session, "chen"), meeting, plan)
        return f"/meetings/{meeting.ref}"


def _reviewer(session: Session, number: int) -> Person:
    home = Institution(name=f"Far house {number}", country="US")
    email = f"m{number}@far.example"
    person = Person(name=f"Member {number}", email=email, institution=home, welcomed_at=clock.now())
    session.add(Identity(issuer=DEMO_ISSUER, subject=f"m{number}", person=person, name=person.name))
    return person


def browser(portal: Portal, port: int, who: str) -> Browser:
    client = portal.log_in(who)
    cookies = client._cookies.values()  # type: ignore[attr-defined]
    return Browser(port, "; ".join(f"{one.key}={one.value}" for one in cookies))


def _watch(member: Browser, room: str) -> list[int]:
    """Follows along, one poll after the other."""
    codes = []
    for _ in range(ROUNDS):
        code, text = member.send("GET", f"{room}/now")
        seen = re.search(r"seen=(\w+)", text)
        codes += [code, member.send("GET", f"{room}/now?seen={seen[1] if seen else ''}")[0]]
    return codes


def _run(chair: Browser, room: str) -> list[int]:
    """Notes an amount by going on, with what the own screen says."""
    codes = []
    for amount in range(ROUNDS):
        code, page = chair.send("GET", room)
        codes.append(code)
        typed = dict(re.findall(r'name="(\w+)"[^>]*? value="([^"]*)"', page))
        codes.append(chair.send("POST", f"{room}/next", urlencode(typed | {"amount_h100": amount + 1}))[0])
    return codes


def test_thirty_screens_follow_while_two_go_on_and_all_end_on_one_item(portal_on_engine: Portal) -> None:
    portal = portal_on_engine
    room = seated(portal, MANY)
    with served(portal) as port:
        members = [browser(portal, port, f"m{number}") for number in range(MANY)]
        runners = [browser(portal, port, who) for who in ("chen", "owen")]

        def work(number: int) -> list[int]:
            return _watch(members[number], room) if number < MANY else _run(runners[number - MANY], room)

        done = at_once(MANY + 2, work)
        shown = [member.send("GET", room) for member in (*members, *runners)]

    assert [one for one in done if isinstance(one, Exception)] == []
    codes = {code for one in done if isinstance(one, list) for code in one}
    assert codes <= {200, 204, 303, 409}
    with portal.sessions() as session:
        meeting = session.scalars(select(Meeting).where(Meeting.state == MeetingState.OPEN)).one()
        items = {item.id: item for item in meetings.agenda(session, meeting)}
        here = items[meeting.item_id or 0]
        title = session.get_one(Proposal, here.proposal_id).title
    assert here.position > 1
    headings = {re.search(r"<h1>([^<]*)", text)[1] for _, text in shown}  # type: ignore[index]
    assert headings == {title}
    assert {f"Item {here.position} of {len(items)}" in text for _, text in shown} == {True}


def test_a_poll_costs_eight_statements_at_most_however_many_sit_there(portal: Portal) -> None:
    costs = []
    for many in (0, MANY):
        room = seated(portal, many) if many else f"/meetings/{stage.places(portal)['meeting_open']}"
        client = portal.log_in("ruth")
        with listened(portal.engine) as heard:
            assert client.get(f"{room}/now").status_code == 200
        costs.append(len(heard))

    assert costs[0] == costs[1]
    assert costs[1] <= 8
