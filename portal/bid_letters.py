"""The letter that asks reviewers what they would like to review."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from allocations.kernel.events import Event
from allocations.people import roles
from allocations.people.roles import Role
from allocations.programme import bids
from allocations.programme.bidding import BiddingOpened
from allocations.programme.calls import Call
from allocations.programme.proposals import Proposal
from portal.post import Post


def _opened(post: Post, event: BiddingOpened) -> None:
    """To each reviewer for whom there is something to choose from."""
    call = post.session.get_one(Call, event.call_id)
    if call.bids_until is None:
        return
    text = f"Before reviewers of the call “{call.title}” are chosen, we ask what you would like to review."
    how = (
        f"You can answer until {call.bids_until:%-d %B %Y at %H:%M} UTC. Nobody but the programme office and "
        "the chair sees what you say, and whoever does not answer is asked by what they know."
    )
    for person in roles.holders(post.session, Role.REVIEWER, call.id):
        open_to_them = bids.unanswered(roles.actor_of(post.session, person))
        mine = select(Proposal.id).where(Proposal.call_id == call.id, open_to_them).limit(1)
        if post.session.scalar(mine) is not None:
            post.to(person, "What would you like to review?", text, how, path=f"/calls/{call.ref}/bids")


WRITERS: dict[type[Event], Callable[[Post, Any], None]] = {BiddingOpened: _opened}
