"""Where those who run a call can go from its page, by the rules that guard the pages they lead to."""

from flask import url_for
from sqlalchemy.orm import Session

from allocations.people.roles import Actor
from allocations.programme import (
    assigning,
    bidding,
    calls,
    decisions,
    drawing,
    exchanging,
    leftovers,
    meetings,
    proposals,
    splitting,
    ties,
)
from allocations.programme.calls import Call, CallState

Way = tuple[str, str]  # label, address


def ways(session: Session, actor: Actor, call: Call) -> list[Way]:
    """Empty, and no statement, for everybody else and while the call is a draft."""
    if call.state == CallState.DRAFT or not decisions.may_chair(actor, call):
        return []
    assigns = assigning.may_propose(actor, call) and not assigning.has_own(session, actor, call)
    late = proposals.may_see_desk(actor) and call.window == "closed" and call.grace_minutes
    draws = drawing.may_run(actor, call) or drawing.may_seal(actor, call)
    found = (
        ("Ranking and decisions", "panel.ranked", True),
        ("Split of the pools", "splits.index", splitting.may_split(actor, call)),
        ("Meetings of the panel", "meetings.of_call", meetings.may_convene(actor, call)),
        ("Assign reviewers", "assigning.index", assigns),
        ("What reviewers would like", "bids.ask", assigns and bidding.may_ask(actor, call)),
        ("Reviews among applicants", "exchange.index", exchanging.may_arrange(actor, call)),
        ("Tiers and lots", "draws.show", draws),
        ("Lots among ties", "ties.show", ties.may_run(actor, call)),
        ("Appeals", "appeals.index", True),
        ("Results", "results.statistics", True),
        ("Let a late draft in", "grace.give", late),
        ("Correct the call", "opening.correct", calls.may_correct(actor, call)),
        ("Return what is left", "leftovers.show", leftovers.may_return(actor, call)),
    )
    return [(label, url_for(endpoint, ref=call.ref)) for label, endpoint, open_to in found if open_to]
