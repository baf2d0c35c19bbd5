"""Event type -> handlers: the only place where packages meet. Handlers are idempotent and take ids."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from allocations.accounts.awards import AllocationActivated
from allocations.accounts.lifecycle import AllocationClosed, AllocationEnded, AllocationSuspended
from allocations.accounts.projects import MembershipChanged
from allocations.kernel.events import Event
from allocations.people.desk import PersonDisabled
from allocations.programme import decisions, ruling
from allocations.programme.decisions import ProposalAwarded
from allocations.programme.progress import StepBegun
from allocations.programme.proposals import ProposalSubmitted
from allocations.programme.teams import TeamMember, TeamMemberAccepted
from datasets import grants, requests
from datasets.grants import AccessGranted, AccessRevoked
from datasets.requests import AccessDecided, AccessRequest
from k8s import namespaces, notebooks
from portal import letters
from portal.post import Post


@dataclass(frozen=True, slots=True)
class Delivered:
    """One event as a handler gets it: an open transaction, and the post for letters."""

    session: Session
    post: Post


Handler = Callable[[Delivered, Event], None]


def ask_for_data(delivered: Delivered, event: Event) -> None:
    assert isinstance(event, ProposalSubmitted)  # noqa: S101 - the table below says so
    requests.submit(delivered.session, event.proposal_id)


def decide_by_rule(delivered: Delivered, event: Event) -> None:
    assert isinstance(event, StepBegun)  # noqa: S101
    ruling.decide(delivered.session, event.proposal_id)


def grant_data(delivered: Delivered, event: Event) -> None:
    if isinstance(event, AccessDecided):
        proposal_id = delivered.session.get_one(AccessRequest, event.request_id).proposal_id
    else:
        assert isinstance(event, ProposalAwarded)  # noqa: S101
        proposal_id = event.proposal_id
    grants.grant_for_proposal(delivered.session, proposal_id)


def admit_member(delivered: Delivered, event: Event) -> None:
    assert isinstance(event, TeamMemberAccepted)  # noqa: S101
    decisions.admit(delivered.session, delivered.session.get_one(TeamMember, event.team_member_id))


def look_at_project(delivered: Delivered, event: Event) -> None:
    """Whatever changed: stop what may not run any more, and look at the namespaces now."""
    project_id: int = event.project_id  # type: ignore[attr-defined]
    notebooks.end_where_not_allowed(delivered.session, project_id)
    namespaces.make_due(delivered.session, project_id)


def stop_notebooks(delivered: Delivered, event: Event) -> None:
    assert isinstance(event, PersonDisabled)  # noqa: S101
    notebooks.end_of_person(delivered.session, event.person_id)


def write_letter(delivered: Delivered, event: Event) -> None:
    letters.write(delivered.post, event)


HANDLERS: dict[type[Event], tuple[Handler, ...]] = {
    ProposalSubmitted: (ask_for_data,),
    StepBegun: (decide_by_rule,),
    ProposalAwarded: (grant_data,),
    AccessDecided: (grant_data,),
    TeamMemberAccepted: (admit_member,),
    AllocationActivated: (look_at_project,),
    AllocationSuspended: (look_at_project,),
    AllocationEnded: (look_at_project,),
    AllocationClosed: (look_at_project,),
    MembershipChanged: (look_at_project,),
    AccessGranted: (look_at_project,),
    AccessRevoked: (look_at_project,),
    PersonDisabled: (stop_notebooks,),
}


def table() -> dict[str, tuple[str, ...]]:
    """Event name -> names of its handlers; events with a letter have the letter writer as well."""
    named = {event.__name__: tuple(h.__name__ for h in found) for event, found in HANDLERS.items()}
    for event in letters.WRITERS:
        named[event.__name__] = (*named.get(event.__name__, ()), write_letter.__name__)
    return named


BY_NAME: dict[str, Handler] = {
    handler.__name__: handler
    for handler in (
        ask_for_data,
        decide_by_rule,
        grant_data,
        admit_member,
        look_at_project,
        stop_notebooks,
        write_letter,
    )
}
