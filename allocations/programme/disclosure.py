"""Who learns whose name while a proposal is judged; asked by every page, letter, file and export."""

from allocations.people.roles import Actor, Role
from allocations.programme.calls import Disclosure
from allocations.programme.proposals import Proposal, State, on_team
from allocations.programme.reviews import Review, is_office

DECIDED = frozenset({State.AWARDED, State.DECLINED})


def shows_team(actor: Actor, proposal: Proposal) -> bool:
    """Whether this actor may know the PI, the team and their institutions.

    In a double-blind call those who judge do not; the office and the chair do, because they
    look after conflicts of interest, and so do providers and custodians, who are asked by name.
    """
    if proposal.call.disclosure != Disclosure.DOUBLE_BLIND:
        return True
    known = on_team(actor, proposal) or is_office(actor, proposal) or actor.is_system
    serves = any(actor.scopes(role) or actor.has(role) for role in (Role.CUSTODIAN, Role.DAC_MEMBER))
    return known or (serves and proposal.state in DECIDED)


def shows_reviewers(actor: Actor, proposal: Proposal) -> bool:
    """Whether this actor may know who wrote the reviews of this proposal."""
    open_to_all = proposal.call.disclosure == Disclosure.OPEN
    return open_to_all or is_office(actor, proposal) or actor.is_system


def reviewer_name(actor: Actor, review: Review, number: int) -> str:
    """The reviewer's name, or a number that is the same in one list only."""
    if actor.is_person(review.reviewer_id):
        return "You"
    return review.reviewer.name if shows_reviewers(actor, review.proposal) else f"Reviewer {number}"


def pi_line(actor: Actor, proposal: Proposal) -> str:
    """Who leads the proposal, as far as this actor may know."""
    if shows_team(actor, proposal):
        return f"{proposal.pi.name}, {proposal.pi.affiliation}"
    return "Not shown: this call is reviewed without names"
