"""The items of the open meeting, and the people who bring its room from one to another."""

import re
from dataclasses import dataclass

from flask.testing import FlaskClient
from sqlalchemy import select

from allocations.programme import meetings
from allocations.programme.meetings import Meeting, MeetingState
from allocations.programme.proposals import Proposal
from tests.portal.stage import Portal


@dataclass(frozen=True)
class Item:
    """One of the open meeting: where it is, and what gives its proposal away."""

    id: int
    room: str
    ref: str
    title: str

    @property
    def record(self) -> str:
        return f"{self.room}/record"

    def at(self, what: str) -> str:
        return f"{self.room}/items/{self.id}/{what}"


def item(portal: Portal, place: int) -> Item:
    with portal.sessions() as session:
        meeting = session.scalars(select(Meeting).where(Meeting.state == MeetingState.OPEN)).one()
        found = meetings.agenda(session, meeting)[place]
        proposal = session.get_one(Proposal, found.proposal_id)
        return Item(found.id, f"/meetings/{meeting.ref}", proposal.ref, proposal.title)


def value(page: str, name: str) -> list[str]:
    return re.findall(rf'name="{name}" value="([^"]*)"', page)


def take(portal: Portal, who: str, wanted: Item) -> FlaskClient:
    """This member brings the room from the first item to that one."""
    client = portal.log_in(who)
    answer = client.post(wanted.at("take"), data={"leaving": str(item(portal, 0).id)})
    assert answer.status_code == 303
    return client
