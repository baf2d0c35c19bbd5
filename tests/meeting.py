"""Meetings of the cast's panel, and what its people read."""

from datetime import timedelta

from sqlalchemy import select

from allocations.kernel import clock
from allocations.people.roles import Actor
from allocations.programme import meeting_room, meetings, proposals
from allocations.programme.meeting_room import Plan
from allocations.programme.meetings import AgendaItem, Meeting
from allocations.programme.proposals import Proposal
from tests import panel
from tests.cast import Cast


def plan_of(cast: Cast, *members: Actor, title: str = "Autumn panel") -> Plan:
    chosen = [one.person_id for one in members if one.person_id is not None]
    return Plan(title, clock.now() + timedelta(days=3), chosen)


def planned(cast: Cast, *members: Actor, many: int = 4) -> tuple[Meeting, list[Proposal]]:
    """By Chen; the first proposal is the best."""
    made = panel.crowd(cast.session, cast.call, many)
    meeting = meeting_room.plan(cast.session, cast.chen, cast.call, plan_of(cast, *members))
    cast.session.flush()
    return meeting, made


def opened(cast: Cast, *members: Actor, many: int = 4) -> tuple[Meeting, list[Proposal]]:
    meeting, made = planned(cast, *members, many=many)
    meeting_room.open_it(cast.session, cast.chen, meeting)
    meeting_room.go_on(cast.session, cast.chen, meeting, leaving=None)
    cast.session.flush()
    return meeting, made


def item_of(cast: Cast, meeting: Meeting, proposal: Proposal) -> AgendaItem:
    items = meetings.agenda(cast.session, meeting)
    return next(one for one in items if one.proposal_id == proposal.id)


def reads(cast: Cast, actor: Actor) -> set[int]:
    return set(cast.session.scalars(select(Proposal.id).where(proposals.visible(actor))))


def order(cast: Cast, meeting: Meeting) -> list[int]:
    return [item.proposal_id for item in meetings.agenda(cast.session, meeting)]


def ids(made: list[Proposal]) -> set[int]:
    return {proposal.id for proposal in made}


def bar(cast: Cast, actor: Actor, proposal: Proposal) -> None:
    assert actor.person_id is not None
    panel.bar(cast.session, actor.person_id, proposal)
